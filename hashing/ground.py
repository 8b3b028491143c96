"""What lies outside a rectangle of a clip's frames: a surround, or more of the picture?

A surround is still, or a blur; and where two edges are nested, what lies between them is looked at.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from hashing.strips import Floats, Lines, Strips, inner_blocks

_STILL: Final = 2.0  # grey levels over time: above codec noise on a still surround
_SMOOTH_SHARE: Final = 0.5  # a blurred fill's steps, of the picture's
_SMOOTH: Final = 0.4  # grey levels a line: as smooth as rounding shows
_LEAST_SHARE: Final = 0.55  # of a side that shows, as in hashing.edges
_TIGHTER_SHARE: Final = 0.15  # a nested edge may show in so much less than the outer one
_MOST_TIGHTENED: Final = 0.3  # of a side
_THIN: Final = 0.03  # of a side: a player's bar, which may move
_QUITE_STILL: Final = 0.5


Sides = tuple[int, int, int, int]  # top, left, bottom, right: places among the axes' lines


class Ground:
    """A clip's rows (axis 0) and columns (axis 1), and the straight lines among them."""

    def __init__(self, strips: tuple[Strips, Strips]) -> None:
        self.strips = strips
        self.lines = (Lines(strips[0]), Lines(strips[1]))
        self.lengths = (len(strips[0].mean), len(strips[1].mean))

    def blocks(self, side: int, sides: Sides) -> slice:
        """The blocks of one side's lines that lie within the rectangle."""
        other = 1 - side % 2
        return inner_blocks(sides[other], sides[other + 2], self.lengths[other])

    def exact(self, side: int, sides: Sides) -> float:
        """Where a rectangle's side is, to a part of a line."""
        return self.lines[side % 2].exact(sides[side], self.blocks(side, sides))

    def shows(self, sides: Sides) -> float:
        """The least share in which a side shows as a line; 1 where all are the frame's."""
        inner = [side for side in range(4) if sides[side] not in (0, self.lengths[side % 2])]
        shares = [
            self.lines[side % 2].shows_at(sides[side], self.blocks(side, sides)) for side in inner
        ]
        return min(shares, default=1.0)


def is_surrounded(sides: Sides, ground: Ground) -> bool:
    """Whether what is outside on each side is still, or moves without detail as a blur does."""
    return all(_is_outside(side, sides, ground) for side in range(4))


def _is_outside(side: int, sides: Sides, ground: Ground) -> bool:
    strips, blocks = ground.strips[side % 2], ground.blocks(side, sides)
    start, stop = sides[side % 2], sides[side % 2 + 2]
    outside = slice(0, start) if side < 2 else slice(stop, None)
    moving, steps = strips.moving[:, blocks], strips.steps[:, blocks]
    if len(moving[outside]) < 2:
        return True
    inside_moves, outside_moves = moving[start:stop].mean(), np.median(moving[outside])
    # The mean as well: else a caption would be the picture, and what hardly moves its surround.
    if outside_moves < _STILL and inside_moves >= moving[outside].mean():
        return True
    beyond = steps[: max(1, start - 1)] if side < 2 else steps[min(stop, len(steps) - 1) :]
    smooth = max(_SMOOTH, _SMOOTH_SHARE * steps[start + 1 : stop - 2].mean())
    return bool(np.median(beyond) < smooth and inside_moves > outside_moves / 2)


def tightened(sides: Sides, ground: Ground) -> Sides:
    """The rectangle with each side moved in to a nested edge, where only surround lies between.

    A player's window has an edge of its own around the picture's.
    """
    # Twice around: a side is seen more clearly once the others are known.
    for side in (*range(4), *range(4)):
        place = next(_nested(side, sides, ground), sides[side])
        top, left, bottom, right = (place if at == side else sides[at] for at in range(4))
        sides = (top, left, bottom, right)
    return sides


def _nested(side: int, sides: Sides, ground: Ground) -> Iterator[int]:
    """Places that the side may move in to, the innermost first."""
    lines, blocks = ground.lines[side % 2], ground.blocks(side, sides)
    shares = lines.share(np.array([blocks.start]), np.array([blocks.stop]))[:, 0]
    here, far = sides[side], sides[(side + 2) % 4]
    shows = float(shares[np.searchsorted(lines.places, here)]) or 1.0
    order = range(len(lines.places) - 2, 0, -1) if side < 2 else range(1, len(lines.places) - 1)
    for number in order:
        place = int(lines.places[number])
        gap = (place - here) if side < 2 else (here - place)
        if not 2 <= gap <= _MOST_TIGHTENED * abs(far - here):
            continue
        if shares[number] < max(_LEAST_SHARE, shows - _TIGHTER_SHARE):
            continue
        if _only_surround_between(side, place, sides, ground):
            yield place


def _only_surround_between(side: int, place: int, sides: Sides, ground: Ground) -> bool:
    strips, blocks = ground.strips[side % 2], ground.blocks(side, sides)
    here, far = sides[side], sides[(side + 2) % 4]
    gap = abs(place - here)
    if side < 2:
        between, inside = slice(here, place), slice(place + 1, place + 1 + gap)
        beside = slice(max(place - 3, here), place - 1)
    else:
        between, inside = slice(place, here), slice(max(0, place - 1 - gap), place - 1)
        beside = slice(place + 1, min(place + 3, here))
    moving: Floats = strips.moving[:, blocks]
    blank = strips.even(beside, blocks)
    if blank and gap <= _THIN * ground.lengths[side % 2]:
        return True
    picture = moving[min(place, far) : max(place, far)].mean()
    moves = float(np.median(moving[between]))
    if moves >= max(_QUITE_STILL, 0.2 * picture):
        return False
    return blank or bool(np.median(moving[inside]) > 4 * moves + 1)
