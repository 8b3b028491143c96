"""One pass over a container: its packets, a tolerant decoder for each track, and the account.

A plain decoding loop ends at the first bad packet, silently or not. This one counts the error and
goes on with the next packet, and knows afterwards how much of what was announced it has seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hashing.clock import Clock
from hashing.coverage import Coverage, Problem
from hashing.luma import Upright
from hashing.media import Budget, Limits, LumaFrame

DECODERS: Final = frozenset(
    {"h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mjpeg", "theora", "prores", "png"}
    | {"msmpeg4v1", "msmpeg4v2", "msmpeg4", "mpeg1video", "mpeg2video", "h263", "h263i", "h263p"}
    | {"flv", "vc1", "wmv1", "wmv2", "wmv3", "vp6", "vp6f", "dvvideo"}
)
# PyAV's Packet takes a parameter in its stubs alone, so the name has to be a string.
AnyPacket: TypeAlias = "Packet[Stream]"
# The length in these headers was written down; elsewhere FFmpeg guesses it from the bit rate.
_STATED_LENGTH: Final = ("mov", "matroska", "avi", "asf", "flv")
# What FFmpeg, or a stream behind it, raises on bad input; PyAV's errors are often two of these.
FOREIGN_ERRORS: Final = (
    av.FFmpegError,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)
_MOST_DEMUX_FAILURES: Final = 8  # in a row; a demuxer that stands still would never end
_KEY_FRAME_GAP_MS: Final = 1000  # where every frame is a key frame, one a second is enough
_KEY_FRAMES_WANTED: Final = 40  # enough to tell what moves; over the length that the header claims
_KEY_FRAMES_BEFORE_WIDER: Final = 64  # then the gap doubles: a film costs little more than a clip
_CORRUPT_SHARE: Final = 0.05  # less is the beginning of a recording that was on the air
_LONGEST_MS: Final = 10 * 366 * 86_400_000  # a claim beyond ten years is noise


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a pass tries: all of it, only what others refer to, or key frames alone."""

    economical: bool = False
    key_frames_only: bool = False


class Span:
    """How far the packets of one stream reach, in ms of its own time stamps."""

    def __init__(self, stream: Stream) -> None:
        base = stream.time_base
        self._factor = (base.numerator * 1000, base.denominator) if base else None
        self.start_ms: int | None = None
        self.end_ms = 0

    def milliseconds(self, stamp: int | None) -> int | None:
        """A time stamp in ms; None where there is none or it is absurd."""
        if stamp is None or self._factor is None:
            return None
        time_ms = stamp * self._factor[0] // self._factor[1]
        return time_ms if abs(time_ms) < _LONGEST_MS else None

    def add(self, packet: AnyPacket) -> None:
        time_ms = self.milliseconds(packet.dts if packet.pts is None else packet.pts)
        if time_ms is None:
            return
        end_ms = time_ms + (self.milliseconds(packet.duration) or 0)
        if self.start_ms is None:
            self.start_ms, self.end_ms = time_ms, end_ms
        self.start_ms = min(self.start_ms, time_ms)
        self.end_ms = max(self.end_ms, end_ms)


