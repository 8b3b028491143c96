"""Footage with corners in it, and edits of it that leave whole frames without likeness.

``tests.clips`` makes smooth scenes, in which ORB finds hardly anything; streets and rooms are full
of edges. Frames are grey: uint8, (frames, height, width).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips import FPS, Frames

Frame = NDArray[np.uint8]
WIDTH_PX, HEIGHT_PX = 480, 360


def town(seed: int, seconds: float = 5.0, width: int = WIDTH_PX, height: int = HEIGHT_PX) -> Frames:
    """Shards of many shapes and sizes, seen by a wandering camera; each seed another town."""
    random = np.random.default_rng(seed)
    canvas = _shards(random, 2 * width, 2 * height)
    phases, paces = random.uniform(0, 2 * np.pi, 2), random.uniform(0.2, 0.4, 2)
    frames = np.empty((round(seconds * FPS), height, width), np.uint8)
    for number in range(len(frames)):
        right, down = (1 + np.sin(phases + paces * number / FPS)) / 2
        left, top = round(width * right), round(height * down)
        frames[number] = canvas[top : top + height, left : left + width]
    return frames


def _shards(random: np.random.Generator, width: int, height: int) -> Frame:
    canvas = np.full((height, width), 128, np.uint8)
    for _ in range(2500):
        middle = random.uniform(0, (width, height))
        reach = random.uniform(6, 40)
        shape = middle + random.uniform(-reach, reach, (int(random.integers(3, 6)), 2))
        cv2.fillPoly(canvas, [shape.astype(np.int32)], (int(random.integers(0, 256)),))
    return cv2.GaussianBlur(canvas, (3, 3), 0).astype(np.uint8, copy=False)


def each(frames: Frames, edit: Callable[[Frame], Frame]) -> Frames:
    """Every frame edited."""
    return np.stack([edit(frame) for frame in frames]).astype(np.uint8)


def cropped(frames: Frames, left: float, top: float, share: float) -> Frames:
    """A window of this share of each side."""
    height, width = (2 * round(side * share / 2) for side in frames.shape[1:])
    row, column = round(frames.shape[1] * top), round(frames.shape[2] * left)
    return frames[:, row : row + height, column : column + width]


def rotated(frames: Frames, degrees: float) -> Frames:
    """Turned counter-clockwise about the middle; black where nothing is."""
    height, width = frames.shape[1:]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return each(frames, lambda frame: _u8(cv2.warpAffine(frame, matrix, (width, height))))


def in_picture(frames: Frames, ground: Frames, left: float, top: float, share: float) -> Frames:
    """Set into other footage, with this share of each of its sides."""
    shown = ground[: len(frames)].copy()
    height, width = round(ground.shape[1] * share), round(ground.shape[2] * share)
    row, column = round(ground.shape[1] * top), round(ground.shape[2] * left)
    for number, frame in enumerate(frames[: len(shown)]):
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        shown[number, row : row + height, column : column + width] = small
    return shown


def refilmed(frames: Frames, seed: int = 0) -> Frames:
    """A screen filmed by hand: perspective, a bezel, shake, glare and less contrast."""
    random = np.random.default_rng(seed)
    height, width = frames.shape[1:]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = (corners - [width / 2, height / 2]) * 0.84 + [width / 2, height / 2]
    seen += random.uniform(-0.06, 0.06, (4, 2)) * [width, height]
    glare = 60 * np.exp(-(((np.mgrid[:height, :width][1] / width - 0.7) / 0.2) ** 2))
    shake = np.cumsum(random.normal(0, 0.4, (len(frames), 2)), axis=0).clip(-8, 8)
    shown = []
    for frame, moved in zip(frames, shake, strict=True):
        matrix = cv2.getPerspectiveTransform(corners, (seen + moved).astype(np.float32))
        screen = cv2.warpPerspective(frame, matrix, (width, height), borderValue=(40,))
        shown.append((screen * 0.8 + glare).clip(0, 255).astype(np.uint8))
    return np.stack(shown)


def on_a_screen(
    frames: Frames,
    *,
    fills: float = 0.7,
    rim: int | None = 15,
    wall: int | Frame = 130,
    shake_px: float = 6.0,
    size: tuple[int, int] = (640, 480),
    seed: int = 0,
) -> Frames:
    """Shown by a tilted screen with a rim, on a wall, filmed by hand; without a rim the picture
    fades into the wall. ``fills``: its share of the frame's sides."""
    random = np.random.default_rng(seed)
    width, height = size
    tilted = np.array([[-1, -0.9], [0.9, -1.05], [0.95, 1], [-1.05, 0.95]]) * fills / 2
    middle = np.array([width, height]) / 2
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * frames.shape[2:0:-1]
    shake = np.cumsum(random.normal(0, shake_px / 4, (len(frames), 2)), axis=0)
    shown = []
    for frame, moved in zip(frames, shake.clip(-shake_px, shake_px), strict=True):
        corners = tilted * (width, height) + middle + moved
        picture = np.empty((height, width), np.uint8)
        picture[:] = wall
        if rim is not None:
            outer = (corners - middle - moved) * 1.06 + middle + moved
            cv2.fillConvexPoly(picture, outer.astype(np.int32), (rim,))
        onto = cv2.getPerspectiveTransform(square.astype(np.float32), corners.astype(np.float32))
        inside = cv2.warpPerspective(np.full_like(frame, 255), onto, (width, height))
        if rim is None:
            inside = cv2.erode(inside, np.ones((41, 41), np.uint8))
            inside = _u8(cv2.GaussianBlur(inside, (0, 0), 16))
        seen = cv2.warpPerspective(frame, onto, (width, height))
        share = inside / 255
        shown.append(_u8(seen * share + picture * (1 - share)))
    return np.stack(shown)


def captions(seed: int, seconds: float = 5.0) -> Frames:
    """Lines of text that scroll, white on grey: no picture at all, and nothing but corners."""
    random = np.random.default_rng(seed)
    page = np.full((2 * HEIGHT_PX, WIDTH_PX), 90, np.uint8)
    for baseline in range(30, 2 * HEIGHT_PX, 34):
        words = "".join(chr(random.integers(97, 123)) for _ in range(24))
        cv2.putText(page, words, (10, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (240,), 2)
    count = round(seconds * FPS)
    tops = np.arange(count) * HEIGHT_PX // count
    return np.stack([page[top : top + HEIGHT_PX] for top in tops])


def _u8(image: NDArray[np.generic]) -> Frame:
    return image.astype(np.uint8, copy=False)
