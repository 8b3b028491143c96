"""Pictures that stand in front of anybody's video: bars, test cards, leaders, grids, ramps.

Drawn here after descriptions of the standards, as luma, uint8 (height, width); nobody's footage.
Where there is room (how large a circle, how bright a ground), a few values spread over it.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_SIZES: Final = ((360, 480), (360, 640))  # 4:3 and 16:9: a circle is an ellipse once it is square
# Luma of white, yellow, cyan, green, magenta, red, blue and black, by Rec. 601 and by Rec. 709.
_LUMA: Final = (
    np.array([1.0, 0.886, 0.701, 0.587, 0.413, 0.299, 0.114, 0.0]),
    np.array([1.0, 0.928, 0.787, 0.715, 0.285, 0.213, 0.072, 0.0]),
)
_STEPS: Final = 24  # SMPTE ST 55: the hand turns once a second, at 24 frames a second


def pictures() -> Iterator[tuple[str, Picture]]:
    """Every picture with the name of its kind."""
    for height, width in _SIZES:
        yield from (("colour bars", one) for one in _bars(height, width))
        yield from (("leader", one) for one in _leaders(height, width))
        yield from (("test card", one) for one in _circle_cards(height, width))
        yield from (("grid", one) for one in _grids(height, width))
        yield from (("spinner", one) for one in _spinners(height, width))
    yield from (("ramp", one) for one in _ramps(360, 640))


def _bars(height: int, width: int) -> Iterator[Picture]:
    """EBU Tech 3325's full field and SMPTE EG 1's three rows, at 75 and 100 %, then RP 219's."""
    for luma, level in product(_LUMA, (0.75, 1.0)):
        shades = 255 * luma * level
        yield _row(shades, height, width)
        shades[0] = 255
        yield _row(shades, height, width)
        seven = 255 * luma[:7] * level
        reverse = seven[[6, 0, 4, 0, 2, 0, 0]] * (1, 0, 1, 0, 1, 0, 1)
        below = np.repeat((40.0, 255.0, 40.0, 0.0, 0.0, 10.0, 0.0), (5, 5, 5, 5, 3, 2, 3))
        rows = ((2 / 3, seven), (1 / 12, reverse), (1 / 4, below))
        yield np.vstack([_row(row, round(share * height), width) for share, row in rows])
    seven = 191 * _LUMA[1][:7]
    shades = np.concatenate([[102.0] * 7, np.repeat(seven, 6), [102.0] * 7])  # 1/8 a side
    yield np.vstack([_row(shades, height * 7 // 12, width), *_rp219(height, width)])


def _rp219(height: int, width: int) -> list[Picture]:
    """The lower rows of SMPTE RP 219: two stripes, a ramp, and white between black."""
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    low = np.repeat((38.0, 0.0, 255.0, 0.0, 10.0, 0.0, 38.0), (6, 4, 7, 3, 2, 4, 6))
    return [
        _row(np.repeat((180.0, 191.0, 60.0), (1, 6, 1)), height // 12, width),
        np.repeat(ramp[None], height // 12, axis=0),
        _row(low, height * 3 // 12, width),
    ]


def _row(shades: NDArray[np.float64], height: int, width: int) -> Picture:
    """Vertical bars, equally wide, of these shades."""
    row = shades[np.arange(width) * len(shades) // width]
    return np.repeat(row[None], height, axis=0).astype(np.uint8)


def _leaders(height: int, width: int) -> Iterator[Picture]:
    """SMPTE ST 55's universal leader: cross, two circles, a number, and the hand that wipes."""
    for radius, number, step in product((0.36, 0.43), range(2, 9), range(_STEPS)):
        picture = np.full((height, width), 150, np.uint8)  # a dark ground is about the negative
        _wipe(picture, step, 90)
        _target(picture, radius, 20)
        _number(picture, str(number), 20)
        yield picture
    for radius, step in product((0.36, 0.43), range(_STEPS)):  # a hand alone, nothing wiped
        picture = np.full((height, width), 150, np.uint8)
        _target(picture, radius, 20, cross=False)
        cv2.line(picture, _centre(picture), _rim(picture, step, radius), 20, 4, cv2.LINE_AA)
        _number(picture, "5", 20)
        yield picture


def _centre(picture: Picture) -> tuple[int, int]:
    return picture.shape[1] // 2, picture.shape[0] // 2


def _rim(picture: Picture, step: int, radius: float) -> tuple[int, int]:
    angle, (x, y) = 2 * np.pi * step / _STEPS, _centre(picture)
    length = radius * picture.shape[0]
    return round(x + length * np.sin(angle)), round(y - length * np.cos(angle))


def _wipe(picture: Picture, step: int, shade: int) -> None:
    """What the hand has passed since it stood upright."""
    corners = [_centre(picture), *(_rim(picture, one, 3.0) for one in range(step + 1))]
    cv2.fillPoly(picture, [np.array(corners, np.int32)], shade)


def _target(picture: Picture, radius: float, shade: int, *, cross: bool = True) -> None:
    height, width = picture.shape
    x, y = _centre(picture)
    for share in (radius, 0.85 * radius):
        cv2.circle(picture, (x, y), round(share * height), shade, 4, cv2.LINE_AA)
    if cross:
        cv2.line(picture, (0, y), (width, y), shade, 2)
        cv2.line(picture, (x, 0), (x, height), shade, 2)


def _number(picture: Picture, text: str, shade: int) -> None:
    """A number about a third as tall as the picture."""
    scale, font = picture.shape[0] / 60, cv2.FONT_HERSHEY_SIMPLEX
    (across, up), _ = cv2.getTextSize(text, font, scale, 14)
    x, y = _centre(picture)
    cv2.putText(picture, text, (x - across // 2, y + up // 2), font, scale, shade, 14, cv2.LINE_AA)


def _circle_cards(height: int, width: int) -> Iterator[Picture]:
    """As Philips' PM5544: a white grid on grey, and a circle of stripes within it."""
    for luma in _LUMA:
        picture = np.full((height, width), 128, np.uint8)
        step = height / 14
        for place in range(1, 30):
            at = round(step * (place - 0.5))
            picture[at : at + 2] = 235
            picture[:, at : at + 2] = 235
        inside = np.zeros_like(picture)
        radius = round(0.44 * height)
        cv2.circle(inside, _centre(picture), radius, 1, -1)
        rows = [
            _row(np.array([255.0]), height // 7, width),
            _row(np.tile((10.0, 191.0), 12), height // 7, width),
            _row(191 * luma[[1, 1, 2, 3, 4, 5, 6, 6]], 2 * height // 7, width),
            _row(np.repeat((10.0, 255.0), 6), height // 7, width),
            _row(np.linspace(10, 245, 6), height // 7, width),
            _row(np.array([191.0 * luma[1]]), height - 6 * (height // 7), width),
        ]
        yield np.where(inside == 1, np.vstack(rows)[:height], picture).astype(np.uint8)


def _grids(height: int, width: int) -> Iterator[Picture]:
    """Checkerboards and crosshatches, from two to sixteen fields."""
    y, x = np.mgrid[:height, :width]
    for across, down in ((2, 2), (4, 3), (4, 4), (8, 6), (8, 8), (16, 9), (16, 12)):
        fields = x * across // width + y * down // height
        yield (255 * (fields % 2)).astype(np.uint8)
        near_line = np.minimum(x % (width // across), y % (height // down)) < 4
        yield (255 * near_line).astype(np.uint8)


def _spinners(height: int, width: int) -> Iterator[Picture]:
    """A ring of eight or twelve dots, or an arc, that turns while something loads."""
    for dots in (8, 12):
        for step in range(dots):
            picture = np.full((height, width), 20, np.uint8)
            for dot in range(dots):
                place = _rim(picture, (dot + step) * _STEPS // dots, 0.14)
                cv2.circle(picture, place, height // 40, 60 + 190 * dot // dots, -1, cv2.LINE_AA)
            yield picture
    for step in range(12):
        picture = np.full((height, width), 20, np.uint8)
        size = (round(0.12 * height),) * 2
        cv2.ellipse(picture, _centre(picture), size, 30 * step, 0, 100, 240, 8, cv2.LINE_AA)
        yield picture


def _ramps(height: int, width: int) -> Iterator[Picture]:
    """Brightness that rises evenly: across, down, both ways, and from the middle."""
    y, x = np.mgrid[: 1 : height * 1j, : 1 : width * 1j]
    around = np.hypot(x - 0.5, y - 0.5) / np.hypot(0.5, 0.5)
    stairs = np.floor(x * 10) / 9.001
    for share in (x, y, (x + y) / 2, around, stairs, np.abs(2 * x - 1), np.abs(2 * y - 1)):
        yield (255 * share).astype(np.uint8)
