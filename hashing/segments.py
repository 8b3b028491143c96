"""Segments: the frames of many tracks as columns, searchable, never changed.

Columns are flat arrays, so that a file can hold them as they are, and take 41 bytes a frame; a
track is cut out of them when it is asked for. A small segment is searched flat: every clip frame
against every reference frame, in blocks that stay in the cache; a large one by its buckets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.buckets import Buckets, Pairs
from hashing.fingerprint import Algorithm, Fingerprint, Track
from hashing.views import View

_CLIP_BLOCK: Final = 64  # 64 x 8192 pairs: 4 MiB of words, a core's second-level cache
_REFERENCE_BLOCK: Final = 8192
# Up to here a flat search of a 10 s clip takes under 2 ms; tables would take longer to build.
FLAT_FRAMES: Final = 4_000

Number = TypeVar("Number", bound=np.generic)
Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The tracks of one algorithm. Track ``t`` has the frames from ``starts[t]`` to the next.

    ``references`` int64 (tracks,), not decreasing; ``starts`` int64 (tracks + 1,); ``times_ms`` and
    ``spans_ms`` uint32, ``qualities`` uint8 (frames,); ``hashes`` uint8 (frames, 32).
    """

    algorithm: Algorithm
    views: tuple[View, ...]
    streams: tuple[int, ...]
    references: NDArray[np.int64]
    starts: NDArray[np.int64]
    times_ms: NDArray[np.uint32]
    spans_ms: NDArray[np.uint32]
    qualities: NDArray[np.uint8]
    hashes: NDArray[np.uint8]

    @classmethod
    def of(cls, algorithm: Algorithm, fingerprints: Sequence[Fingerprint]) -> Self:
        """The columns of these fingerprints' tracks that have frames."""
        tracks = [
            (number, track)
            for number, fingerprint in enumerate(fingerprints)
            for track in fingerprint.of(algorithm)
            if len(track)
        ]
        return cls(
            algorithm,
            tuple(track.view for _, track in tracks),
            tuple(track.stream for _, track in tracks),
            np.array([number for number, _ in tracks], np.int64),
            np.cumsum([0, *(len(track) for _, track in tracks)], dtype=np.int64),
            _joined(np.uint32, [track.times_ms for _, track in tracks]),
            _joined(np.uint32, [track.spans_ms for _, track in tracks]),
            _joined(np.uint8, [track.qualities for _, track in tracks]),
            np.concatenate([_NO_HASHES, *(track.hashes for _, track in tracks)]),
        )

    @classmethod
    def joined(cls, parts: Sequence[tuple["Columns", NDArray[np.bool_]]]) -> Self:
        """The kept references' tracks of several, numbered anew without gaps. One at the least."""
        first, chosen, references = 0, list[tuple[Columns, NDArray[np.intp]]](), [_NO_NUMBERS]
        for columns, kept in parts:
            tracks = np.flatnonzero(kept[columns.references])
            chosen.append((columns, tracks))
            references.append(first + (np.cumsum(kept) - 1)[columns.references[tracks]])
            first += int(kept.sum())
        lengths = [np.diff(columns.starts)[tracks] for columns, tracks in chosen]
        rows = [columns.rows(tracks) for columns, tracks in chosen]
        every = [columns for columns, _ in chosen]
        return cls(
            every[0].algorithm,
            tuple(columns.views[track] for columns, tracks in chosen for track in tracks),
            tuple(columns.streams[track] for columns, tracks in chosen for track in tracks),
            np.concatenate(references),
            np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths])),
            np.concatenate([one.times_ms[kept] for one, kept in zip(every, rows, strict=True)]),
            np.concatenate([one.spans_ms[kept] for one, kept in zip(every, rows, strict=True)]),
            np.concatenate([one.qualities[kept] for one, kept in zip(every, rows, strict=True)]),
            np.concatenate([one.hashes[kept] for one, kept in zip(every, rows, strict=True)]),
        )

    def rows(self, tracks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """The rows of these tracks, bool (frames,)."""
        is_wanted = np.zeros(len(self.references), np.bool_)
        is_wanted[tracks] = True
        return np.repeat(is_wanted, np.diff(self.starts))

    def track(self, place: int) -> Track:
        """One track, as it was."""
        part = slice(self.starts[place], self.starts[place + 1])
        return Track(
            self.algorithm,
            self.views[place],
            self.streams[place],
            times_ms=self.times_ms[part].astype(np.int64),
            spans_ms=self.spans_ms[part].astype(np.int64),
            qualities=self.qualities[part],
            hashes=self.hashes[part],
        )


class Segment:
    """Columns and the buckets over their hashes, where they are many."""

    def __init__(self, columns: Columns, buckets: Buckets | None = None) -> None:
        """Makes the buckets unless they are given."""
        self.columns = columns
        if buckets is None and len(columns.hashes) > FLAT_FRAMES:
            buckets = Buckets(columns.hashes)
        self.buckets = buckets

    @classmethod
    def of(cls, algorithm: Algorithm, fingerprints: Sequence[Fingerprint]) -> Self:
        """The segment of these fingerprints."""
        return cls(Columns.of(algorithm, fingerprints))

    def only(self, kept: NDArray[np.bool_]) -> "Segment":
        """The same, where references that are not kept, bool (references,), are in nobody's way.

        Of a flat segment they are found all the same.
        """
        if self.buckets is None or kept.all():
            return self
        lengths = np.diff(self.columns.starts)
        rows = np.repeat(kept[self.columns.references], lengths)
        return Segment(self.columns, self.buckets.only(rows))

    def frames(self, kept: NDArray[np.bool_]) -> int:
        """Frame hashes of the references that are kept, bool (references,)."""
        lengths = np.diff(self.columns.starts)
        return int(lengths[kept[self.columns.references]].sum())

    def search(
        self, clip_hashes: NDArray[np.uint8], within_bits: int, *, quick: bool
    ) -> Iterator[tuple[int, Found]]:
        """For each track with a pair within the distance: its place, clip rows, rows, distances."""
        clip_rows, rows, distances = self._pairs(clip_hashes, within_bits, quick=quick)
        order = np.argsort(rows, kind="stable")
        clip_rows, rows, distances = clip_rows[order], rows[order], distances[order]
        starts = self.columns.starts
        places = np.searchsorted(starts, rows, side="right") - 1
        bounds = np.append(np.flatnonzero(np.diff(places, prepend=-1)), len(rows))
        for first, after in pairwise(bounds.tolist()):
            place = int(places[first])
            part = slice(first, after)
            yield place, (clip_rows[part], rows[part] - starts[place], distances[part])

    def _pairs(self, clip_hashes: NDArray[np.uint8], within_bits: int, *, quick: bool) -> Pairs:
        if self.buckets is not None:
            return self.buckets.pairs(clip_hashes, within_bits, quick=quick)
        hashes = self.columns.hashes
        clip_parts = [_NO_NUMBERS]
        row_parts = [_NO_NUMBERS]
        distance_parts = [np.zeros(0, np.uint16)]
        for first in range(0, len(hashes), _REFERENCE_BLOCK):
            block = hashes[first : first + _REFERENCE_BLOCK]
            for top in range(0, len(clip_hashes), _CLIP_BLOCK):
                near = bits.distance_matrix(clip_hashes[top : top + _CLIP_BLOCK], block)
                clip_rows, rows = np.nonzero(near <= within_bits)
                clip_parts.append(clip_rows + top)
                row_parts.append(rows + first)
                distance_parts.append(near[clip_rows, rows])
        return np.concatenate(clip_parts), np.concatenate(row_parts), np.concatenate(distance_parts)


_NO_HASHES: Final = np.zeros((0, bits.HASH_BYTES), np.uint8)
_NO_NUMBERS: Final = np.zeros(0, np.int64)


def _joined(kind: type[Number], columns: Sequence[NDArray[np.generic]]) -> NDArray[Number]:
    return np.concatenate([np.zeros(0, kind), *(one.astype(kind) for one in columns)])
