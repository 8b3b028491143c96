"""Video containers, read by PyAV (FFmpeg) from memory with everything unneeded switched off.

Each setting answers an attack that was reproduced: a memory stream has no protocol white list of
its own, so playlists open files and sockets; a title with a stray byte stops the opening; one bad
packet ends a plain decoding loop; a second video track is what players show. docs/threat-model.md.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import SEEK_END, SEEK_SET
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hashing.clock import USUAL_STEP_MS, Sampler
from hashing.coverage import Coverage
from hashing.errors import NotMedia, NoVideo
from hashing.fingerprint import Kind
from hashing.media import (
    FEW_KEY_FRAMES,
    LOOKED_AHEAD_FRAMES,
    LOOKED_AHEAD_STRIDE,
    Limits,
    LumaFrame,
)
from hashing.tracks import DECODERS, FOREIGN_ERRORS, Effort, Pass, Track

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,flv,live_flv,mpeg,mpegvideo,ogg,asf,"
    "h264,hevc,m4v,h263,ivf,obu,mjpeg"
)


# Frames that an edit list may cut away unlooked at: encoders cut a few at the start, and a match
# needs a second.
_FEW_HIDDEN_FRAMES: Final = 8
_MOST_REPEATS: Final = 4  # of each frame on average; an edit begins a whole group of frames earlier


class NamelessStream:
    """A seekable binary stream from one place on, without its name, which FFmpeg would get to see.

    It keeps its own place: several readings of one stream do not disturb each other.
    """

    def __init__(self, stream: BinaryIO, start_bytes: int = 0) -> None:
        self._stream = stream
        self._start_bytes = start_bytes
        self._place = start_bytes

    def read(self, size_bytes: int) -> bytes:
        self._stream.seek(self._place)
        data = self._stream.read(size_bytes)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        if whence == SEEK_END:
            self._place = self._stream.seek(offset, SEEK_END)
        else:
            origin = self._start_bytes if whence == SEEK_SET else self._place
            self._place = max(self._start_bytes, origin + offset)
        return self.tell()

    def tell(self) -> int:
        return self._place - self._start_bytes


class Container:
    """A clip in a container format; see ``hashing.media.Media``."""

    def __init__(
        self, stream: BinaryIO, limits: Limits, start_bytes: int = 0, *, as_stored: bool = False
    ) -> None:
        """``start_bytes``: where in the stream it begins; ``as_stored``: as if it had no edit list.

        Raises NotMedia where FFmpeg recognises no allowed format, NoVideo where none is in.
        """
        self._stream = stream
        self._limits = limits
        self._start_bytes = start_bytes
        self._as_stored = as_stored
        self._opened: InputContainer | None = self._open()
        self._last: Pass | None = None
        self._keys: Pass | None = None
        if not self._opened.streams.video:
            raise NoVideo("the file has sound or data but no picture; check another copy")

    @property
    def hides_frames(self) -> bool:
        """Whether an edit list cuts away more than the few frames that encoders do.

        To ask for before anything is decoded.
        """
        return any(
            stream.frames - len({one.pos for one in stream.index_entries if not one.is_discard})
            > _FEW_HIDDEN_FRAMES
            for stream in self._edited()
        )

    @property
    def repeats_frames(self) -> bool:
        """Whether an edit list has its frames decoded again and again: work out of nothing.

        To ask for before anything is decoded.
        """
        return any(
            len(stream.index_entries) > _MOST_REPEATS * stream.frames for stream in self._edited()
        )

    def as_stored(self) -> "Container":
        """The same film as if it had no edit list: with the frames that this one cuts away."""
        return Container(self._stream, self._limits, self._start_bytes, as_stored=True)

    @property
    def kind(self) -> Kind:
        """A container is always a video, even one with a single frame."""
        return Kind.VIDEO

    def key_frames(self) -> Iterator[LumaFrame]:
        """See ``Media.key_frames``."""
        self._keys = self._last = look = self._start(Effort(economical=True, key_frames_only=True))
        for track, frame, time_ms in look.decoded():
            yield from look.luma(track, frame, time_ms)

    def first_frames(self) -> Iterator[LumaFrame]:
        """See ``Media.first_frames``."""
        if self._keys is None or self._keys.budget.reached:
            return
        poor = {track.number for track in self._keys.tracks if track.decoded < FEW_KEY_FRAMES}
        if not poor:
            return
        ahead = self._start(Effort(economical=True))
        ahead.only(poor)
        for track, frame, _ in ahead.decoded():
            if track.decoded <= LOOKED_AHEAD_STRIDE or track.decoded % LOOKED_AHEAD_STRIDE == 0:
                yield from ahead.luma(track, frame, 0)
            if track.decoded >= LOOKED_AHEAD_FRAMES:
                ahead.only({other.number for other in ahead.tracks} - {track.number})

    def ending(self, interval_ms: int) -> Iterator[LumaFrame]:
        """See ``Media.ending``."""
        self._last = current = self._start(Effort(economical=True))
        for track, taken in zip(
            current.tracks, self._keys.tracks if self._keys else (), strict=False
        ):
            track.begin_at(taken.last_key_ms)
        for track, frame, time_ms in _sampled(current, interval_ms):
            yield from current.luma(track, frame, track.before_ms() + time_ms)

    def frames(
        self, interval_ms: int, *, economical: bool, dense_ms: int = 0
    ) -> Iterator[LumaFrame]:
        """See ``Media.frames``."""
        self._last = current = self._start(Effort(economical=economical))
        for track, frame, time_ms in _sampled(current, interval_ms, dense_ms=dense_ms):
            yield from current.luma(track, frame, time_ms)
        odd = {track.number for track in current.tracks if track.clock.is_odd}
        if odd and current.budget.reached is None:
            yield from self._evenly(odd, interval_ms, economical=economical)

    def _evenly(
        self, numbers: set[int], interval_ms: int, *, economical: bool
    ) -> Iterator[LumaFrame]:
        """The frames of these tracks once more, as further tracks, whatever their time stamps say:
        one after another at a usual rate."""
        again = self._start(Effort(economical=economical))
        again.only(numbers)
        samplers = {number: Sampler(interval_ms // 2) for number in numbers}
        for track, frame, _ in again.decoded():
            time_ms = track.decoded * USUAL_STEP_MS
            if samplers[track.number].due(time_ms):
                for luma in again.luma(track, frame, time_ms):
                    yield replace(luma, stream=track.number + self._limits.tracks)

    def coverage(self) -> Coverage:
        """See ``Media.coverage``."""
        if self._last is None:
            return Coverage(0, 0, 0, 0, 0, ())
        return self._last.coverage()

    def _edited(self) -> Iterator[VideoStream]:
        """Video tracks whose frames are all known and may have an edit list."""
        if self._opened is not None and not self._as_stored and "mov" in self._opened.format.name:
            yield from (stream for stream in self._opened.streams.video if stream.frames)

    def _start(self, effort: Effort) -> Pass:
        container, self._opened = self._opened or self._open(), None
        return Pass(container, self._limits, effort)

    def _open(self) -> InputContainer:
        options = {
            "format_whitelist": FORMATS,
            "protocol_whitelist": "none",
            "codec_whitelist": ",".join(sorted(DECODERS)),
            "max_pixels": str(self._limits.frame_pixels),
            "ignore_editlist": str(int(self._as_stored)),
        }
        stream = NamelessStream(self._stream, self._start_bytes)
        try:
            return av.open(stream, "r", options=options, metadata_errors="ignore")
        except FOREIGN_ERRORS as error:
            raise NotMedia("no allowed decoder recognises this file; is it a video?") from error


def _sampled(
    current: Pass, interval_ms: int, *, dense_ms: int = 0
) -> Iterator[tuple[Track, VideoFrame, int]]:
    """Frames that are due, each track on its own clock."""
    samplers = {track.number: Sampler(interval_ms, dense_ms=dense_ms) for track in current.tracks}
    for track, frame, time_ms in current.decoded():
        if samplers[track.number].due(time_ms):
            yield track, frame, time_ms
