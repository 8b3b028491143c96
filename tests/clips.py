"""Makes harmless procedural clips and bad inputs in memory, for every test that needs media.

Frames are grey: uint8, (frames, height, width). Scenes of different seeds are unrelated; a scene of
the same arguments is always the same. Everything is small (160 by 120), so that a test takes
milliseconds.
"""

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Final, TypeAlias

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from tests.surgery import (
    boxes,
    claiming_one_frame,
    index_first,
    with_equal_times,
    with_length_claimed,
    with_media_cut,
    with_media_damaged,
    without_moov,
)

# fmt: off
__all__ = [
    "FPS", "HEIGHT_PX", "PLAYLISTS", "WIDTH_PX", "Frames", "animation", "audio_only", "bad_media",
    "black", "boxes", "claiming_one_frame", "cut", "encode", "encode_tracks", "index_first",
    "letterboxed", "mirrored", "moving_scene", "noisy_bars", "picture", "scaled", "with_cover",
    "with_equal_times", "with_length_claimed", "with_media_cut", "with_media_damaged",
    "without_key_frames", "without_moov", "zip_bomb", "zipped",
]
# fmt: on

Frames: TypeAlias = NDArray[np.uint8]

FPS: Final = 25
WIDTH_PX: Final = 160
HEIGHT_PX: Final = 120
# Fast, and good enough that hashes stay within a few bits.
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "libx264": {"preset": "ultrafast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    "libsvtav1": {"preset": "12"},
    "mpeg4": {"qscale": "3"},
}


# --- scenes -------------------------------------------------------------------------------------


def moving_scene(
    seed: int,
    seconds: float = 3.0,
    width: int = WIDTH_PX,
    height: int = HEIGHT_PX,
    fps: int = FPS,
) -> Frames:
    """A textured canvas seen by a wandering camera, with shapes that move before it."""
    random = np.random.default_rng(seed)
    canvas = _canvas(random, 3 * width, 3 * height)
    phases = random.uniform(0, 2 * np.pi, 4)
    paces = random.uniform(0.5, 0.9, 4)
    shapes = [_Shape(random, width, height) for _ in range(3)]
    count = max(1, round(seconds * fps))
    frames = np.empty((count, height, width), np.uint8)
    for number in range(count):
        angles = phases + paces * number / fps * 2
        across, down = (np.sin(angles[:2]) + np.sin(angles[2:] * 0.61)) / 2 * 0.9
        left, top = round(width * (1 + across)), round(height * (1 + down))
        frame = canvas[top : top + height, left : left + width].copy()
        for shape in shapes:
            shape.draw(frame, number / fps)
        frames[number] = frame
    return frames


