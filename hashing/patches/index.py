"""The patch index: which patches of a list's references are near a clip's patches.

Locality-sensitive hashing by bit sampling (Indyk and Motwani, 1998). Each table takes some bits of
a descriptor as its key, one bit more than it takes to tell the list's patches apart, so that a
look-up meets about one patch by accident however long the list is. A patch 40 bits away is found
in four tables of 23 bits with a chance of 8 %: little, and enough, because a copied frame has
hundreds. What is found near is compared in full, and nothing outside this module knows how it is
found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.patch_track import PLACE_BYTES, PatchTrack

NEAR_BITS: Final = 64  # of 256; what ORB's descriptors of one patch differ by in re-filmed copies
_TABLES: Final = 4
_LEAST_KEY_BITS: Final = 8
_MOST_KEY_BITS: Final = 24  # 2^24 bucket starts a table, 64 MB
# A bucket of so many patches is a common one (a letter's corner, a straight edge): it would take
# the time of all others, and says nothing.
_MOST_IN_BUCKET: Final = 32
_PERMUTATION: Final = np.random.default_rng(2011).permutation(bits.HASH_BITS)
_BLOCK: Final = 1 << 18  # pairs compared at once: 24 MB


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Pairs of near patches: query rows, rows of the index and distances in bits, (n,) each."""

    query_rows: NDArray[np.int64]
    rows: NDArray[np.int64]
    distances: NDArray[np.uint16]

    def only(self, kept: NDArray[np.bool_]) -> "Near":
        """Some of the pairs, bool (n,)."""
        return Near(self.query_rows[kept], self.rows[kept], self.distances[kept])


class PatchIndex:
    """The patches of many references' tracks, numbered in the order given.

    Takes 60 bytes of memory a patch beside the tracks themselves.
    """

    def __init__(self, tracks: Sequence[PatchTrack]) -> None:
        self.tracks = tuple(tracks)
        self.starts = np.cumsum([0, *(len(track) for track in tracks)])
        empty = np.zeros((0, bits.HASH_BYTES), np.uint8)
        self.places = np.concatenate(
            [np.zeros((0, PLACE_BYTES), np.uint8), *(one.places for one in tracks)]
        )
        self._words = bits.words(np.concatenate([empty, *(one.descriptors for one in tracks)]))
        count = max(1, len(self._words))
        self._key_bits = int(np.clip(count.bit_length(), _LEAST_KEY_BITS, _MOST_KEY_BITS))
        self._tables = [self._table(number) for number in range(_TABLES)] if len(self) else []

    def __len__(self) -> int:
        """Patches in the index."""
        return len(self._words)

    @property
    def key_frames(self) -> int:
        """Key frames of all tracks: what a clip's frame is compared with, in the worst case."""
        return sum(track.key_frames for track in self.tracks)

    def track_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which track each of these rows is of."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def near(self, descriptors: NDArray[np.uint8]) -> Near:
        """Pairs within ``NEAR_BITS``, each once: some of them, the nearer the more surely."""
        words = bits.words(descriptors)
        found = [np.zeros(0, np.int64)]
        for number, (starts, order) in enumerate(self._tables):
            keys = self._keys(words, number)
            first = starts[keys].astype(np.int64)
            sizes = starts[keys + 1].astype(np.int64) - first
            sizes[sizes > _MOST_IN_BUCKET] = 0
            asking = np.repeat(np.arange(len(words)), sizes)
            within = np.arange(len(asking)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            rows = order[np.repeat(first, sizes) + within].astype(np.int64)
            found += [self._within(words, asking, rows)]
        pairs = np.unique(np.concatenate(found))
        query_rows, rows = np.divmod(pairs, max(1, len(self)))
        return Near(query_rows, rows, self._distances(words, query_rows, rows))

    def _within(
        self, words: NDArray[np.uint64], asking: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        kept = [np.zeros(0, np.int64)]
        for first in range(0, len(rows), _BLOCK):
            mine, theirs = asking[first : first + _BLOCK], rows[first : first + _BLOCK]
            near = self._distances(words, mine, theirs) <= NEAR_BITS
            kept.append(mine[near] * len(self) + theirs[near])
        return np.concatenate(kept)

    def _distances(
        self, words: NDArray[np.uint64], asking: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.uint16]:
        apart = np.take(self._words, rows, axis=0)
        apart ^= np.take(words, asking, axis=0)
        flips: NDArray[np.uint16] = np.bitwise_count(apart).sum(axis=1, dtype=np.uint16)
        return flips

    def _table(self, number: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Where each key's rows begin, and the rows in order of their keys."""
        keys = self._keys(self._words, number)
        counts = np.bincount(keys, minlength=1 << self._key_bits)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
        return starts, np.argsort(keys, kind="stable").astype(np.uint32)

    def _keys(self, words: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
        """The key of each descriptor in this table: int64 (n,)."""
        chosen = _PERMUTATION[number * self._key_bits : (number + 1) * self._key_bits]
        keys = np.zeros(len(words), np.int64)
        for place in chosen:
            word, shift = divmod(int(place), 64)
            keys <<= 1
            keys |= ((words[:, word] >> np.uint64(shift)) & np.uint64(1)).astype(np.int64)
        return keys
