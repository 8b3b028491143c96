"""Tiles for tests: footage cut into them as a reference's and as a clip's frames are."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import PatchTrack
from hashing.patches.gathering import HeldFrame
from hashing.patches.placing import Placing
from hashing.patches.straightening import straightened
from hashing.tiles import tiling
from hashing.tiles.comparing import ClipTiles
from hashing.tiles.tiling import Tiler
from tests.clips import FPS, Frames, scaled

SIDE_PX: Final = tiling.SIDE_PX
ALL_OF_IT: Final = np.eye(3)
_CLIP_STEP: Final = 6  # frames; 240 ms, as a clip's frames are held
_REFERENCE_STEP: Final = 4  # 160 ms, as a reference's tiles are cut
_BAND_PX: Final = SIDE_PX // 4


def scene(seed: int, seconds: float = 4.0) -> Frames:
    """Squares of texture over which a camera drifts by less than a pixel a frame; each seed another
    texture, and another way."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 1, (2 * SIDE_PX, 2 * SIDE_PX)).astype(np.float32)
    canvas = cv2.GaussianBlur(noise, (0, 0), 5.0)
    canvas *= 45 / canvas.std()
    start, pace = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.6)
    frames = np.empty((round(seconds * FPS), SIDE_PX, SIDE_PX), np.uint8)
    for number in range(len(frames)):
        angle = start + pace * number / FPS
        across, down = (
            SIDE_PX * (0.5 + 0.12 * np.cos(angle)),
            SIDE_PX * (0.5 + 0.12 * np.sin(angle)),
        )
        by = np.array([[1, 0, -across], [0, 1, -down]], np.float64)
        shown = cv2.warpAffine(canvas, by, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT)
        frames[number] = (128 + shown).clip(0, 255).astype(np.uint8)
    return frames


def with_ticker(frames: Frames, seed: int) -> Frames:
    """A ticker runs in the lowest row of tiles: the same one for a seed, whatever is above."""
    text = np.concatenate([scene(seed + one, 0.04)[0][:_BAND_PX] for one in range(3)], axis=1)
    shown = frames.copy()
    for number, frame in enumerate(shown):
        frame[-_BAND_PX:] = text[:, number : number + SIDE_PX]
    return shown


def placing(to_clip: NDArray[np.float64], seconds: float = 60.0, *, stream: int = 0) -> Placing:
    """One map all the time."""
    times_ms = np.array([0, round(1000 * seconds)], np.int64)
    return Placing(stream, False, False, times_ms, np.array([to_clip, to_clip]))


def cut_out(left: float, top: float, width: float, height: float) -> NDArray[np.float64]:
    """How a picture lies in a clip that shows only this part of it, in shares of its sides."""
    scaled = np.diag([1 / width, 1 / height, 1.0])
    scaled[:2, 2] = -left / width, -top / height
    return scaled


def reference_track(frames: Frames, step: int = _REFERENCE_STEP) -> PatchTrack:
    """The tiles of a reference of these frames."""
    tiler = Tiler(0)
    for number in range(0, len(frames), step):
        tiler.add(tiling.square(frames[number]), number * 1000 // FPS)
    return tiler.track()


def clip_tiles(frames: Frames, to_clip: NDArray[np.float64] = ALL_OF_IT) -> ClipTiles:
    """The tiles of what this map places in a clip of these frames, from the second frame on."""
    held = [
        HeldFrame(number * 1000 // FPS, frames[number])
        for number in range(1, len(frames), _CLIP_STEP)
    ]
    where = placing(to_clip)
    tiler = Tiler(0)
    for one in straightened(held, where):
        tiler.add(one.luma, one.time_ms)
    return ClipTiles.of(tiler.track(), where)


def cropped(frames: Frames, left: float, top: float, width: float, height: float) -> Frames:
    """This part of the picture, as a square again."""
    rows = slice(round(top * SIDE_PX), round((top + height) * SIDE_PX))
    columns = slice(round(left * SIDE_PX), round((left + width) * SIDE_PX))
    return scaled(frames[:, rows, columns], SIDE_PX, SIDE_PX)
