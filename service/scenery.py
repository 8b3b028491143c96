"""Harmless moving pictures, drawn by arithmetic, and encoded in memory: what the demo checks.

A camera travels over a textured ground with blobs moving on it, so that every moment looks
different, as hand-held footage does.
"""

from io import BytesIO
from typing import Final

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

FRAMES_A_SECOND: Final = 12
_OCTAVES: Final = (6, 12, 24, 48)  # cells a side of the ground's texture
_GROUND_PX: Final = 768
_BLOBS: Final = 5


def frames(seed: int, *, seconds: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Brightness of a scene: uint8 (frames, height, width); the same seed, the same scene."""
    chooser = np.random.default_rng(seed)
    ground = _ground(chooser)
    count = seconds * FRAMES_A_SECOND
    phases = chooser.uniform(0, 2 * np.pi, (_BLOBS, 2))
    speeds = chooser.uniform(0.4, 1.6, (_BLOBS, 2))
    camera = chooser.uniform(0, 2 * np.pi, 4)
    scene = np.empty((count, height_px, width_px), np.uint8)
    for number in range(count):
        time_s = number / FRAMES_A_SECOND
        scene[number] = _shot(ground, camera, time_s, width_px, height_px)
        for phase, speed in zip(phases, speeds, strict=True):
            across, down = 0.5 + 0.45 * np.sin(phase + speed * time_s)
            middle = (int(across * width_px), int(down * height_px))
            grey = int(127 + 120 * np.sin(phase[0] * 7))
            cv2.circle(scene[number], middle, height_px // 7, (grey,), -1, cv2.LINE_AA)
    return scene


def encode(scene: NDArray[np.uint8], *, quality: int = 23) -> bytes:
    """The scene as an MP4 with H.264 in memory; ``quality`` is x264's CRF, 0 best to 51 worst."""
    options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
    return encode_with("libx264", scene, options)


def encode_with(encoder: str, scene: NDArray[np.uint8], options: dict[str, str]) -> bytes:
    """The scene as an MP4 made by the encoder that FFmpeg has under this name."""
    memory = BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream(encoder, rate=FRAMES_A_SECOND)
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{encoder} is no video encoder")
        stream.height, stream.width = scene.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.options = {**options}
        for picture in scene:
            container.mux(stream.encode(VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode(None))
    return memory.getvalue()


def shrunk(scene: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The scene at another size: uint8 (frames, height, width)."""
    small = np.empty((len(scene), height_px, width_px), np.uint8)
    for number, picture in enumerate(scene):
        small[number] = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return small


def letterboxed(scene: NDArray[np.uint8], bar_px: int) -> NDArray[np.uint8]:
    """The scene with a black bar above and below."""
    return np.pad(scene, ((0, 0), (bar_px, bar_px), (0, 0)), constant_values=16)


def _ground(chooser: np.random.Generator) -> NDArray[np.uint8]:
    """A square of noise at several scales, which has no place like another."""
    size = (_GROUND_PX, _GROUND_PX)
    total = np.zeros(size)
    for cells in _OCTAVES:
        noise = chooser.random((cells, cells))
        total += cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    low, high = total.min(), total.max()
    grey: NDArray[np.uint8] = ((total - low) / (high - low) * 219 + 16).astype(np.uint8)
    return grey


def _shot(
    ground: NDArray[np.uint8],
    camera: NDArray[np.float64],
    time_s: float,
    width_px: int,
    height_px: int,
) -> NDArray[np.uint8]:
    """What the camera sees: it pans, turns a little, and zooms."""
    sway = np.sin(camera + time_s * np.array([0.5, 0.63, 0.9, 0.77]))
    middle = _GROUND_PX / 2 + 190 * sway[:2]
    zoom = float(1 + sway[3] / 4)
    turn = cv2.getRotationMatrix2D(tuple(middle.tolist()), float(12 * sway[2]), zoom)
    shift = np.array([width_px, height_px]) / 2 - middle
    turn = turn + np.column_stack([np.zeros((2, 2)), shift])
    shot = cv2.warpAffine(ground, turn, (width_px, height_px), borderMode=cv2.BORDER_REFLECT)
    return shot.astype(np.uint8, copy=False)
