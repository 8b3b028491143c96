"""Family C, colour and noise."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.drawing import noise, u8
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, single
from benchmarks.attacks.footage import Footage, Frame

_SEPIA = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]])
_LEVELS = np.arange(256, dtype=np.float64)


def _curve(table_of: Callable[[np.random.Generator], NDArray[np.float64]]) -> Apply:
    """Each level through a table that may depend on chance."""

    def edit(footage: Footage, material: Material) -> Footage:
        table = u8(table_of(material.random))
        return footage.each(lambda frame, _: u8(cv2.LUT(frame, table)))

    return edit


def _brightness(amount: float) -> Apply:
    return _curve(lambda random: _LEVELS + 255 * amount * random.choice([-1.0, 1.0]))


def _contrast(factor: float) -> Apply:
    return _curve(lambda _: (_LEVELS - 128) * factor + 128)


def _gamma(gamma: float) -> Apply:
    return _curve(lambda random: 255 * (_LEVELS / 255) ** (gamma ** random.choice([-1.0, 1.0])))


def _framewise(change: Callable[[Frame], Frame]) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        return footage.each(lambda frame, _: change(frame))

    return edit


def _gray(frame: Frame) -> Frame:
    return u8(cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def _sepia(frame: Frame) -> Frame:
    return u8(cv2.transform(frame, _SEPIA))


def _two_levels(footage: Footage, material: Material) -> Footage:
    del material
    luma = [_gray(footage.shown(number))[:, :, 0] for number in range(0, len(footage), 25)]
    middle = float(np.median(np.stack(luma)))
    table = u8((_LEVELS - middle) * 16 + 128)  # 16 grey levels of slope: an edge, not a saw
    return footage.each(lambda frame, _: u8(cv2.LUT(_gray(frame), table)))


def _hue(degrees: int) -> Apply:
    def change(frame: Frame) -> Frame:
        hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
        hsv[:, :, 0] = (hsv[:, :, 0].astype(np.int16) + degrees // 2) % 180
        return u8(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))

    return _framewise(change)


def _noise(sd: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        return footage.each(noise(material.random, footage.height, footage.width, sd))

    return edit


def _film(vignette: float, tint: float, grain_sd: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        rows = np.linspace(-1, 1, footage.height)[:, None]
        columns = np.linspace(-1, 1, footage.width)[None, :]
        shade = 1 - vignette * (rows**2 + columns**2) / 2
        gain = np.array([1 + tint, 1.0, 1 - tint]) * shade[:, :, None]
        scale = gain.astype(np.float32)
        grain = noise(material.random, footage.height, footage.width, grain_sd)
        return footage.each(lambda frame, number: grain(u8(frame * scale), number))

    return edit


EDITS: tuple[Edit, ...] = (
    graded("c1 brightness", *(Recipe(f"±{a}", _brightness(a)) for a in (0.1, 0.25, 0.4))),
    graded("c2 contrast", *(Recipe(f"x{f}", _contrast(f)) for f in (1.3, 1.8, 2.5))),
    graded("c2g gamma", *(Recipe(f"{g} or 1/{g}", _gamma(g)) for g in (1.3, 1.8, 2.5))),
    graded(
        "c3 grey, sepia, two levels",
        Recipe("grey", _framewise(_gray)),
        Recipe("sepia", _framewise(_sepia)),
        Recipe("two levels", _two_levels),
    ),
    graded("c4 hue", *(Recipe(f"{d}°", _hue(d)) for d in (30, 90, 180))),
    single("c4n negative", Recipe("negative", _curve(lambda _: 255 - _LEVELS))),
    graded("c5 noise", *(Recipe(f"sd {sd}", _noise(sd)) for sd in (10, 25, 50))),
    graded(
        "c6 film filter",
        Recipe("light", _film(0.3, 0.08, 4)),
        Recipe("medium", _film(0.55, 0.18, 9)),
        Recipe("strong", _film(0.8, 0.3, 16)),
    ),
)
