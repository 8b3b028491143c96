"""Family K, framing: parts of the frame, any angle, a slant: what no whole frame survives."""

import cv2
import numpy as np

from benchmarks.attacks.drawing import even, homography, u8, warped
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, single
from benchmarks.attacks.footage import Footage

_OUTER = 0.15  # of the room that a window has: how near the edge "off-centre" is on one axis


def _window(footage: Footage, top: float, left: float, keep: tuple[float, float]) -> Footage:
    """This share of the height and of the width; ``top`` and ``left`` in shares of the rest."""
    height, width = even(footage.height * keep[0]), even(footage.width * keep[1])
    row, column = int((footage.height - height) * top), int((footage.width - width) * left)
    return footage.each(
        lambda frame, _: frame[row : row + height, column : column + width],
        height=height,
        width=width,
    )


def off_centre(keep: float) -> Apply:
    """This share of both sides, near an edge of the frame."""

    def edit(footage: Footage, material: Material) -> Footage:
        place = material.random.uniform(0, 1, 2)
        near = float(material.random.uniform(0, _OUTER))
        place[int(material.random.integers(2))] = material.random.choice([near, 1 - near])
        return _window(footage, float(place[0]), float(place[1]), (keep, keep))

    return edit


def _middle(keep: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        return _window(footage, 0.5, 0.5, (keep, keep))

    return edit


def _one_half(footage: Footage, material: Material) -> Footage:
    """The left, right, upper or lower half."""
    end = float(material.random.integers(2))
    if material.random.random() < 0.5:
        return _window(footage, 0.0, end, (1.0, 0.5))
    return _window(footage, end, 0.0, (0.5, 1.0))


def _turned(least: float, most: float, *, cropped: bool) -> Apply:
    """Turned by so many degrees either way: all of it on black, or the largest upright rectangle
    of it that has no corner in the black."""

    def edit(footage: Footage, material: Material) -> Footage:
        angle = float(material.random.uniform(least, most) * material.random.choice([-1, 1]))
        size = footage.height, footage.width
        height, width = (_inside if cropped else _around)(*size, np.radians(angle))
        matrix = cv2.getRotationMatrix2D((size[1] / 2, size[0] / 2), angle, 1.0)
        matrix[0, 2] += (width - size[1]) / 2
        matrix[1, 2] += (height - size[0]) / 2
        return footage.each(
            lambda frame, _: u8(cv2.warpAffine(frame, matrix, (width, height))),
            height=height,
            width=width,
        )

    return edit


def _around(height: int, width: int, angle: float) -> tuple[int, int]:
    """Height and width of the upright frame that holds all of a turned one."""
    sine, cosine = abs(np.sin(angle)), abs(np.cos(angle))
    return even(height * cosine + width * sine), even(height * sine + width * cosine)


def _inside(height: int, width: int, angle: float) -> tuple[int, int]:
    """Height and width of the largest upright rectangle inside a turned frame."""
    sine, cosine = abs(np.sin(angle)), abs(np.cos(angle))
    long, short = max(height, width), min(height, width)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        # Two corners touch the long sides, the others lie on the middle line between these.
        half = short / 2
        along, across = half / max(sine, 1e-9), half / max(cosine, 1e-9)
        inner = (across, along) if width >= height else (along, across)
    else:
        twice = cosine**2 - sine**2
        inner = (
            (height * cosine - width * sine) / twice,
            (width * cosine - height * sine) / twice,
        )
    return even(inner[0] - 1), even(inner[1] - 1)


def _keystone(share: float) -> Apply:
    """Seen from one side: the far side shorter by this share at either end, and nearer."""

    def edit(footage: Footage, material: Material) -> Footage:
        height, width = footage.height, footage.width
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        far = int(material.random.integers(4))
        ends = corners[[far, (far + 1) % 4]]
        middle = corners.mean(axis=0)
        along = share * (ends[::-1] - ends)
        corners[[far, (far + 1) % 4]] = ends + along + share * (middle - ends.mean(axis=0))
        matrix = homography((height, width), corners)
        return footage.each(lambda frame, _: warped(frame, matrix))

    return edit


_ANGLES = (("13°", 13, 13), ("45°", 45, 45), ("83–97°", 83, 97))

EDITS: tuple[Edit, ...] = (
    single("k1 off-centre crop", Recipe("65 % of each side", off_centre(0.65))),
    graded(
        "k2 half the frame",
        Recipe("half the area, middle", _middle(np.sqrt(0.5))),
        Recipe("left, right, upper or lower half", _one_half),
        Recipe("half of each side, off-centre", off_centre(0.5)),
    ),
    graded("k3 turned", *(Recipe(n, _turned(a, b, cropped=False)) for n, a, b in _ANGLES)),
    single("k3a turned, any angle", Recipe("0–180°", _turned(0, 180, cropped=False))),
    graded("k4 turned, cropped", *(Recipe(n, _turned(a, b, cropped=True)) for n, a, b in _ANGLES)),
    single("k4a turned, cropped, any angle", Recipe("0–180°", _turned(0, 180, cropped=True))),
    graded("k5 keystone", *(Recipe(f"{s:.0%}", _keystone(s)) for s in (0.04, 0.08, 0.15))),
)
