"""A clip as one picture: when it shows that of a reference, and for how much of its time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance, commonplace
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind, Track
from hashing.index import Hits
from hashing.ranges import Range

# The longest spans that sampling gives a clip's frames: twice its intervals (hashing.lanes).
_LONGEST_SPANS_MS: Final = {PHASH: 500, PDQ: 2000}


def shown_ms(clip: Fingerprint, track: Track, rows: NDArray[np.int64]) -> tuple[Range, ...]:
    """From the first to the last of these rows of a clip's track; nothing of an image."""
    if clip.kind is Kind.IMAGE:
        return ()
    first, last = int(rows.min()), int(rows.max())
    return ((int(track.times_ms[first]), int(track.times_ms[last] + track.spans_ms[last])),)


def is_commonplace(track: Track, hits: Hits) -> bool:
    """Whether the nearest picture is one that stands before anybody's video."""
    nearest = track.hashes[hits.clip_rows[[hits.distances.argmin()]]]
    return track.algorithm == PHASH and bool(commonplace.shows(nearest)[0])


def same_share(clip: Fingerprint, track: Track, hits: Hits, least_ms: int) -> float:
    """The share of a clip's time, 0 to 1, that is the same as pictures of the reference; 1 of an
    image, 0 where it is shown for less than ``least_ms``.

    Hits may be of a few frames only, so each frame is compared with what those found. What is flat
    is no picture: a card before a minute of black is not the same from end to end.
    """
    if clip.kind is Kind.IMAGE:
        return 1.0
    nearest_first = np.lexsort((hits.distances, hits.clip_rows))
    firsts = np.unique(hits.clip_rows[nearest_first], return_index=True)[1]
    rows = hits.reference_rows[nearest_first[firsts]]
    shown = np.unique(hits.track.hashes[rows], axis=0)
    is_same = bits.distance_matrix(track.hashes, shown).min(axis=1) <= chance.STILL_COPY_BITS
    if track.spans_ms[is_same].sum() < least_ms:
        return 0.0
    return min(1.0, float(_held_ms(clip, track)[is_same].sum() / max(1, clip.duration_ms)))


def _held_ms(clip: Fingerprint, track: Track) -> NDArray[np.int64]:
    """For how long each frame of a clip's track is shown.

    Animations leave out what is held: there nothing was sampled until the next picture, flat or
    not, and the span is the longest that there is.
    """
    following_ms = np.diff(track.times_ms, append=max(clip.duration_ms, int(track.times_ms[-1])))
    is_held = track.spans_ms == _LONGEST_SPANS_MS[track.algorithm]
    return np.where(is_held, following_ms, track.spans_ms)
