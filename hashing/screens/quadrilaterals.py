"""Quadrilaterals in one frame: four straight edges that meet, as of a screen that was filmed.

Straight segments are joined to lines, and of the lines those are taken that are edges between
their corners and nowhere else: a table's edge runs on, a screen's rim does not.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.patches.keypoints import Pixels, shrunk

Floats = NDArray[np.float64]

# Half of what is held: a rim is still 3 px wide, and segments are found in a quarter of the time.
SIDE_PX: Final = 360
_STEEPEST: Final = 0.6  # 31 degrees off the level or the upright: a phone held by hand, a keystone
_SHORTEST_PX: Final = 10  # shorter segments are textures
_OFF_PX: Final = 1.5  # half of the rim: its two edges stay two lines
_BORDER_PX: Final = 2  # the frame's own edge
_SEEDS: Final = 32
_LINES: Final = 12  # each way; a rim has four, a frame in a frame eight
_LEAST_AREA, _MOST_AREA = 0.08, 0.95  # of the frame
_ASPECTS: Final = (0.4, 2.5)
_LEAST_SIDE: Final = 0.25  # of each side is seen as an edge; glare and hands hide the rest
_LEAST_SEEN: Final = 0.5  # of all four, without what runs on beyond the corners


@dataclass(frozen=True, slots=True, eq=False)
class Quadrilaterals:
    """``corners`` float64 (n, 4, 2), clockwise from the left top, in shares of the frame's width
    and height; ``scores`` float64 (n,), 0 to 1, the highest first."""

    corners: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Lines ``across = slopes * along + starts``, in order across.

    ``seen`` float64 (n, length + 1): how many pixels of a line are an edge, up to each place.
    """

    slopes: Floats
    starts: Floats
    seen: Floats


def quadrilaterals(small: Pixels, most: int) -> Quadrilaterals:
    """The best of this frame, at most so many."""
    frame = shrunk(small, side_px=SIDE_PX) if max(small.shape) > SIDE_PX else small
    height, width = frame.shape
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(frame)[0]
    if found is None:
        return _none()
    segments = found.reshape(-1, 4).astype(np.float64)
    level = _lines(segments, width, height)
    upright = _lines(segments[:, [1, 0, 3, 2]], height, width)
    if len(level.slopes) < 2 or len(upright.slopes) < 2:
        return _none()
    corners, scores = _meeting(level, upright, width, height)
    best = np.argsort(-scores, kind="stable")[:most]
    # From the middle of a pixel to the frame's edge.
    return Quadrilaterals((corners[best] + 0.5) / (width, height), scores[best])


def _none() -> Quadrilaterals:
    return Quadrilaterals(np.empty((0, 4, 2)), np.empty(0))


def _lines(segments: Floats, along_px: int, across_px: int) -> _Lines:
    """The lines that these segments (u, v, u, v) lie on, u being along."""
    reach = segments[:, 2] - segments[:, 0]
    rise = segments[:, 3] - segments[:, 1]
    middle = (segments[:, 1] + segments[:, 3]) / 2
    kept = (np.abs(reach) >= _SHORTEST_PX) & (np.abs(rise) <= _STEEPEST * np.abs(reach))
    kept &= (middle >= _BORDER_PX) & (middle <= across_px - 1 - _BORDER_PX)
    ones = segments[kept]
    bright = reach[kept] > 0  # a segment's direction says on which side of it is the brighter
    ones = np.where(bright[:, None], ones, ones[:, [2, 3, 0, 1]])
    lengths = ones[:, 2] - ones[:, 0]
    seeds = np.argsort(-lengths, kind="stable")[:_SEEDS]
    slopes = (ones[seeds, 3] - ones[seeds, 1]) / lengths[seeds]
    starts = ones[seeds, 1] - slopes * ones[seeds, 0]
    sides = bright[seeds]
    for _ in range(2):
        members = _members(ones, bright, slopes, starts, sides)
        slopes, starts = _fitted(ones, members * lengths, slopes, starts)
    members = _members(ones, bright, slopes, starts, sides)
    seen = _seen(ones, members, along_px)
    chosen: list[int] = []
    ends = np.stack([starts, starts + slopes * (along_px - 1)], axis=1)
    for one in np.argsort(-seen[:, -1], kind="stable"):
        apart = np.abs(ends[chosen] - ends[one]).max(axis=1) if chosen else np.empty(0)
        same = sides[chosen] == sides[one] if chosen else np.empty(0, np.bool_)
        if not (same & (apart < 2 * _OFF_PX)).any():
            chosen.append(int(one))
        if len(chosen) == _LINES:
            break
    middles = starts[chosen] + slopes[chosen] * along_px / 2
    ordered = np.array(chosen, np.intp)[np.argsort(middles, kind="stable")]
    return _Lines(slopes[ordered], starts[ordered], seen[ordered])


