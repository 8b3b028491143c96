"""Footage to files, in every codec and container that the evasion corpus needs."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from benchmarks.hostility.footage import FPS, Pictures

# Fast, and good enough that hashes stay within a few bits.
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "libx264": {"preset": "ultrafast", "crf": "23", "g": "50"},
    "libx264rgb": {"preset": "ultrafast", "crf": "18"},
    "libx265": {"preset": "ultrafast", "crf": "24", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "800k"},
    "libsvtav1": {"preset": "12", "crf": "35"},
}
_QUALITY: Final = {"qmin": "4", "qmax": "4"}  # for the old codecs


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How one track is encoded."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)

    def all_options(self) -> dict[str, str]:
        """The codec's usual options with these before them."""
        return {**_OPTIONS.get(self.codec, _QUALITY), **self.options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One video track. ``prepare`` may change the stream, ``alter`` each frame before it is
    encoded; ``times`` are its stamps in 1/``rate`` seconds, by default one after another."""

    pictures: Pictures
    coding: Coding = Coding()
    rate: int = FPS
    times: Sequence[int] | None = None
    prepare: Callable[[VideoStream], None] = lambda stream: None
    alter: Callable[[VideoFrame, int], None] = lambda frame, number: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The container. ``prepare``: adds what is to come before the video's packets."""

    format: str = "mp4"
    options: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    sound: bool = False


def write(tracks: Sequence[Track] | Track, box: Box | None = None) -> bytes:
    """A file with these tracks."""
    tracks = [tracks] if isinstance(tracks, Track) else list(tracks)
    box = box or Box()
    file = io.BytesIO()
    with av.open(file, "w", format=box.format, options=dict(box.options)) as output:
        output.metadata.update(box.metadata)
        streams = [_stream(output, track) for track in tracks]
        if box.sound:
            _add_tone(output, max(len(track.pictures) / track.rate for track in tracks))
        for stream, track in zip(streams, tracks, strict=True):
            for number, picture in enumerate(track.pictures):
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), "bgr24")
                frame = frame.reformat(format=track.coding.pixels, threads=1)
                frame.pts = number if track.times is None else track.times[number]
                frame.time_base = Fraction(1, track.rate)
                track.alter(frame, number)
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
    be_ordinary()
    return file.getvalue()


def be_ordinary() -> None:
    """Undo what SVT-AV1's encoder does to a process of root's: it takes the machine for itself, as
    a real-time process before which everything else has to wait."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def remuxed(
    media: bytes,
    box: Box | None = None,
    *,
    alter: Callable[["av.Packet[VideoStream]", int], bool] = lambda packet, number: True,
) -> bytes:
    """The same packets in another container; ``alter`` may change a packet, or leave it out."""
    file, box = io.BytesIO(), box or Box()
    with (
        av.open(io.BytesIO(media), "r") as source,
        av.open(file, "w", format=box.format, options=dict(box.options)) as output,
    ):
        output.metadata.update(box.metadata)
        copies = {one.index: output.add_stream_from_template(one) for one in source.streams.video}
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and alter(packet, number):
                packet.stream = copies[packet.stream_index]
                output.mux(packet)
    return file.getvalue()


def _add_tone(output: OutputContainer, seconds: float) -> None:
    """A tone, all of it before anything else."""
    rate = 48_000
    stream = output.add_stream("aac", rate=rate)
    for start in range(0, round(seconds * rate), 1024):
        wave = 0.1 * np.sin(np.arange(start, start + 1024, dtype=np.float32) * 0.06)
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = rate, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _stream(output: OutputContainer, track: Track) -> VideoStream:
    stream = output.add_stream(track.coding.codec, rate=track.rate)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = track.pictures.shape[1:3]
    stream.pix_fmt = track.coding.pixels
    stream.codec_context.time_base = Fraction(1, track.rate)
    stream.codec_context.thread_count = 1
    stream.codec_context.options = track.coding.all_options()
    track.prepare(stream)
    return stream
