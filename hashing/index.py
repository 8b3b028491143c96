"""The index: Hamming search over the frame hashes of a list's references.

A small list is searched flat: every clip frame against every reference frame, in blocks that stay
in the cache. A large one goes through ``hashing.buckets``. Either way every pair within 31 bits is
found; nothing outside this module knows how it searches.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.buckets import Buckets
from hashing.fingerprint import Algorithm, Fingerprint, Track

_CLIP_BLOCK: Final = 64  # 64 x 8192 pairs: 4 MiB of words, a core's second-level cache
_REFERENCE_BLOCK: Final = 8192
# Up to here a flat search of a 10 s clip takes under 2 ms; tables would take longer to build.
FLAT_FRAMES: Final = 4_000


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of one clip track in one reference track.

    ``clip_rows``, ``reference_rows``: int64 (n,), rows of the two tracks; ``distances``: uint16
    (n,), in bits.
    """

    reference: int
    track: Track
    clip_rows: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    distances: NDArray[np.uint16]

    def among(self, kept: NDArray[np.bool_]) -> Self:
        """The hits of these rows of the clip's track, bool (its length,), numbered as if alone."""
        left = kept[self.clip_rows]
        return replace(
            self,
            clip_rows=(np.cumsum(kept) - 1)[self.clip_rows[left]],
            reference_rows=self.reference_rows[left],
            distances=self.distances[left],
        )


class Index:
    """Searches the tracks of one algorithm of many fingerprints, numbered in the order given."""

    def __init__(self, algorithm: Algorithm, fingerprints: Iterable[Fingerprint]) -> None:
        self.algorithm = algorithm
        self._tracks: list[tuple[int, Track]] = [
            (number, track)
            for number, fingerprint in enumerate(fingerprints)
            for track in fingerprint.of(algorithm)
            if len(track)
        ]
        self._starts = np.cumsum([0, *(len(track) for _, track in self._tracks)])
        empty = np.zeros((0, bits.HASH_BYTES), np.uint8)
        self._hashes = np.concatenate([empty, *(track.hashes for _, track in self._tracks)])
        self._buckets = Buckets(self._hashes) if len(self._hashes) > FLAT_FRAMES else None

    def __len__(self) -> int:
        """Frame hashes in the index."""
        return len(self._hashes)

    def search(self, clip: Track, within_bits: int, *, quick: bool = False) -> Iterator[Hits]:
        """Pairs within the distance, one ``Hits`` for each reference track that has any.

        All of them in a small list, and up to 31 bits; beyond that in a large list most of them,
        which is enough for seeds (``hashing.buckets``); fewer, a tenth as costly, when ``quick``.
        Raises IncompatibleHash if the clip was
        hashed another way.
        """
        self.algorithm.require_same(clip.algorithm)
        clip_rows, rows, distances = self._pairs(clip.hashes, within_bits, quick=quick)
        order = np.argsort(rows, kind="stable")
        clip_rows, rows, distances = clip_rows[order], rows[order], distances[order]
        bounds = np.searchsorted(rows, self._starts)
        for place in np.flatnonzero(np.diff(bounds)):
            reference, track = self._tracks[place]
            part = slice(bounds[place], bounds[place + 1])
            yield Hits(
                reference=reference,
                track=track,
                clip_rows=clip_rows[part],
                reference_rows=rows[part] - self._starts[place],
                distances=distances[part],
            )

    def _pairs(
        self, clip_hashes: NDArray[np.uint8], within_bits: int, *, quick: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]:
        if self._buckets is not None:
            return self._buckets.pairs(clip_hashes, within_bits, quick=quick)
        clip_parts = [np.zeros(0, np.int64)]
        row_parts = [np.zeros(0, np.int64)]
        distance_parts = [np.zeros(0, np.uint16)]
        for first in range(0, len(self._hashes), _REFERENCE_BLOCK):
            block = self._hashes[first : first + _REFERENCE_BLOCK]
            for top in range(0, len(clip_hashes), _CLIP_BLOCK):
                near = bits.distance_matrix(clip_hashes[top : top + _CLIP_BLOCK], block)
                clip_rows, rows = np.nonzero(near <= within_bits)
                clip_parts.append(clip_rows + top)
                row_parts.append(rows + first)
                distance_parts.append(near[clip_rows, rows])
        return np.concatenate(clip_parts), np.concatenate(row_parts), np.concatenate(distance_parts)
