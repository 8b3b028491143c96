"""Fingerprints: the frame hashes of one clip or reference in time order.

A fingerprint has one track for each algorithm, view and video track of the container. It carries
how its hashes were made, so hashes made differently can never be compared by accident.
The packed form for stores is in ``hashing.formats.packed``, the text form in
``hashing.formats.document``.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing import bits, pdq, phash
from hashing.errors import IncompatibleHash
from hashing.views import View

# Neighbours this near are one picture: a re-encoded still moves 2 to 4 bits from frame to frame.
SAME_PICTURE_BITS: Final = 4
_BLOCK: Final = 32  # frames compared with one another at a time: a clip of ten seconds is two


class Kind(StrEnum):
    """What a fingerprint was made from."""

    VIDEO = "video"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A hash algorithm's name and the parameters that change its bits."""

    name: str
    parameters: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        settings = ",".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.name}({settings})"

    def require_same(self, other: Self) -> None:
        """Raise IncompatibleHash unless hashes of both may be compared."""
        if self != other:
            raise IncompatibleHash(
                f"cannot compare {self} with {other}; hash the media again with this version"
            )


PHASH: Final = Algorithm(phash.ALGORITHM, (("hash_size", 16), ("plane_px", phash.PLANE_PX)))
PDQ: Final = Algorithm(pdq.ALGORITHM, (("plane_px", pdq.PLANE_PX),))


@dataclass(frozen=True, eq=False)
class Track:
    """Frame hashes of one algorithm, view and video track, in time order.

    ``times_ms`` int64 (n,), not decreasing, from the start of the clip; ``spans_ms`` int64 (n,):
    for how long after its time each hash stands for the picture (0: that frame alone);
    ``qualities`` uint8 (n,), PDQ's 0 to 100; ``hashes`` uint8 (n, 32).
    """

    algorithm: Algorithm
    view: View
    stream: int
    times_ms: NDArray[np.int64]
    spans_ms: NDArray[np.int64]
    qualities: NDArray[np.uint8]
    hashes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.times_ms)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Track):
            return NotImplemented
        return (self.algorithm, self.view, self.stream) == (
            other.algorithm,
            other.view,
            other.stream,
        ) and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self._arrays(), other._arrays(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self.algorithm, self.view, self.stream, self.hashes.tobytes()))

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self.times_ms, self.spans_ms, self.qualities, self.hashes

    def select(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """The same track with only these frames."""
        return replace(
            self,
            times_ms=self.times_ms[rows],
            spans_ms=self.spans_ms[rows],
            qualities=self.qualities[rows],
            hashes=self.hashes[rows],
        )

    def rows_at(self, times_ms: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.intp]:
        """The row of the last frame at or before each time; -1 before the first."""
        return np.searchsorted(self.times_ms, times_ms, side="right") - 1

    @cached_property
    def picture_rows(self) -> NDArray[np.intp]:
        """Where each picture appears: the first rows of runs within ``SAME_PICTURE_BITS``.

        Found once for a track, however many references it is aligned with.
        """
        return np.array(list(run_starts(self.hashes, SAME_PICTURE_BITS)), np.intp)

    def seen(self, view: View, hashes: NDArray[np.uint8]) -> Self:
        """The same track in another view, by hashes that are as far from one another as these."""
        other = type(self)(
            self.algorithm,
            view,
            self.stream,
            self.times_ms,
            self.spans_ms,
            self.qualities,
            hashes,
        )
        vars(other)["picture_rows"] = self.picture_rows  # they follow from the distances alone
        return other

    def merged(self, within_bits: int = SAME_PICTURE_BITS) -> Self:
        """The same track with runs of near-identical neighbours as one hash with a span.

        A frame joins a run while it is within ``within_bits`` of the run's first frame.
        """
        return self.joined(np.array(list(run_starts(self.hashes, within_bits)), np.intp))

    def joined(self, starts: NDArray[np.intp]) -> Self:
        """The same track with one hash, and its span, for each run that starts at these rows."""
        lasts = np.append(starts[1:], len(self)) - 1
        kept = self.select(starts)
        ends_ms = self.times_ms[lasts] + self.spans_ms[lasts] if len(self) else kept.times_ms
        return replace(kept, spans_ms=ends_ms - kept.times_ms)


def run_starts(hashes: NDArray[np.uint8], within_bits: int) -> Iterator[int]:
    """First rows of the runs that stay within so many bits of their first hash, in order."""
    start, count = 0, len(hashes)
    while start < count:
        block = hashes[start : start + _BLOCK]
        far = np.triu(bits.distance_matrix(block, block) > within_bits, 1)
        following = far.argmax(axis=1).tolist()  # 0: all that follow in the block are near
        row = 0
        while following[row]:
            yield start + row
            row = following[row]
        yield start + row
        start = _next_start(hashes, start + row, start + len(block), within_bits)


def _next_start(hashes: NDArray[np.uint8], start: int, seen: int, within_bits: int) -> int:
    """Where the run ends that begins at ``start`` and goes on up to ``seen`` at the least."""
    while seen < len(hashes):
        near = bits.distances(hashes[start : start + 1], hashes[seen : seen + 2 * _BLOCK])
        far = np.flatnonzero(near > within_bits)
        if len(far):
            return seen + int(far[0])
        seen += len(near)
    return seen


@dataclass(frozen=True)
class Fingerprint:
    """All tracks of one clip or reference. ``duration_ms`` is what was decoded; 0 for an image."""

    kind: Kind
    duration_ms: int
    tracks: tuple[Track, ...]

    @property
    def frames(self) -> int:
        """Frame hashes in all tracks."""
        return sum(len(track) for track in self.tracks)

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """What its hashes were made with."""
        return frozenset(track.algorithm for track in self.tracks if len(track))

    def of(self, algorithm: Algorithm) -> tuple[Track, ...]:
        """The tracks made with this algorithm.

        Raises IncompatibleHash for a track with the same name and other parameters: leaving it
        out silently would be a miss.
        """
        for track in self.tracks:
            if track.algorithm.name == algorithm.name:
                track.algorithm.require_same(algorithm)
        return tuple(track for track in self.tracks if track.algorithm == algorithm)

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, of kind and tracks: the same for the same clip, whatever the packing."""
        state = hashlib.sha256(f"{self.kind}|{self.duration_ms}".encode())
        for track in self.tracks:
            state.update(f"|{track.algorithm}|{track.view}|{track.stream}|{len(track)}|".encode())
            state.update(track.times_ms.astype("<i8").tobytes())
            state.update(track.spans_ms.astype("<i8").tobytes())
            state.update(track.qualities.tobytes())
            state.update(track.hashes.tobytes())
        return state.hexdigest()

    @property
    def reference_id(self) -> str:
        """The id of a reference that was given none: the digest's first 16 digits."""
        return self.digest[:16]
