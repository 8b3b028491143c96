"""Where the picture is in a clip's frames: found once for the whole clip, never per frame."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hashing.borders import BorderFinder
from hashing.rectangle import Rectangle
from hashing.surround import SurroundFinder
from hashing.views import Region


class RegionFinder:
    """Gathers statistics of one video track's frames, and says which regions to look at.

    A change of frame size in mid-clip starts the statistics of that size; each size has its own
    answer, and memory is bounded by the sizes, however long the clip is.
    """

    def __init__(self, *, surround: bool) -> None:
        """``surround``: also look for the picture inside a still or blurred surround."""
        self._surround = surround
        self._borders: dict[tuple[int, int], BorderFinder] = {}
        self._surrounds: dict[tuple[int, int], SurroundFinder] = {}
        self._found: dict[tuple[int, int], Mapping[Region, Rectangle]] = {}

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        size = (luma.shape[0], luma.shape[1])
        if size not in self._borders:
            self._borders[size] = BorderFinder(*size)
            if self._surround:
                self._surrounds[size] = SurroundFinder(*size)
        self._found.pop(size, None)
        self._borders[size].add(luma)
        if self._surround:
            self._surrounds[size].add(luma)

    def find(self, height: int, width: int) -> Mapping[Region, Rectangle]:
        """The regions beside the whole frame, for frames of this size."""
        size = (height, width)
        if size not in self._found:
            self._found[size] = self._look(size)
        return self._found[size]

    def _look(self, size: tuple[int, int]) -> Mapping[Region, Rectangle]:
        if size not in self._borders:
            return {}
        found = {}
        borderless = self._borders[size].find()
        inner = self._surrounds[size].find() if self._surround else None
        if borderless is not None:
            found[Region.BORDERLESS] = borderless
        if inner is not None and not (borderless is not None and inner.is_about(borderless)):
            found[Region.INNER] = inner
        return found
