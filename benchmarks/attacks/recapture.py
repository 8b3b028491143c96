"""Family G, the screen captured again: recorded, filmed, or shown in a phone's app."""

import cv2
import numpy as np

from benchmarks.attacks.drawing import (
    even,
    flat,
    homography,
    lettered,
    letters,
    pasted,
    sized,
    u8,
    warped,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame
from benchmarks.attacks.geometry import corners_moved

_WHITE, _GREY, _RED = (235, 235, 235), (70, 70, 74), (40, 40, 220)
_LONGEST_PX = 720


def _fitted(footage: Footage) -> Footage:
    """No larger than a screen recording that a messenger lets through."""
    scale = min(1.0, _LONGEST_PX / max(footage.height, footage.width))
    return sized(footage, even(footage.height * scale), even(footage.width * scale))


def _desktop(random: np.random.Generator, height: int, width: int) -> Frame:
    """A still desktop: window frame, list of other clips, taskbar."""
    screen = flat(height, width, (int(random.integers(20, 60)),) * 3)
    lettered(screen, letters(random, 30), (width // 60, height // 30), height / 45, _WHITE)
    for row in range(8):
        top = round(height * (0.08 + 0.11 * row))
        shade = int(random.integers(60, 200))
        cv2.rectangle(
            screen, (round(width * 0.86), top), (width - 8, top + height // 12), (shade,) * 3, -1
        )
    cv2.rectangle(screen, (0, height - height // 22), (width, height), _GREY, -1)
    lettered(screen, "14:07", (width - width // 12, height - height // 60), height / 45, _WHITE)
    return screen


def _screen_recording(area: float) -> Apply:
    """A player's window, this share of the screen's area; progress bar and cursor move."""

    def edit(footage: Footage, material: Material) -> Footage:
        side = 1 / np.sqrt(area)
        height, width = even(footage.height * side), even(footage.width * side)
        desktop = _desktop(material.random, height, width)
        top = round((height - footage.height) * 0.4)
        left = round((width - footage.width) * 0.3)
        bar = top + footage.height + max(1, (height - top - footage.height) // 4)
        phase = material.random.uniform(0, 6)

        def recorded(frame: Frame, number: int) -> Frame:
            screen = pasted(desktop, frame, top, left)
            done = left + round(footage.width * (number + 1) / len(footage))
            cv2.line(screen, (left, bar), (left + footage.width, bar), _GREY, 3)
            cv2.line(screen, (left, bar), (done, bar), _RED, 3)
            angle = number / footage.fps * 0.7 + phase
            cursor = (round(width * (0.5 + 0.3 * np.sin(angle))), round(height * 0.75))
            cv2.drawMarker(screen, cursor, _WHITE, cv2.MARKER_TRIANGLE_UP, height // 30, 2)
            return screen

        return _fitted(footage.each(recorded, height=height, width=width))

    return edit


def _chat(area: float) -> Apply:
    """A recording of a chat: the clip plays in a message, this share of the area; nothing else
    moves but the app's own play bar below it."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        width = even(footage.width / 0.94)
        height = even(footage.height * footage.width / area / width)
        screen = flat(height, width, (int(random.integers(200, 240)),) * 3)
        head = max(12, (height - footage.height) // 4)
        screen[:head] = tuple(int(value) for value in random.integers(40, 160, 3))
        lettered(screen, letters(random, 12), (width // 8, head * 2 // 3), head / 3, _WHITE)
        top, left = head * 3 // 2, round(width * 0.03)
        below = top + footage.height
        for row, side in enumerate((0.05, 0.45, 0.05)):
            corner = (round(width * side), below + head // 2 + row * head // 2)
            opposite = (corner[0] + width // 2, corner[1] + head // 3)
            cv2.rectangle(screen, corner, opposite, _WHITE, -1)
            start = (corner[0] + width // 50, opposite[1] - head // 12)
            lettered(screen, letters(random, 18), start, head / 6, _GREY)

        def shown(frame: Frame, number: int) -> Frame:
            picture = pasted(screen, frame, top, left)
            done = left + round(footage.width * (number + 1) / len(footage))
            cv2.line(picture, (left, below + 4), (done, below + 4), _RED, 3)
            return picture

        return _fitted(footage.each(shown, height=height, width=width))

    return edit


def _refilmed(keystone: float) -> Apply:
    """A screen filmed by hand: perspective, shake, moiré, gamma, glare, the bezel around it."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        height, width = footage.height, footage.width
        inner = np.array([width, height]) * 0.84
        corners = corners_moved(random, int(inner[1]), int(inner[0]), keystone / 2)
        corners += np.array([width, height]) * 0.08
        room = flat(height, width, (48, 52, 58))
        bezel = cv2.convexHull(
            ((corners - corners.mean(axis=0)) * 1.05 + corners.mean(axis=0)).astype(np.int32)
        )
        cv2.fillConvexPoly(room, bezel, (12, 12, 12))
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        moire = 6 * np.sin(columns * 1.9 + rows * 0.13) * np.sin(rows * 1.7)
        glare = 70 * np.exp(
            -(((columns / width - 0.7) / 0.2) ** 2 + ((rows / height - 0.3) / 0.25) ** 2)
        )
        light = (moire + glare)[:, :, None]
        table = u8(255 * (np.arange(256) / 255) ** 1.25)
        shakes = np.cumsum(random.normal(0, 0.6, (len(footage), 2)), axis=0)
        shakes = np.clip(shakes, -0.03 * width, 0.03 * width)

        def filmed(frame: Frame, number: int) -> Frame:
            matrix = homography((height, width), corners + shakes[number])
            seen = warped(u8(cv2.LUT(frame, table)), matrix, room)
            return u8(seen * np.float32(0.88) + light)

        return footage.each(filmed)

    return edit


def _phone(share: float) -> Apply:
    """In a phone's app, held upright: the picture is this share of the frame's height."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        height = even(footage.height / share)
        width = max(footage.width, even(height * 9 / 21))
        screen = flat(height, width, (24, 24, 28))
        lettered(screen, letters(random, 14), (width // 20, height // 14), height / 60, _WHITE)
        for row in range(5):
            baseline = round(height * (0.76 + 0.045 * row))
            lettered(screen, letters(random, 34), (width // 20, baseline), height / 70, _WHITE)
        top, left = round(height * 0.12), (width - footage.width) // 2

        def shown(frame: Frame, _: int) -> Frame:
            return pasted(screen, frame, top, left)

        return _fitted(footage.each(shown, height=height, width=width))

    return edit


EDITS: tuple[Edit, ...] = (
    graded(
        "g1 screen recording",
        *(Recipe(f"{a:.0%} of the area", _screen_recording(a)) for a in (0.9, 0.7, 0.45)),
    ),
    graded("g1c chat", *(Recipe(f"{a:.0%} of the area", _chat(a)) for a in (0.75, 0.6, 0.45))),
    graded("g2 refilmed screen", *(Recipe(f"{k:.0%}", _refilmed(k)) for k in (0.03, 0.08, 0.15))),
    graded("g3 phone, upright", *(Recipe(f"{s:.0%}", _phone(s)) for s in (0.45, 0.38, 0.30))),
)
