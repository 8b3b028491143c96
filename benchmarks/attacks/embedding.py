"""Family H, embedding: the copy in a picture, beside others, in other footage, in a compilation."""

import cv2
import numpy as np

from benchmarks.attacks.drawing import (
    covering,
    flat,
    homography,
    lettered,
    letters,
    pasted,
    resized,
    sized,
    warped,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame, NotApplicable, joined
from benchmarks.attacks.timing import length

_PART_S = 4.0  # of each clip in a compilation


def _backdrop(footage: Footage, material: Material) -> Footage:
    """Other footage of the same size, rate and length, looped where it is too short."""
    rated = material.other.at_rate(footage.fps)
    start = int(material.random.integers(len(rated)))
    rows = (start + np.arange(len(footage))) % len(rated)
    return covering(rated.take(rows), footage.height, footage.width)


def _picture_in_picture(area: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        behind = _backdrop(footage, material)
        height = round(footage.height * np.sqrt(area))
        width = round(footage.width * np.sqrt(area))
        place = material.random.uniform(0.05, 0.95, 2)
        top = round((footage.height - height) * place[0])
        left = round((footage.width - width) * place[1])

        def inset(frame: Frame, number: int) -> Frame:
            return pasted(behind.shown(number), resized(frame, height, width), top, left)

        return footage.each(inset)

    return edit


def _split(rows: int, columns: int) -> Apply:
    """The copy in one panel of so many, other footage in the rest."""

    def edit(footage: Footage, material: Material) -> Footage:
        panels = [_backdrop(footage, material) for _ in range(rows * columns - 1)]
        panels.insert(int(material.random.integers(rows * columns)), footage)
        height, width = footage.height // rows, footage.width // columns
        pictures = [covering(panel, height, width) for panel in panels]
        if columns == 1 or rows == 1:  # a stack keeps each picture whole; a grid does so anyway
            pictures = [sized(panel, height, width) for panel in panels]
        total = (height * rows, width * columns)

        def stacked(_: Frame, number: int) -> Frame:
            canvas = flat(*total, (0, 0, 0))
            for place, picture in enumerate(pictures):
                row, column = divmod(place, columns)
                canvas = pasted(canvas, picture.shown(number), row * height, column * width)
            return canvas

        return footage.each(stacked, height=total[0], width=total[1])

    return edit


def _inserted(copy_s: float, whole_s: float) -> Apply:
    """Seconds of the copy at a random place inside other footage."""

    def edit(footage: Footage, material: Material) -> Footage:
        copy = length(min(copy_s, footage.duration_s))(footage, material)
        around_s = whole_s - copy_s
        before_s = float(material.random.uniform(0.1, 0.9)) * around_s
        other = material.other
        if other.duration_s < around_s:
            raise NotApplicable("too little other footage")
        start = other.cut(0.0, before_s)
        end = other.cut(before_s, around_s - before_s)
        fitted = [covering(p.at_rate(copy.fps), copy.height, copy.width) for p in (start, end)]
        return joined([fitted[0], copy, fitted[1]])

    return edit


def _compilation(clips: int) -> Apply:
    """Parts of so many listed clips; each of them is to be found."""

    def edit(footage: Footage, material: Material) -> Footage:
        if len(material.known) < clips - 1:
            raise NotApplicable("too few listed clips")
        parts = [length(min(_PART_S, footage.duration_s))(footage, material)]
        for known in material.known[: clips - 1]:
            part = known.cut(0.0, min(_PART_S, known.duration_s)).at_rate(footage.fps)
            # Stretched: compilers' tools do, and it keeps the whole picture.
            parts.append(sized(part, footage.height, footage.width))
        order = material.random.permutation(len(parts))
        return joined([parts[place] for place in order])

    return edit


def _on_television(area: float) -> Apply:
    """On a set in a news studio: perspective, a lower third, the studio around it moving."""

    def edit(footage: Footage, material: Material) -> Footage:
        behind = _backdrop(footage, material)
        height, width = footage.height, footage.width
        side = np.sqrt(area)
        left, top = width * (0.95 - side), height * 0.06
        slant = 0.06 * side
        corners = np.array(
            [
                [left, top],
                [left + width * side, top + height * slant],
                [left + width * side, top + height * (side - slant)],
                [left, top + height * side],
            ]
        )
        matrix = homography((height, width), corners)
        third = flat(max(8, height // 6), width, (120, 40, 20))
        lettered(
            third, letters(material.random, 30), (width // 30, height // 9), height / 18, (255,) * 3
        )

        def broadcast(frame: Frame, number: int) -> Frame:
            studio = behind.shown(number).copy()
            screen = cv2.convexHull(corners.astype(np.int32))
            cv2.polylines(studio, [screen], isClosed=True, color=(15, 15, 15), thickness=6)
            return pasted(warped(frame, matrix, studio), third, height - len(third), 0)

        return footage.each(broadcast)

    return edit


EDITS: tuple[Edit, ...] = (
    graded(
        "h1 picture in picture",
        *(Recipe(f"{a:.0%}", _picture_in_picture(a)) for a in (0.6, 0.35, 0.15)),
    ),
    graded(
        "h2 split screen",
        Recipe("1/2", _split(1, 2)),
        Recipe("1/3", _split(3, 1)),
        Recipe("1/4", _split(2, 2)),
    ),
    graded(
        "h3 in other footage",
        *(Recipe(f"{c} s in {w} s", _inserted(c, w)) for c, w in ((10, 20), (6, 30), (3, 60))),
    ),
    graded("h4 compilation", *(Recipe(f"{n} clips", _compilation(n)) for n in (2, 4, 8))),
    graded("h5 on television", *(Recipe(f"{a:.0%}", _on_television(a)) for a in (0.5, 0.3, 0.15))),
)
