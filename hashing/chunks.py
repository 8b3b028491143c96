"""Chunks: how 256 bits are cut for look-ups, and the signature beside each chunk.

A hash is cut into chunks, and each chunk has a table from its value to the hashes that have it. Two
hashes within ``EXACT_BITS`` agree in some chunk but for its ``exact_flips``, by the pigeonhole
principle: one more than that in every chunk makes 32. Beside each hash in a table stand the 32 bits
after its chunk, its signature, so that nearly all that share a chunk by chance are told apart
before their hashes are fetched from anywhere in memory: of unrelated ones 11 % have
``SIGNATURE_BITS`` or less between their signatures, of pairs at 60 bits 98 %.

The signatures lose no pair within ``EXACT_BITS`` either (docs/explanation/index.md has the proof,
tests/hashing/test_chunks.py tries to break it).

The bits are permuted first, always in the same way: neighbouring DCT coefficients move together,
and chunks in bit order collide 1.4 to 8 times as often between unrelated clips.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits

EXACT_BITS: Final = 31
SIGNATURE_BITS: Final = 12
PERMUTATION: Final = np.random.default_rng(2012).permutation(bits.HASH_BITS)
_SIGNATURE: Final = np.array([32])  # bits
_WINDOW_BYTES: Final = 8  # holds 32 bits from any bit of its first byte on
_BLOCK: Final = 1 << 16  # hashes permuted at once: 16 MB of single bits


@dataclass(frozen=True)
class Layout:
    """Widths of the chunks in bits, 256 in all, and how many bits of each may be turned over.

    ``exact_flips``: for every pair within ``EXACT_BITS``; ``loose_flips``: for seeds beyond, three
    of four at 60 bits; ``quick_flips``: for a look at little cost.
    """

    widths: tuple[int, ...]
    exact_flips: tuple[int, ...]
    loose_flips: tuple[int, ...]
    quick_flips: tuple[int, ...]

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each chunk's values begin in a table of all of them: int64 (chunks + 1,)."""
        return np.cumsum([0, *(1 << width for width in self.widths)])

    def masks(self, within_bits: int, *, quick: bool) -> list[NDArray[np.uint32]]:
        """For each chunk what to turn over in its value: nothing, one bit of it, perhaps two."""
        flips = self.loose_flips if within_bits > EXACT_BITS else self.exact_flips
        flips = self.quick_flips if quick else flips
        return [_masks(width, most) for width, most in zip(self.widths, flips, strict=True)]

    def cut(self, hashes: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Values and signatures of all chunks, each uint32 (chunks, n), of uint8 (n, 32)."""
        widths = np.array(self.widths)
        starts = np.cumsum(widths) - widths
        values = np.empty((len(widths), len(hashes)), np.uint32)
        signatures = np.empty_like(values)
        for first in range(0, len(hashes), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(hashes)))
            windows = _windows(hashes[part])
            values[:, part] = _fields(windows, starts, widths)
            signatures[:, part] = _fields(windows, (starts + widths) % bits.HASH_BITS, _SIGNATURE)
        return values, signatures


# Chunks a little shorter than log2(n) bits: what a bucket holds lies together, so a few fuller ones
# are read faster than many small ones, until there is too much in them. Fewer tables take less
# memory. docs/decisions/0011-the-index.md has the comparison.
SHORT: Final = Layout(
    (16,) * 16, exact_flips=(1,) * 16, loose_flips=(1,) * 16, quick_flips=(0,) * 16
)
LONG: Final = Layout(
    (18,) * 10 + (19,) * 4,
    exact_flips=(2,) * 4 + (1,) * 10,
    loose_flips=(2,) * 6 + (1,) * 8,
    quick_flips=(1,) * 4 + (0,) * 10,
)


@cache
def _masks(width: int, flips: int) -> NDArray[np.uint32]:
    turned = [
        sum(1 << place for place in places)
        for count in range(flips + 1)
        for places in combinations(range(width), count)
    ]
    return np.array(turned, np.uint32)


def _windows(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The 64 permuted bits from each byte on, big-endian (n, 33): the first 64 come again last."""
    single = np.take(np.unpackbits(hashes, axis=1), PERMUTATION, axis=1)
    packed = np.packbits(single, axis=1)
    around = np.concatenate([packed, packed[:, :_WINDOW_BYTES]], axis=1)
    places = around.shape[1] - _WINDOW_BYTES + 1
    return np.ndarray((len(hashes), places), ">u8", around.data, strides=(around.shape[1], 1))


def _fields(
    windows: NDArray[np.uint64], starts: NDArray[np.int64], widths: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """So many bits from each of these on, as numbers: (starts, n)."""
    numbers = windows[:, starts // 8].T.astype(np.uint64)
    numbers >>= (64 - starts % 8 - widths).astype(np.uint64)[:, None]
    numbers &= ((1 << widths) - 1).astype(np.uint64)[:, None]
    return numbers
