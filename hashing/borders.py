"""Finding the borders of a clip: black, coloured or noisy bars, once for the whole clip."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.rectangle import Rectangle
from hashing.strips import inner_blocks

_BLOCKS: Final = 24  # a row of 854 px is averaged in 24 blocks: noise of sd 25 falls to 4
# A border is even and does not change: grey levels of 255, above 8-bit codec ringing (about 2) and
# below the faintest real content row of the development clips.
_EVEN_SD: Final = 3.0
_STILL_SD: Final = 5.0
_LEAST_SHARE: Final = 0.01  # thinner borders move a 64-pixel plane by less than a pixel: left alone
_TEXT_GAPS: Final = 0.1  # of a caption band: even lines above, between and below the lines of text
_SAME_SIDE: Final = 0.02  # of the width
_MOST_SHARE: Final = 0.8  # of a side; more would leave a splinter, so then nothing is removed


class BorderFinder:
    """Mean and variance over time of block-averaged rows and columns, for frames of one size.

    Memory is bounded by one frame's sides, however long the clip is.
    """

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._frames = 0
        self._rows = np.zeros((2, height, _BLOCKS))  # sums, sums of squares
        self._columns = np.zeros((2, width, _BLOCKS))

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        self._frames += 1
        rows = cv2.resize(luma, (_BLOCKS, self._height), interpolation=cv2.INTER_AREA)
        columns = cv2.resize(luma, (self._width, _BLOCKS), interpolation=cv2.INTER_AREA).T
        for sums, blocks in ((self._rows, rows), (self._columns, columns)):
            values = blocks.astype(np.float64)
            sums[0] += values
            sums[1] += values * values

    def find(self) -> Rectangle | None:
        """The picture inside the borders; None where there are none."""
        everything = slice(0, _BLOCKS)
        top, bottom = _span(self._is_picture(self._rows, everything))
        # Where bars stand on all four sides in two colours, a column is even only between the rows.
        among_rows = inner_blocks(top, bottom, self._height, _BLOCKS)
        left, right = _span(self._is_picture(self._columns, among_rows))
        among_columns = inner_blocks(left, right, self._width, _BLOCKS)
        top, bottom = _span(self._is_picture(self._rows, among_columns))
        removed_rows = 1 - (bottom - top) / self._height
        removed_columns = 1 - (right - left) / self._width
        if max(removed_rows, removed_columns) > _MOST_SHARE:
            return None
        if max(removed_rows, removed_columns) < _LEAST_SHARE:
            return None
        return Rectangle(top, left, bottom, right)

    def hides_text(self, outer: Rectangle, inner: Rectangle) -> bool:
        """Whether ``inner`` cuts a caption band off ``outer``: even lines go on behind its text.

        A band is as wide as the picture; where the sides move in as well, it is a window or a
        thing in the picture.
        """
        room = _SAME_SIDE * (outer.right - outer.left)
        if abs(outer.left - inner.left) > room or abs(outer.right - inner.right) > room:
            return False
        rows = self._is_picture(
            self._rows, inner_blocks(outer.left, outer.right, self._width, _BLOCKS)
        )
        bands = (rows[outer.top : inner.top], rows[inner.bottom : outer.bottom])
        return any(len(lines) and float((~lines).mean()) >= _TEXT_GAPS for lines in bands)

    def _is_picture(self, sums: NDArray[np.float64], blocks: slice) -> NDArray[np.bool_]:
        """Which lines are not border, looking only at these blocks."""
        mean = sums[0][:, blocks] / self._frames
        variance = np.maximum(0.0, sums[1][:, blocks] / self._frames - mean * mean)
        uneven = mean.std(axis=1) > _EVEN_SD
        moving = np.sqrt(variance.mean(axis=1)) > _STILL_SD
        picture: NDArray[np.bool_] = uneven | moving
        return picture


def _span(is_picture: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last-plus-one line of the picture, or all lines where none is."""
    picture = np.flatnonzero(is_picture)
    return (int(picture[0]), int(picture[-1]) + 1) if len(picture) else (0, len(is_picture))
