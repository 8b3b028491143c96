"""Gathering: which frames patches are taken from, in bounded memory however long the footage is.

A reference's key frames lie a second apart. Of a clip a few small frames are held while it is
decoded, spread over all of it; patches are taken of them only when somebody asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hashing.media import LumaFrame
from hashing.patch_track import CLOSE_SIDE_PX, SIDE_PX, Look, PatchTrack, joined, thinned
from hashing.patches.following import Follower
from hashing.patches.keypoints import Pixels, shrunk

REFERENCE_INTERVAL_MS: Final = 1000
# 290 a second of 40 bytes: 11.6 KB where nothing stays. docs/explanation/patches.md has the table.
REFERENCE_PATCHES: Final = 290
# Twice a reference's: what was laid over a clip has corners of its own, and takes its share.
CLIP_PATCHES: Final = 600
# In a closer look the copy is a part of the frame, and only that part's patches are of it.
CLOSE_PATCHES: Final = 1500
# So many of a clip's video tracks are held large enough for it. 96 square frames of 16 tracks then
# take 460 MB, of the 768 that the process of a clip has.
_CLOSE_TRACKS: Final = 4
# A clip's frames of 854 by 480 are held so for 10 MB, and cost a copy each instead of a resize.
_HELD_AS_THEY_ARE_BYTES: Final = 24 * 2**20
CLIP_INTERVAL_MS: Final = 250  # a short clip has as many frames to go by as a longer one
# An hour of footage in which nothing stays where it is: 40 MB. Then every other key frame goes.
MOST_PATCHES: Final = 1_000_000
# How far widened and heightened looks undo a squeeze: between two side by side and three, either is
# then out by 1.22, which descriptors stand. At 2.0 a third of the frame is out by 1.5: 31 of 41
# frames of five such copies are sighted so, and 38 with this.
_SQUEEZE: Final = 6**0.5
_SHARED: Final = (Look.AS_IS, Look.MIRRORED, Look.NEGATIVE)  # these looks share their corners


class ReferenceGatherer:
    """Takes the frames of one of a reference's video tracks."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self._interval_ms = REFERENCE_INTERVAL_MS
        self._due_ms = 0
        self._before: PatchTrack | None = None
        self._follower = Follower(stream, REFERENCE_PATCHES, (Look.AS_IS,))

    def add(self, luma: Pixels, time_ms: int) -> None:
        """Take one frame; those between key frames cost nothing."""
        if time_ms < self._due_ms:
            return
        self._due_ms = time_ms + self._interval_ms
        self._follower.add(shrunk(luma), time_ms)
        held = 0 if self._before is None else len(self._before)
        if held + len(self._follower) > MOST_PATCHES:
            self._before = thinned(self.track())
            self._follower = Follower(self._stream, REFERENCE_PATCHES, (Look.AS_IS,))
            self._interval_ms *= 2

    def track(self) -> PatchTrack:
        """All patches so far."""
        latest = self._follower.track(Look.AS_IS)
        return latest if self._before is None else joined(self._before, latest)


@dataclass(frozen=True, slots=True, eq=False)
class HeldFrame:
    """A clip's frame as small as patches need it: ``small`` uint8, longer side ``CLOSE_SIDE_PX`` at
    most."""

    time_ms: int
    small: Pixels


