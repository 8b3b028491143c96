"""A part of a frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    def is_about(self, other: "Rectangle") -> bool:
        """Whether two rectangles are the same but for a fiftieth of a side."""
        height, width = self.bottom - self.top, self.right - self.left
        down = max(abs(self.top - other.top), abs(self.bottom - other.bottom))
        across = max(abs(self.left - other.left), abs(self.right - other.right))
        return down * 50 <= height and across * 50 <= width
