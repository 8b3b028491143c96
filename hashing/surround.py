"""Finding the picture inside a surround: a caption band, a still background, a blurred fill.

What moves *in detail* is the picture. A still surround (player, chat, photo, caption) does not
move; a blurred fill moves, but has no detail. Both show over the whole clip, never in one frame.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.rectangle import Rectangle

_LONG_SIDE_PX: Final = 480  # a step of the map is then at most 0.2 % of a side
_BLUR_PX: Final = 3  # detail is what differs from its neighbours; it spills by one step of the map
_LEAST_FRAMES: Final = 4  # fewer say nothing about what moves
_LINE_SHARE: Final = 0.25  # of the typical line of the picture: less is surround
_GAP_SHARE: Final = 0.06  # of a side: still strips in the picture (captions) are bridged
_LEAST_DETAIL: Final = 0.5  # grey levels; rounding and codec noise on a still picture stay below
_LEAST_SIDE: Final = 0.25  # of the frame's; smaller is a thing that moves, not a picture
_MOST_SIDE: Final = 0.98  # larger is the whole frame


class SurroundFinder:
    """Gathers how much detail moves where, for frames of one size, and finds the picture."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        scale = min(1.0, _LONG_SIDE_PX / max(height, width))
        self._map_size = (max(8, round(height * scale)), max(8, round(width * scale)))
        self._sum = np.zeros(self._map_size, np.float32)
        self._squares = np.zeros(self._map_size, np.float32)
        self._frames = 0

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take one more frame into account: ``luma`` uint8, (height, width)."""
        height, width = self._map_size
        small = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        detail = cv2.subtract(small, cv2.blur(small, (_BLUR_PX, _BLUR_PX)))
        cv2.accumulate(detail, self._sum)
        cv2.accumulateSquare(detail, self._squares)
        self._frames += 1

    def find(self) -> Rectangle | None:
        """The picture; None where it fills the frame, or nothing stands out."""
        if self._frames < _LEAST_FRAMES:
            return None
        mean = self._sum / self._frames
        moving = np.sqrt(np.maximum(0.0, self._squares / self._frames - mean * mean))
        rows, columns = slice(0, self._map_size[0]), slice(0, self._map_size[1])
        for _ in range(3):  # each side is seen more clearly once the other is known
            rows = _longest_run(moving[:, columns].mean(axis=1))
            columns = _longest_run(moving[rows].mean(axis=0))
        shares = (
            (rows.stop - rows.start) / self._map_size[0],
            (columns.stop - columns.start) / self._map_size[1],
        )
        if min(shares) < _LEAST_SIDE or min(shares) > _MOST_SIDE:
            return None
        return self._full_size(rows, columns)

    def _full_size(self, rows: slice, columns: slice) -> Rectangle:
        down = self._size[0] / self._map_size[0]
        across = self._size[1] / self._map_size[1]
        return Rectangle(
            round(rows.start * down),
            round(columns.start * across),
            round(rows.stop * down),
            round(columns.stop * across),
        )


def _longest_run(profile: NDArray[np.float32]) -> slice:
    """The longest run of lines that move, short still gaps bridged; all lines where none does."""
    typical = float(np.percentile(profile, 80))
    moving = np.flatnonzero(profile > typical * _LINE_SHARE)
    if typical < _LEAST_DETAIL:
        return slice(0, len(profile))
    gap = max(1, round(_GAP_SHARE * len(profile)))
    runs = np.split(moving, np.flatnonzero(np.diff(moving) > gap) + 1)
    longest = max(runs, key=len)
    return slice(int(longest[0]), int(longest[-1]) + 1)
