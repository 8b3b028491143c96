"""Turned and negative views of a clip's track, made from its hashes alone.

Seven of the eight ways to turn and mirror a picture, and the negatives of all eight, follow from
two hashes of it, as is and mirrored: a transposed picture has the transposed bits, one upside down
has the bits of every other row turned over. So a fingerprint that was sent by others is looked at
in all views too, and no frame is hashed twice.
"""

from collections.abc import Iterator
from dataclasses import replace

from hashing import pdq, phash
from hashing.fingerprint import PHASH, Track
from hashing.views import View


def mirrored(track: Track) -> Track:
    """The view mirrored left to right."""
    kind = phash if track.algorithm == PHASH else pdq
    view = replace(track.view, mirrored=not track.view.mirrored)
    return track.seen(view, kind.bits_mirrored(track.hashes))


def of(track: Track) -> Iterator[Track]:
    """The views that follow from this one, negatives after positives: seven tracks.

    A track as is and one mirrored give all sixteen views between them.
    """
    kind = phash if track.algorithm == PHASH else pdq
    across = kind.bits_transposed(track.hashes)
    mirrored = track.view.mirrored
    turned = (
        (mirrored, 0, track.hashes),
        (not mirrored, 180, kind.bits_upside_down(track.hashes)),
        (not mirrored, 90, across),
        (mirrored, 270, kind.bits_mirrored(across)),
    )
    for negative in (False, True):
        for seen_mirrored, degrees, hashes in turned:
            if degrees or negative:
                region, cropped_percent = track.view.region, track.view.cropped_percent
                view = View(region, seen_mirrored, degrees, negative, cropped_percent)
                seen = kind.bits_negative(hashes) if negative else hashes
                yield track.seen(view, seen)
