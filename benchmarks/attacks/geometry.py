"""Family E, geometry: crops, borders, mirrors, turns, zooms, perspective, the meme format."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.drawing import (
    blurred,
    covering,
    even,
    flat,
    framed,
    homography,
    lettered,
    letters,
    pasted,
    resized,
    sized,
    u8,
    warped,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, single
from benchmarks.attacks.footage import Footage, Frame

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def crop(side: float) -> Apply:
    """This share cut off on each of the four sides."""

    def edit(footage: Footage, material: Material) -> Footage:
        del material
        rows, columns = round(footage.height * side), round(footage.width * side)
        return _window(footage, rows, columns, 1 - 2 * side)

    return edit


def _window(footage: Footage, top: int, left: int, keep: float) -> Footage:
    height, width = even(footage.height * keep), even(footage.width * keep)
    return footage.each(
        lambda frame, _: frame[top : top + height, left : left + width], height=height, width=width
    )


def _off_centre(keep: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        top, left = material.random.uniform(0, 1 - keep, 2)
        return _window(footage, int(footage.height * top), int(footage.width * left), keep)

    return edit


def _letterbox(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        bar = even(footage.height * share)
        return framed(footage, (bar, bar, 0, 0), flat(16, 16, _BLACK))

    return edit


def _pillarbox(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        bar = even(footage.width * share)
        return framed(footage, (0, 0, bar, bar), flat(16, 16, _BLACK))

    return edit


def bordered(share: float) -> Apply:
    """A border of one random colour on all sides."""

    def edit(footage: Footage, material: Material) -> Footage:
        blue, green, red = (int(value) for value in material.random.integers(0, 256, 3))
        rows, columns = even(footage.height * share), even(footage.width * share)
        ground = flat(16, 16, (blue, green, red))
        return framed(footage, (rows, rows, columns, columns), ground)

    return edit


def _photo_border(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        rows, columns = even(footage.height * share), even(footage.width * share)
        photo = material.other.shown(int(material.random.integers(len(material.other))))
        return framed(footage, (rows, rows, columns, columns), photo)

    return edit


def _blurred_fill(height_to_width: float) -> Apply:
    """The footage in the middle of a frame of this aspect, over its own blurred enlargement."""

    def edit(footage: Footage, material: Material) -> Footage:
        del material
        height = max(footage.height, even(footage.width * height_to_width))
        width = max(footage.width, even(footage.height / height_to_width))
        behind = covering(footage, height, width)
        top, left = (height - footage.height) // 2, (width - footage.width) // 2

        def filled(frame: Frame, number: int) -> Frame:
            ground = blurred(behind.shown(number), height / 24)
            return pasted(ground, frame, top, left)

        return footage.each(filled, height=height, width=width)

    return edit


def mirrored(footage: Footage, material: Material) -> Footage:
    """Left and right exchanged."""
    del material
    return footage.each(lambda frame, _: frame[:, ::-1])


def _then(*edits: Apply) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        for one in edits:
            footage = one(footage, material)
        return footage

    return edit


def _upside_down(footage: Footage, material: Material) -> Footage:
    del material
    return footage.each(lambda frame, _: frame[::-1])


def _turned(quarters: int) -> Apply:
    """Quarter turns, anticlockwise."""

    def edit(footage: Footage, material: Material) -> Footage:
        del material
        height, width = footage.height, footage.width
        if quarters % 2:
            height, width = width, height
        return footage.each(lambda frame, _: np.rot90(frame, quarters), height=height, width=width)

    return edit


def _tilted(degrees: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        angle = degrees * float(material.random.choice([-1.0, 1.0]))
        size = (footage.width, footage.height)
        matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), angle, 1.0)
        return footage.each(lambda frame, _: u8(cv2.warpAffine(frame, matrix, size)))

    return edit


def _zoom_and_pan(zoom: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        height, width = round(footage.height / zoom), round(footage.width / zoom)
        room = np.array([footage.height - height, footage.width - width])
        start, end = material.random.uniform(0, 1, (2, 2))
        last = max(1, len(footage) - 1)

        def panned(frame: Frame, number: int) -> Frame:
            top, left = (room * (start + (end - start) * number / last)).astype(int)
            window = frame[top : top + height, left : left + width]
            return resized(window, footage.height, footage.width)

        return footage.each(panned)

    return edit


def corners_moved(
    random: np.random.Generator, height: int, width: int, share: float
) -> NDArray[np.float64]:
    """The corners of a frame, each moved by this share of the sides in a random direction."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    angles = random.uniform(0, 2 * np.pi, 4)
    moves = np.stack([np.cos(angles) * width, np.sin(angles) * height], axis=1)
    moved: NDArray[np.float64] = corners + share * moves
    return moved


