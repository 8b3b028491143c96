"""Buckets: multi-index hashing over 256-bit hashes (Norouzi, Punjani, Fleet 2012), in numpy.

Each hash is cut into 16 chunks of 16 bits, and each chunk has a table from its value to the hashes
that have it. Two hashes within 31 bits agree in some chunk but for one bit at most, so looking up
each chunk and its 16 one-flip neighbours finds every such pair. Farther pairs are found in part: in
``benchmarks/lookup.py`` 99.9 % at 32 to 47 bits, 91 % at 48 to 59, 58 % at 60 to 72.

The bits are permuted first, always in the same way: neighbouring DCT coefficients move together,
and chunks in bit order collide 1.4 to 8 times as often between unrelated clips.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits

EXACT_BITS: Final = 31
_CHUNKS: Final = 16
_CHUNK_VALUES: Final = 1 << 16
_PERMUTATION: Final = np.random.default_rng(2012).permutation(bits.HASH_BITS)
_FLIPS: Final = np.concatenate([[0], 1 << np.arange(16)]).astype(np.uint16)
_CANDIDATES: Final = 1 << 19  # compared at once: 48 MB of gathered hashes, ids and distances


class Buckets:
    """The tables over some hashes. Takes 64 bytes of memory a hash and 8 MB, beside the hashes."""

    def __init__(self, hashes: NDArray[np.uint8]) -> None:
        """``hashes``: uint8 (n, 32), fewer than 2 billion."""
        self._words = bits.words(hashes)
        chunks = _chunks(hashes)
        self._rows = [
            np.argsort(chunks[:, place], kind="stable").astype(np.int32) for place in range(_CHUNKS)
        ]
        self._starts = [_starts(chunks[:, place]) for place in range(_CHUNKS)]

    def pairs(
        self, queries: NDArray[np.uint8], within_bits: int, *, quick: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]:
        """Query rows, rows and distances of pairs within the distance, each pair once.

        All pairs up to ``EXACT_BITS``, beyond that most. ``quick`` looks up each chunk as it is,
        without its neighbours: all pairs up to 15 bits, 97 % up to 31, 69 % up to 47.
        """
        words, count = bits.words(queries), len(self._words)
        found = [np.zeros(0, np.int64)]
        for asking, candidates in self._candidates(
            _chunks(queries), _FLIPS[:1] if quick else _FLIPS
        ):
            hit = self._distances(words, asking, candidates) <= within_bits
            found.append(asking[hit] * count + candidates[hit])
        pairs = np.unique(np.concatenate(found))
        query_rows, rows = pairs // max(1, count), pairs % max(1, count)
        distances = self._distances(words, query_rows, rows)
        return query_rows, rows, distances

    def _distances(
        self, words: NDArray[np.uint64], asking: NDArray[np.int64], rows: NDArray[np.integer]
    ) -> NDArray[np.uint16]:
        """Bits between these queries' words and these rows, pair by pair.

        Most of a look-up is here: rows are fetched by ``take`` and counted column by column, a
        fourth of the time that indexing and summing along the short axis take.
        """
        apart = np.take(self._words, rows, axis=0)
        apart ^= np.take(words, asking, axis=0)
        flips = np.bitwise_count(apart)
        total: NDArray[np.uint16] = flips[:, 0].astype(np.uint16)
        for column in range(1, flips.shape[1]):
            total += flips[:, column]
        return total

    def _candidates(
        self, chunks: NDArray[np.uint16], flips: NDArray[np.uint16]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Pairs that share a bucket, in bounded blocks; a pair may come several times."""
        asking = np.repeat(np.arange(len(chunks)), len(flips))
        for place in range(_CHUNKS):
            starts, rows = self._starts[place], self._rows[place]
            # All flips at once: a clip's few key frames would else cost as many calls as a film.
            values = (chunks[:, place, None] ^ flips).ravel().astype(np.int64)
            first = starts[values]
            lengths = starts[values + 1] - first
            for part in _blocks(lengths):
                size = lengths[part]
                within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
                places = np.repeat(first[part], size) + within
                yield np.repeat(asking[part], size), np.take(rows, places)


def _chunks(hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The permuted bits as uint16 (n, 16)."""
    permuted = np.take(np.unpackbits(hashes, axis=1), _PERMUTATION, axis=1)
    return np.packbits(permuted, axis=1).view(np.uint16)


def _starts(values: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Where each value's rows begin in the sorted order: int64 (65537,)."""
    counts = np.bincount(values, minlength=_CHUNK_VALUES)
    return np.concatenate([[0], np.cumsum(counts)])


def _blocks(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of queries with at most ``_CANDIDATES`` candidates together; one query at the least."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        done = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, done + _CANDIDATES, side="right"))
        last = max(last, first + 1)
        if ends[last - 1] > done:
            yield slice(first, last)
        first = last