class ClipGatherer:
    """Holds frames of one of a clip's video tracks, evenly spread, at most so many.

    Most clips are never asked for patches, and most frames are let go again: where memory allows
    it, frames are held as they are, and shrunk when they are asked for.
    """

    def __init__(self, interval_ms: int, most: int, side_px: int = CLOSE_SIDE_PX) -> None:
        """``interval_ms``: between held frames at first; doubled whenever there are too many.

        ``side_px``: of the longer side of what is held, at most.
        """
        self._interval_ms = interval_ms
        self._side_px = side_px
        self._most = most
        self._due_ms = 0
        self._held: list[HeldFrame] = []

    def add(self, luma: Pixels, time_ms: int) -> None:
        """Take one frame; those between held ones cost nothing."""
        if time_ms < self._due_ms:
            return
        if len(self._held) >= self._most:
            self._held = self._held[::2]
            self._interval_ms *= 2
            self._due_ms = self._held[-1].time_ms + self._interval_ms
            if time_ms < self._due_ms:
                return
        self._due_ms = time_ms + self._interval_ms
        as_it_is = luma.size * self._most <= _HELD_AS_THEY_ARE_BYTES
        self._held.append(HeldFrame(time_ms, luma.copy() if as_it_is else self._small(luma)))

    def frames(self) -> tuple[HeldFrame, ...]:
        """The held frames in order of time."""
        self._held = [
            HeldFrame(one.time_ms, self._small(one.small))
            if max(one.small.shape) > self._side_px
            else one
            for one in self._held
        ]
        return tuple(self._held)

    def _small(self, luma: Pixels) -> Pixels:
        longer_px = max(luma.shape)
        return shrunk(luma, side_px=min(self._side_px, longer_px)).copy()


class Gatherers:
    """One gatherer for each video track, for a reference's patches or a clip's held frames."""

    def __init__(self, *, reference: bool, held_frames: int) -> None:
        self._reference = reference
        self._held_frames = held_frames
        self._of_reference: dict[int, ReferenceGatherer] = {}
        self._of_clip: dict[int, ClipGatherer] = {}

    def add(self, frame: LumaFrame) -> None:
        """Take one frame of the clip or reference."""
        stream = frame.stream
        if self._reference:
            if stream not in self._of_reference:
                self._of_reference[stream] = ReferenceGatherer(stream)
            self._of_reference[stream].add(frame.luma, frame.time_ms)
        if self._held_frames:
            if stream not in self._of_clip:
                side_px = CLOSE_SIDE_PX if len(self._of_clip) < _CLOSE_TRACKS else SIDE_PX
                self._of_clip[stream] = ClipGatherer(CLIP_INTERVAL_MS, self._held_frames, side_px)
            self._of_clip[stream].add(frame.luma, frame.time_ms)

    def reference_tracks(self) -> tuple[PatchTrack, ...]:
        """The patches of each video track that has any."""
        tracks = (self._of_reference[stream].track() for stream in sorted(self._of_reference))
        return tuple(track for track in tracks if len(track))

    def clip_tracks(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        """The patches of the held frames in each of these looks."""
        tracks: list[PatchTrack] = []
        for stream in sorted(self._of_clip):
            tracks += clip_tracks(self._of_clip[stream].frames(), stream, looks)
        return tuple(track for track in tracks if len(track))

    @property
    def streams(self) -> tuple[int, ...]:
        """The video tracks of which frames are held."""
        return tuple(sorted(self._of_clip))

    def held(self, stream: int) -> tuple[HeldFrame, ...]:
        """The held frames of a video track, in order of time."""
        gatherer = self._of_clip.get(stream)
        return () if gatherer is None else gatherer.frames()


def clip_tracks(
    frames: Sequence[HeldFrame], stream: int, looks: Sequence[Look]
) -> list[PatchTrack]:
    """The patches of a clip's frames in each of these looks."""
    sharing: list[Look] = [look for look in looks if look in _SHARED]
    tracks = _tracks(frames, Follower(stream, CLIP_PATCHES, sharing)) if sharing else []
    # A split screen is all over the clip: half of the frames show it as well.
    for look, ratio in ((Look.WIDENED, _SQUEEZE), (Look.HEIGHTENED, 1 / _SQUEEZE)):
        if look in looks:
            tracks += _tracks(frames[::2], Follower(stream, CLIP_PATCHES, [look]), ratio)
    if Look.CLOSER in looks:
        closely = Follower(stream, CLOSE_PATCHES, [Look.CLOSER])
        tracks += _tracks(frames, closely, side_px=CLOSE_SIDE_PX)
    return tracks


def _tracks(
    frames: Sequence[HeldFrame],
    follower: Follower,
    width_ratio: float = 1.0,
    side_px: int = SIDE_PX,
) -> list[PatchTrack]:
    """The patches of these frames in the follower's looks."""
    for held in frames:
        follower.add(shrunk(held.small, width_ratio, side_px), held.time_ms)
    return [follower.track(look) for look in follower.looks]
