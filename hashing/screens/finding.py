"""Screens: the one quadrilateral that stays through a clip, and the picture inside it.

A screen that is filmed off, a phone held up, a framed inset: the picture has a rim, and the rim
goes with it when the hand shakes. Nothing is known of the references here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from hashing.media import LumaFrame
from hashing.patches.gathering import HeldFrame
from hashing.patches.keypoints import Pixels
from hashing.patches.straightening import SIDE_PX, taken_out
from hashing.screens.quadrilaterals import Floats, Quadrilaterals, quadrilaterals

_MOST: Final = 8  # of a frame: a rim's two edges on two sides give four, what is around it others
# A hand moves the screen, and hardly turns it; what is shared with other edges by chance moves on.
_SAME_SHAPE: Final = 0.02  # of the frame's sides, of each corner about the middle
_LEAST_FRAMES: Final = 3  # as many as a match needs hits
_LEAST_FIRST: Final = 2  # of those that are looked at first: of two seconds there are three
_LEAST_SHARE: Final = 0.5  # of the held frames
_EVERY: Final = 3  # held frame is looked at first: most clips have no screen, and that is enough
_MARGIN: Final = 0.125  # of the quadrilateral's sides is looked at around it
# Where a rim's inner edge may be, in shares of the side: found were its inner or its outer edges.
_OUTWARD, _INWARD = 0.03, 0.06
_ENDS: Final = 0.12  # of a side say nothing: corners are round
_STRAIGHT: Final = 0.85  # of a side is brighter inwards along an edge of the rim
_INNERMOST: Final = 0.5  # of the clearest edge: the innermost of those may be weaker
_FAINTEST: Final = 0.8  # levels a pixel; below it is noise

# The corners of a square.
_UNIT: Final = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """A held frame with the screen in it: ``corners`` float64 (4, 2), in shares of the frame."""

    time_ms: int
    small: Pixels
    corners: Floats


def pictures(frames: Sequence[HeldFrame], stream: int) -> Iterator[LumaFrame]:
    """What the clip's screen shows in each of these frames of a track: squares of ``SIDE_PX``.

    Frames in which it is not found are left out; nothing where there is no screen.
    """
    sightings = _followed(frames)
    if not sightings:
        return
    inner = _inner_edges(sightings)
    for one in sightings:
        picture = taken_out(one.small, _onto(one.corners) @ inner)
        yield LumaFrame(stream, one.time_ms, picture, full_range=True)


def _followed(frames: Sequence[HeldFrame]) -> list[_Sighting]:
    """The quadrilateral that most frames have in one shape; none where less than half have."""
    first = [quadrilaterals(one.small, _MOST) for one in frames[::_EVERY]]
    if not _steadiest(first, _LEAST_FIRST):
        return []
    seen = [
        quadrilaterals(one.small, _MOST) if number % _EVERY else first[number // _EVERY]
        for number, one in enumerate(frames)
    ]
    return [
        _Sighting(frames[number].time_ms, frames[number].small, corners)
        for number, corners in _steadiest(seen, _LEAST_FRAMES).items()
    ]


def _steadiest(seen: Sequence[Quadrilaterals], least_frames: int) -> dict[int, Floats]:
    """The frames' numbers, and the corners in them, of what keeps its shape longest; none where so
    few frames have it, or less than half."""
    corners = np.concatenate([np.empty((0, 4, 2)), *(one.corners for one in seen)])
    if not len(corners):
        return {}
    scores = np.concatenate([one.scores for one in seen])
    frame_of = np.repeat(np.arange(len(seen)), [len(one.scores) for one in seen])
    shapes = corners - corners.mean(axis=1, keepdims=True)
    apart = np.abs(shapes[:, None] - shapes).max(axis=(2, 3))
    weights = np.where(apart <= _SAME_SHAPE, scores, 0.0)
    of_frames = np.zeros((len(corners), len(seen)))
    for number in np.unique(frame_of):
        of_frames[:, number] = weights[:, frame_of == number].max(axis=1)
    steadiest = int(of_frames.sum(axis=1).argmax())
    shown = np.flatnonzero(of_frames[steadiest])
    if len(shown) < max(least_frames, _LEAST_SHARE * len(seen)):
        return {}
    chosen: dict[int, Floats] = {}
    for number in map(int, shown):
        mine = np.flatnonzero(frame_of == number)
        chosen[number] = corners[mine[apart[steadiest, mine].argmin()]]
    return chosen


def _inner_edges(sightings: Sequence[_Sighting]) -> Floats:
    """The map from shares of what the rim holds to those of the quadrilateral: float64 (3, 3).

    In the mean of all frames the picture fades and the rim stays.
    """
    wider = 1 + 2 * _MARGIN
    around = np.array([[wider, 0, -_MARGIN], [0, wider, -_MARGIN], [0, 0, 1]])
    total = np.zeros((SIDE_PX, SIDE_PX))
    for one in sightings:
        total += taken_out(one.small, _onto(one.corners) @ around)
    mean = np.asarray(cv2.GaussianBlur(total / len(sightings), (0, 0), 1.0), np.float64)
    # Each side in turn as the left one.
    left, top, right, foot = (_inner_edge(np.rot90(mean, turn)) for turn in range(4))
    return np.array([[1 - left - right, 0, left], [0, 1 - top - foot, top], [0, 0, 1]])


def _inner_edge(mean: Floats) -> float:
    """How far inwards of the left side the rim ends, in shares of the quadrilateral."""
    side_px = SIDE_PX / (1 + 2 * _MARGIN)
    end_px = round(_MARGIN * side_px + _ENDS * side_px)
    steps = np.diff(mean[end_px:-end_px], axis=1)
    places = np.arange(1, SIDE_PX) / side_px - _MARGIN
    rises = np.median(steps, axis=0)
    rises[(steps > 0).mean(axis=0) < _STRAIGHT] = 0.0
    rises[(places < -_OUTWARD) | (places > _INWARD)] = 0.0
    is_edge = rises >= max(_FAINTEST, _INNERMOST * rises.max())
    is_edge[1:-1] &= (rises[1:-1] >= rises[:-2]) & (rises[1:-1] > rises[2:])
    return float(places[np.flatnonzero(is_edge)[-1]]) if is_edge.any() else 0.0


def _onto(corners: Floats) -> Floats:
    """The map from shares of the quadrilateral to shares of the frame: float64 (3, 3)."""
    return np.asarray(cv2.getPerspectiveTransform(_UNIT, corners.astype(np.float32)), np.float64)
