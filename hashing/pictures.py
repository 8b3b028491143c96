"""A clip as one picture: when it shows that of a reference, and for how much of its time."""

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance, commonplace
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.index import Hits
from hashing.ranges import Range


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

    Hits may be of a few frames only, so each frame is compared with what those found. A picture
    counts until the next one: animations leave out what is held, and what is flat says nothing.
    """
    if clip.kind is Kind.IMAGE:
        return 1.0
    nearest_first = np.lexsort((hits.distances, hits.clip_rows))
    firsts = np.unique(hits.clip_rows[nearest_first], return_index=True)[1]
    rows = hits.reference_rows[nearest_first[firsts]]
    shown = np.unique(hits.track.hashes[rows], axis=0)
    is_same = bits.distance_matrix(track.hashes, shown).min(axis=1) <= chance.SAME_PICTURE_BITS
    if track.spans_ms[is_same].sum() < least_ms:
        return 0.0
    held_ms = np.diff(track.times_ms, append=max(clip.duration_ms, int(track.times_ms[-1]) + 1))
    return float(held_ms[is_same].sum() / held_ms.sum())