def _members(
    ones: Floats,
    bright: NDArray[np.bool_],
    slopes: Floats,
    starts: Floats,
    sides: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which segments lie on which lines: bool (lines, segments)."""
    off = [
        np.abs(ones[:, place + 1] - starts[:, None] - slopes[:, None] * ones[:, place])
        for place in (0, 2)
    ]
    near: NDArray[np.bool_] = np.maximum(*off) <= _OFF_PX
    near &= sides[:, None] == bright
    return near


def _fitted(ones: Floats, weights: Floats, slopes: Floats, starts: Floats) -> tuple[Floats, Floats]:
    """The lines through their segments' ends, by least squares."""
    along, across = ones[:, [0, 2]], ones[:, [1, 3]]
    total = 2 * weights.sum(axis=1)
    safe = np.where(total > 0, total, 1.0)
    u = weights @ along.sum(axis=1) / safe
    v = weights @ across.sum(axis=1) / safe
    uu = weights @ (along**2).sum(axis=1) / safe - u**2
    uv = weights @ (along * across).sum(axis=1) / safe - u * v
    fits = (total > 0) & (uu > 0)
    fitted = np.where(fits, uv / np.where(fits, uu, 1.0), slopes)
    return fitted, np.where(fits, v - fitted * u, starts)


def _seen(ones: Floats, members: NDArray[np.bool_], along_px: int) -> Floats:
    """See ``_Lines``."""
    firsts = np.clip(np.round(ones[:, 0]).astype(int), 0, along_px - 1)
    lasts = np.clip(np.round(ones[:, 2]).astype(int), 0, along_px - 1)
    places = np.arange(along_px)
    covers = (places >= firsts[:, None]) & (places <= lasts[:, None])
    covered = members.astype(np.float64) @ covers > 0
    counted = np.zeros((len(members), along_px + 1))
    np.cumsum(covered, axis=1, out=counted[:, 1:])
    return counted


def _meeting(level: _Lines, upright: _Lines, width: int, height: int) -> tuple[Floats, Floats]:
    """All quadrilaterals of two lines each way that may be a screen; corners in pixels."""
    # y = a x + b and x = c y + d, for each pair
    a, b = level.slopes[:, None], level.starts[:, None]
    c, d = upright.slopes, upright.starts
    y = (a * d + b) / (1 - a * c)
    x = c * y + d
    inside = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    tops, feet = np.triu_indices(len(level.slopes), 1)
    lefts, rights = np.triu_indices(len(upright.slopes), 1)
    top, foot = np.repeat(tops, len(lefts)), np.repeat(feet, len(lefts))
    left, right = np.tile(lefts, len(tops)), np.tile(rights, len(tops))
    ways = ((top, left), (top, right), (foot, right), (foot, left))
    fits = np.logical_and.reduce([inside[way] for way in ways])
    fits &= (y[top, left] < y[foot, left]) & (y[top, right] < y[foot, right])
    fits &= (x[top, left] < x[top, right]) & (x[foot, left] < x[foot, right])
    top, foot, left, right = top[fits], foot[fits], left[fits], right[fits]
    ways = ((top, left), (top, right), (foot, right), (foot, left))
    corners = np.stack([np.stack([x[way], y[way]], axis=1) for way in ways], axis=1)
    fits = _is_plausible(corners, width, height)
    top, foot, left, right = top[fits], foot[fits], left[fits], right[fits]
    corners = corners[fits]
    shares = np.stack(
        [
            *_shares(level, top, corners[:, 0, 0], corners[:, 1, 0]),
            *_shares(level, foot, corners[:, 3, 0], corners[:, 2, 0]),
            *_shares(upright, left, corners[:, 0, 1], corners[:, 3, 1]),
            *_shares(upright, right, corners[:, 1, 1], corners[:, 2, 1]),
        ]
    )
    covered, beyond = shares[::2], shares[1::2]
    scores = (covered - 0.5 * np.minimum(beyond, 1.0)).mean(axis=0)
    fits = (covered.min(axis=0) >= _LEAST_SIDE) & (scores >= _LEAST_SEEN)
    return corners[fits], scores[fits]


def _shares(
    lines: _Lines, which: NDArray[np.intp], first: Floats, last: Floats
) -> tuple[Floats, Floats]:
    """How much of the sides from first to last is seen as an edge, and how much beyond them."""
    begin, end = np.round(first).astype(int), np.round(last).astype(int)
    reach = np.maximum(end - begin, 1)
    covered = lines.seen[which, end] - lines.seen[which, begin]
    return covered / reach, (lines.seen[which, -1] - covered) / reach


def _is_plausible(corners: Floats, width: int, height: int) -> NDArray[np.bool_]:
    across, down = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    area = np.abs(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]) / 2 / (width * height)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    aspect = (sides[:, 0] + sides[:, 2]) / (sides[:, 1] + sides[:, 3])
    fits: NDArray[np.bool_] = (area >= _LEAST_AREA) & (area <= _MOST_AREA)
    fits &= (aspect >= _ASPECTS[0]) & (aspect <= _ASPECTS[1])
    return fits
