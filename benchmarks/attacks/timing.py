"""Family F, time: lengths, speeds, frame rates, openings, drops, shuffles, slideshows, reverse."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.attacks.drawing import covering, flat
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, single
from benchmarks.attacks.footage import Footage, Frame, NotApplicable, joined

_FREEZE_S, _FLASH_S = 1.0, 0.2


def length(seconds: float) -> Apply:
    """So many seconds from a random place. Raises NotApplicable for shorter footage."""

    def edit(footage: Footage, material: Material) -> Footage:
        room_s = footage.duration_s - seconds
        if room_s < 0:
            raise NotApplicable(f"{footage.duration_s:.1f} s hold no {seconds} s")
        return footage.cut(float(material.random.uniform(0, room_s)), seconds)

    return edit


def speed(factor: float) -> Apply:
    """Played this many times as fast, at the same frame rate."""

    def edit(footage: Footage, material: Material) -> Footage:
        del material
        places = np.arange(max(1, int(len(footage) / factor))) * factor
        played = footage.take(np.minimum(places.astype(np.int64), len(footage) - 1))
        times_ms = np.interp(places, np.arange(len(footage)), footage.times_ms)
        return replace(played, times_ms=times_ms)

    return edit


def _rate(fps: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        return footage.at_rate(min(fps, footage.fps))

    return edit


def opening(seconds: float) -> Apply:
    """Unrelated footage in front."""

    def edit(footage: Footage, material: Material) -> Footage:
        return joined([_elsewhere(footage, material, seconds), footage])

    return edit


def _elsewhere(footage: Footage, material: Material, seconds: float) -> Footage:
    """So many seconds of other footage in this one's size and rate."""
    other = material.other
    start_s = material.random.uniform(0, other.duration_s - seconds)
    part = other.cut(float(start_s), seconds).at_rate(footage.fps)
    return covering(part, footage.height, footage.width)


def _jitter(share: float) -> Apply:
    """This share of the frames dropped or shown twice, half and half."""

    def edit(footage: Footage, material: Material) -> Footage:
        drawn = material.random.random(len(footage))
        repeats = np.where(drawn < share / 2, 0, np.where(drawn > 1 - share / 2, 2, 1))
        rows = np.repeat(np.arange(len(footage)), repeats)
        return footage.take(rows)

    return edit


def _shuffle(piece_s: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        # At least two pieces, or nothing is shuffled.
        piece = min(round(piece_s * footage.fps), -(-len(footage) // 2))
        pieces = [
            np.arange(start, min(start + piece, len(footage)))
            for start in range(0, len(footage), piece)
        ]
        order = material.random.permutation(len(pieces))
        while len(pieces) > 1 and (order == np.arange(len(pieces))).all():
            order = material.random.permutation(len(pieces))
        return footage.take(np.concatenate([pieces[place] for place in order]))

    return edit


def _slideshow(every_s: float) -> Apply:
    """One still for so many seconds. The truth is the time line that the stills stand for."""

    def edit(footage: Footage, material: Material) -> Footage:
        del material
        step = max(1, round(every_s * footage.fps))
        rows = np.arange(len(footage)) // step * step
        return replace(footage.take(rows), times_ms=footage.times_ms)

    return edit


def _reverse(footage: Footage, material: Material) -> Footage:
    del material
    return footage.take(np.arange(len(footage))[::-1])


def _freezes(footage: Footage, material: Material) -> Footage:
    """Every few seconds one frame stands still for a second."""
    del material
    every, hold = round(3 * footage.fps), round(_FREEZE_S * footage.fps)
    repeats = np.ones(len(footage), np.int64)
    repeats[every // 2 :: every] = hold
    return footage.take(np.repeat(np.arange(len(footage)), repeats))


def _flashes(footage: Footage, material: Material) -> Footage:
    """Every second and a half a short black or white picture, put in between."""
    del material
    every, hold = round(1.5 * footage.fps), max(1, round(_FLASH_S * footage.fps))
    parts: list[Footage] = []
    for place, start in enumerate(range(0, len(footage), every)):
        part = footage.take(np.arange(start, min(start + every, len(footage))))
        level = 255 * (place % 2)
        picture = flat(footage.height, footage.width, (level, level, level))
        flash = part.take(np.zeros(hold, np.int64)).nobodys()
        parts += [part, replace(flash, shown=_still(picture))]
    return joined(parts)


def _still(picture: Frame) -> Callable[[int], Frame]:
    return lambda _: picture


EDITS: tuple[Edit, ...] = (
    graded("f1 length", *(Recipe(f"{s} s", length(s)) for s in (20, 8, 3))),
    graded("f1s short length", *(Recipe(f"{s} s", length(s)) for s in (5, 2, 1))),
    graded("f2 faster", *(Recipe(f"x{s}", speed(s)) for s in (1.05, 1.25, 2.0))),
    graded("f2s slower", *(Recipe(f"x{s}", speed(s)) for s in (0.9, 0.75, 0.5))),
    graded("f3 frame rate", *(Recipe(f"{fps} fps", _rate(fps)) for fps in (15, 10, 5))),
    graded("f4 new opening", *(Recipe(f"{s} s", opening(s)) for s in (2, 10, 30))),
    graded("f5 drops and doubles", *(Recipe(f"{s:.0%}", _jitter(s)) for s in (0.05, 0.15, 0.30))),
    graded("f6 shuffle", *(Recipe(f"{s} s pieces", _shuffle(s)) for s in (10, 5, 2))),
    graded("f7 slideshow", *(Recipe(f"{s} s", _slideshow(s)) for s in (1, 2.5, 5))),
    single("f8 reverse", Recipe("backwards", _reverse)),
    single("f8f freezes", Recipe("1 s in 3", _freezes)),
    single("f8w flashes", Recipe("0.2 s in 1.5", _flashes)),
)