def _perspective(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        corners = corners_moved(material.random, footage.height, footage.width, share)
        matrix = homography((footage.height, footage.width), corners)
        return footage.each(lambda frame, _: warped(frame, matrix))

    return edit


def _meme(share: float) -> Apply:
    """A white caption band above, this share of the whole height."""

    def edit(footage: Footage, material: Material) -> Footage:
        band = even(footage.height * share / (1 - share))
        canvas = flat(footage.height + band, footage.width, _WHITE)
        for line in range(2):
            baseline = round(band * (0.42 + 0.4 * line))
            words = letters(material.random, 22)
            lettered(canvas, words, (footage.width // 30, baseline), band / 5, _BLACK)
        return framed(footage, (band, 0, 0, 0), canvas)

    return edit


def _fit_9_16(footage: Footage, material: Material) -> Footage:
    """Blurred fill of the other orientation: 9:16 for wide footage, 16:9 for tall."""
    tall = footage.height > footage.width
    filled = _blurred_fill(9 / 16 if tall else 16 / 9)(footage, material)
    scale = min(1.0, 854 / max(filled.height, filled.width))
    return sized(filled, even(filled.height * scale), even(filled.width * scale))


EDITS: tuple[Edit, ...] = (
    graded("e1 crop a side", *(Recipe(f"{s:.0%}", crop(s)) for s in (0.03, 0.10, 0.20))),
    graded("e2 off-centre crop", *(Recipe(f"{k:.0%}", _off_centre(k)) for k in (0.85, 0.7, 0.5))),
    graded("e3 letterbox", *(Recipe(f"{s:.0%}", _letterbox(s)) for s in (0.05, 0.12, 0.25))),
    graded("e3p pillarbox", *(Recipe(f"{s:.0%}", _pillarbox(s)) for s in (0.05, 0.12, 0.25))),
    graded("e4 coloured border", *(Recipe(f"{s:.0%}", bordered(s)) for s in (0.05, 0.15, 0.25))),
    graded("e4p photo border", *(Recipe(f"{s:.0%}", _photo_border(s)) for s in (0.05, 0.15, 0.25))),
    single("e4f blurred fill", Recipe("9:16 or 16:9", _fit_9_16)),
    single("e5 mirror", Recipe("plain", mirrored)),
    single("e5c mirror and crop", Recipe("crop 5 %", _then(mirrored, crop(0.05)))),
    single("e5b mirror and border", Recipe("border 10 %", _then(mirrored, bordered(0.10)))),
    single("e6 upside down", Recipe("mirrored top to bottom", _upside_down)),
    single("e6a turned 90", Recipe("90°", _turned(1))),
    single("e6b turned 180", Recipe("180°", _turned(2))),
    single("e6c turned 270", Recipe("270°", _turned(3))),
    graded("e7 tilt", *(Recipe(f"{d}°", _tilted(d)) for d in (2, 5, 15))),
    graded("e8 zoom and pan", *(Recipe(f"x{z}", _zoom_and_pan(z)) for z in (1.05, 1.15, 1.4))),
    graded("e9 perspective", *(Recipe(f"{s:.0%}", _perspective(s)) for s in (0.03, 0.08, 0.15))),
    graded("e10 meme format", *(Recipe(f"{s:.0%}", _meme(s)) for s in (0.15, 0.25, 0.40))),
)
