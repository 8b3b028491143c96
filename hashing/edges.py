"""Finding the picture by its straight edges: also where it hardly moves.

A picture in a surround (caption band, photo, player, chat screen, blurred fill) meets it at lines
that run from corner to corner and stay put. All rectangles between such lines are compared; what
moves decides between those that a still surround and a still picture leave open.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.ground import Ground, Sides, is_surrounded, tightened
from hashing.rectangle import Rectangle
from hashing.strips import BLOCKS, Floats, Gathering, Places

_LEAST_FRAMES: Final = 4  # fewer say nothing about what moves
_LEAST_SIDE: Final = 0.2  # of the frame's; 2.4:1 footage filled up to 9:16 is 0.23 of its height
_LEAST_SHARE: Final = 0.55  # of a side that shows; see hashing.strips
# What a side has to show more than, for the rectangle to be better with it than without. In three
# of four clips no line in the picture shows in more than 0.36 of its length; nine of ten true ones
# show in 0.85 (0.5 to 0.7 give the same answers within two clips of 56). The demanding figure gives
# the second answer: it prefers few clear sides to many fair ones.
_FAIR: Final = 0.6
_DEMANDING: Final = 0.85
_LEAST_GAIN: Final = 0.35  # of what one perfect side over the whole frame gains
# A line that goes on beyond the corner parts a larger picture: from half of the rest, fully at 0.8.
_GOES_ON, _GOES_ON_FULLY = 0.5, 0.8
_LEAST_BOUND: Final = 0.5  # of a border's side; where it ends at text or a list, less shows
_TRIED: Final = 30  # rectangles whose surround is looked at, best first


class EdgeFinder:
    """Gathers what the rows and columns of one size of frames show, and finds the picture."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        self._gathered = (Gathering(height), Gathering(width))
        self._frames = 0
        self._ground: Ground | None = None

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        if min(self._size) < BLOCKS:  # too small to have blocks, and for a picture in a picture
            return
        rows, columns = self._gathered
        across = cv2.resize(luma, (BLOCKS, rows.lines), interpolation=cv2.INTER_AREA)
        down = cv2.resize(luma, (columns.lines, BLOCKS), interpolation=cv2.INTER_AREA)
        rows.add(across.astype(np.uint8, copy=False))
        columns.add(np.ascontiguousarray(down.T, np.uint8))
        self._frames += 1
        self._ground = None

    def find(self) -> tuple[Rectangle, ...]:
        """The picture's likely rectangles, at most two, likelier first; none where it is all."""
        if self._frames < _LEAST_FRAMES:
            return ()
        ground = self._look()
        rectangles = _Rectangles(ground)
        fair, clear = rectangles.best(_FAIR), rectangles.best(_DEMANDING)
        chosen = [] if fair is None else [tightened(fair, ground)]
        if clear is not None and not any(
            Rectangle(*clear).is_about(Rectangle(*one)) for one in chosen
        ):
            chosen.append(clear)
        return tuple(self._full_size(ground, sides) for sides in chosen)

    def bounds(self, rectangle: Rectangle) -> bool:
        """Whether there is a line, more or less, at each of its sides that is not the frame's."""
        ground = self._look()
        scales = [n / side for n, side in zip(ground.lengths, self._size, strict=True)]
        top, left = round(rectangle.top * scales[0]), round(rectangle.left * scales[1])
        bottom, right = round(rectangle.bottom * scales[0]), round(rectangle.right * scales[1])
        return ground.shows((top, left, bottom, right)) >= _LEAST_BOUND

    def _look(self) -> Ground:
        if self._ground is None:
            rows, columns = self._gathered
            self._ground = Ground((rows.strips(), columns.strips()))
        return self._ground

    def _full_size(self, ground: Ground, sides: Sides) -> Rectangle:
        scales = [side / length for side, length in zip(self._size, ground.lengths, strict=True)]
        places = [round(scales[side % 2] * ground.exact(side, sides)) for side in range(len(sides))]
        return Rectangle(*places)


class _Rectangles:
    """All rectangles between an axis' lines and the other's, and how well their sides show."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._pairs = [_pairs(lines.places) for lines in ground.lines]
        self._shares, self._beyond = [], []
        for axis in (0, 1):
            starts, stops = self._spans(1 - axis)
            lines = ground.lines[axis]
            self._shares.append(lines.share(starts, stops))
            on = (lines.beyond(starts, stops) - _GOES_ON) / (_GOES_ON_FULLY - _GOES_ON)
            self._beyond.append(np.clip(on, 0.0, 1.0))

    def best(self, expected: float) -> Sides | None:
        """The best whose surround may be one; ``expected``: the least share a side gains with."""
        gains = self._gains(0, expected) + self._gains(1, expected).T
        order = np.argsort(-gains, axis=None, kind="stable")[:_TRIED]
        for row_pair, column_pair in zip(*np.unravel_index(order, gains.shape), strict=True):
            if gains[row_pair, column_pair] < _LEAST_GAIN * (1 - expected):
                return None
            rows, columns = self._pairs[0][row_pair], self._pairs[1][column_pair]
            sides = (int(rows[0]), int(columns[0]), int(rows[1]), int(columns[1]))
            if is_surrounded(sides, self._ground):
                return sides
        return None

    def _gains(self, axis: int, expected: float) -> Floats:
        """What an axis' two sides add to each rectangle: (its pairs, the other axis' pairs)."""
        places, pairs = self._ground.lines[axis].places, self._pairs[axis]
        starts, stops = self._spans(1 - axis)
        length = np.sqrt((stops - starts) / BLOCKS)  # long lines are rarer by chance
        gain = (self._shares[axis] - self._beyond[axis] - expected) * length
        gain[self._shares[axis] < _LEAST_SHARE] = -np.inf
        gain[[0, -1]] = 0.0  # the frame's own end
        first, last = np.searchsorted(places, pairs.T)
        total: Floats = gain[first] + gain[last]
        return total

    def _spans(self, axis: int) -> tuple[Places, Places]:
        """The blocks between the places of an axis' pairs."""
        pairs, length = self._pairs[axis], self._ground.lengths[axis]
        return -(-pairs[:, 0] * BLOCKS // length), pairs[:, 1] * BLOCKS // length


def _pairs(places: Places) -> Places:
    """Two places far enough apart to be a picture's sides: int64 (n, 2)."""
    first, last = np.triu_indices(len(places), 1)
    pairs = np.stack([places[first], places[last]], axis=1)
    apart: Places = pairs[pairs[:, 1] - pairs[:, 0] >= _LEAST_SIDE * places[-1]]
    return apart
