"""PDQ, for the lists that carry it: the reference algorithm as three small matrix products.

Re-states facebook/ThreatExchange ``pdq/cpp/hashing/pdqhashing.cpp`` and ``downscaling.cpp``: two
passes of a box filter each way ("Jarosz") on native-size luma, decimation to 64 by 64, DCT rows 1
to 16, median. All steps before the median are linear: filter and decimation are a matrix a side.
``benchmarks/pdq.py`` compares it with the peer's published frame hashes.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits

ALGORITHM: Final = "pdq256"
PLANE_PX: Final = 64
QUALITY_FLOOR: Final = 50  # pdq/README.md: "quality 49 and below: discard"
_SIZE: Final = 16
_QUALITY_DIVISOR: Final = 90  # pdqhashing.cpp, pdqImageDomainQualityMetric

_DCT: Final = np.sqrt(2.0 / PLANE_PX) * np.cos(
    np.pi
    / (2 * PLANE_PX)
    * np.arange(1, _SIZE + 1)[:, None]
    * (2 * np.arange(PLANE_PX)[None, :] + 1)
)
_ODD: Final = np.where(np.arange(1, _SIZE + 1) % 2, -1.0, 1.0)
_ODD_ROWS: Final = bits.pack(np.repeat(_ODD[::-1] < 0, _SIZE)[None])
_ODD_COLUMNS: Final = bits.pack(np.tile(_ODD[::-1] < 0, _SIZE)[None])


@lru_cache(maxsize=16)
def _downscale(length_px: int) -> NDArray[np.float32]:
    """Two box filters and the decimation of one axis: float32 (64, length_px)."""
    window = (length_px + 2 * PLANE_PX - 1) // (2 * PLANE_PX)
    after = (window + 2) // 2 - 1
    before = window - 1 - after
    offset = np.arange(length_px)[None, :] - np.arange(length_px)[:, None]
    box = ((offset >= -before) & (offset <= after)).astype(np.float32)
    box /= box.sum(axis=1, keepdims=True)
    picked = ((np.arange(PLANE_PX) + 0.5) * length_px / PLANE_PX).astype(np.int64)
    return np.ascontiguousarray(box[picked] @ box)


def shrink(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """PDQ's 64 by 64 plane, float32, of full-range ``luma``: uint8, (height, width)."""
    height, width = luma.shape
    return _downscale(height) @ luma.astype(np.float32) @ _downscale(width).T


def coefficients(planes: NDArray[np.float32]) -> NDArray[np.float64]:
    """DCT coefficients 1 to 16 each way, float64 (n, 16, 16), of planes: float32 (n, 64, 64)."""
    dct: NDArray[np.float64] = _DCT @ planes.astype(np.float64) @ _DCT.T
    return dct


def mirrored(dct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients that the left-right mirrored planes would have."""
    return dct * _ODD


def hashes(dct: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Packed hashes, uint8 (n, 32): each coefficient above the lower median of its 256."""
    flat = dct.reshape(len(dct), bits.HASH_BITS)
    rank = bits.HASH_BITS // 2 - 1
    lower_median = np.partition(flat, rank, axis=1)[:, rank]
    # PDQ prints its highest-numbered bit first.
    return bits.pack((flat > lower_median[:, None])[:, ::-1])


def bits_upside_down(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About the hashes that the planes flipped top to bottom would have, from hashes alone."""
    return hashes ^ _ODD_ROWS


def bits_transposed(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of the planes flipped over their main diagonal, from hashes alone; exact."""
    square = np.unpackbits(hashes, axis=1).reshape(len(hashes), _SIZE, _SIZE)
    return bits.pack(square.transpose(0, 2, 1).astype(np.bool_))


def bits_mirrored(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About the hashes that the left-right mirrored planes would have, from hashes alone."""
    return hashes ^ _ODD_COLUMNS


def bits_negative(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of the planes with inverted brightness, from hashes alone."""
    return ~hashes


def qualities(planes: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.uint8]:
    """PDQ's quality score, 0 to 100, uint8 (n,): how much gradient the 64 by 64 planes have.

    Takes full-range brightness. Below ``QUALITY_FLOOR`` a frame is too flat for any DCT hash.
    """
    scaled = planes.astype(np.float32) * np.float32(100 / 255)
    down = np.trunc(np.abs(np.diff(scaled, axis=1))).sum(axis=(1, 2))
    across = np.trunc(np.abs(np.diff(scaled, axis=2))).sum(axis=(1, 2))
    score: NDArray[np.float32] = np.minimum(100, (down + across) // _QUALITY_DIVISOR)
    return score.astype(np.uint8)