class Track:
    """One video track in one pass: its decoder, its clock and its errors."""

    def __init__(self, number: int, stream: VideoStream, limits: Limits, effort: Effort) -> None:
        self.number = number
        self.span = Span(stream)
        self.clock = Clock()
        self.decoded = 0
        self.errors = 0
        self.out_of_memory = False
        self.corrupt = 0  # frames that the decoder itself calls so
        self._shown_ms: tuple[int, int] | None = None  # first and last stamp of decoded frames
        self.problem: Problem | None = None
        self._stream = stream
        self.key_frame_gap_ms = _KEY_FRAME_GAP_MS
        self._key_frames_only = effort.key_frames_only
        self.last_key_ms: int | None = None  # stamp of the last key frame that was taken
        self._since_ms: int | None = None  # stamp of the key frame at which decoding begins
        self._waits = False
        codec = stream.codec_context
        decoder = "" if codec is None else codec.codec.name
        self.upright = Upright(decoder)
        if decoder not in DECODERS:
            self.problem = Problem.UNSUPPORTED_TRACK
            return
        if codec.width * codec.height > limits.frame_pixels:
            self.problem = Problem.LIMIT_FRAME_PIXELS
            return
        codec.thread_type, codec.thread_count = "NONE", 1
        codec.options = {"max_pixels": str(limits.frame_pixels)}
        if effort.economical:
            codec.options = codec.options | {"skip_loop_filter": "all"}
            codec.skip_frame = "NONKEY" if effort.key_frames_only else "NONREF"

    def decode(self, packet: "AnyPacket | None") -> list[VideoFrame]:
        """The frames that a packet completes, or at the end (None) those held back."""
        if packet is not None and not self._wants(packet):
            return []
        try:
            return self._stream.decode(packet)
        except FOREIGN_ERRORS as error:
            self.failed(error)
            return []

    def failed(self, error: Exception) -> None:
        """Take account of a frame that could not be had."""
        self.errors += 1
        self.out_of_memory |= isinstance(error, MemoryError)

    def tick(self, frame: VideoFrame) -> int:
        """The frame's time in ms by the track's clock."""
        stamp_ms = self.span.milliseconds(frame.dts if frame.pts is None else frame.pts)
        if stamp_ms is not None:
            first_ms, last_ms = self._shown_ms or (stamp_ms, stamp_ms)
            self._shown_ms = min(first_ms, stamp_ms), max(last_ms, stamp_ms)
        self.decoded += 1
        self.corrupt += frame.is_corrupt
        return self.clock.tick(stamp_ms, self.span.milliseconds(frame.duration))

    def begin_at(self, key_ms: int | None) -> None:
        """Decode nothing before the key frame with this stamp."""
        self._since_ms, self._waits = key_ms, True

    def before_ms(self) -> int:
        """How much of the track lies before the key frame at which decoding began."""
        start_ms = self.span.start_ms
        return 0 if self._since_ms is None or start_ms is None else self._since_ms - start_ms

    def fell_silent(self) -> bool:
        """Whether a good part gave no frames although no packet failed: silence is no proof."""
        if self.problem is not None or self.span.start_ms is None:
            return False
        if self._shown_ms is None:
            return True
        first_ms, last_ms = self._shown_ms
        length_ms = self.span.end_ms - self.span.start_ms - self.before_ms()
        return _clearly_less(last_ms - first_ms, length_ms)

    def is_patched(self) -> bool:
        """Whether a good part of its frames was guessed by the decoder, without any error."""
        return self.corrupt > _CORRUPT_SHARE * self.decoded

    def _wants(self, packet: AnyPacket) -> bool:
        if self._key_frames_only:
            return packet.is_keyframe and self._spread(self._stamp_ms(packet))
        if self._waits and packet.is_keyframe:
            stamp_ms = self._stamp_ms(packet)
            self._waits = stamp_ms is None or stamp_ms != self._since_ms
        return not self._waits

    def _spread(self, stamp_ms: int | None) -> bool:
        gap_ms = self.key_frame_gap_ms << min(16, self.decoded // _KEY_FRAMES_BEFORE_WIDER)
        if None not in (stamp_ms, self.last_key_ms) and (
            0 <= (stamp_ms or 0) - (self.last_key_ms or 0) < gap_ms
        ):
            return False
        self.last_key_ms = stamp_ms
        return True

    def _stamp_ms(self, packet: AnyPacket) -> int | None:
        return self.span.milliseconds(packet.dts if packet.pts is None else packet.pts)


class Pass:
    """One run through the container: packets, decoders, and the account of both."""

    def __init__(self, container: InputContainer, limits: Limits, effort: Effort) -> None:
        self._container = container
        self.budget = Budget(limits)
        self._spans = {stream.index: Span(stream) for stream in container.streams}
        self._demux_errors = 0
        self._finished = False
        self._key_frames_only = effort.key_frames_only
        stated = container.duration if container.format.name.startswith(_STATED_LENGTH) else None
        self._header_ms = min((stated or 0) // 1000, _LONGEST_MS)  # from microseconds
        videos = container.streams.video
        self._too_many_tracks = len(videos) > limits.tracks
        self.tracks = [
            Track(number, stream, limits, effort)
            for number, stream in enumerate(videos[: limits.tracks])
        ]
        self._active = {
            stream.index: track
            for stream, track in zip(videos, self.tracks, strict=False)
            if track.problem is None
        }
        self._spans |= {index: track.span for index, track in self._active.items()}
        if effort.key_frames_only:
            for track in self.tracks:
                track.key_frame_gap_ms += self._header_ms // _KEY_FRAMES_WANTED
            for stream in container.streams:
                # Spares reading the sound. Not the video's other packets: that takes 1 % of a
                # decode, and FFmpeg 8's mov demuxer gives key frames the wrong time stamps (their
                # composition offsets are counted by sample) where it leaves out what is between.
                if stream.index not in self._active:
                    stream.discard = Discard.all

    def only(self, numbers: set[int]) -> None:
        """Decode no other tracks from here on."""
        self._active = {
            index: track for index, track in self._active.items() if track.number in numbers
        }

    def decoded(self) -> Iterator[tuple[Track, VideoFrame, int]]:
        """Every frame that can be decoded, with its track and time in ms, until a limit."""
        with self._container:
            for track, packet in self._packets():
                for frame in track.decode(packet):
                    time_ms = track.tick(frame)
                    if not self.budget.frame(frame.width, frame.height, time_ms):
                        return
                    yield track, frame, time_ms
                if not self._active:
                    return
        self._finished = self.budget.reached is None

    def luma(self, track: Track, frame: VideoFrame, time_ms: int) -> Iterator[LumaFrame]:
        """The frame's upright luma; nothing where that fails, which counts as an error."""
        try:
            plane, full_range = track.upright.luma(frame)
        except FOREIGN_ERRORS as error:
            track.failed(error)
            return
        yield LumaFrame(track.number, time_ms, plane, full_range)

    def coverage(self) -> Coverage:
        """What this pass saw; sampled and flat frames are for the caller to count."""
        spans = [span for span in self._spans.values() if span.start_ms is not None]
        shown_ms = max((span.end_ms - (span.start_ms or 0) for span in spans), default=0)
        decoded_ms = max((track.clock.end_ms for track in self.tracks), default=0)
        errors = self._demux_errors + sum(track.errors for track in self.tracks)
        return Coverage(
            container_ms=max(shown_ms, self._header_ms, decoded_ms),
            decoded_ms=0 if self._key_frames_only else decoded_ms,  # single frames cover no time
            sampled_frames=0,
            flat_frames=0,
            decode_errors=errors,
            problems=tuple(sorted(self._problems(errors))),
        )

    def _packets(self) -> Iterator[tuple[Track, "AnyPacket | None"]]:
        """The packets of the tracks to decode, then None for each, to flush its decoder."""
        for packet in self._demuxed():
            if not self.budget.packet():
                return
            if not packet.is_discard:  # needed by the decoder, but cut away by an edit list
                self._spans[packet.stream_index].add(packet)
            track = self._active.get(packet.stream_index)
            if track is not None and packet.size:  # an empty packet would end the decoder's stream
                yield track, packet
        for track in tuple(self._active.values()):
            yield track, None

    def _demuxed(self) -> Iterator[AnyPacket]:
        """Packets of all streams, going on after errors while anything still comes."""
        failures = 0
        while failures < _MOST_DEMUX_FAILURES:
            try:
                for packet in self._container.demux():
                    failures = 0
                    yield packet
            except FOREIGN_ERRORS:
                failures += 1
                self._demux_errors += 1
            else:
                return

    def _problems(self, errors: int) -> set[Problem]:
        found = {track.problem for track in self.tracks if track.problem is not None}
        if any(track.out_of_memory for track in self.tracks):
            found.add(Problem.LIMIT_MEMORY)
        if self._too_many_tracks:
            found.add(Problem.LIMIT_TRACKS)
        if self.budget.reached is not None:
            found.add(self.budget.reached)
        ended = self._finished and not self._key_frames_only
        lost = any(track.is_patched() for track in self.tracks)
        if errors or lost or (ended and any(track.fell_silent() for track in self.tracks)):
            found.add(Problem.DECODER_ERROR)
        ends_ms = [span.end_ms - min(0, span.start_ms or 0) for span in self._spans.values()]
        if ended and _clearly_less(max(ends_ms, default=0), self._header_ms):
            found.add(Problem.TRUNCATED)
        return found


def _clearly_less(shown_ms: int, announced_ms: int) -> bool:
    """By more than a second and by more than a twentieth: rounding and idle tails stay below."""
    return announced_ms - shown_ms > max(1000, announced_ms // 20)
