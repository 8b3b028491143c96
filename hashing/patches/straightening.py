"""Straightening: the picture that patches have placed in a clip's frames, taken out of them.

An inset, a turned or tilted picture or a screen that was filmed becomes a frame like the
reference's own, which whole frames can then be compared with.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import phash
from hashing.media import LumaFrame
from hashing.patch_track import TILES_A_SIDE
from hashing.patches.gathering import HeldFrame
from hashing.patches.keypoints import Pixels
from hashing.patches.placing import Placing

SIDE_PX: Final = TILES_A_SIDE * phash.PLANE_PX  # what tiles are cut from, at a plane each
_BLUR: Final = 0.5  # of the step between samples: what is left out between them must not fold in
# A picture of four times the frame (hashing.patches.geometry) is 720 px by 4 over 256. Farther than
# that only a folded map reaches, and a blur takes as long as it is wide.
_MOST_STEP_PX: Final = 12.0


def straightened(frames: Sequence[HeldFrame], placing: Placing) -> Iterator[LumaFrame]:
    """The placed picture in each of these frames of the placing's track: squares of ``SIDE_PX``.

    What of it lies outside of the frame is filled from its edge.
    """
    for held in frames:
        to_clip = placing.at(held.time_ms)
        if to_clip is not None:
            picture = taken_out(_seen(held.small, placing), to_clip)
            yield LumaFrame(placing.stream, held.time_ms, picture, full_range=True)


def _seen(small: Pixels, placing: Placing) -> Pixels:
    """The frame as the look saw it."""
    mirrored = small[:, ::-1] if placing.mirrored else small
    return np.ascontiguousarray(255 - mirrored if placing.negative else mirrored)


def taken_out(small: Pixels, to_clip: NDArray[np.float64]) -> Pixels:
    """What a map (float64 (3, 3), between shares) shows of a frame: a square of ``SIDE_PX``."""
    height, width = small.shape
    # From the middle of a pixel to the middle of a pixel.
    shares = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, SIDE_PX]]) / SIDE_PX
    pixels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
    to_pixels = pixels @ to_clip @ shares
    step_px = min(_MOST_STEP_PX, float(np.sqrt(abs(np.linalg.det(to_pixels[:2, :2])))))
    source = cv2.GaussianBlur(small, (0, 0), _BLUR * step_px) if step_px > 1 else small
    picture: Pixels = cv2.warpPerspective(
        source,
        to_pixels,
        (SIDE_PX, SIDE_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8, copy=False)
    return picture
