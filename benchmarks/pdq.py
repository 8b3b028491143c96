"""recirc's PDQ against the peer's published hashes of every frame of its sample videos."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import sample_set as peer
from benchmarks.report import Report, arguments
from hashing import bits, pdq
from hashing.decode import Limits, open_media
from hashing.lanes import widened

_CRITERION_BITS = 31  # the peer's test: Hamming < 31 where both qualities are 50 or more


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("pdq", "PDQ against the reference implementation")
    folder = peer.videos_folder() / "tmk"
    rows: list[list[object]] = []
    gathered: list[NDArray[np.int64]] = []
    for clip in sorted(folder.glob("*.mp4")):
        distances, frames, off = compare(clip, folder / "sample-hashes" / f"{clip.stem}.txt")
        gathered.append(distances)
        rows.append(
            [clip.stem, frames, len(distances), distances.max(), f"{distances.mean():.2f}", off]
        )
    together = np.concatenate(gathered)
    report.text(
        "Hamming distance to the published hash of the same frame, where both qualities are 50 or "
        f"more; the peer's own criterion is under {_CRITERION_BITS} bits."
    )
    report.table(["clip", "frames", "both >= 50", "most", "mean", "quality off by"], rows)
    report.text(
        f"All {len(together)} frames: most {together.max()} bits, mean {together.mean():.2f} bits."
    )
    report.figure("frames", len(together))
    report.figure("most_bits", int(together.max()))
    report.figure("mean_bits", float(together.mean()))
    report.figure("most_mean_bits_of_a_clip", float(max(one.mean() for one in gathered)))
    report.finish(write=flags.write)


def compare(clip: Path, published: Path) -> tuple[NDArray[np.int64], int, int]:
    """Distances of the good frames, frames compared, largest difference in quality."""
    theirs = peer.published_hashes(published)
    with clip.open("rb") as stream:
        shrunk = [
            (pdq.shrink(frame.luma), frame.full_range)
            for frame in open_media(stream, Limits()).frames(1, economical=False)
        ]
    limited = np.array([not full_range for _, full_range in shrunk])
    planes = widened(np.stack([plane for plane, _ in shrunk]), limited)
    if len(planes) != len(theirs):
        raise SystemExit(f"{clip.name}: {len(planes)} frames, the peer has {len(theirs)}")
    hashes = pdq.hashes(pdq.coefficients(planes))
    qualities = pdq.qualities(planes).astype(int)
    their_hashes = np.frombuffer(b"".join(f.hash for f in theirs), np.uint8).reshape(-1, 32)
    their_qualities = np.array([frame.quality for frame in theirs])
    good = (qualities >= pdq.QUALITY_FLOOR) & (their_qualities >= pdq.QUALITY_FLOOR)
    off = int(np.abs(qualities - their_qualities).max())
    return bits.distances(hashes[good], their_hashes[good]), len(planes), off


if __name__ == "__main__":
    main()
