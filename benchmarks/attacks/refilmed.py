"""Family N, a screen filmed off by hand, with what cameras and screens do to each other.

The screen has lines of coloured subpixels and the camera a coarser raster, so that the moiré is a
real one. The room around it, what is reflected in it, the light on it, the camera's noise and its
rolling shutter are drawn; the shake is a hand's: a slow drift and a tremor.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.drawing import (
    blurred,
    flat,
    homography,
    noise,
    resized,
    u8,
    warped,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, x264
from benchmarks.attacks.footage import Footage, Frame

_LONG_PX, _SHORT_PX = 854, 480  # of the camera's frame
_SCREEN_PX = 1280  # of the long side of the screen: more than the camera resolves
_READ_OUT = 0.7  # of the time between frames: how long a rolling shutter takes from top to foot
_UNIT = 128  # a gain of 1, in bytes
_MARGIN = 1.3  # the room is so much larger than the frame, for the shake

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Shot:
    """How badly it is filmed. ``fills``: the screen's share of the frame's sides; above 1 its rim
    is outside. ``keystone``: how much shorter the far side is at either end, in shares of it;
    ``shake`` in shares of the frame's width; ``moire``, ``glare``, ``banding`` and ``ambient`` in
    shares of full light; ``blur`` and ``grain``: standard deviations in pixels and in levels."""

    fills: float
    keystone: float
    roll_deg: float
    shake: float
    moire: float
    glare: float
    banding: float
    ambient: float
    blur: float
    grain: float


_MILD = _Shot(0.90, 0.03, 1.0, 0.004, 0.12, 0.12, 0.05, 0.04, 0.5, 3)
_MEDIUM = _Shot(0.76, 0.07, 3.0, 0.008, 0.22, 0.25, 0.12, 0.08, 0.7, 5)
_HARD = _Shot(0.64, 0.12, 6.0, 0.014, 0.32, 0.40, 0.22, 0.13, 1.0, 8)
_CLOSE_MILD = _Shot(1.08, 0.02, 1.0, 0.004, 0.12, 0.12, 0.05, 0.04, 0.5, 3)
_CLOSE_MEDIUM = _Shot(1.20, 0.05, 3.0, 0.008, 0.22, 0.25, 0.12, 0.08, 0.7, 5)
_CLOSE_HARD = _Shot(1.36, 0.08, 5.0, 0.014, 0.32, 0.40, 0.22, 0.13, 1.0, 8)


def _filmed(shot: _Shot) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        wide = footage.width >= footage.height
        height, width = (_SHORT_PX, _LONG_PX) if wide else (_LONG_PX, _SHORT_PX)
        screen = _raster(footage)
        corners = _corners(random, shot, footage.width / footage.height, (height, width))
        onto = homography(screen, corners)
        room, room_at = _room(random, corners, (height, width))
        lines = _subpixels(screen, shot.moire)
        reflected = blurred(_reflection(random, height, width), height / 60)
        motions = _shaken(random, len(footage), shot.shake * width, footage.fps)
        grain = noise(random, height, width, shot.grain)
        tint = 1 + random.uniform(-0.18, 0.18, 3)
        phase = random.uniform(0, 2 * np.pi, 2)
        middle = (width / 2, height / 2)

        def seen(frame: Frame, number: int) -> Frame:
            camera = _camera(motions[number], middle, height)
            lit = u8(cv2.multiply(resized(frame, *screen), lines, scale=1 / _UNIT))
            around = u8(
                cv2.warpPerspective(
                    room, camera @ room_at, (width, height), borderMode=cv2.BORDER_REPLICATE
                )
            )
            picture = _smeared(warped(lit, camera @ onto, around), motions[number])
            picture = u8(cv2.GaussianBlur(picture, (0, 0), shot.blur))
            shift = np.array([[1, 0, 0.4 * motions[number, 0]], [0, 1, 0.4 * motions[number, 1]]])
            glare = cv2.warpAffine(reflected, shift, (width, height))
            light = cv2.addWeighted(
                picture, 1 - shot.ambient, glare, shot.glare, 255 * shot.ambient
            )
            time_s = number / footage.fps
            exposed = 1 + 0.5 * shot.banding * np.sin(time_s * 0.8 + phase[1])
            gain = _bands(height, time_s, shot.banding, phase[0]) * tint * exposed
            gains = np.repeat(u8(_UNIT * gain), width, axis=1)
            return grain(u8(cv2.multiply(light, gains, scale=1 / _UNIT)), number)

        return footage.each(seen, height=height, width=width)

    return edit


def _raster(footage: Footage) -> tuple[int, int]:
    scale = _SCREEN_PX / max(footage.height, footage.width)
    return round(footage.height * scale), round(footage.width * scale)


def _subpixels(screen: tuple[int, int], depth: float) -> Frame:
    """What a screen's lines of blue, green and red let through, three columns a triple; and the
    dark between its rows. In parts of _UNIT."""
    lines = np.full((*screen, 3), 1 - depth, np.float32)
    for channel in range(3):
        lines[:, channel::3, channel] = 1 + depth
    lines[::3] *= 1 - depth / 2
    return u8(_UNIT * lines)


def _corners(
    random: np.random.Generator, shot: _Shot, aspect: float, size: tuple[int, int]
) -> Matrix:
    """Where the screen's corners are in the frame: clockwise from the left top, x and y."""
    height, width = size
    choose = max if shot.fills > 1 else min
    across = choose(width * shot.fills, height * shot.fills * aspect)
    half = np.array([across, across / aspect]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    side = float(random.choice([-1, 1]))
    # From one side, and a little from above: that side's ends, and those below, are nearer.
    depth = shot.keystone * (side * corners[:, 0] / half[0] + 0.5 * corners[:, 1] / half[1])
    corners *= (1 + depth)[:, None]
    corners[:, 0] *= 1 - shot.keystone
    angle = np.radians(shot.roll_deg * float(random.uniform(0.6, 1) * random.choice([-1, 1])))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([width / 2, height / 2]) + random.uniform(-0.02, 0.02, 2) * (width, height)
    turned: Matrix = corners @ turn + middle
    return turned


def _room(
    random: np.random.Generator, corners: Matrix, size: tuple[int, int]
) -> tuple[Frame, Matrix]:
    """A wall with something on it, a desk with a keyboard, the screen's rim; and where it is."""
    height, width = (round(side * _MARGIN) for side in size)
    at = np.array([width - size[1], height - size[0]]) / 2
    paint = random.integers(80, 170) + random.integers(-18, 19, 3)
    wall = np.linspace(0.6, 1.1, width)[None, :, None] * paint
    room = u8(np.repeat(wall, height, axis=0))
    for _ in range(3):  # pictures, a shelf, a lamp
        start = random.uniform(0, 0.9, 2) * (width, height * 0.6)
        end = start + random.uniform(0.05, 0.2, 2) * (width, height)
        colour = tuple(int(value) for value in random.integers(30, 230, 3))
        cv2.rectangle(room, _point(start), _point(end), colour, -1)
        cv2.rectangle(room, _point(start), _point(end), (35, 40, 45), 3)
    desk = round(height * 0.78)
    room[desk:] = random.integers(50, 130) + random.integers(-20, 21, 3)
    key = np.array([width * 0.038, height * 0.033])
    for row in range(5):
        for column in range(16):
            start = np.array([width * (0.15 + 0.044 * column), desk + height * 0.042 * row])
            end = start + key
            cv2.rectangle(room, _point(start), _point(end), (28, 28, 30), -1)
    middle = corners.mean(axis=0)
    rim = (corners - middle) * 1.045 + middle + at
    cv2.fillConvexPoly(room, rim.astype(np.int32), (14, 14, 15), cv2.LINE_AA)
    foot = (rim[2] + rim[3]) / 2
    stand = np.array([[-40.0, 0.0], [40.0, height * 0.1]]) + foot
    cv2.rectangle(room, _point(stand[0]), _point(stand[1]), (20, 20, 22), -1)
    offset = np.array([[1, 0, -at[0]], [0, 1, -at[1]], [0, 0, 1]])
    return blurred(room, 1.5), offset


def _point(place: NDArray[np.float64]) -> tuple[int, int]:
    return int(place[0]), int(place[1])


def _reflection(random: np.random.Generator, height: int, width: int) -> Frame:
    """What the screen mirrors: a window with its bars, and a lamp."""
    light = flat(height, width, (0, 0, 0))
    left, top = random.uniform(0.05, 0.6) * width, random.uniform(0.0, 0.4) * height
    across, down = width * 0.22, height * 0.42
    lean = random.uniform(-0.25, 0.25) * across
    panes = np.array([[0, 0], [across, 0], [across + lean, down], [lean, down]])
    panes += np.array([left, top])
    cv2.fillConvexPoly(light, panes.astype(np.int32), (210, 200, 190))
    for start, end in (((0, 1), (3, 2)), ((0, 3), (1, 2))):
        first = (panes[start[0]] + panes[start[1]]) / 2
        last = (panes[end[0]] + panes[end[1]]) / 2
        cv2.line(light, _point(first), _point(last), (0, 0, 0), max(3, width // 60))
    lamp = (int(random.uniform(0.1, 0.9) * width), int(random.uniform(0.1, 0.9) * height))
    cv2.circle(light, lamp, height // 14, (230, 250, 255), -1)
    return light


def _shaken(
    random: np.random.Generator, frames: int, reach_px: float, fps: float
) -> NDArray[np.float64]:
    """For each frame x, y (px), roll (radians), zoom, and the speed in x and y (px a frame)."""
    time_s = np.arange(frames)[:, None] / fps
    drift = sum(
        np.sin(2 * np.pi * random.uniform(0.1, 0.6, 4) * time_s + random.uniform(0, 6.3, 4))
        for _ in range(3)
    )
    tremor = sum(
        np.sin(2 * np.pi * random.uniform(5, 9, 4) * time_s + random.uniform(0, 6.3, 4))
        for _ in range(2)
    )
    hand = np.asarray(drift + 0.12 * tremor)
    place = hand[:, :2] * reach_px
    roll, zoom = hand[:, 2:3] * 0.004, 1 + hand[:, 3:4] * 0.006
    speed = np.gradient(place, axis=0) if frames > 1 else np.zeros_like(place)
    return np.hstack([place, roll, zoom, speed])


def _camera(motion: NDArray[np.float64], middle: tuple[float, float], height: int) -> Matrix:
    """From the still scene to this frame: moved, rolled, zoomed, and slanted by its shutter."""
    x, y, roll, zoom, speed_x, _ = (float(value) for value in motion)
    turn = np.vstack([cv2.getRotationMatrix2D(middle, np.degrees(roll), zoom), [0, 0, 1]])
    slant = speed_x * _READ_OUT / height
    move = np.array([[1, slant, x - slant * height / 2], [0, 1, y], [0, 0, 1]])
    result: Matrix = move @ turn
    return result


def _smeared(picture: Frame, motion: NDArray[np.float64]) -> Frame:
    """Blurred along the way of half a frame's time."""
    reach = np.minimum(np.abs(motion[4:6]) / 2, 6).astype(int)
    return u8(cv2.blur(picture, (1 + int(reach[0]), 1 + int(reach[1]))))


def _bands(height: int, time_s: float, depth: float, phase: float) -> Matrix:
    """Dark bands that wander down: the screen's flicker, line by line."""
    rows = np.linspace(0, 2 * np.pi * 1.6, height)
    wave = np.sin(rows - 2 * np.pi * 0.7 * time_s + phase)
    darkened: Matrix = 1 - depth * np.clip(1.5 * wave, 0, 1)
    return darkened[:, None, None]


EDITS: tuple[Edit, ...] = (
    graded(
        "n1 refilmed screen, in a room",
        Recipe("mild", _filmed(_MILD), x264(26)),
        Recipe("medium", _filmed(_MEDIUM), x264(28)),
        Recipe("hard", _filmed(_HARD), x264(30)),
    ),
    graded(
        "n2 refilmed screen, close",
        Recipe("mild", _filmed(_CLOSE_MILD), x264(26)),
        Recipe("medium", _filmed(_CLOSE_MEDIUM), x264(28)),
        Recipe("hard", _filmed(_CLOSE_HARD), x264(30)),
    ),
)
