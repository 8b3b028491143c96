"""What a clip's rows and columns look like over time, and which of them are straight lines.

A frame's edge is a step in brightness at the same row over the whole width of the picture, whatever
the picture shows; steps inside a picture move, bend or end. Averaged over the clip and in blocks
along the line, the edge stands out and the content washes out.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Along a line: a block of an 854 px row is 13 px, wider than most strokes and texture, and the
# corners of a picture are known to 1.6 % before the other axis tells them to the pixel.
BLOCKS: Final = 64
LONGEST: Final = 1280  # lines of an axis; more cost memory, and a line is then 0.08 % of a side
_LINES: Final = 16  # candidates of an axis: a desktop's list, a bar and text make about ten
_LEAST_BLOCKS: Final = 0.15  # of all: shorter than any side of a picture that is looked for
# A step counts where it is above 1.5 times its neighbourhood, and a grey level more. With these, 95
# of 100 true sides in a photo, player, caption or coloured border show in 0.75 of their length or
# more, and a blurred fill's in 0.44; the strongest other line of a clip as it is shows in 0.24 at
# the median (development sources). Black bars on dark footage may show nowhere: hashing.borders.
_STEP_RATIO: Final = 1.5
_STEP_FLOOR: Final = 1.0
_NEAR, _FAR = 3, 8  # the neighbourhood in lines: beyond a step that scaling spread, and no further
_SPREAD: Final = 2  # lines beside the strongest step that belong to it: scaling spreads a step

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Gathering:
    """Sums over a clip's frames for the rows, or the columns, of frames of one size."""

    def __init__(self, side_px: int) -> None:
        self.lines = min(side_px, LONGEST)
        self._sum = np.zeros((self.lines, BLOCKS), np.float32)
        self._squares = np.zeros((self.lines, BLOCKS), np.float32)
        self._steps = np.zeros((self.lines - 1, BLOCKS), np.float32)
        self._frames = 0

    def add(self, blocks: NDArray[np.uint8]) -> None:
        """Take one more frame's block averages into account: uint8, (lines, ``BLOCKS``)."""
        cv2.accumulate(blocks, self._sum)
        cv2.accumulateSquare(blocks, self._squares)
        cv2.accumulate(cv2.absdiff(blocks[1:], blocks[:-1]), self._steps)
        self._frames += 1

    def strips(self) -> "Strips":
        """The averages of what was added: at least one frame."""
        mean = self._sum.astype(np.float64) / self._frames
        variance = self._squares.astype(np.float64) / self._frames - mean * mean
        steps = self._steps.astype(np.float64) / self._frames
        return Strips(mean, np.sqrt(np.maximum(0.0, variance)), steps)


@dataclass(frozen=True, slots=True, eq=False)
class Strips:
    """Grey levels over time of an axis' lines, float64 (lines, ``BLOCKS``).

    ``mean`` and ``moving`` (standard deviation over time) of each block; ``steps`` (one line less):
    mean difference in size between a line and the next.
    """

    mean: Floats
    moving: Floats
    steps: Floats

    def even(self, lines: slice, blocks: slice) -> bool:
        """Whether these lines are blank: neighbouring blocks alike, but for a few places."""
        between = np.abs(np.diff(self.mean[lines, blocks], axis=1))
        return bool(between.size) and bool((np.median(between, axis=1) < 1).all())


class Lines:
    """An axis' straight lines, in order, between the frame's two ends.

    ``places``: int64 (n,), the first is 0 and the last the number of lines of the axis; a line at
    place p lies between lines p - 1 and p.
    """

    def __init__(self, strips: Strips) -> None:
        usual = _neighbourhood(strips.steps)
        threshold = _STEP_RATIO * usual + _STEP_FLOOR
        stands_out = strips.steps > threshold
        spread = stands_out.copy()
        spread[1:] |= stands_out[:-1]
        spread[:-1] |= stands_out[1:]
        strength = (np.minimum(strips.steps / threshold, 4.0) * spread).sum(axis=1)
        chosen = _strongest(strength)
        self.places: Places = np.array([0, *(1 + chosen), len(strips.mean)], np.int64)
        self._spread = spread
        self._excess: Floats = np.maximum(0.0, strips.steps - usual)
        self._sums = np.zeros((len(self.places), BLOCKS + 1))
        self._sums[1:-1, 1:] = np.cumsum(spread[chosen], axis=1)

    def share(self, starts: Places, stops: Places) -> Floats:
        """Of blocks ``starts`` to ``stops``, int64 (m,), the share in which each line shows.

        float64 (lines, m); the frame's ends show nowhere.
        """
        showing: Floats = self._sums[:, stops] - self._sums[:, starts]
        shares: Floats = showing / np.maximum(stops - starts, 1)
        return shares

    def beyond(self, starts: Places, stops: Places) -> Floats:
        """The same share of the blocks outside; 0 where there are fewer than three of them."""
        before, after = np.maximum(starts - 1, 0), np.minimum(stops + 1, BLOCKS)
        blocks = before + BLOCKS - after
        showing = self._sums[:, before] + self._sums[:, -1:] - self._sums[:, after]
        shares: Floats = np.where(blocks >= 3, showing / np.maximum(blocks, 1), 0.0)
        return shares

    def shows_at(self, place: int, blocks: slice) -> float:
        """The share of these blocks in which a line shows at or beside a place, chosen or not."""
        near = self._spread[max(0, place - 2) : place + 1, blocks]
        return float(near.mean(axis=1).max(initial=0.0))

    def exact(self, place: int, blocks: slice) -> float:
        """Where the line at ``place`` is within these blocks, to a part of a line."""
        if place in (0, self.places[-1]):
            return float(place)
        first = max(0, place - 1 - _SPREAD)
        step = self._excess[first : place + _SPREAD, blocks].mean(axis=1)
        peak = int(step.argmax())
        around = np.arange(max(0, peak - 1), min(len(step), peak + 2))
        weight = step[around].sum()
        centre = float((step[around] * around).sum() / weight) if weight > 0 else float(peak)
        return first + 1 + centre


def _neighbourhood(steps: Floats) -> Floats:
    """What steps are usual on the rougher side of each line; a second line nearby is no matter."""
    padded = np.pad(steps, ((_FAR, _FAR), (0, 0)), mode="edge")
    lines = len(steps)
    before = [padded[_FAR - k : _FAR - k + lines] for k in range(_NEAR, _FAR + 1)]
    after = [padded[_FAR + k : _FAR + k + lines] for k in range(_NEAR, _FAR + 1)]
    usual: Floats = np.maximum(np.median(before, axis=0), np.median(after, axis=0))
    return usual


def _strongest(strength: Floats) -> Places:
    """The strongest lines, in order; of neighbours only the stronger."""
    left, chosen = strength.copy(), []
    for _ in range(_LINES):
        line = int(left.argmax())
        if left[line] < _LEAST_BLOCKS * BLOCKS:
            break
        chosen.append(line)
        left[max(0, line - _SPREAD) : line + _SPREAD + 1] = 0
    return np.array(sorted(chosen), np.int64)


def inner_blocks(start: int, stop: int, length: int, blocks: int = BLOCKS) -> slice:
    """The blocks that lie wholly between two places of an axis of this length, or all."""
    first, last = -(-start * blocks // length), stop * blocks // length
    return slice(first, last) if last > first else slice(0, blocks)
