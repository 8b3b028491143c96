"""How far a crop moves pHash, as it is and in the views that suppose a crop: the table that chose
``hashing.views.CROPS_PERCENT``."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import dev_rows, sampled
from benchmarks.report import Report, arguments
from hashing import bits, phash
from hashing.views import CROPS_PERCENT

_CROPPED = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20)  # percent of a side, on each of the four
_EVERY_MS = 1000


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("crops", "Crops")
    rows = dev_rows("source")[: 15 if flags.fast else None]
    if not rows:
        raise SystemExit("no development clips; set RECIRC_BENCH_VIDEOS")
    distances = np.array(
        [
            [_moved(luma, percent) for percent in _CROPPED]
            for row in rows
            for luma in sampled(row["file"], _EVERY_MS)
        ]
    )
    report.text(
        f"{len(distances)} frames of {len(rows)} development clips: median distance in bits of the "
        "cropped frame to the whole one, as it is and in each view that supposes a crop. A hit is "
        "at most 72 bits."
    )
    median = np.median(distances, axis=0)
    report.table(
        ["cropped a side", "as it is", *(f"as {view} %" for view in CROPS_PERCENT), "best"],
        [
            [f"{percent} %", *(f"{bits_:.0f}" for bits_ in line), f"{line.min():.0f}"]
            for percent, line in zip(_CROPPED, median, strict=True)
        ],
    )
    for percent, line in zip(_CROPPED, median, strict=True):
        report.figure(f"crop_{percent}_as_is_bits", float(line[0]))
        report.figure(f"crop_{percent}_best_view_bits", float(line.min()))
    report.finish(write=flags.write)


def _moved(luma: NDArray[np.uint8], percent: int) -> list[int]:
    height, width = luma.shape
    top, left = round(height * percent / 100), round(width * percent / 100)
    plane = phash.shrink(luma[top : height - top, left : width - left])[None]
    seen = [phash.uncropped_coefficients(plane, view) for view in CROPS_PERCENT]
    plain = phash.coefficients(np.concatenate([phash.shrink(luma)[None], plane]))
    hashes = phash.hashes(np.concatenate([plain, *seen]))
    return [int(one) for one in bits.distances(hashes[:1], hashes[1:])]


if __name__ == "__main__":
    main()
