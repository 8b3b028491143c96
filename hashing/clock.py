"""Time stamps that can be relied on, made from those that a container claims.

Time stamps are part of the hostile input: they may be missing, equal, run backwards or jump. Here
they become a clock that never runs backwards, and a sampler that cannot be starved by it.
"""

from typing import Final

USUAL_STEP_MS: Final = 40  # 25 frames a second, until two time stamps say otherwise
_SHORTEST_STEP_MS: Final = 4  # 240 frames a second; less is rounding of equal stamps
_LONGEST_STEP_MS: Final = 1000  # a longer gap is a pause of a screen recording, no frame rate
_LONGEST_GAP_MS: Final = 120_000  # a pause; anything longer is a jump, and is taken out
MOST_SKIPPED_FRAMES: Final = 29  # one in thirty is looked at, whatever the time stamps say
# Outside of this rate frames are shown as slides or as flicker, or else the stamps are wrong.
_USUAL_STEPS_MS: Final = (10, 125)
_FEW_FRAMES: Final = 8  # too few to tell a rate
_DOUBTED_SHARE: Final = 0.05
_NEW_START_FRAMES: Final = 3  # so many stamps in the past are a restart, fewer are disorder


class Clock:
    """The times of one track's frames, in decoding order."""

    def __init__(self) -> None:
        self._time_ms = 0
        self._offset_ms: int | None = None  # of the clock against the stamps
        self._step_ms = USUAL_STEP_MS
        self._in_the_past = 0
        self._length_ms: int | None = None
        self._ticks = 0
        self._doubted = 0

    @property
    def is_odd(self) -> bool:
        """Whether these times may well be nobody's: an unusual rate, or too many that were mended.

        Footage that is shown so fast or slow, or in disorder, is no longer on one time line with
        its original; its frames in their order still are.
        """
        if self._ticks < _FEW_FRAMES:
            return False
        step_ms = self._time_ms / (self._ticks - 1)
        shortest_ms, longest_ms = _USUAL_STEPS_MS
        return (
            not shortest_ms <= step_ms <= longest_ms or self._doubted > _DOUBTED_SHARE * self._ticks
        )

    @property
    def end_ms(self) -> int:
        """When the last frame ends; 0 before the first."""
        if self._offset_ms is None:
            return 0
        return self._time_ms + (self._length_ms or self._step_ms)

    def tick(self, stamp_ms: int | None, length_ms: int | None = None) -> int:
        """The next frame's time in ms from the track's start.

        ``stamp_ms`` and ``length_ms`` are what the frame claims for its start and its duration.
        """
        self._ticks += 1
        claims_length = length_ms is not None and 0 < length_ms <= _LONGEST_GAP_MS
        self._length_ms = length_ms if claims_length else None
        if self._offset_ms is None:
            self._offset_ms = -(stamp_ms or 0)
            return 0
        claimed_ms = self._time_ms if stamp_ms is None else stamp_ms + self._offset_ms
        gap_ms = claimed_ms - self._time_ms
        if 0 < gap_ms <= _LONGEST_GAP_MS:
            self._in_the_past = 0
            if _SHORTEST_STEP_MS <= gap_ms <= _LONGEST_STEP_MS:
                self._step_ms = gap_ms
            self._time_ms = claimed_ms
        else:
            self._time_ms += self._step_ms
            self._doubt(stamp_ms, gap_ms)
        return self._time_ms

    def _doubt(self, stamp_ms: int | None, gap_ms: int) -> None:
        """Follow the stamps from here, after a jump or a restart."""
        if stamp_ms is None:
            return
        self._doubted += 1
        self._in_the_past += 1
        if gap_ms > 0 or self._in_the_past >= _NEW_START_FRAMES:
            self._offset_ms = self._time_ms - stamp_ms
            self._in_the_past = 0


class Sampler:
    """Picks at most one frame in each interval, and at least one in ``most_skipped`` + 1 frames.

    In the first ``dense_ms`` intervals are half as long. The second rule keeps a clip that claims
    to last a fifth of a second from being looked at once.
    """

    def __init__(
        self, interval_ms: int, most_skipped: int = MOST_SKIPPED_FRAMES, *, dense_ms: int = 0
    ) -> None:
        self._interval_ms = interval_ms
        self._dense_ms = dense_ms
        self._most_skipped = most_skipped
        self._slot: int | None = None
        self._skipped = 0

    def due(self, time_ms: int) -> bool:
        """Whether to take the frame at this time; ask once for each frame, in order."""
        is_dense = time_ms < self._dense_ms
        slot = time_ms // (self._interval_ms // 2 if is_dense else self._interval_ms)
        if slot == self._slot and self._skipped < self._most_skipped:
            self._skipped += 1
            return False
        self._slot = slot
        self._skipped = 0
        return True
