"""Family M, in company: duets and grids that keep the aspect, framed insets, short-video apps."""

from dataclasses import replace

import cv2
import numpy as np

from benchmarks.attacks.drawing import (
    blurred,
    covering,
    even,
    flat,
    lettered,
    letters,
    pasted,
    resized,
    sized,
    u8,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame

_WHITE, _BLACK = (245, 245, 245), (12, 12, 12)
_MOST_PX = 960  # of the long side: what apps keep of a tall screen


def _other(footage: Footage, material: Material) -> Footage:
    """Other footage at the rate and of the length of this, from a random place, looped."""
    rated = material.other.at_rate(footage.fps)
    start = int(material.random.integers(len(rated)))
    return rated.take((start + np.arange(len(footage))) % len(rated))


def _fitting(footage: Footage, height: int, width: int) -> Footage:
    """All of it inside this size, black around it."""
    scale = min(height / footage.height, width / footage.width)
    inner = max(2, round(footage.height * scale)), max(2, round(footage.width * scale))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    ground = flat(height, width, _BLACK)
    return footage.each(
        lambda frame, _: pasted(ground, resized(frame, *inner), top, left),
        height=height,
        width=width,
    )


def _small(footage: Footage) -> Footage:
    scale = min(1.0, _MOST_PX / max(footage.height, footage.width))
    return sized(footage, even(footage.height * scale), even(footage.width * scale))


def _grid(panels: list[Footage], owner: Footage, rows: int) -> Footage:
    """Panels of one size in so many rows; the truth is the owner's."""
    height, width = panels[0].height, panels[0].width
    columns = len(panels) // rows

    def shown(number: int) -> Frame:
        lines = [
            np.hstack([p.shown(number) for p in panels[row * columns : (row + 1) * columns]])
            for row in range(rows)
        ]
        return np.vstack(lines)

    return replace(owner, height=height * rows, width=width * columns, shown=shown)


def _stacked(footage: Footage, material: Material) -> Footage:
    """A duet one above the other: all of the copy, and someone's answer as large."""
    height, width = even(footage.height), even(footage.width)
    panels = [sized(footage, height, width), covering(_other(footage, material), height, width)]
    if material.random.random() < 0.5:
        panels.reverse()
    return _small(_grid(panels, footage, 2))


def _side_by_side(footage: Footage, material: Material) -> Footage:
    """A reaction beside it: each panel is the middle of its picture, half as wide as the frame."""
    height, width = even(footage.height), even(footage.width / 2)
    panels = [
        covering(footage, height, width),
        covering(_other(footage, material), height, width),
    ]
    if material.random.random() < 0.5:
        panels.reverse()
    return _grid(panels, footage, 1)


def _four(footage: Footage, material: Material) -> Footage:
    """A conference's grid: four panels, each all of its picture."""
    height, width = even(footage.height / 2), even(footage.width / 2)
    panels = [_fitting(_other(footage, material), height, width) for _ in range(3)]
    panels.insert(int(material.random.integers(4)), _fitting(footage, height, width))
    return _grid(panels, footage, 2)


def framed_inset(area: float) -> Apply:
    """An inset with a rim and round corners over sharp footage; now and then it moves."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        height, width = footage.height, footage.width
        behind = covering(_other(footage, material), height, width)
        inner = round(height * np.sqrt(area)), round(width * np.sqrt(area))
        rim, corner = max(2, height // 90), max(3, inner[0] // 12)
        mask = np.zeros((inner[0] + 2 * rim, inner[1] + 2 * rim), np.uint8)
        for grow in ((corner, 0), (0, corner)):
            start = (grow[0], grow[1])
            end = (mask.shape[1] - 1 - grow[0], mask.shape[0] - 1 - grow[1])
            cv2.rectangle(mask, start, end, 255, -1)
        for x in (corner, mask.shape[1] - 1 - corner):
            for y in (corner, mask.shape[0] - 1 - corner):
                cv2.circle(mask, (x, y), corner, 255, -1)
        opaque = mask > 0
        room = np.array([height - mask.shape[0], width - mask.shape[1]])
        places = (room * random.uniform(0.03, 0.97, (2, 2))).astype(int)
        moves_at = int(len(footage) * random.uniform(0.4, 0.7))
        blue, green, red = (int(value) for value in random.integers(0, 256, 3))
        rimmed = flat(mask.shape[0], mask.shape[1], (blue, green, red))
        grain = random.normal(0, 5, (height, width, 1)).astype(np.float32)

        def inset(frame: Frame, number: int) -> Frame:
            ground = behind.shown(number)
            sharp = cv2.addWeighted(ground, 1.9, blurred(ground, 1.6), -0.9, 0)
            canvas = u8(sharp + grain)
            card = pasted(rimmed, resized(frame, *inner), rim, rim)
            top, left = places[int(number >= moves_at)]
            part = canvas[top : top + mask.shape[0], left : left + mask.shape[1]]
            part[opaque] = card[opaque]
            return canvas

        return footage.each(inset)

    return edit


def _short_video(fill: str) -> Apply:
    """A recording of a short-video app: a tall screen, the app's buttons and words over it.

    ``fill``: how wide footage meets the tall screen: "bars", "blur" or "cover".
    """

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        scale = min(1.0, 540 / footage.width) if fill != "cover" else 1.0
        width = even(footage.width * scale) if fill != "cover" else 540
        height = even(width * 19.5 / 9)
        whole = _fitting(footage, height, width)
        if fill == "cover":
            whole = covering(footage, height, width)
        if fill == "blur":
            whole = _over_blur(footage, height, width)
        buttons = _buttons(random, height, width)
        lit = buttons.max(axis=2) > 0
        name, words = letters(random, 12).strip().lower(), letters(random, 30).lower()

        def recorded(frame: Frame, number: int) -> Frame:
            screen = frame.copy()
            screen[lit] = buttons[lit]
            lettered(screen, "@" + name, (width // 25, round(height * 0.86)), width / 32, _WHITE)
            lettered(screen, words, (width // 25, round(height * 0.89)), width / 40, _WHITE)
            done = round(width * (number + 1) / len(footage))
            cv2.line(screen, (0, height - 4), (done, height - 4), _WHITE, 3)
            return screen

        return _small(whole.each(recorded))

    return edit


def _over_blur(footage: Footage, height: int, width: int) -> Footage:
    """All of it over its own blurred enlargement."""
    behind = covering(footage, height, width)
    inner = round(footage.height * width / footage.width), width
    if inner[0] > height:
        inner = height, round(footage.width * height / footage.height)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2

    def filled(frame: Frame, number: int) -> Frame:
        ground = blurred(behind.shown(number), height / 30)
        return pasted(ground, resized(frame, *inner), top, left)

    return footage.each(filled, height=height, width=width)


def _buttons(random: np.random.Generator, height: int, width: int) -> Frame:
    """A status line, tabs, and a column of round buttons with numbers; black lets through."""
    layer = flat(height, width, (0, 0, 0))
    lettered(layer, "14:07", (width // 14, height // 30), height / 60, _WHITE)
    lettered(layer, "Following  For You", (width // 4, height // 14), height / 62, _WHITE)
    for row in range(4):
        centre = (width - width // 11, round(height * (0.48 + 0.085 * row)))
        cv2.circle(layer, centre, width // 18, _WHITE, -1 if row else 3, cv2.LINE_AA)
        number = str(int(random.integers(10, 999)))
        start = (centre[0] - width // 28, centre[1] + width // 10)
        lettered(layer, number, start, height / 75, _WHITE)
    for place in range(5):
        start = (round(width * (0.05 + 0.2 * place)), height - height // 45)
        lettered(layer, letters(random, 5).strip().title(), start, height / 80, _WHITE)
    return layer


EDITS: tuple[Edit, ...] = (
    graded(
        "m1 split screen, aspect kept",
        Recipe("one above the other", _stacked),
        Recipe("side by side, the middle of each", _side_by_side),
        Recipe("grid of four", _four),
    ),
    graded("m2 framed inset", *(Recipe(f"{a:.0%}", framed_inset(a)) for a in (0.35, 0.25, 0.15))),
    graded(
        "m3 short-video app",
        Recipe("bars", _short_video("bars")),
        Recipe("blurred fill", _short_video("blur")),
        Recipe("cropped to a tall screen", _short_video("cover")),
    ),
)
