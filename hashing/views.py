"""Views: ways of looking at a clip's frames before they are hashed.

This room finds the borders of a clip, once for the whole clip and never per frame, and names the
views. What a mirrored frame's hash is comes from the DCT (``hashing.phash``), not from here.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

_BLOCKS: Final = 24  # a row of 854 px is averaged in 24 blocks: noise of sd 25 falls to 4
# A border is even and does not change: grey levels of 255, above 8-bit codec ringing (about 2) and
# below the faintest real content row of the development clips (docs/benchmarks.md, "borders").
_EVEN_SD: Final = 3.0
_STILL_SD: Final = 5.0
_LEAST_SHARE: Final = 0.01  # thinner borders move a 64-pixel plane by less than a pixel: left alone
_MOST_SHARE: Final = 0.8  # of a side; more would leave a splinter, so then nothing is removed


class Region(StrEnum):
    """The part of the frame that a view looks at."""

    WHOLE = "as is"
    BORDERLESS = "without borders"


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a clip; its text stands in fingerprints, evidence and the API.

    The picture is cut to ``region``, mirrored left to right, turned counter-clockwise by
    ``turned_deg`` (0, 90, 180 or 270) and, with ``negative``, its brightness inverted: what comes
    out is compared with the reference.
    """

    region: Region = Region.WHOLE
    mirrored: bool = False
    turned_deg: int = 0
    negative: bool = False

    AS_IS: ClassVar["View"]
    MIRRORED: ClassVar["View"]
    BORDERLESS: ClassVar["View"]
    BORDERLESS_MIRRORED: ClassVar["View"]

    def __str__(self) -> str:
        parts = [] if self.region is Region.WHOLE else [self.region.value]
        parts += ["mirrored"] if self.mirrored else []
        parts += [f"turned {self.turned_deg}°"] if self.turned_deg else []
        parts += ["negative"] if self.negative else []
        return ", ".join(parts) or Region.WHOLE.value

    @classmethod
    def parse(cls, untrusted: str) -> "View":
        """The view with this text. Raises ValueError where none has it."""
        view = _BY_TEXT.get(untrusted)
        if view is None:
            raise ValueError(f"{untrusted[:80]!a} is not a view")
        return view


View.AS_IS = View()
View.MIRRORED = View(mirrored=True)
View.BORDERLESS = View(Region.BORDERLESS)
View.BORDERLESS_MIRRORED = View(Region.BORDERLESS, mirrored=True)
VIEWS: Final = tuple(
    View(region, mirrored, turned_deg, negative)
    for region, mirrored, turned_deg, negative in product(
        Region, (False, True), (0, 90, 180, 270), (False, True)
    )
)
_BY_TEXT: Final = {str(view): view for view in VIEWS}


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a frame in pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """That part of ``luma``: uint8, (height, width); no copy."""
        return luma[self.top : self.bottom, self.left : self.right]


class BorderFinder:
    """Gathers statistics of a clip's frames and says where its picture is.

    Memory is bounded by one frame's sides, however long the clip is. A change of frame size in
    mid-clip starts the statistics of that size; each size has its own answer.
    """

    def __init__(self) -> None:
        self._sizes: dict[tuple[int, int], _Profile] = {}

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        size = (luma.shape[0], luma.shape[1])
        self._sizes.setdefault(size, _Profile(*size)).add(luma)

    def find(self, height: int, width: int) -> Rectangle | None:
        """The picture inside the borders for frames of this size; None where there are none."""
        profile = self._sizes.get((height, width))
        return None if profile is None else profile.picture()


class _Profile:
    """Mean and variance over time of block-averaged rows and columns, for one frame size."""

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._frames = 0
        self._rows = np.zeros((2, height, _BLOCKS))  # sums, sums of squares
        self._columns = np.zeros((2, width, _BLOCKS))

    def add(self, luma: NDArray[np.uint8]) -> None:
        self._frames += 1
        rows = cv2.resize(luma, (_BLOCKS, self._height), interpolation=cv2.INTER_AREA)
        columns = cv2.resize(luma, (self._width, _BLOCKS), interpolation=cv2.INTER_AREA).T
        for sums, blocks in ((self._rows, rows), (self._columns, columns)):
            values = blocks.astype(np.float64)
            sums[0] += values
            sums[1] += values * values

    def picture(self) -> Rectangle | None:
        everything = slice(0, _BLOCKS)
        top, bottom = self._span(self._rows, everything)
        # Where bars stand on all four sides in two colours, a column is even only between the rows.
        left, right = self._span(self._columns, _inner_blocks(top, bottom, self._height))
        top, bottom = self._span(self._rows, _inner_blocks(left, right, self._width))
        removed_rows = 1 - (bottom - top) / self._height
        removed_columns = 1 - (right - left) / self._width
        if max(removed_rows, removed_columns) > _MOST_SHARE:
            return None
        if max(removed_rows, removed_columns) < _LEAST_SHARE:
            return None
        return Rectangle(top, left, bottom, right)

    def _span(self, sums: NDArray[np.float64], blocks: slice) -> tuple[int, int]:
        """First and last-plus-one line that is not border, looking only at these blocks."""
        mean = sums[0][:, blocks] / self._frames
        variance = np.maximum(0.0, sums[1][:, blocks] / self._frames - mean * mean)
        uneven = mean.std(axis=1) > _EVEN_SD
        moving = np.sqrt(variance.mean(axis=1)) > _STILL_SD
        picture = np.flatnonzero(uneven | moving)
        return (int(picture[0]), int(picture[-1]) + 1) if len(picture) else (0, len(mean))


def _inner_blocks(start: int, stop: int, length: int) -> slice:
    """The blocks that lie wholly between two lines, or all where none does."""
    first = -(-start * _BLOCKS // length)
    last = stop * _BLOCKS // length
    return slice(first, last) if last > first else slice(0, _BLOCKS)
