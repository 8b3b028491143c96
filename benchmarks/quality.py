"""How far a frame's pHash moves under a hard re-encode, by PDQ's quality score of the frame: the
table that chose the quality floor of pHash."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import dev_rows, sampled
from benchmarks.report import Report, arguments
from hashing import bits, pdq, phash
from hashing.lanes import PHASH_QUALITY_FLOOR

_BANDS = ((0, 5), (5, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 80), (80, 101))
_EVERY_MS = 400


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("quality", "Quality floor of pHash")
    rows = dev_rows("source")[: 20 if flags.fast else None]
    if not rows:
        raise SystemExit("no development clips; set RECIRC_BENCH_VIDEOS")
    pairs = np.array([_moved(luma) for row in rows for luma in sampled(row["file"], _EVERY_MS)])
    report.text(
        f"{len(pairs)} frames of {len(rows)} development clips, against themselves at half size as "
        f"JPEG of quality 20. The floor is {PHASH_QUALITY_FLOOR}: below it a copy's hash is noise."
    )
    report.table(
        ["quality", "frames", "median bits", "90 %", "99 %"],
        [_band(pairs, low, high) for low, high in _BANDS],
    )
    kept = pairs[pairs[:, 0] >= PHASH_QUALITY_FLOOR, 1]
    report.figure("floor", PHASH_QUALITY_FLOOR)
    report.figure("kept_share", len(kept) / len(pairs))
    report.figure("kept_p99_bits", float(np.percentile(kept, 99)))
    report.finish(write=flags.write)


def _moved(luma: NDArray[np.uint8]) -> tuple[int, int]:
    half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", half, [cv2.IMWRITE_JPEG_QUALITY, 20])
    again = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
    assert again is not None
    planes = np.stack([phash.shrink(luma), phash.shrink(again.astype(np.uint8, copy=False))])
    hashes = phash.hashes(phash.coefficients(planes))
    return int(pdq.qualities(planes)[0]), int(bits.distances(hashes[:1], hashes[1:])[0])


def _band(pairs: NDArray[np.int64], low: int, high: int) -> list[str]:
    moved = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high), 1]
    if not len(moved):
        return [f"{low}–{high - 1}", "0", "", "", ""]
    shares = np.percentile(moved, [50, 90, 99])
    return [f"{low}–{high - 1}", str(len(moved)), *(f"{share:.0f}" for share in shares)]


if __name__ == "__main__":
    main()