def _canvas(random: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Noise of several octaves: structure at every size that a 64-pixel plane can see."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((6, 1.0), (12, 0.8), (24, 0.6), (48, 0.35)):
        noise = random.standard_normal((cells, cells)).astype(np.float32)
        total += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    total = (total - total.mean()) / total.std()
    grey: NDArray[np.uint8] = (128 + 50 * total).clip(5, 250).astype(np.uint8)
    return grey


class _Shape:
    """A disc that moves on an ellipse."""

    def __init__(self, random: np.random.Generator, width: int, height: int) -> None:
        self._size = np.array([width, height])
        self._radius = int(
            random.integers(min(width, height) // 12 + 1, min(width, height) // 5 + 2)
        )
        self._grey = int(random.integers(0, 256))
        self._phase, self._pace = random.uniform(0, 6.28), random.uniform(0.8, 2.0)

    def draw(self, frame: NDArray[np.uint8], second: float) -> None:
        angle = self._phase + self._pace * second
        place = self._size * (0.5 + 0.4 * np.array([np.cos(angle), np.sin(1.3 * angle)]))
        cv2.circle(frame, (int(place[0]), int(place[1])), self._radius, (self._grey,), -1)


def black(seconds: float = 2.0, width: int = WIDTH_PX, height: int = HEIGHT_PX) -> Frames:
    """Nothing to see: all black."""
    return np.zeros((round(seconds * FPS), height, width), np.uint8)


# --- edits --------------------------------------------------------------------------------------


def mirrored(frames: Frames) -> Frames:
    """Left and right exchanged."""
    return np.ascontiguousarray(frames[:, :, ::-1])


def letterboxed(
    frames: Frames, top: int = 20, bottom: int = 20, *, left: int = 0, right: int = 0, grey: int = 0
) -> Frames:
    """Bars of one grey round the picture, in pixels."""
    return np.pad(frames, ((0, 0), (top, bottom), (left, right)), constant_values=grey)


def noisy_bars(frames: Frames, top: int = 20, bottom: int = 20, seed: int = 0) -> Frames:
    """Bars of moving film grain above and below: dark, never the same, and no picture."""
    random = np.random.default_rng(seed)
    boxed = letterboxed(frames, top, bottom)
    for bar in (boxed[:, :top], boxed[:, boxed.shape[1] - bottom :]):
        bar[:] = (30 + 12 * random.standard_normal(bar.shape)).clip(0, 255).astype(np.uint8)
    return boxed


def cut(frames: Frames, start_s: float, end_s: float, fps: int = FPS) -> Frames:
    """The part between two times."""
    return frames[round(start_s * fps) : round(end_s * fps)]


def scaled(frames: Frames, width: int, height: int) -> Frames:
    """The same frames at another size."""
    return np.stack(
        [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames]
    ).astype(np.uint8)


# --- encoders -----------------------------------------------------------------------------------


def encode(
    frames: Frames,
    fps: int = FPS,
    codec: str = "libx264",
    container: str = "mp4",
    options: Mapping[str, str] | None = None,
    *,
    times_ms: Sequence[int] | None = None,
    turn: int = 0,
    flip: bool = False,
    pixels: str = "yuv420p",
    sound: bool = False,
) -> bytes:
    """A video file.

    ``times_ms``: the time stamp of each frame, for a variable rate. ``turn``: degrees
    counter-clockwise by which players are told to turn it; ``flip``: and to mirror it then.
    """
    return encode_tracks(
        [frames],
        fps,
        codec,
        container,
        options,
        times_ms=times_ms,
        turn=turn,
        flip=flip,
        pixels=pixels,
        sound=sound,
    )


def encode_tracks(
    tracks: Sequence[Frames],
    fps: int = FPS,
    codec: str = "libx264",
    container: str = "mp4",
    options: Mapping[str, str] | None = None,
    *,
    times_ms: Sequence[int] | None = None,
    turn: int = 0,
    flip: bool = False,
    pixels: str = "yuv420p",
    sound: bool = False,
) -> bytes:
    """A file with several video tracks; see ``encode``."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        streams = [
            _video_stream(output, frames, fps, (codec, options, pixels)) for frames in tracks
        ]
        if times_ms is not None:
            streams[0].codec_context.time_base = Fraction(1, 1000)
        if turn or flip:
            streams[0].set_display_rotation(turn, hflip=flip)
        if sound:
            _add_tone(output, max(len(frames) for frames in tracks) / fps)
        for stream, frames in zip(streams, tracks, strict=True):
            for frame in _stamped(frames, times_ms, fps, pixels):
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
    be_ordinary()
    return file.getvalue()


def be_ordinary() -> None:
    """Undo what SVT-AV1's encoder does to a process of root's: it takes the machine for itself, as
    a real-time process before which everything else has to wait."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _video_stream(
    output: OutputContainer,
    frames: Frames,
    fps: int,
    settings: tuple[str, Mapping[str, str] | None, str],
) -> VideoStream:
    codec, options, pixels = settings
    stream = output.add_stream(codec, rate=fps)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = frames.shape[1:]
    stream.pix_fmt = pixels
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {**_OPTIONS.get(codec, {}), **(options or {})}
    return stream


def _stamped(
    frames: Frames, times_ms: Sequence[int] | None, fps: int, pixels: str
) -> Iterator[VideoFrame]:
    for number, grey in enumerate(frames):
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(grey), format="gray")
        frame = frame.reformat(format=pixels, threads=1)
        if times_ms is None:
            frame.pts, frame.time_base = number, Fraction(1, fps)
        else:
            frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
        yield frame


