"""imagehash's pHash with ``hash_size=16`` (256 bits), in batches, with its sixteen variants.

Equal to ``imagehash.phash(Image.fromarray(plane), hash_size=16)`` for a 64 by 64 ``plane`` but for
floating-point ties (the golden tests allow 2 bits). Why this hash: docs/decisions/0001.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import bits

ALGORITHM: Final = "phash256"
PLANE_PX: Final = 64  # imagehash's hash_size 16 times its highfreq_factor 4
_SIZE: Final = 16

# scipy.fftpack's unnormalised DCT-II, first 16 rows: what imagehash calls on both axes.
_DCT: Final = 2.0 * np.cos(
    np.pi * np.arange(_SIZE)[:, None] * (2 * np.arange(PLANE_PX)[None, :] + 1) / (2 * PLANE_PX)
)
_WHITE_DC: Final = 4.0 * PLANE_PX * PLANE_PX * 255  # the (0, 0) coefficient of an all-white plane
_ODD: Final = np.where(np.arange(_SIZE) % 2, -1.0, 1.0)
_ODD_ROWS: Final = bits.pack(np.repeat(np.arange(_SIZE) % 2 == 1, _SIZE)[None])
_ODD_COLUMNS: Final = bits.pack(np.tile(np.arange(_SIZE) % 2 == 1, _SIZE)[None])
_ALL_BUT_DC: Final = bits.pack((np.arange(bits.HASH_BITS) > 0)[None])
# Coefficients of 8-bit planes that are 0 on paper come out below 1e-9 here, those of a picture
# above 0.01: without rounding, stripes and flat planes would hash to the noise of the summation.
_DECIMALS: Final = 6


def shrink(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 64 by 64 area-averaged plane that is hashed, of ``luma``: uint8, (height, width)."""
    plane = cv2.resize(luma, (PLANE_PX, PLANE_PX), interpolation=cv2.INTER_AREA)
    return plane.astype(np.uint8, copy=False)


def coefficients(planes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Low-frequency DCT coefficients, float64 (n, 16, 16), of ``planes``: uint8 (n, 64, 64)."""
    dct: NDArray[np.float64] = _DCT @ planes.astype(np.float64) @ _DCT.T
    return np.round(dct, _DECIMALS)


def quick_coefficients(planes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """As ``coefficients``, of what is left of the planes without their mean, in less time.

    Within 2 bits of the exact hash of planes with texture, 3 of smooth ones; equal to no other
    library's.
    """
    plain = planes.astype(np.float32)
    # In single precision a mean leaves no digits for the rest.
    plain -= plain.mean(axis=(1, 2), keepdims=True)
    dct = _wider_dct(0)
    rounded: NDArray[np.float64] = np.round(dct @ plain @ dct.T).astype(np.float64)
    return rounded


def uncropped_coefficients(planes: NDArray[np.uint8], cropped_percent: int) -> NDArray[np.float64]:
    """The coefficients that ``planes`` may have had before so much was cropped off each side.

    Each plane is made smaller and set into one whose edges repeat its outermost pixels: the low
    frequencies are then about those of the whole picture. A crop of 3 % moves pHash by 46 bits,
    seen so by 16; one of 10 % by 116, seen so by 44 (medians, development clips, ``python -m
    benchmarks.crops``). All of it is linear, so it costs no more than the DCT alone.
    """
    dct = _wider_dct(cropped_percent)
    coefficients: NDArray[np.float32] = dct @ planes.astype(np.float32) @ dct.T
    return coefficients.astype(np.float64)


@cache
def _wider_dct(cropped_percent: int) -> NDArray[np.float32]:
    """The DCT of a plane that is first shrunk by area averages and framed: float32 (16, 64)."""
    inside = 2 * round(PLANE_PX / 2 * (1 - cropped_percent / 50))
    edges = np.arange(inside + 1) * PLANE_PX / inside
    pixel = np.arange(PLANE_PX)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shrinking = np.maximum(0.0, covered) * inside / PLANE_PX
    margin = (PLANE_PX - inside) // 2
    framing = np.pad(shrinking, ((margin, margin), (0, 0)), mode="edge")
    wider: NDArray[np.float64] = _DCT @ framing
    return wider.astype(np.float32)  # half the cost, and no oracle to be equal to


def hashes(dct: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Packed hashes, uint8 (n, 32): each coefficient above the median of its 256."""
    flat = dct.reshape(len(dct), bits.HASH_BITS)
    return bits.pack(flat > np.median(flat, axis=1, keepdims=True))


def mirrored(dct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients that the left-right mirrored planes would have."""
    return dct * _ODD


def upside_down(dct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients that the planes flipped top to bottom would have."""
    return dct * _ODD[:, None]


def transposed(dct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients of the planes flipped over their main diagonal."""
    return dct.transpose(0, 2, 1)


def turned(dct: NDArray[np.float64], quarter_turns: int) -> NDArray[np.float64]:
    """The coefficients of the planes turned counter-clockwise, as ``numpy.rot90`` turns."""
    match quarter_turns % 4:
        case 1:
            return upside_down(transposed(dct))
        case 2:
            return upside_down(mirrored(dct))
        case 3:
            return mirrored(transposed(dct))
        case _:
            return dct


def negative(dct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients of the planes with inverted brightness, ``255 - plane``."""
    inverted = -dct
    inverted[:, 0, 0] += _WHITE_DC
    return inverted


def bits_upside_down(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About the hashes that the planes flipped top to bottom would have, from hashes alone.

    Exact but for coefficients between zero and the median: 7 bits off on average, 26 in one frame
    of a hundred (2,557 frames of the development clips).
    """
    return hashes ^ _ODD_ROWS


def bits_transposed(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of the planes flipped over their main diagonal, from hashes alone; exact."""
    return bits.pack(_square(hashes).transpose(0, 2, 1))


def bits_mirrored(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About the hashes that the left-right mirrored planes would have, from hashes alone."""
    return hashes ^ _ODD_COLUMNS


def bits_negative(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of the planes with inverted brightness, from hashes alone: one bit off."""
    return hashes ^ _ALL_BUT_DC


def _square(hashes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.unpackbits(hashes, axis=1).reshape(len(hashes), _SIZE, _SIZE).astype(np.bool_)
