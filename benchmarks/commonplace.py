"""Common pictures (bars, test cards, leaders): the hashes that matching knows, and what they cost.

``--write`` also makes ``hashing/commonplace_hashes.py`` anew from the pictures of
``benchmarks.cards``.
"""

import base64
from collections import Counter
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import cards
from benchmarks.footage import dev_rows, sampled
from benchmarks.report import Report, arguments, percent
from hashing import bits, commonplace, pdq, phash
from hashing.lanes import PHASH_QUALITY_FLOOR

_WRITTEN: Final = Path(commonplace.__file__).with_name("commonplace_hashes.py")
# Half of the reach: a copy of any drawn picture may then be as far again from it as its neighbour.
_THINNED_BITS: Final = commonplace.WITHIN_BITS // 2
_LINE: Final = 88  # characters of text a line
_EVERY_MS: Final = 500


def main() -> None:
    """Measure, print, and write set and section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("commonplace", "Common pictures")
    names, hashes = drawn()
    if flags.write:
        _WRITTEN.write_text(_module(hashes))
    counts = Counter(names)
    report.text(
        f"{len(hashes)} hashes of drawn pictures: "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
        + f"; pictures within {_THINNED_BITS} bits of another are left out."
    )
    report.figure("hashes", len(hashes))
    _of_footage(report, hashes, limit=20 if flags.fast else None)
    report.finish(write=flags.write)


def drawn() -> tuple[list[str], NDArray[np.uint8]]:
    """The kinds and hashes, uint8 (n, 32), of pictures that are not near one before."""
    names, planes = zip(*((name, phash.shrink(one)) for name, one in cards.pictures()), strict=True)
    stacked = np.stack(planes)
    structured = pdq.qualities(stacked.astype(np.float32)) >= PHASH_QUALITY_FLOOR
    hashes = phash.hashes(phash.coefficients(stacked))
    kept: list[int] = []
    for row in np.flatnonzero(structured).tolist():
        known = hashes[kept]
        if not kept or bits.distances(hashes[row : row + 1], known).min() > _THINNED_BITS:
            kept.append(row)
    return [names[row] for row in kept], hashes[kept]


def _of_footage(report: Report, hashes: NDArray[np.uint8], limit: int | None) -> None:
    """How near frames of real footage are to the set: what would be left out wrongly."""
    forms = commonplace.forms(hashes)
    nearest = np.concatenate(
        [np.zeros(0, np.uint16), *(_nearest(row["file"], forms) for row in dev_rows()[:limit])]
    )
    if not len(nearest):
        report.text("No development clips were there to compare with.")
        return
    limits = (commonplace.WITHIN_BITS, 40, 48, 56, 64)
    report.text(
        f"{len(nearest):,} frames of development clips, all of them footage, against the set in "
        f"its sixteen turned, mirrored and negative forms: the nearest is {nearest.min()} bits "
        f"away. Up to {commonplace.WITHIN_BITS} bits a frame counts as such a picture."
    )
    report.table(
        ["bits", "frames within, %"],
        [[limit, percent(float(np.mean(nearest <= limit)))] for limit in limits],
    )
    report.figure("footage_frames", len(nearest))
    report.figure("nearest_footage_bits", int(nearest.min()))


def _nearest(file: str, forms: NDArray[np.uint8]) -> NDArray[np.uint16]:
    planes = []
    for luma in sampled(file, _EVERY_MS):
        small = cv2.resize(luma, (256, 256), interpolation=cv2.INTER_AREA)
        planes.append(phash.shrink(small.astype(np.uint8)))
    if not planes:
        return np.zeros(0, np.uint16)
    stacked = np.stack(planes)
    kept = pdq.qualities(stacked.astype(np.float32)) >= PHASH_QUALITY_FLOOR
    hashes = phash.hashes(phash.coefficients(stacked[kept]))
    nearest: NDArray[np.uint16] = bits.distance_matrix(hashes, forms).min(axis=1)
    return nearest


def _module(hashes: NDArray[np.uint8]) -> str:
    """The source of ``hashing.commonplace_hashes``."""
    text = base64.b85encode(hashes.tobytes()).decode()
    lines = [text[place : place + _LINE] for place in range(0, len(text), _LINE)]
    quoted = "\n".join(f'    "{line}"' for line in lines)
    return (
        '"""Hashes of common pictures, base 85: written by `python -m benchmarks.commonplace '
        '--write`."""\n\n'
        f"from typing import Final\n\nHASHES: Final = (\n{quoted}\n)\n"
    )


if __name__ == "__main__":
    main()
