"""Drawn screens and textures, full of corners that look alike: negatives that fool local features.

Other seeds have the same layout and other content: other words in the same letters, other codes,
other bricks. They scroll at one speed and pan at one of a few, so that chance agreements persist.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from benchmarks.attacks.drawing import flat, lettered, letters, resized, u8
from benchmarks.attacks.footage import Frame
from benchmarks.attacks.templates import HEIGHT, WIDTH, keys

_WHITE, _BLACK, _DARK, _GREY = (245, 245, 245), (0, 0, 0), (28, 26, 24), (110, 110, 115)
_GREEN, _BLUE, _PAPER = (170, 225, 190), (170, 90, 40), (236, 240, 242)
_PAN_PX_A_S = ((14.0, 42.0), (-14.0, 42.0), (20.0, -30.0))  # down and across

Shown = Callable[[float], Frame]  # the picture at a time in seconds


def _scrolled(sheet: Frame, speed_px_s: float) -> Shown:
    """A window of the screen's height that moves down a long sheet."""
    room = len(sheet) - HEIGHT
    return lambda time_s: sheet[(top := int(time_s * speed_px_s) % room) : top + HEIGHT, :WIDTH]


def _panned(random: np.random.Generator, sheet: Frame) -> Shown:
    """A window that moves over a large sheet from somewhere in its middle, diagonally."""
    speeds = np.array(_PAN_PX_A_S[int(random.integers(len(_PAN_PX_A_S)))])
    room = np.array([len(sheet) - HEIGHT, sheet.shape[1] - WIDTH])
    start = room * random.uniform(0.35, 0.65, 2)

    def shown(time_s: float) -> Frame:
        top, left = np.clip(start + time_s * speeds, 0, room).astype(int)
        return sheet[top : top + HEIGHT, left : left + WIDTH]

    return shown


def _chat(random: np.random.Generator) -> Shown:
    sheet = flat(1600, WIDTH, _PAPER)
    top = 10
    while top < 1540:
        mine = random.random() < 0.5
        count = int(random.integers(8, 34))
        left = WIDTH - count * 13 - 50 if mine else 50
        corner = (left + count * 13 + 20, top + 38)
        cv2.rectangle(sheet, (left, top), corner, _GREEN if mine else _WHITE, -1)
        lettered(sheet, letters(random, count).lower(), (left + 12, top + 25), 13, _DARK)
        clock = f"{random.integers(10, 24)}:{random.integers(10, 60)}"
        lettered(sheet, clock, (corner[0] - 40, top + 35), 7, _GREY)
        top += 50
    window = _scrolled(sheet, 55.0)

    def shown(time_s: float) -> Frame:
        frame = window(time_s).copy()
        frame[:40] = (90, 120, 40)
        lettered(frame, "<  Group chat   online", (14, 27), 15, _WHITE)
        return frame

    return shown


def _app_list(random: np.random.Generator) -> Shown:
    """Settings: icons, words, switches, lines."""
    sheet = flat(1900, WIDTH, _WHITE)
    for row in range(31):
        top = row * 60
        colour = tuple(int(value) for value in random.integers(40, 220, 3))
        cv2.circle(sheet, (40, top + 30), 17, colour, -1, cv2.LINE_AA)
        lettered(sheet, letters(random, 16).title(), (80, top + 26), 14, _DARK)
        lettered(sheet, letters(random, 26).lower(), (80, top + 47), 10, _GREY)
        on = bool(random.integers(2))
        cv2.rectangle(sheet, (570, top + 20), (612, top + 40), _GREEN if on else _GREY, -1)
        cv2.circle(sheet, (602 if on else 580, top + 30), 12, _WHITE, -1, cv2.LINE_AA)
        cv2.line(sheet, (80, top + 59), (WIDTH, top + 59), (215, 215, 215), 1)
    return _scrolled(sheet, 60.0)


