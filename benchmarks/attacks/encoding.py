"""Footage to media and back: PyAV for video, Pillow for GIF with a palette of its own a frame."""

from fractions import Fraction
from io import BytesIO
from typing import BinaryIO

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from benchmarks.attacks.drawing import resized, u8
from benchmarks.attacks.edit import Encoding
from benchmarks.attacks.footage import Footage, Frame

_FORMATS = {".mp4": "mp4", ".webm": "webm", ".avi": "avi", ".mkv": "matroska"}


def encoded(footage: Footage, encoding: Encoding) -> bytes:
    """The footage as media."""
    out = BytesIO()
    if encoding.codec == "gif":
        _write_gif(footage, out)
    else:
        _write_video(footage, encoding, out)
    return out.getvalue()


def decoded(
    media: BinaryIO | str, longest_px: int, most_s: float
) -> tuple[list[Frame], list[float]]:
    """Pictures as I420 planes, uint8 (height * 3 / 2, width), and their times in ms from the first.

    Frames are scaled so that the long side is at most ``longest_px``; both sides are even. A
    damaged stream gives what it has.
    """
    planes: list[Frame] = []
    times_ms: list[float] = []
    with av.open(media, "r", metadata_errors="ignore") as container:
        try:
            for frame in container.decode(video=0):
                time_ms = 1000.0 * float(frame.time or 0.0)
                if planes and time_ms - times_ms[0] >= most_s * 1000.0:
                    break
                planes.append(_planes(frame, longest_px))
                times_ms.append(time_ms)
        except av.FFmpegError:
            if not planes:
                raise
    return planes, [time_ms - times_ms[0] for time_ms in times_ms]


def regenerated(footage: Footage, encoding: Encoding) -> Footage:
    """The footage after one more encode and decode, with the same truth."""
    planes, _ = decoded(BytesIO(encoded(footage, encoding)), 1 << 14, 1e6)
    last = len(planes) - 1
    return Footage(
        footage.fps,
        planes[0].shape[0] * 2 // 3,
        planes[0].shape[1],
        footage.owners,
        footage.times_ms,
        lambda number: to_bgr(planes[min(number, last)]),
    )


def to_bgr(planes: Frame) -> Frame:
    """An I420 picture as BGR."""
    return u8(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))


def _planes(frame: VideoFrame, longest_px: int) -> Frame:
    scale = min(1.0, longest_px / max(frame.width, frame.height))
    width, height = (2 * max(8, round(side * scale / 2)) for side in (frame.width, frame.height))
    small = frame.reformat(width, height, "yuv420p", interpolation="AREA")
    return small.to_ndarray().astype(np.uint8, copy=False)


def _write_video(footage: Footage, encoding: Encoding, out: BytesIO) -> None:
    height, width = footage.height // 2 * 2, footage.width // 2 * 2
    rate = Fraction(footage.fps).limit_denominator(1001)
    with av.open(out, "w", format=_FORMATS[encoding.suffix]) as container:
        stream = container.add_stream(encoding.codec, rate=rate, options=dict(encoding.options))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, stream.pix_fmt = height, width, encoding.pixel_format
        stream.codec_context.thread_count = 1  # two processes share two cores
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        for number in range(len(footage)):
            bgr = np.ascontiguousarray(footage.shown(number)[:height, :width])
            planes = u8(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420))
            picture = VideoFrame.from_ndarray(planes, "yuv420p")
            picture.pts, picture.time_base = number, 1 / rate
            container.mux(stream.encode(picture.reformat(format=encoding.pixel_format)))
        container.mux(stream.encode())


def _write_gif(footage: Footage, out: BytesIO) -> None:
    pictures = []
    for number in range(len(footage)):
        frame = resized(footage.shown(number), footage.height, footage.width)
        image = Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))
        pictures.append(image.quantize(128, method=Image.Quantize.FASTOCTREE))
    frame_ms = 10 * round(100.0 / footage.fps)  # GIF counts in hundredths of a second
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=frame_ms, loop=0
    )
