"""In how many cells patches of different footage agree by chance: the source of what a hit counts
in ``hashing.patches.evidence``.

Frames of the development clips, taken as a check takes them, against key frames of references,
taken as ``recirc add`` does: at random, of different scenes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import dev_rows
from benchmarks.peers.sample_set import videos_folder
from benchmarks.report import Report, arguments
from hashing.decode import open_media
from hashing.errors import MediaError
from hashing.media import Limits
from hashing.patch_track import Look, PatchTrack
from hashing.patches import evidence, geometry
from hashing.patches.comparing import Comparison
from hashing.patches.gathering import ClipGatherer, ReferenceGatherer, clip_tracks

# Pairs of frames, and how many of them with a clip's frame looked at as each look has it.
_PAIRS: Final = {Look.AS_IS: 800_000, Look.CLOSER: 60_000}
_FAST_SHARE: Final = 20
_FRAMES_A_CLIP: Final = 12
_MOST_CELLS: Final = 12
_TOLD_CELLS: Final = 8  # of a pair that is worth a look
_AT_ONCE: Final = 200  # pairs of one clip and one reference: a comparison keeps its pictures


@dataclass(frozen=True, slots=True)
class _Footage:
    """One development clip, as a clip in each look and as a reference."""

    name: str
    scene: str
    looks: dict[Look, PatchTrack]
    reference: PatchTrack


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    cv2.setNumThreads(1)
    report = Report("patch_background", "Patches: in how many cells different footage agrees")
    footage = [one for row in dev_rows("source") for one in _taken(row)]
    if not footage:
        raise SystemExit("no development clips; set RECIRC_BENCH_VIDEOS")
    started_s = time.process_time()
    rows: list[list[object]] = []
    together = np.zeros(_MOST_CELLS + 1, np.int64)
    for look, pairs in _PAIRS.items():
        counts = _counted(footage, look, pairs // _FAST_SHARE if flags.fast else pairs)
        together += counts
        rows.append(_row(str(look), counts))
    rows.append(_row("all", together))
    report.text(
        f"Pairs of frames of different scenes, {len({one.scene for one in footage})} of them, and "
        "the share in which patches agree on one map in so many cells or more."
    )
    header = ["look", "pairs", *(f"≥ {cells}" for cells in range(3, _MOST_CELLS + 1))]
    report.table(header, rows)
    hits = int(together[evidence.HIT_CELLS :].sum())
    report.figure("pairs", int(together.sum()))
    report.figure("hits", hits)
    if not hits:
        report.figure("most_share_of_hits", 3 / int(together.sum()))  # by 95 %
    report.figure("cpu_s", round(time.process_time() - started_s))
    report.finish(write=flags.write)


def _taken(row: dict[str, str]) -> list[_Footage]:
    """The footage of one development clip; none where it cannot be read or has no corner."""
    clip, reference = ClipGatherer(500, _FRAMES_A_CLIP), ReferenceGatherer(0)
    try:
        media = open_media((videos_folder() / "dev" / row["file"]).read_bytes(), Limits())
        for frame in media.frames(40, economical=True):
            if frame.stream == 0:
                clip.add(frame.luma, frame.time_ms)
                reference.add(frame.luma, frame.time_ms)
    except MediaError as error:
        print(f"{row['file']}: {error.line()}")
        return []
    looks = {one.look: one for one in clip_tracks(clip.frames(), 0, tuple(_PAIRS))}
    listed = reference.track()
    if not len(listed) or not all(len(one) for one in looks.values()):
        return []
    return [_Footage(row["group"], row["scene"], looks, listed)]


def _counted(footage: Sequence[_Footage], look: Look, pairs: int) -> NDArray[np.int64]:
    """How many pairs have no agreeing cell, one, two and so on."""
    random = np.random.default_rng(8)
    counts = np.zeros(_MOST_CELLS + 1, np.int64)
    while (missing := pairs - int(counts.sum())) > 0:
        mine, other = (footage[int(place)] for place in random.integers(0, len(footage), 2))
        if mine.scene == other.scene:
            continue
        compared = Comparison(mine.looks[look], other.reference)
        for _ in range(min(missing, _AT_ONCE)):
            frame = int(random.integers(compared.clip.key_frames))
            key_frame = int(random.integers(compared.reference.key_frames))
            cells = _cells(compared, frame, key_frame)
            if cells >= _TOLD_CELLS:
                print(f"{cells} cells: {mine.name} at {frame}, {other.name} at {key_frame}")
            counts[min(cells, _MOST_CELLS)] += 1
    return counts


def _cells(compared: Comparison, frame: int, key_frame: int) -> int:
    """In how many cells patches of these two frames agree, on the side that has fewer."""
    mine, theirs = compared.clip_picture(frame), compared.reference_picture(key_frame)
    found = geometry.fit(mine, theirs)
    if found is None:
        return 0
    return min(geometry.cells(found.clip.places), geometry.cells(found.reference.places))


def _row(name: str, counts: NDArray[np.int64]) -> list[object]:
    shares = counts[::-1].cumsum()[::-1] / counts.sum()
    return [name, f"{counts.sum():,}", *(f"{share:.1e}" for share in shares[3:])]


if __name__ == "__main__":
    main()
