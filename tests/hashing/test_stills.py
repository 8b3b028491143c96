"""Still pictures and picture animations: formats, orientation, transparency, damage, bombs."""

import contextlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from hashing.coverage import Coverage, Problem
from hashing.decode import Limits, LumaFrame, Media, open_media
from hashing.errors import MediaError, NotMedia, UnreadableMedia
from hashing.fingerprint import Kind
from tests import clips

SCENE = clips.moving_scene(2, 2.0)
STILL = SCENE[0]
SLOW = SCENE[::10]  # five frames, unlike each other
FILES = [clips.picture(STILL, name) for name in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")] + [
    clips.animation(SLOW[:2], name) for name in ("GIF", "PNG", "WEBP")
]


def opened(data: bytes, limits: Limits | None = None) -> Media:
    return open_media(data, limits or Limits())


def decoded(data: bytes, limits: Limits | None = None) -> tuple[list[LumaFrame], Coverage]:
    media = opened(data, limits)
    frames = list(media.frames(1, economical=False))
    return frames, media.coverage()


def saved(image: Image.Image, format_name: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format_name)
    return file.getvalue()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_a_picture_is_one_frame_at_time_zero(format_name: str) -> None:
    data = clips.picture(STILL, format_name)

    frames, coverage = decoded(data)

    assert opened(data).kind is Kind.IMAGE
    assert [(frame.stream, frame.time_ms, frame.full_range) for frame in frames] == [(0, 0, True)]
    assert np.abs(frames[0].luma.astype(int) - STILL).mean() < 4
    assert coverage == Coverage(0, 0, 0, 0, 0, ())
    assert len(list(opened(data).first_frames())) == 1


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_a_video_with_its_own_times(format_name: str) -> None:
    data = clips.animation(SLOW, format_name, frame_ms=120)

    frames, coverage = decoded(data)

    assert opened(data).kind is Kind.VIDEO
    assert [frame.time_ms for frame in frames] == [0, 120, 240, 360, 480]
    assert coverage == Coverage(600, 600, 0, 0, 0, ())
    for frame, source in zip(frames, SLOW, strict=True):
        assert np.abs(frame.luma.astype(int) - source).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_as_its_camera_was(format_name: str, orientation: int) -> None:
    frames, _ = decoded(clips.picture(STILL, format_name, orientation=orientation))

    upright = {
        1: STILL,
        2: STILL[:, ::-1],
        3: STILL[::-1, ::-1],
        4: STILL[::-1],
        5: STILL.T,
        6: np.rot90(STILL, -1),
        7: STILL[::-1, ::-1].T,
        8: np.rot90(STILL),
    }[orientation]
    assert frames[0].luma.shape == upright.shape
    assert np.abs(frames[0].luma.astype(int) - upright).mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_black(mode: str) -> None:
    alpha = np.full(STILL.shape, 255, np.uint8)
    alpha[:, :80] = 0
    image = Image.fromarray(STILL).convert(mode)
    image.putalpha(Image.fromarray(alpha))

    frames, _ = decoded(saved(image))

    assert frames[0].luma[:, :80].max() == 0
    assert np.abs(frames[0].luma[:, 80:].astype(int) - STILL[:, 80:]).max() <= 1


def test_a_transparent_palette_colour_is_black() -> None:
    image = Image.fromarray(np.where(STILL > 128, 255, 200).astype(np.uint8)).convert("P")
    file = io.BytesIO()
    image.save(file, "GIF", transparency=200)

    frames, _ = decoded(file.getvalue())

    assert set(np.unique(frames[0].luma)) == {0, 255}


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = (STILL.astype(np.uint16) << 8) + 77

    frames, _ = decoded(saved(Image.fromarray(deep)))

    assert np.array_equal(frames[0].luma, STILL)


def test_a_colour_jpeg_gives_the_brightness_of_its_colours() -> None:
    colours = np.stack([SCENE[0], SCENE[20], SCENE[40]], axis=-1)
    image = Image.fromarray(colours)

    frames, _ = decoded(saved(image, "JPEG"))

    assert np.abs(frames[0].luma.astype(int) - np.asarray(image.convert("L"))).mean() < 4


@pytest.mark.parametrize("claimed_ms", [0, 10], ids=["no time", "a hundredth"])
def test_hurried_frames_last_as_long_as_browsers_show_them(claimed_ms: int) -> None:
    frames, _ = decoded(clips.animation(SLOW, "GIF", frame_ms=claimed_ms))

    assert [frame.time_ms for frame in frames] == [0, 100, 200, 300, 400]


def test_an_animation_is_sampled_by_its_times() -> None:
    media = opened(clips.animation(SCENE[:20], "GIF", frame_ms=100))

    assert [frame.time_ms for frame in media.frames(500, economical=True)] == [0, 500, 1000, 1500]


def test_an_animation_has_no_key_frames_and_its_first_frames_thin_out() -> None:
    media = opened(clips.animation(SCENE[:40], "GIF"))

    assert list(media.key_frames()) == list(media.ending(100)) == []
    assert len(list(media.first_frames())) == 8 + 4


