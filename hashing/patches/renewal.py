"""Renewal: whether what is new in the picture is found as what stays in it is.

In a copy of a still shot a head or a hand moves, on both sides at once. In another take of the same
shot the room lies alike as well as in a copy, but of what moves next to nothing does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hashing.patches import geometry
from hashing.patches.comparing import Comparison
from hashing.patches.geometry import Picture, Sighting
from hashing.timelines import Line

# New patches that agree, of all that do. Where the camera moves it is 0.3 and more, and there
# ``hashing.patches.steadiness`` tells takes apart.
_STILL_SHARE, _MOVING_SHARE = 0.25, 0.5
# New patches agree so much more rarely than those that stay: 0.3 to 0.64 as often in four other
# takes of two scenes, 0.7 and more in 9 of 10 copies of still footage.
_OTHER_RATIO, _COPY_RATIO = 0.6, 0.9
_ONE_MOMENT_MS = 150.0


@dataclass(slots=True)
class _Account:
    """How many patches could agree and how many do, of those that are new and those that stay."""

    new: int = 0
    new_agreeing: int = 0
    staying: int = 0
    staying_agreeing: int = 0

    def add(self, is_new: NDArray[np.bool_], agrees: NDArray[np.bool_]) -> None:
        self.new += int(is_new.sum())
        self.new_agreeing += int((is_new & agrees).sum())
        self.staying += int((~is_new).sum())
        self.staying_agreeing += int((~is_new & agrees).sum())

    @property
    def ratio(self) -> float:
        """How often new ones agree, against those that stay; 1 where nothing stays."""
        if not self.new or not self.staying_agreeing:
            return 1.0 if self.new_agreeing else 0.0
        return (self.new_agreeing / self.new) / (self.staying_agreeing / self.staying)


def of(sightings: Sequence[Sighting], compared: Comparison, line: Line) -> float:
    """From 0 to 1: 1 where the camera moves, or where what moves before it agrees as well.

    Only by sightings of about one moment: half a second off, a hand is elsewhere in a copy too.
    """
    if len(sightings) < 2:
        return 1.0
    off_ms = _off_ms(sightings, compared, line)
    near_ms = max(_ONE_MOMENT_MS, float(np.median(off_ms)))
    reference, clip = _accounts(sightings, off_ms <= near_ms, compared)
    if not reference.new_agreeing + reference.staying_agreeing:
        reference, clip = _accounts(sightings, off_ms < np.inf, compared)
    agreeing = reference.new_agreeing + reference.staying_agreeing
    share = reference.new_agreeing / agreeing if agreeing else 0.0
    moving = _ramp(share, _STILL_SHARE, _MOVING_SHARE)
    return max(moving, _ramp(max(reference.ratio, clip.ratio), _OTHER_RATIO, _COPY_RATIO))


def _accounts(
    sightings: Sequence[Sighting], chosen: NDArray[np.bool_], compared: Comparison
) -> tuple[_Account, _Account]:
    """The accounts of the reference and of the clip, of these sightings, each after the one
    before it."""
    reference, clip = _Account(), _Account()
    for place, (before, one) in enumerate(pairwise(sightings), 1):
        if not chosen[place]:
            continue
        matrix = one.fit.matrix
        if one.key_frame != before.key_frame:
            shown = compared.reference_picture(one.key_frame)
            shown = _inside(shown, matrix, compared.clip.sizes[one.clip_frame])
            first = min(before.key_frame, one.key_frame)
            is_new = compared.reference.firsts[shown.rows] > first
            is_new[is_new] = compared.reference_freshness.of(shown.rows[is_new])
            reference.add(is_new, np.isin(shown.rows, one.fit.reference.rows))
        seen = compared.clip_picture(one.clip_frame)
        seen = _inside(seen, _inverse(matrix), compared.reference.sizes[one.key_frame])
        is_new = compared.clip.firsts[seen.rows] > before.clip_frame
        is_new[is_new] = compared.clip_freshness.of(seen.rows[is_new])
        clip.add(is_new, np.isin(seen.rows, one.fit.clip.rows))
    return reference, clip


def _off_ms(sightings: Sequence[Sighting], compared: Comparison, line: Line) -> NDArray[np.float64]:
    """How far the moment that each key frame shows is from the one that is due: float64 (n,)."""
    clip_ms = compared.clip.times_ms[[one.clip_frame for one in sightings]]
    shown_ms = compared.reference.times_ms[[one.key_frame for one in sightings]]
    off: NDArray[np.float64] = np.abs(line.at(clip_ms) - shown_ms)
    return off


def _ramp(value: float, none: float, full: float) -> float:
    return float(np.clip((value - none) / (full - none), 0.0, 1.0))


def _inside(picture: Picture, matrix: NDArray[np.float64], size: NDArray[np.uint8]) -> Picture:
    """The patches that lie inside the other side's frame once they are mapped there."""
    places = geometry.mapped(matrix, picture.places[:, :2])
    return picture.select(np.flatnonzero(((places >= 0) & (places <= size)).all(axis=1)))


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    square = np.vstack([matrix, [0.0, 0.0, 1.0]])
    inverse: NDArray[np.float64] = np.linalg.inv(square).astype(np.float64)[:2]
    return inverse
