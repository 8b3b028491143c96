"""Where the picture is in a clip's frames: found once for the whole clip, never per frame."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.borders import BorderFinder
from hashing.edges import EdgeFinder
from hashing.rectangle import Rectangle
from hashing.views import Region

_MOST_REGIONS: Final = 2  # beside the whole frame: each costs a hash of every frame and look-ups


class RegionFinder:
    """Gathers statistics of one video track's frames, and says which regions to look at.

    A change of frame size in mid-clip starts the statistics of that size; each size has its own
    answer, and memory is bounded by the sizes, however long the clip is.
    """

    def __init__(self, *, surround: bool) -> None:
        """``surround``: also look for the picture inside a still or blurred surround."""
        self._surround = surround
        self._borders: dict[tuple[int, int], BorderFinder] = {}
        self._edges: dict[tuple[int, int], EdgeFinder] = {}
        self._found: dict[tuple[int, int], Mapping[Region, Rectangle]] = {}

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        size = (luma.shape[0], luma.shape[1])
        if size not in self._borders:
            self._borders[size] = BorderFinder(*size)
            if self._surround:
                self._edges[size] = EdgeFinder(*size)
        self._found.pop(size, None)
        self._borders[size].add(luma)
        if self._surround:
            self._edges[size].add(luma)

    def find(self, height: int, width: int) -> Mapping[Region, Rectangle]:
        """The regions beside the whole frame, for frames of this size."""
        size = (height, width)
        if size not in self._found:
            self._found[size] = self._look(size)
        return self._found[size]

    def _look(self, size: tuple[int, int]) -> Mapping[Region, Rectangle]:
        if size not in self._borders:
            return {}
        borderless = self._borders[size].find()
        edged = self._edges[size].find() if self._surround else ()
        if borderless is not None:
            edged = tuple(one for one in edged if not one.is_about(borderless))
            if len(edged) < _MOST_REGIONS or self._is_trusted(size, borderless, edged):
                edged = (borderless, *edged)
        elif len(edged) == 1:
            return {Region.INNER: edged[0]}
        return dict(zip((Region.BORDERLESS, Region.INNER), edged, strict=False))

    def _is_trusted(
        self, size: tuple[int, int], borderless: Rectangle, edged: tuple[Rectangle, ...]
    ) -> bool:
        """Whether borders outrank the second of two rectangles with edges of their own.

        Not where they end at the text of a caption band, nor where they are all around and end at
        something on a desktop, short of the picture.
        """
        borders = self._borders[size]
        hides_text = any(borders.hides_text(borderless, one) for one in edged)
        height, width = borderless.bottom - borderless.top, borderless.right - borderless.left
        are_bars = height == size[0] or width == size[1]
        return not hides_text and (are_bars or self._edges[size].bounds(borderless))
