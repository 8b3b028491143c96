"""A clip as one picture: when it shows that of a reference, and for how much of its time."""

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance
from hashing.fingerprint import Fingerprint, Kind, Track
from hashing.index import Hits
from hashing.ranges import Range


def shown_ms(clip: Fingerprint, track: Track, rows: NDArray[np.int64]) -> tuple[Range, ...]:
    """From the first to the last of these rows of a clip's track; nothing of an image."""
    if clip.kind is Kind.IMAGE:
        return ()
    first, last = int(rows.min()), int(rows.max())
    return ((int(track.times_ms[first]), int(track.times_ms[last] + track.spans_ms[last])),)


def same_share(clip: Fingerprint, track: Track, hits: Hits) -> float:
    """The share of a clip's time, 0 to 1, that is the reference's nearest picture; 1 of an image.

    What could not be hashed is another picture.
    """
    if clip.kind is Kind.IMAGE:
        return 1.0
    nearest = hits.track.hashes[hits.reference_rows[[hits.distances.argmin()]]]
    is_same = bits.distances(track.hashes, nearest) <= chance.SAME_PICTURE_BITS
    return float(track.spans_ms[is_same].sum() / max(1, clip.duration_ms))
