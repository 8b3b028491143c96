"""Placing: how all of a reference's picture lies in a clip's frames, moment by moment.

Patches say where; whether it is the same footage whole frames can say once the picture is taken
out of the clip along these maps (``hashing.patches.straightening``).
"""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_MAPS: Final = 1024  # frames that a clip's track may have held; 24 and 96 are
_BEYOND_MS: Final = 1500  # the first and the last map hold for so long: three held frames
_CORNERS: Final = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
_AT_THE_CORNER: Final = 0.02  # of a side: places are rounded to a 255th, and a fit is off by two
# Where something lies over much of the picture, few patches are left and the fit is off by more.
_NEAR_THE_CORNER: Final = 0.05
_AS_A_FIT: Final = 0.01  # of a side: what fits of a picture that stays are off by, at the median
_GRID: Final = 16  # a side: the share inside is told to half a percent


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """``times_ms`` int64 (k,), rising, of the clip; ``maps`` float64 (k, 3, 3): from shares of the
    reference's width and height to shares of the clip's, mirrored or negative as the look is. Their
    last number is 1.
    """

    stream: int
    mirrored: bool
    negative: bool
    times_ms: NDArray[np.int64]
    maps: NDArray[np.float64]

    def at(self, time_ms: int) -> NDArray[np.float64] | None:
        """The map at a time of the clip, float64 (3, 3); None too far from all that is known."""
        first, last = int(self.times_ms[0]), int(self.times_ms[-1])
        if not first - _BEYOND_MS <= time_ms <= last + _BEYOND_MS:
            return None
        after = int(np.searchsorted(self.times_ms, time_ms).clip(1, max(1, len(self.maps) - 1)))
        before, after = after - 1, min(after, len(self.maps) - 1)
        apart_ms = max(1, int(self.times_ms[after] - self.times_ms[before]))
        share = float(np.clip((time_ms - self.times_ms[before]) / apart_ms, 0.0, 1.0))
        between: NDArray[np.float64] = (1 - share) * self.maps[before] + share * self.maps[after]
        return between

    @property
    def fills_the_frame(self) -> bool:
        """Whether the picture's corners are those of the clip's frame, at the median."""
        return self._off_the_corners <= _AT_THE_CORNER

    @property
    def may_fill_the_frame(self) -> bool:
        """Whether they may be those of the clip's frame, as far as a poor fit can tell."""
        return self._off_the_corners <= _NEAR_THE_CORNER

    @property
    def _off_the_corners(self) -> float:
        """How far the picture's corners are from those of the clip's frame, in shares of a side."""
        return float(np.abs(np.median(self._placed_corners, axis=0) - _CORNERS[:, :2]).max())

    @property
    def _placed_corners(self) -> NDArray[np.float64]:
        """Where the picture's corners are, float64 (k, 4, 2)."""
        placed = _CORNERS @ self.maps.transpose(0, 2, 1)
        corners: NDArray[np.float64] = placed[:, :, :2] / placed[:, :, 2:]
        return corners

    @property
    def wanders(self) -> bool:
        """Whether the picture's corners move about, by more than a fit is off."""
        corners = self._placed_corners
        off = np.abs(corners - np.median(corners, axis=0))
        return bool(np.median(off, axis=0).max() > _AS_A_FIT)

    @property
    def steadied(self) -> "Placing":
        """The same with one map: each corner where it is at the median.

        A fit is off by a hundredth of the side, and by another one from frame to frame, which to a
        tile is a change. Most pictures stay where they were put.
        """
        return self._by(_from_corners(np.median(self._placed_corners, axis=0)))

    @property
    def filling(self) -> "Placing":
        """The same with the picture in all of the frame."""
        return self._by(np.eye(3))

    def _by(self, map_: NDArray[np.float64]) -> "Placing":
        return replace(self, maps=np.repeat(map_[None], len(self.maps), axis=0))

    @property
    def share_inside(self) -> float:
        """How much of the reference's picture lies within the clip's frame, at the median."""
        steps = (np.arange(_GRID) + 0.5) / _GRID
        across, down = np.meshgrid(steps, steps)
        points = np.stack([across.ravel(), down.ravel(), np.ones(_GRID**2)], axis=1)
        placed = points @ self.maps.transpose(0, 2, 1)
        before = placed[:, :, 2:]
        flat = placed[:, :, :2] / np.where(before > 0, before, np.nan)
        inside = ((flat >= 0) & (flat <= 1)).all(axis=2).mean(axis=1)
        return float(np.median(inside))


def _from_corners(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map that puts the picture's corners there, float64 (4, 2): float64 (3, 3)."""
    made = cv2.getPerspectiveTransform(
        _CORNERS[:, :2].astype(np.float32), corners.astype(np.float32)
    )
    map_: NDArray[np.float64] = made.astype(np.float64)
    return map_
