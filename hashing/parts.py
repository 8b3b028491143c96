"""Parts: some of a list's references, searchable, never changed.

A list is a few parts: a big one, perhaps from a file, and small ones of what was added since. What
is removed is no longer kept in its part, and goes when parts are joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing.alignment import DISTINCT_BITS
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind, run_starts
from hashing.segments import Columns, Segment

ALGORITHMS: Final = (PHASH, PDQ)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """References as columns, numbered in the order given, with a segment for each algorithm.

    ``durations_ms`` int64, ``stills`` bool (references,): whether one shows a single picture.
    ``segments``: pHash tracks, and PDQ ones of references without pHash.
    """

    durations_ms: NDArray[np.int64]
    stills: NDArray[np.bool_]
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, fingerprints: Sequence[Fingerprint]) -> Self:
        """A part of these fingerprints. Raises IncompatibleHash for one hashed another way."""
        return cls(
            np.array([one.duration_ms for one in fingerprints], np.int64),
            np.array([is_still(one) for one in fingerprints], np.bool_),
            (
                Segment.of(PHASH, fingerprints),
                Segment.of(PDQ, [_without_phash(one) for one in fingerprints]),
            ),
        )

    @classmethod
    def joined(cls, parts: Sequence["KeptPart"]) -> Self:
        """One part of all that is kept in several, in the same order. One at the least."""
        return cls(
            np.concatenate([one.part.durations_ms[one.kept] for one in parts]),
            np.concatenate([one.part.stills[one.kept] for one in parts]),
            tuple(
                Segment(
                    Columns.joined([(one.part.segments[place].columns, one.kept) for one in parts])
                )
                for place in range(len(ALGORITHMS))
            ),
        )

    @property
    def frames(self) -> int:
        """Frame hashes in all segments."""
        return sum(len(segment.columns.hashes) for segment in self.segments)

    def __len__(self) -> int:
        return len(self.durations_ms)


@dataclass(frozen=True, slots=True, eq=False)
class KeptPart:
    """A part, and which of its references are still listed: bool (references,)."""

    part: Part
    kept: NDArray[np.bool_]

    @classmethod
    def whole(cls, part: Part) -> Self:
        """The part with all of its references."""
        return cls(part, np.ones(len(part), np.bool_))


def is_still(fingerprint: Fingerprint) -> bool:
    """Whether this shows one picture only: an image, or a video in which nothing changes."""
    if fingerprint.kind is Kind.IMAGE:
        return True
    return not any(
        len(list(islice(run_starts(track.hashes, DISTINCT_BITS), 3))) == 3
        for track in fingerprint.tracks
    )


def _without_phash(fingerprint: Fingerprint) -> Fingerprint:
    """Nothing where a pHash track says the same better, else the fingerprint."""
    if fingerprint.of(PHASH):
        return Fingerprint(fingerprint.kind, fingerprint.duration_ms, ())
    return fingerprint
