"""Footage made by arithmetic, for machines without real clips: textured, moving, harmless."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

_CANVAS_PX = 1400


def scene(
    seed: int, frames: int, height: int = 480, width: int = 854
) -> Iterator[NDArray[np.uint8]]:
    """Luma frames, uint8 (height, width): a window that wanders over a cloudy canvas.

    Different seeds are unrelated. Octaves of smooth noise give it structure at all sizes.
    """
    random = np.random.default_rng(seed)
    canvas = np.zeros((_CANVAS_PX, _CANVAS_PX), np.float32)
    for cells in (4, 9, 20, 45, 100):
        noise = random.normal(size=(cells, cells)).astype(np.float32)
        size = (_CANVAS_PX, _CANVAS_PX)
        canvas += cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    luma = np.interp(canvas, (canvas.min(), canvas.max()), (10, 245)).astype(np.uint8)
    phases = random.uniform(0, 2 * np.pi, 4)
    room = np.array([_CANVAS_PX - height, _CANVAS_PX - width]) / 2
    for number in range(frames):
        angles = number * np.array([0.021, 0.033]) + phases[:2]
        top, left = (room * (1 + np.sin(angles))).astype(int)
        yield np.ascontiguousarray(luma[top : top + height, left : left + width])