def _keyboard(random: np.random.Generator) -> Shown:
    """Someone types on a phone; the keyboard is everybody's."""
    text = letters(random, 120).lower()

    def shown(time_s: float) -> Frame:
        frame = flat(HEIGHT, WIDTH, _WHITE)
        typed = text[: int(time_s * 9)]
        for line in range(len(typed) // 40 + 1):
            part = typed[line * 40 : line * 40 + 40]
            lettered(frame, part, (16, 26 + 22 * line), 12, _DARK)
        board = flat(270, 400, _PAPER)
        keys(board, 0)
        frame[100:] = resized(board, HEIGHT - 100, WIDTH)
        pressed = int(time_s * 9) % len(text)
        x, y = 30 + ord(text[pressed]) * 37 % 580, 130 + ord(text[pressed]) * 53 % 130
        cv2.circle(frame, (x, y), 24, _GREY, 3, cv2.LINE_AA)
        return frame

    return shown


def _table(random: np.random.Generator) -> Shown:
    sheet = flat(1500, WIDTH, _WHITE)
    for row in range(60):
        top = row * 25
        if row % 2:
            sheet[top : top + 25] = (248, 240, 232)
        lettered(sheet, f"{row + 1}", (8, top + 18), 10, _GREY)
        lettered(sheet, letters(random, 9), (46, top + 18), 11, _DARK)
        for column in range(5):
            number = f"{random.uniform(0, 9999):,.2f}"
            lettered(sheet, number, (190 + 90 * column, top + 18), 11, _DARK)
        cv2.line(sheet, (0, top), (WIDTH, top), (200, 200, 200), 1)
    for column in range(6):
        cv2.line(sheet, (180 + 90 * column, 0), (180 + 90 * column, 1500), (200, 200, 200), 1)
    return _scrolled(sheet, 40.0)


def _code(random: np.random.Generator) -> Shown:
    """An editor: lines of coloured words, indented."""
    colours = ((230, 180, 120), (120, 200, 150), (200, 200, 200), (120, 170, 230))
    sheet = flat(1700, WIDTH, (36, 32, 30))
    indent = 0
    for row in range(80):
        top = row * 21 + 16
        lettered(sheet, f"{row + 100}", (6, top), 9, _GREY)
        indent = int(np.clip(indent + random.integers(-1, 2), 0, 5))
        left = 50 + indent * 26
        for _ in range(int(random.integers(1, 6))):
            word = letters(random, int(random.integers(2, 9))).lower().replace(" ", "_")
            lettered(sheet, word, (left, top), 11, colours[int(random.integers(4))])
            left += 10 * len(word) + 14
    return _scrolled(sheet, 45.0)


def _credits(random: np.random.Generator) -> Shown:
    sheet = flat(1500, WIDTH, _BLACK)
    for row in range(48):
        top = row * 31 + 24
        role, name = letters(random, 13).title(), letters(random, 15).title()
        lettered(sheet, role, (110, top), 13, _GREY)
        lettered(sheet, name, (340, top), 13, _WHITE)
    return _scrolled(sheet, 50.0)


def _codes(random: np.random.Generator) -> Shown:
    """Square codes of 29 modules with three finders, another one every second and a half."""
    pictures = []
    for _ in range(5):
        modules = u8(random.integers(0, 2, (29, 29)) * 255)
        for y, x in ((0, 0), (0, 22), (22, 0)):
            modules[max(0, y - 1) : y + 8, max(0, x - 1) : x + 8] = 255
            modules[y : y + 7, x : x + 7] = 0
            modules[y + 1 : y + 6, x + 1 : x + 6] = 255
            modules[y + 2 : y + 5, x + 2 : x + 5] = 0
        frame = flat(HEIGHT, WIDTH, _WHITE)
        code = cv2.resize(modules, (290, 290), interpolation=cv2.INTER_NEAREST)
        frame[20:310, 175:465] = code[:, :, None]
        lettered(frame, "SCAN ME", (265, 345), 20, _DARK)
        pictures.append(frame)
    return lambda time_s: pictures[int(time_s / 1.5) % len(pictures)]


def _checkerboard(random: np.random.Generator) -> Shown:
    """A board that moves before a camera, lit from another side each time."""
    size = 1000, 1300
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    board = ((rows // 40 + columns // 40) % 2 * 190 + 30).astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + 0.25 * np.sin(angle) * rows / size[0] + 0.25 * np.cos(angle) * columns / size[1]
    return _panned(random, u8(np.repeat((board * light)[:, :, None], 3, axis=2)))


def _bricks(random: np.random.Generator) -> Shown:
    wall = flat(1000, 1300, (150, 160, 165))
    for row in range(1000 // 26 + 1):
        for column in range(-1, 1300 // 64 + 1):
            left, top = column * 64 + 32 * (row % 2), row * 26
            shade = float(random.uniform(0.75, 1.15))
            colour = tuple(int(value * shade) for value in (62, 80, 165))
            cv2.rectangle(wall, (left + 2, top + 2), (left + 61, top + 23), colour, -1)
    grain = random.normal(0, 9, (1000, 1300, 1))
    return _panned(random, u8(wall + grain))


def _tiles(random: np.random.Generator) -> Shown:
    """An ornament again and again, the same on every floor; stains and light are not."""
    tile = flat(80, 80, (225, 230, 232))
    cv2.circle(tile, (40, 40), 26, _BLUE, 5, cv2.LINE_AA)
    for x in (0, 80):
        for y in (0, 80):
            cv2.circle(tile, (x, y), 22, (60, 130, 190), -1, cv2.LINE_AA)
    cv2.rectangle(tile, (32, 32), (48, 48), (60, 130, 190), -1)
    cv2.rectangle(tile, (0, 0), (79, 79), _GREY, 1)
    floor = np.tile(tile, (13, 17, 1)).astype(np.float32)
    stains = cv2.resize(random.normal(1, 0.09, (10, 12)), (floor.shape[1], floor.shape[0]))
    return _panned(random, u8(floor * stains[:, :, None]))


def _grid(random: np.random.Generator) -> Shown:
    """Graph paper with a curve of its own."""
    paper = flat(1000, 1300, _WHITE)
    for place in range(0, 1300, 20):
        thick = 2 if place % 100 == 0 else 1
        cv2.line(paper, (place, 0), (place, 1000), (230, 200, 150), thick)
        cv2.line(paper, (0, place), (1300, place), (230, 200, 150), thick)
    steps = np.cumsum(random.normal(0, 12, 130)) + 400
    curve = np.stack([np.arange(130) * 10, steps], axis=1).astype(np.int32)
    cv2.polylines(paper, [curve], isClosed=False, color=(40, 40, 200), thickness=3)
    return _panned(random, paper)


def _map(random: np.random.Generator) -> Shown:
    """Blocks, roads, water and names, as online maps draw them."""
    sheet = flat(1000, 1300, (224, 236, 238))
    for _ in range(3):
        points = np.cumsum(random.normal(0, 160, (6, 2)), axis=0) + np.array([500, 400])
        cv2.polylines(sheet, [points.astype(np.int32)], False, (225, 195, 150), 34)
    for _ in range(26):
        start, end = random.uniform(0, 1300, (2, 2))
        ends = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
        cv2.line(sheet, *ends, (190, 190, 190), 11, cv2.LINE_AA)
        cv2.line(sheet, *ends, _WHITE, 8, cv2.LINE_AA)
    for _ in range(45):
        x, y = (int(value) for value in random.uniform(0, 1, 2) * (1200, 980))
        lettered(sheet, letters(random, 10).title(), (x, y), 10, _DARK)
        if random.random() < 0.4:
            cv2.circle(sheet, (x - 10, y - 5), 7, (60, 60, 210), -1, cv2.LINE_AA)
    return _panned(random, sheet)


SCREENS: Final[dict[str, Callable[[np.random.Generator], Shown]]] = {
    "chat screen": _chat,
    "app list": _app_list,
    "keyboard": _keyboard,
    "table": _table,
    "code": _code,
    "credits": _credits,
    "square codes": _codes,
    "checkerboard": _checkerboard,
    "bricks": _bricks,
    "tiles": _tiles,
    "graph paper": _grid,
    "map": _map,
}
