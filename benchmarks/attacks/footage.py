"""Footage that remembers what it shows: the material of every edit, and the truth about it.

A frame is known by its number and made when it is asked for, so that an edit is a function from
footage to footage, and edits chain without keeping frames. Each frame carries whose it is and from
when, so the truth of a copy follows from what was done to it and is never written by hand.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # (height, width, 3), blue, green, red
# A step of source time that is this far from the usual one is a cut; a dropped frame is less.
_JUMP_MS = 400.0


class NotApplicable(Exception):
    """The footage does not carry this edit: it is too short for it, say."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a clip that shows a stretch of a source; a reversed one has a negative speed.

    ``speed``: source time over clip time. Both ranges run from their earlier end to their later.
    """

    owner: str
    clip_start_ms: int
    clip_end_ms: int
    source_start_ms: int
    source_end_ms: int
    speed: float


@dataclass(frozen=True, slots=True)
class Footage:
    """Frames at a constant rate.

    ``owners``: for each frame the group of footage it shows, None where it is nobody's on a list;
    ``times_ms`` float64 (n,): the source's time that each frame shows (any value for nobody's).
    """

    fps: float
    height: int
    width: int
    owners: tuple[str | None, ...]
    times_ms: NDArray[np.float64]
    shown: Callable[[int], Frame]

    def __len__(self) -> int:
        return len(self.owners)

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return len(self) / self.fps

    def each(self, edit: Callable[[Frame, int], Frame], *, height: int = 0, width: int = 0) -> Self:
        """The same footage with every picture edited; ``edit`` gets the frame and its number.

        ``height`` and ``width`` where the edit changes them.
        """
        before = self.shown
        return replace(
            self,
            height=height or self.height,
            width=width or self.width,
            shown=lambda number: edit(before(number), number),
        )

    def take(self, rows: NDArray[np.integer], fps: float = 0.0) -> Self:
        """The frames of these numbers, in this order, each with its truth."""
        before, order = self.shown, rows.astype(np.int64)
        return replace(
            self,
            fps=fps or self.fps,
            owners=tuple(self.owners[row] for row in order),
            times_ms=self.times_ms[order],
            shown=lambda number: before(int(order[number])),
        )

    def cut(self, start_s: float, length_s: float) -> Self:
        """This part. Raises NotApplicable where it is not all there."""
        first, count = round(start_s * self.fps), round(length_s * self.fps)
        if first < 0 or count < 1 or first + count > len(self):
            raise NotApplicable(f"{self.duration_s:.1f} s are too short")
        return self.take(np.arange(first, first + count))

    def at_rate(self, fps: float) -> Self:
        """The same at another frame rate: frames shown twice or left out."""
        count = max(1, round(self.duration_s * fps))
        rows = np.minimum(np.arange(count) * self.fps / fps, len(self) - 1)
        return self.take(rows.astype(np.int64), fps)

    def nobodys(self) -> Self:
        """The same pictures as footage that belongs to no source."""
        return replace(self, owners=(None,) * len(self))


def joined(parts: list[Footage]) -> Footage:
    """One after another, at the rate of the first; all must have its size."""
    first = parts[0]
    rated = [part if part.fps == first.fps else part.at_rate(first.fps) for part in parts]
    if any((part.height, part.width) != (first.height, first.width) for part in rated):
        raise ValueError("footage of different sizes cannot be joined")
    starts = np.cumsum([0, *(len(part) for part in rated)])

    def shown(number: int) -> Frame:
        place = int(np.searchsorted(starts, number, side="right")) - 1
        return rated[place].shown(number - int(starts[place]))

    return replace(
        first,
        owners=tuple(owner for part in rated for owner in part.owners),
        times_ms=np.concatenate([part.times_ms for part in rated]),
        shown=shown,
    )


def segments(footage: Footage) -> tuple[Segment, ...]:
    """The truth as stretches: cut wherever the owner changes or source time jumps."""
    found: list[Segment] = []
    start = 0
    step_ms = 1000.0 / footage.fps
    steps = np.diff(footage.times_ms)
    for stop in range(1, len(footage) + 1):
        if stop < len(footage) and footage.owners[stop] == footage.owners[start]:
            usual_ms = float(np.median(steps[start : min(start + 25, len(steps))]))
            if abs(float(steps[stop - 1]) - usual_ms) <= _JUMP_MS:
                continue
        owner = footage.owners[start]
        if owner is not None:
            found.append(_segment(owner, footage.times_ms[start:stop], start, step_ms))
        start = stop
    return tuple(found)


def _segment(owner: str, times_ms: NDArray[np.float64], start: int, step_ms: float) -> Segment:
    length_ms = len(times_ms) * step_ms
    shown_ms = float(times_ms[-1] - times_ms[0])
    speed = shown_ms / ((len(times_ms) - 1) * step_ms) if len(times_ms) > 1 else 1.0
    return Segment(
        owner=owner,
        clip_start_ms=round(start * step_ms),
        clip_end_ms=round(start * step_ms + length_ms),
        source_start_ms=round(float(times_ms.min())),
        source_end_ms=round(float(times_ms.max()) + abs(speed) * step_ms),
        speed=round(speed, 4),
    )
