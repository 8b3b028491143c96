"""The front door: what is a video and what is not, every usual format, streams."""

import io
from pathlib import Path

import numpy as np
import pytest

from hashing.coverage import Problem
from hashing.decode import Limits, open_media
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.fingerprint import Kind
from tests import clips
from tests.decoding import CODEC_NOISE_BITS, decoded, mean_distance_bits

SCENE = clips.moving_scene(1)
MP4 = clips.encode(SCENE)


@pytest.mark.parametrize(
    ("codec", "container", "pixels"),
    [
        pytest.param("libx264", "mp4", "yuv420p", id="H.264 in MP4"),
        pytest.param("libx264", "matroska", "yuv420p", id="H.264 in Matroska"),
        pytest.param("libx264", "flv", "yuv420p", id="H.264 in FLV"),
        pytest.param("libx264", "mpegts", "yuv420p", id="H.264 in MPEG-TS"),
        pytest.param("libx264", "h264", "yuv420p", id="H.264 raw"),
        pytest.param("libx265", "mp4", "yuv420p", id="HEVC in MP4"),
        pytest.param("libvpx-vp9", "webm", "yuv420p", id="VP9 in WebM"),
        pytest.param("libvpx", "webm", "yuv420p", id="VP8 in WebM"),
        pytest.param("libsvtav1", "mp4", "yuv420p", id="AV1 in MP4"),
        pytest.param("mpeg4", "avi", "yuv420p", id="MPEG-4 in AVI"),
        pytest.param("mpeg2video", "mpegts", "yuv420p", id="MPEG-2 in MPEG-TS"),
        pytest.param("mpeg1video", "mpeg", "yuv420p", id="MPEG-1 in a program stream"),
        pytest.param("wmv2", "asf", "yuv420p", id="WMV2 in ASF"),
        pytest.param("flv", "flv", "yuv420p", id="Sorenson in FLV"),
        pytest.param("mjpeg", "avi", "yuvj420p", id="Motion JPEG, full range"),
        pytest.param("libx265", "mp4", "yuv420p10le", id="10 bits"),
        pytest.param("libx264", "mp4", "yuv444p", id="4:4:4"),
        pytest.param("libx264", "mp4", "gray", id="grey"),
        pytest.param("libx264rgb", "mp4", "rgb24", id="RGB"),
        pytest.param("png", "mov", "rgba", id="RGB with alpha"),
    ],
)
def test_decodes_every_usual_format_in_full(codec: str, container: str, pixels: str) -> None:
    data = clips.encode(SCENE, codec=codec, container=container, pixels=pixels)

    frames, coverage = decoded(data)

    assert coverage.problems == ()
    assert coverage.decode_errors == 0
    assert len(frames) == len(SCENE)
    assert [frame.time_ms for frame in frames] == [40 * number for number in range(len(SCENE))]
    assert abs(coverage.decoded_ms - 3000) <= 40
    assert coverage.container_ms >= coverage.decoded_ms
    assert mean_distance_bits(frames, SCENE) < CODEC_NOISE_BITS


@pytest.mark.parametrize(
    ("codec", "pixels", "full_range"),
    [
        pytest.param("libx264", "yuv420p", False, id="studio range"),
        pytest.param("mjpeg", "yuvj420p", True, id="JPEG range"),
        pytest.param("png", "rgb24", True, id="RGB"),
    ],
)
def test_tells_the_range_of_brightness(codec: str, pixels: str, full_range: bool) -> None:
    white = np.full((3, 64, 64), 255, np.uint8)

    frames, _ = decoded(clips.encode(white, codec=codec, container="mov", pixels=pixels))

    assert {frame.full_range for frame in frames} == {full_range}
    assert abs(int(frames[0].luma.max()) - (255 if full_range else 235)) <= 2


# --- what is not a video ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("empty", EmptyMedia),
        ("text", NotMedia),
        ("audio only", NoVideo),
        ("moov missing", UnreadableMedia),
        *((name, NotMedia) for name in clips.PLAYLISTS),
    ],
)
def test_says_what_is_wrong_with_what_is_no_video(name: str, error: type[MediaError]) -> None:
    with pytest.raises(error) as caught:
        open_media(clips.bad_media()[name](), Limits())

    assert type(caught.value) is error


@pytest.mark.parametrize("playlist", clips.PLAYLISTS.values(), ids=clips.PLAYLISTS.keys())
def test_a_playlist_opens_no_other_file(
    playlist: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the white lists, FFmpeg decodes the file beside the process."""
    (tmp_path / "secret.ts").write_bytes(clips.encode(SCENE, container="mpegts"))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotMedia):
        open_media(playlist, Limits())


def test_never_looks_at_a_streams_name() -> None:
    class Named(io.BytesIO):
        @property
        def name(self) -> str:
            raise AssertionError("FFmpeg would be told the name")

    frames, _ = decoded(Named(MP4))

    assert len(frames) == len(SCENE)


def test_a_tag_that_is_no_text_is_no_obstacle() -> None:
    tagged = clips.encode(SCENE[:10], container="matroska", options={"preset": "ultrafast"})
    assert b"Lavf" in tagged

    frames, _ = decoded(tagged.replace(b"Lavf", b"\xff\xff\xff\xff"))

    assert len(frames) == 10


# --- streams ------------------------------------------------------------------------------------


class Pipe(io.BytesIO):
    """A stream that can only be read forwards."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("a pipe cannot seek")


def test_a_pipe_is_read_into_memory() -> None:
    frames, coverage = decoded(Pipe(MP4))

    assert len(frames) == len(SCENE)
    assert coverage.problems == ()


def test_of_a_pipe_too_long_the_beginning_is_decoded() -> None:
    stream = clips.encode(SCENE, container="mpegts")

    frames, coverage = decoded(Pipe(stream), Limits(media_bytes=len(stream) // 2))

    assert 20 < len(frames) < 55
    assert Problem.LIMIT_BYTES in coverage.problems
    held = open_media(Pipe(stream), Limits(media_bytes=len(stream) // 2))
    assert held.kind is Kind.VIDEO
    assert 0 < len(list(held.key_frames())) < 55


def test_a_stream_may_stand_anywhere_and_be_decoded_twice() -> None:
    file = io.BytesIO(MP4)
    file.seek(1000)
    opened = open_media(file, Limits())

    first = [frame.time_ms for frame in opened.frames(100, economical=False)]
    again = [frame.time_ms for frame in opened.frames(100, economical=False)]

    assert len(first) == 30
    assert again == first


class Breaking(io.BytesIO):
    """A stream whose source goes away after it was opened."""

    broken = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.broken and self.tell() > 40_000:
            raise OSError("gone")
        return super().read(size)


def test_a_stream_that_breaks_gives_what_came_before() -> None:
    stream = Breaking(clips.encode(SCENE, container="mpegts"))
    opened = open_media(stream, Limits())
    stream.broken = True

    frames = list(opened.frames(40, economical=False))

    assert 10 < len(frames) < len(SCENE)
    assert Problem.DECODER_ERROR in opened.coverage().problems