def _add_tone(output: OutputContainer, seconds: float) -> None:
    rate = 48_000
    stream = output.add_stream("aac", rate=rate)
    for start in range(0, round(seconds * rate), 1024):
        wave = 0.1 * np.sin(np.arange(start, start + 1024, dtype=np.float32) * 0.06)
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = rate, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def picture(frame: NDArray[np.uint8], format_name: str = "PNG", *, orientation: int = 1) -> bytes:
    """A still picture; ``orientation`` is EXIF's, 1 to 8."""
    image, exif, file = Image.fromarray(frame), Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.convert("RGB").save(file, format_name, exif=exif, quality=92)
    return file.getvalue()


def animation(frames: Frames, format_name: str = "GIF", frame_ms: int = 100) -> bytes:
    """An animated GIF, PNG, WEBP or AVIF."""
    images, file = [Image.fromarray(frame).convert("RGB") for frame in frames], io.BytesIO()
    images[0].save(file, format_name, save_all=True, append_images=images[1:], duration=frame_ms)
    return file.getvalue()


# --- bad inputs ---------------------------------------------------------------------------------


def audio_only() -> bytes:
    """An mp4 with a tone and no picture."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        _add_tone(output, 1.0)
    return file.getvalue()


def without_key_frames(video: bytes) -> bytes:
    """The same packets in Matroska but for the key frames; the decoder's settings are kept."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(video), "r") as source,
        av.open(file, "w", format="matroska") as output,
    ):
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size and not packet.is_keyframe:
                packet.stream = copy
                output.mux(packet)
    return file.getvalue()


def with_cover(frames: Frames, cover: bytes, codec: str = "png") -> bytes:
    """A QuickTime file with a second video track that holds one PNG or JPEG as it is."""
    file = io.BytesIO()
    pixels = "rgb24" if codec == "png" else "yuvj420p"
    with av.open(file, "w", format="mov") as output:
        stream = _video_stream(output, frames, FPS, ("libx264", None, "yuv420p"))
        second = _video_stream(output, frames[:1], FPS, (codec, None, pixels))
        packet = av.Packet(cover)
        packet.stream, packet.pts, packet.dts = second, 0, 0
        packet.time_base, packet.is_keyframe = Fraction(1, FPS), True
        output.start_encoding()
        output.mux(packet)
        for frame in _stamped(frames, None, FPS, "yuv420p"):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


PLAYLISTS: Final[Mapping[str, bytes]] = {
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "ffconcat": b"ffconcat version 1.0\nfile secret.ts\n",
    "concat": b"file 'secret.ts'\nduration 10\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "pls": b"[playlist]\nFile1=secret.ts\nNumberOfEntries=1\n",
}


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip archive; names are taken as they are, ``../`` included."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def zip_bomb(unpacked_bytes: int = 64 * 1024 * 1024) -> bytes:
    """A small archive with one member of zeros that unpacks a thousand times as large."""
    return zipped({"clip.mp4": bytes(unpacked_bytes)})


def bad_media() -> dict[str, Callable[[], bytes]]:
    """Makers of inputs that cannot be checked, by name; each is small."""
    scene = moving_scene(7, 2.0)
    return {
        "empty": lambda: b"",
        "text": lambda: b"This is not a video.\n" * 50,
        "audio only": audio_only,
        "moov missing": lambda: without_moov(encode(scene)),
        "all black": lambda: encode(black()),
        "one pixel": lambda: encode(np.zeros((10, 1, 1), np.uint8), codec="mpeg4"),
        **{name: partial(bytes, text) for name, text in PLAYLISTS.items()},
    }
