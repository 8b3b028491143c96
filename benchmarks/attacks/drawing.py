"""Strokes that several edits share: sizes, pasting, text, blur, noise. Frames are BGR."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.footage import Footage, Frame

_NOISES = 16  # independent noise pictures, shifted at random: made once a clip, not once a frame


def resized(frame: Frame, height: int, width: int) -> Frame:
    """The frame at this size, averaged where it shrinks."""
    if frame.shape[:2] == (height, width):
        return frame
    smaller = height * width < frame.shape[0] * frame.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return u8(cv2.resize(frame, (width, height), interpolation=method))


def u8(values: NDArray[np.generic]) -> Frame:
    """As uint8: numbers clipped, an array that is uint8 already as it is."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    return np.clip(values.astype(np.float32), 0, 255).astype(np.uint8)


def even(length: float) -> int:
    """The nearest even number of pixels, as 4:2:0 needs, at least 16."""
    return max(16, 2 * round(length / 2))


def sized(footage: Footage, height: int, width: int) -> Footage:
    """The footage at this size, whatever that does to its aspect."""
    return footage.each(lambda frame, _: resized(frame, height, width), height=height, width=width)


def covering(footage: Footage, height: int, width: int) -> Footage:
    """The footage scaled to fill this size, what hangs over cut off."""
    scale = max(height / footage.height, width / footage.width)
    inner = (round(footage.height * scale), round(footage.width * scale))
    top, left = (inner[0] - height) // 2, (inner[1] - width) // 2

    def edit(frame: Frame, _: int) -> Frame:
        return resized(frame, *inner)[top : top + height, left : left + width]

    return footage.each(edit, height=height, width=width)


def pasted(canvas: Frame, frame: Frame, top: int, left: int) -> Frame:
    """A copy of ``canvas`` with ``frame`` on it; what hangs over is cut off."""
    result = canvas.copy()
    room = result[max(0, top) :, max(0, left) :]
    piece = frame[max(0, -top) :, max(0, -left) :][: room.shape[0], : room.shape[1]]
    room[: piece.shape[0], : piece.shape[1]] = piece
    return result


def framed(footage: Footage, margins: tuple[int, int, int, int], canvas: Frame) -> Footage:
    """The footage on a still canvas, larger by these margins: top, bottom, left, right."""
    top, bottom, left, right = margins
    height, width = footage.height + top + bottom, footage.width + left + right
    ground = resized(canvas, height, width)
    return footage.each(
        lambda frame, _: pasted(ground, frame, top, left), height=height, width=width
    )


def flat(height: int, width: int, colour: tuple[int, int, int]) -> Frame:
    """An even picture."""
    return np.full((height, width, 3), colour, np.uint8)


def lettered(
    frame: Frame, words: str, start: tuple[int, int], size_px: float, colour: tuple[int, int, int]
) -> None:
    """Write on the frame from ``start`` (x, y of the baseline), capitals ``size_px`` high."""
    thickness = max(1, round(size_px / 8))
    scale = size_px / 21.0  # Hershey Simplex capitals are 21 px high at scale 1
    cv2.putText(
        frame, words, start, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA
    )


def letters(random: np.random.Generator, count: int) -> str:
    """Words of random letters."""
    drawn = random.choice(list("abcdefghiklmnoprstuvwe      "), count)
    return "".join(map(str, drawn)).upper()


def blurred(frame: Frame, sigma_px: float) -> Frame:
    """Gaussian blur; a wide one is made on a smaller picture."""
    shrink = max(1, int(sigma_px / 4))
    height, width = frame.shape[:2]
    small = resized(frame, max(1, height // shrink), max(1, width // shrink))
    soft = u8(cv2.GaussianBlur(small, (0, 0), max(0.3, sigma_px / shrink)))
    return resized(soft, height, width)


def noise(
    random: np.random.Generator, height: int, width: int, sd: float
) -> Callable[[Frame, int], Frame]:
    """An edit that adds grey Gaussian noise, other noise on every frame."""
    planes = random.normal(0.0, sd, (_NOISES, height, width)).astype(np.int16)
    rolls = random.integers(0, height, 997)

    def edit(frame: Frame, number: int) -> Frame:
        plane = np.roll(planes[number % _NOISES], int(rolls[number % len(rolls)]), axis=0)
        return u8(frame.astype(np.int16) + plane[:, :, None])

    return edit


def mixed(frame: Frame, over: Frame, share: float) -> Frame:
    """``share`` of ``over`` on the frame."""
    return u8(cv2.addWeighted(frame, 1 - share, resized(over, *frame.shape[:2]), share, 0))


def warped(frame: Frame, matrix: NDArray[np.float64], ground: Frame | None = None) -> Frame:
    """The frame through a 3 by 3 homography, on ``ground`` or on black."""
    height, width = frame.shape[:2] if ground is None else ground.shape[:2]
    picture = u8(cv2.warpPerspective(frame, matrix, (width, height), flags=cv2.INTER_LINEAR))
    if ground is None:
        return picture
    white = np.full(frame.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(white, matrix, (width, height), flags=cv2.INTER_NEAREST)
    result = ground.copy()
    result[mask > 0] = picture[mask > 0]
    return result


def homography(size: tuple[int, int], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """From a picture of (height, width) to these corners: (4, 2), x and y, clockwise from the left
    top."""
    height, width = size
    start = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(start, corners.astype(np.float32))
    return matrix.astype(np.float64)