def test_first_frames_of_a_long_animation_end() -> None:
    tiny = np.zeros((300, 2, 2), np.uint8)
    tiny[::2, 0, 0] = 255

    assert len(list(opened(clips.animation(tiny, "PNG")).first_frames())) == 8 + 30


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_of_a_picture_cut_short_the_rest_is_looked_at(format_name: str) -> None:
    data = clips.picture(STILL, format_name)

    media = opened(data[: len(data) // 2])
    list(media.first_frames())
    frames = list(media.frames(1, economical=False))

    assert np.abs(frames[0].luma[:40].astype(int) - STILL[:40]).mean() < 4
    assert media.coverage().problems == (Problem.TRUNCATED,)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("format_name", ["GIF", "PNG"])
@pytest.mark.parametrize("kept_share", [0.3, 0.6, 0.9, 0.99])
def test_of_an_animation_cut_short_the_beginning_is_looked_at(
    format_name: str, kept_share: float
) -> None:
    data = clips.animation(SLOW, format_name)

    frames, coverage = decoded(data[: round(len(data) * kept_share)])

    assert 1 <= len(frames) < len(SLOW)
    assert coverage.problems == (Problem.DECODER_ERROR,)
    assert coverage.decode_errors == 1


def test_an_animation_without_its_announced_frames_is_cut_short() -> None:
    """An APNG that ends between two frames, with its end chunk."""
    data = clips.animation(SLOW, "PNG")
    last = data.rfind(b"fcTL") - 4
    end = data[data.rfind(b"IEND") - 4 :]

    frames, coverage = decoded(data[:last] + end)

    assert len(frames) == len(SLOW) - 1
    assert coverage.problems == (Problem.DECODER_ERROR,)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(100), id="JPEG"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), id="PNG"),
        pytest.param(b"GIF89a" + bytes(3), id="GIF"),
        pytest.param(b"RIFF\x40\x00\x00\x00WEBPVP8 " + bytes(60), id="WebP"),
        pytest.param(b"\x00\x00\x00\x18ftypavif" + bytes(60), id="AVIF"),
    ],
)
def test_a_head_alone_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableMedia):
        opened(data)


def test_a_picture_without_any_picture_data_gives_nothing() -> None:
    data = clips.picture(STILL, "PNG")
    start = data.find(b"IDAT") - 4

    frames, coverage = decoded(data[:start] + data[-12:])

    assert frames == []
    assert coverage.problems == (Problem.TRUNCATED,)


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_whatever_is_in_a_picture_file_only_our_errors_come_out(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(4, len(file) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(MediaError):
        decoded(bytes(file))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="EPS"),
        pytest.param(saved(Image.fromarray(STILL), "BMP"), id="BMP"),
        pytest.param(saved(Image.fromarray(STILL), "TIFF"), id="TIFF"),
        pytest.param(saved(Image.fromarray(STILL), "PPM"), id="PPM"),
    ],
)
def test_other_picture_formats_are_not_tried(data: bytes) -> None:
    with pytest.raises(NotMedia):
        opened(data)


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(still_pixels=160 * 120 - 1), id="own"),
        pytest.param(Limits(frame_pixels=1), id="not that of videos"),
    ],
)
def test_a_picture_has_its_own_limit(limits: Limits) -> None:
    frames, coverage = decoded(clips.picture(STILL), limits)

    refused = limits.still_pixels < 160 * 120
    assert len(frames) == (0 if refused else 1)
    assert coverage.problems == ((Problem.LIMIT_STILL_PIXELS,) if refused else ())


@pytest.mark.parametrize(
    ("limits", "problem", "count"),
    [
        pytest.param(Limits(frame_pixels=1000), Problem.LIMIT_FRAME_PIXELS, 0, id="frame"),
        pytest.param(Limits(frames=3), Problem.LIMIT_FRAMES, 3, id="frames"),
        pytest.param(Limits(total_pixels=2 * 160 * 120), Problem.LIMIT_PIXELS, 2, id="pixels"),
        pytest.param(Limits(seconds=0), Problem.LIMIT_SECONDS, 1, id="seconds"),
    ],
)
def test_a_limit_stops_an_animation(limits: Limits, problem: Problem, count: int) -> None:
    frames, coverage = decoded(clips.animation(SLOW), limits)

    assert len(frames) == count
    assert coverage.problems == (problem,)


@pytest.mark.parametrize("side_px", [8_000, 10_000, 60_000])
def test_a_resolution_bomb_is_refused_by_its_head(side_px: int) -> None:
    """A GIF of some 40 bytes that announces gigapixels; Pillow's own limit is at 89 million."""
    bomb = bytearray(saved(Image.new("P", (1, 1)), "GIF"))
    struct.pack_into("<HH", bomb, 6, side_px, side_px)

    frames, coverage = decoded(bytes(bomb))

    assert frames == []
    assert coverage.problems == (Problem.LIMIT_STILL_PIXELS,)


def test_a_picture_file_that_is_too_long_is_not_read() -> None:
    """A head and 300 MB of zeros would keep Pillow reading for minutes."""
    long = clips.picture(SCENE[0], "JPEG") + bytes(1000)

    media = open_media(long, Limits(picture_bytes=len(long) - 1))

    assert list(media.first_frames()) == list(media.frames(100, economical=False)) == []
    assert media.coverage().problems == (Problem.LIMIT_PICTURE_BYTES,)


def test_an_animation_stops_at_its_own_pixel_limit() -> None:
    height, width = SCENE.shape[1:]

    media = open_media(clips.animation(SCENE[:10]), Limits(animation_pixels=4 * height * width))

    assert len(list(media.frames(1, economical=False))) == 4
    assert media.coverage().problems == (Problem.LIMIT_ANIMATION_PIXELS,)
