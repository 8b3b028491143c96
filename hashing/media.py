"""What a decoder hands over, and the limits it keeps.

``hashing.decode`` is the front door; the two readers behind it (``hashing.container`` for video,
``hashing.stills`` for pictures and animations) both give a ``Media``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hashing.coverage import Coverage, Problem
from hashing.fingerprint import Kind

FEW_KEY_FRAMES: Final = 4  # fewer say nothing about what moves: ordinary frames are taken too
LOOKED_AHEAD_FRAMES: Final = 250  # ordinary frames decoded for that, at most: 8 s at 30 a second
LOOKED_AHEAD_STRIDE: Final = 8  # neighbours are alike: one in eight is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much work one clip may cause. A limit that was reached is a problem of its own, never a
    clean end; ``service.settings`` lets each be chosen.

    ``frame_pixels``: of one video frame; 4096 by 4096 is what FFmpeg's own fuzzers cover
    (tools/target_dec_fuzzer.c). ``still_pixels``: of one still picture; a 50-megapixel phone photo.
    ``frames``: decoded frames in all tracks; 3 h at 60 a second are 648,000. ``total_pixels``: of
    all decoded frames; 3 h of 480p at 30 a second are 1.3e11, 2 h of 1080p at 25 are 3.7e11.
    ``seconds``: of media time; ``packets``: of all tracks, so that a flood of empty ones ends.
    ``tracks``: video tracks that are decoded; ``films``: further films in one file, behind a
    picture or another film. ``media_bytes``: of a stream that cannot seek and is
    therefore held in memory. ``picture_bytes``: of a picture or animation file, which Pillow may
    read whole; the largest phone photos have 30 MB. ``animation_pixels``: of all frames of a GIF or
    its like, whose frames of 23 bytes each cost a canvas of work; 20 min of 320 by 240 fit.
    """

    frame_pixels: int = 4096 * 4096
    still_pixels: int = 8192 * 6144
    frames: int = 1_000_000
    total_pixels: int = 400_000_000_000
    seconds: int = 4 * 3600
    packets: int = 10_000_000
    tracks: int = 16
    films: int = 4
    media_bytes: int = 512 * 1024 * 1024
    picture_bytes: int = 64 * 1024 * 1024
    animation_pixels: int = 1_000_000_000

    def time_up(self) -> Problem | None:
        """The limit of time that is reached, asked between packets and frames. There is no clock
        here: who has one overrides this."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class LumaFrame:
    """One upright picture's brightness.

    ``stream``: number among the video tracks, from 0. ``time_ms``: from the track's start, never
    decreasing within a track. ``luma``: uint8, (height, width), at native size; it may look into
    the decoder's memory, so use it before asking for the next frame. ``full_range``: whether 0 is
    black and 255 white; otherwise 16 is black and 235 white.
    """

    stream: int
    time_ms: int
    luma: NDArray[np.uint8]
    full_range: bool


class Media(Protocol):
    """A clip that was recognised and can be decoded, as often as needed."""

    @property
    def kind(self) -> Kind:
        """A video (or animation), or one still picture."""

    def key_frames(self) -> Iterator[LumaFrame]:
        """Key frames from all over the clip, spread evenly: a small part of a decode's cost.

        None of a picture or a picture animation, which have no such thing.
        """

    def first_frames(self) -> Iterator[LumaFrame]:
        """Ordinary frames, from the start, of tracks in which ``key_frames`` found hardly any.

        For statistics: times are not given (0).
        """

    def ending(self, interval_ms: int) -> Iterator[LumaFrame]:
        """Sampled frames from the last frame of ``key_frames`` to the end, economically decoded.

        All packets before are read and counted as well, so the clip's true length is known then.
        """

    def frames(
        self, interval_ms: int, *, economical: bool, dense_ms: int = 0
    ) -> Iterator[LumaFrame]:
        """At most one frame of each track in each ``interval_ms``, by time stamp.

        Two in the first ``dense_ms``.

        ``economical`` saves half of the CPU time where a sparse sample is enough: frames that no
        other frame refers to are skipped, and the loop filter is left out.
        """

    def coverage(self) -> Coverage:
        """What the last pass saw; the counts of sampled and flat frames are left at 0.

        ``decoded_ms`` is the running time that was decoded: none of ``key_frames``.
        """


class Budget:
    """What is left of the limits in one pass. The first limit that is reached is remembered."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._packets = 0
        self._frames = 0
        self._pixels = 0
        self.reached: Problem | None = None

    def packet(self) -> bool:
        """Take account of one packet; False when there are too many, or its time is up."""
        self._packets += 1
        return (
            self._within(self._packets, self._limits.packets, Problem.LIMIT_PACKETS)
            and self._in_time()
        )

    def frame(self, width_px: int, height_px: int, time_ms: int) -> bool:
        """Take account of one decoded frame; False when it is beyond a limit."""
        self._frames += 1
        self._pixels += width_px * height_px
        return (
            self._within(self._frames, self._limits.frames, Problem.LIMIT_FRAMES)
            and self._within(self._pixels, self._limits.total_pixels, Problem.LIMIT_PIXELS)
            and self._within(time_ms, self._limits.seconds * 1000, Problem.LIMIT_SECONDS)
            and self._in_time()
        )

    def _in_time(self) -> bool:
        reached = self._limits.time_up()
        self.reached = self.reached or reached
        return reached is None

    def _within(self, used: int, limit: int, problem: Problem) -> bool:
        if used > limit:
            self.reached = self.reached or problem
        return used <= limit
