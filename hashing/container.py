"""Video containers, read by PyAV (FFmpeg) from memory with everything unneeded switched off.

Each setting answers an attack that was reproduced: a memory stream has no protocol white list of
its own, so playlists open files and sockets; a title with a stray byte stops the opening; one bad
packet ends a plain decoding loop; a second video track is what players show. docs/threat-model.md.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from hashing.clock import Sampler
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


class NamelessStream:
    """A seekable binary stream without its name, which PyAV would hand to FFmpeg."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        stream.seek(0)

    def read(self, size_bytes: int) -> bytes:
        return self._stream.read(size_bytes)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


class Container:
    """A clip in a container format; see ``hashing.media.Media``."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        """Raises NotMedia where FFmpeg recognises no allowed format, NoVideo where none is in."""
        self._stream = stream
        self._limits = limits
        self._opened: InputContainer | None = self._open()
        self._last: Pass | None = None
        self._keys: Pass | None = None
        if not self._opened.streams.video:
            raise NoVideo("the file has sound or data but no picture; check another copy")

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

    def coverage(self) -> Coverage:
        """See ``Media.coverage``."""
        if self._last is None:
            return Coverage(0, 0, 0, 0, 0, ())
        return self._last.coverage()

    def _start(self, effort: Effort) -> Pass:
        container, self._opened = self._opened or self._open(), None
        return Pass(container, self._limits, effort)

    def _open(self) -> InputContainer:
        options = {
            "format_whitelist": FORMATS,
            "protocol_whitelist": "none",
            "codec_whitelist": ",".join(sorted(DECODERS)),
            "max_pixels": str(self._limits.frame_pixels),
        }
        try:
            return av.open(
                NamelessStream(self._stream), "r", options=options, metadata_errors="ignore"
            )
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
