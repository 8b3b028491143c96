"""Footage to measure on: real clips where they are, procedural ones otherwise; made once, kept."""

import csv
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.peers.sample_set import videos_folder
from benchmarks.procedural import scene
from hashing.decode import Limits, open_media
from hashing.errors import MediaError

_CACHE = Path(__file__).resolve().parents[1] / ".bench" / "clips"
WIDTH, HEIGHT, FPS = 854, 480, 30


def clip_480p(seconds: int, *, skip: int = 0) -> Path:
    """An H.264 clip of so many seconds at 854x480 and 30 frames a second, x264's defaults.

    One development source after another, from number ``skip`` on.
    """
    path = _CACHE / f"480p-{seconds}s-{skip}{'' if dev_rows('source') else '-procedural'}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.mp4")
        _encode(partial, seconds * FPS, skip)
        partial.replace(path)
    return path


def dev_rows(role: str = "") -> list[dict[str, str]]:
    """Rows of the development clips' manifest, of one role or all; none where it is missing."""
    manifest = videos_folder() / "dev" / "manifest.csv"
    if not manifest.exists():
        return []
    with manifest.open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if role in ("", row["role"])]


def sampled(file: str, every_ms: int) -> Iterator[NDArray[np.uint8]]:
    """Luma of a development clip's sampled frames, as a check sees them; what can be read of it.

    Each plane is the decoder's own: use it before asking for the next.
    """
    try:
        media = open_media((videos_folder() / "dev" / file).read_bytes(), Limits())
        for frame in media.frames(every_ms, economical=True):
            yield frame.luma
    except MediaError:
        return


def _encode(path: Path, frames: int, skip: int) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in zip(range(frames), _frames(skip), strict=False):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def _frames(skip: int) -> Iterator[VideoFrame]:
    rows = dev_rows("source")
    for round_number in count():
        for row in rows[skip:] + rows[:skip]:
            yield from _of_file(videos_folder() / "dev" / row["file"])
        if not rows:
            for luma in scene(1000 + skip + round_number, frames=300):
                yield VideoFrame.from_ndarray(luma, "gray").reformat(WIDTH, HEIGHT, "yuv420p")


def _of_file(path: Path) -> Iterator[VideoFrame]:
    with av.open(str(path), metadata_errors="ignore") as container:
        try:
            for frame in container.decode(video=0):
                yield frame.reformat(WIDTH, HEIGHT, "yuv420p")
        except av.FFmpegError:
            return  # a damaged clip gives what it has
