"""In how many cells patches of different footage agree by chance: the source of what a hit counts
in ``hashing.patches.evidence``.

Frames of the development clips, taken as a check takes them, against key frames of references,
taken as ``recirc add`` does: every pair of different scenes. Where some pair of frames of a clip
and a reference fits by accident, it guides all others of these two, as it would on a time line.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
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
from hashing.patches import evidence
from hashing.patches.comparing import Comparison
from hashing.patches.gathering import (
    CLIP_INTERVAL_MS,
    ClipGatherer,
    ReferenceGatherer,
    clip_tracks,
)
from hashing.patches.geometry import Sighting

# Of a clip's frames every first, or every so manieth: a closer look takes three times as long.
_LOOKS: Final = {Look.AS_IS: 1, Look.CLOSER: 4}
_FAST_SHARE: Final = 20  # every so manieth pair of clips
_FRAMES_A_CLIP: Final = 24  # as service.cascade
_MOST_CELLS: Final = 24
_TOLD_CELLS: Final = 8  # of a pair that is worth a look


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
    counted: list[tuple[str, NDArray[np.int64]]] = []
    for look, step in _LOOKS.items():
        plain, guided = _counted(footage, look, step, _FAST_SHARE if flags.fast else 1)
        counted += [(str(look), plain), (f"{look}, guided", guided)]
    report.text(
        f"All pairs of frames of different scenes, {len({one.scene for one in footage})} of them, "
        "and the share in which patches agree on one map in so many cells or more: found anywhere "
        "in the frame, and guided by a pair that fits by accident."
    )
    shown = [*range(evidence.LEAST_CELLS, 13), *range(14, _MOST_CELLS + 1, 2)]
    report.table(
        ["look", "pairs", *(f"≥ {cells}" for cells in shown)],
        [_row(name, counts, shown) for name, counts in counted],
    )
    for name, least, chosen in (
        ("hits", evidence.HIT_CELLS, counted[::2]),
        ("guided_hits", evidence.GUIDED_HIT_CELLS, counted[1::2]),
    ):
        together = np.sum([counts for _, counts in chosen], axis=0)
        hits = int(together[least:].sum())
        report.figure(f"pairs_{name}", int(together.sum()))
        report.figure(name, hits)
        if not hits:
            report.figure(f"most_share_of_{name}", 3 / int(together.sum()))  # by 95 %
    report.figure("cpu_s", round(time.process_time() - started_s))
    report.finish(write=flags.write)


def _taken(row: dict[str, str]) -> list[_Footage]:
    """The footage of one development clip; none where it cannot be read or has no corner."""
    clip = ClipGatherer(CLIP_INTERVAL_MS, _FRAMES_A_CLIP)
    reference = ReferenceGatherer(0)
    try:
        media = open_media((videos_folder() / "dev" / row["file"]).read_bytes(), Limits())
        for frame in media.frames(40, economical=True):
            if frame.stream == 0:
                clip.add(frame.luma, frame.time_ms)
                reference.add(frame.luma, frame.time_ms)
    except MediaError as error:
        print(f"{row['file']}: {error.line()}")
        return []
    looks = {one.look: one for one in clip_tracks(clip.frames(), 0, tuple(_LOOKS))}
    listed = reference.track()
    if not len(listed) or not all(len(one) for one in looks.values()):
        return []
    return [_Footage(row["group"], row["scene"], looks, listed)]


def _counted(
    footage: Sequence[_Footage], look: Look, step: int, share: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many pairs of frames have no agreeing cell, one, two and so on; and how many guided."""
    plain, guided = np.zeros((2, _MOST_CELLS + 1), np.int64)
    for number, (mine, other) in enumerate(product(footage, repeat=2)):
        if mine.scene == other.scene or number % share:
            continue
        compared = Comparison(mine.looks[look], other.reference)
        pairs = [
            *product(range(0, compared.clip.key_frames, step), range(other.reference.key_frames))
        ]
        seen = [*_seen(compared, pairs)]
        plain += _histogram(seen, len(pairs))
        again = [*_seen(compared.guided(seen), pairs)] if seen else []
        guided += _histogram(again, len(pairs))
        for way, most in (("", seen), ("guided ", again)):
            best = max(most, key=lambda one: one.cells, default=None)
            if best is not None and best.cells >= _TOLD_CELLS:
                where = f"{mine.name} at {best.clip_frame}, {other.name} at {best.key_frame}"
                print(f"{look}: {way}{best.cells} cells: {where}", flush=True)
    return plain, guided


def _seen(compared: Comparison, pairs: Sequence[tuple[int, int]]) -> Iterator[Sighting]:
    for clip_frame, key_frame in pairs:
        one = compared.sighting(clip_frame, key_frame)
        if one is not None:
            yield one


def _histogram(seen: Sequence[Sighting], pairs: int) -> NDArray[np.int64]:
    """How many of so many pairs have 0, 1, 2 … agreeing cells; too few for a sighting are 0."""
    cells = [min(one.cells, _MOST_CELLS) for one in seen]
    counts = np.bincount(cells, minlength=_MOST_CELLS + 1)
    counts[0] = pairs - len(cells)
    return counts


def _row(name: str, counts: NDArray[np.int64], shown: Sequence[int]) -> list[object]:
    shares = counts[::-1].cumsum()[::-1] / counts.sum()
    return [name, f"{counts.sum():,}", *(f"{shares[cells]:.1e}" for cells in shown)]


if __name__ == "__main__":
    main()
