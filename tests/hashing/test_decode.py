"""Decoding of containers: every allowed format, hostile time stamps, damage, limits."""

import contextlib
import gc
import io
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from hashing import bits, phash
from hashing.clock import MOST_SKIPPED_FRAMES, Clock, Sampler
from hashing.coverage import Coverage, Problem
from hashing.decode import Limits, LumaFrame, open_media
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.fingerprint import Kind
from hashing.luma import Upright
from tests import clips

SCENE = clips.moving_scene(1)
MP4 = clips.encode(SCENE)
FILES = [
    clips.encode(SCENE[:5], container=container)
    for container in ("mp4", "matroska", "flv", "mpegts", "avi")
]
CODEC_NOISE_BITS = 18  # the quick encoders move 5 to 16 of 256 bits; another scene is at 127


def decoded(
    media: bytes | BinaryIO,
    limits: Limits | None = None,
    interval_ms: int = 40,
    *,
    economical: bool = False,
) -> tuple[list[LumaFrame], Coverage]:
    """All sampled frames, copied out of the decoder's memory, and the account."""
    opened = open_media(media, limits or Limits())
    frames = [
        LumaFrame(frame.stream, frame.time_ms, frame.luma.copy(), frame.full_range)
        for frame in opened.frames(interval_ms, economical=economical)
    ]
    return frames, opened.coverage()


def mean_distance_bits(frames: list[LumaFrame], source: NDArray[np.uint8]) -> float:
    """How far the frames' pHashes are from those of the source's frames at the same times."""
    pairs = [(frame.luma, source[round(frame.time_ms * clips.FPS / 1000)]) for frame in frames]
    left, right = (
        phash.hashes(phash.coefficients(np.stack([phash.shrink(pair[side]) for pair in pairs])))
        for side in (0, 1)
    )
    return float(bits.distances(left, right).mean())


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
    Breaking.broken = True

    frames = list(opened.frames(40, economical=False))
    Breaking.broken = False

    assert 10 < len(frames) < len(SCENE)
    assert Problem.DECODER_ERROR in opened.coverage().problems


# --- tracks and orientation ---------------------------------------------------------------------


def test_decodes_all_video_tracks() -> None:
    """Players show the second where the first is a black decoy."""
    frames, _ = decoded(clips.encode_tracks([clips.black(3.0), SCENE]))

    assert Counter(frame.stream for frame in frames) == {0: 75, 1: 75}
    assert (
        mean_distance_bits([frame for frame in frames if frame.stream == 1], SCENE)
        < CODEC_NOISE_BITS
    )


def test_decodes_a_cover_picture_with_a_named_colour_profile() -> None:
    """PyAV frees the profile's name twice if the frame's side data is looked at."""
    file = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(SCENE[5]).convert("RGB").save(file, "PNG", icc_profile=profile)

    for _ in range(3):
        frames, coverage = decoded(clips.with_cover(SCENE, file.getvalue()))
        gc.collect()

    cover = next(frame for frame in frames if frame.stream == 1)
    assert np.abs(cover.luma.astype(int) - SCENE[5]).max() <= 1
    assert coverage.problems == ()


def test_a_cover_picture_may_carry_side_data_that_pyav_cannot_name() -> None:
    """FFmpeg hands on a JPEG's EXIF block; PyAV 18.1 has no word for it and raises ValueError."""
    cover = clips.picture(SCENE[5], "JPEG", orientation=6)

    frames, coverage = decoded(clips.with_cover(SCENE, cover, "mjpeg"))

    shown = next(frame for frame in frames if frame.stream == 1)
    assert shown.luma.shape in {(160, 120), (120, 160)}
    assert coverage.problems == ()


PIXELS = """gray nv12 yuv420p yuv422p10le gray16le p010le p016le yuyv422 uyvy422 gbrp bgra rgb48le
gray16be yuv420p10be"""


@pytest.mark.parametrize("pixels", PIXELS.split())
def test_reads_the_brightness_of_every_pixel_format(pixels: str) -> None:
    grey = VideoFrame.from_ndarray(SCENE[0][:, :157].copy(), format="gray")
    frame = grey.reformat(format="yuv444p", threads=1).reformat(format=pixels, threads=1)
    if pixels.startswith("gray"):
        frame.color_range = 2  # as the decoders of JPEG and PNG say

    luma, full_range = Upright("h264").luma(frame)

    shown = luma.astype(float) if full_range else (luma.astype(float) - 16) * 255 / 219
    assert np.abs(shown - SCENE[0][:, :157]).mean() < 3


@pytest.mark.parametrize("flip", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_shows_frames_upright(turn: int, flip: bool) -> None:
    frames, _ = decoded(clips.encode(SCENE[:3], turn=turn, flip=flip))

    shown = np.rot90(SCENE[0], turn // 90)
    shown = shown[:, ::-1] if flip else shown
    assert frames[0].luma.shape == shown.shape
    # In studio range, with a quick encoder's noise: another orientation is off by 50.
    assert np.abs(frames[0].luma.astype(float) - (16 + shown / 255 * 219)).mean() < 8


def test_follows_a_change_of_size() -> None:
    small = clips.scaled(SCENE, 96, 64)
    both = clips.encode(SCENE, container="h264") + clips.encode(small, container="h264")

    frames, coverage = decoded(both)

    assert Counter(frame.luma.shape for frame in frames) == {(120, 160): 75, (64, 96): 75}
    assert coverage.problems == ()


# --- damage -------------------------------------------------------------------------------------


def test_goes_on_after_damaged_packets() -> None:
    frames, coverage = decoded(clips.with_media_damaged(MP4))

    assert frames[-1].time_ms >= 2800
    assert len(frames) > 40
    assert coverage.decode_errors > 3
    assert coverage.problems == (Problem.DECODER_ERROR,)


@pytest.mark.parametrize("container", ["mp4", "matroska", "flv"])
def test_a_file_cut_short_gives_its_beginning_and_says_so(container: str) -> None:
    long = clips.moving_scene(1, 4.0)
    data = clips.encode(long, container=container)
    start = clips.with_media_cut(data) if container == "mp4" else data[: len(data) * 4 // 10]

    frames, coverage = decoded(start)

    assert 20 <= len(frames) <= 60
    assert mean_distance_bits(frames[:-1], long) < CODEC_NOISE_BITS
    assert Problem.TRUNCATED in coverage.problems
    assert coverage.container_ms >= 3900
    assert coverage.decoded_ms < 2500


def test_frames_dropped_until_the_first_key_frame_are_a_problem() -> None:
    """A broadcast that starts between key frames: FFmpeg waits for one and reports nothing."""
    options = {"preset": "ultrafast", "g": "30"}
    data = clips.encode(SCENE, container="mpegts", options=options)
    packets = [data[start : start + 188] for start in range(0, len(data), 188)]

    frames, coverage = decoded(b"".join(packets[:3] + packets[len(packets) // 12 :]))

    assert len(frames) == 45
    assert coverage.decode_errors == 0
    assert coverage.problems == (Problem.DECODER_ERROR,)


def test_a_track_that_gives_no_frame_without_an_error_is_a_problem() -> None:
    frames, coverage = decoded(clips.without_key_frames(clips.encode(SCENE[:20])))

    assert frames == []
    assert coverage.decode_errors == 0
    assert coverage.problems == (Problem.DECODER_ERROR,)


def test_empty_packets_do_not_end_a_track() -> None:
    """AVI fills gaps with packets of no bytes, which a decoder takes for the end."""
    times_ms = [40 * number + (200 if number > 5 else 0) for number in range(20)]
    data = clips.encode(SCENE[:20], codec="mpeg4", container="avi", times_ms=times_ms)

    frames, coverage = decoded(data)

    assert [frame.time_ms for frame in frames] == times_ms
    assert coverage.problems == ()


def test_what_an_edit_list_cuts_away_is_not_missing() -> None:
    times_ms = [40 * number - 1500 for number in range(len(SCENE))]

    frames, coverage = decoded(clips.encode(SCENE, times_ms=times_ms))

    assert len(frames) == len([time_ms for time_ms in times_ms if time_ms >= 0])
    assert coverage.container_ms < 1600
    assert coverage.problems == ()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: clips.with_length_claimed(MP4, 10), id="ten times as long"),
        pytest.param(lambda: clips.with_length_claimed(MP4, 0.1), id="a tenth"),
        pytest.param(
            lambda: clips.claiming_one_frame(clips.encode(SCENE, codec="mpeg4", container="avi")),
            id="one frame",
        ),
    ],
)
def test_a_header_that_lies_about_its_length_hides_nothing(make: Callable[[], bytes]) -> None:
    frames, _ = decoded(make())

    assert len(frames) == len(SCENE)


def test_a_track_that_no_decoder_reads_is_a_problem() -> None:
    data = clips.encode_tracks([SCENE, SCENE], codec="mpeg4", container="avi")
    place = data.rfind(b"FMP4", 0, data.find(b"movi"))
    first = data.find(b"FMP4")
    assert first < place

    frames, coverage = decoded(data.replace(b"FMP4", b"XyZ4"))

    assert frames == []
    assert Problem.UNSUPPORTED_TRACK in coverage.problems


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_is_in_a_file_only_our_errors_come_out(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 12))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(MediaError):
        decoded(bytes(file), Limits(frames=200, frame_pixels=10**6))


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "problem", "most"),
    [
        pytest.param(Limits(frame_pixels=100 * 100), Problem.LIMIT_FRAME_PIXELS, 0, id="frame"),
        pytest.param(Limits(frames=10), Problem.LIMIT_FRAMES, 10, id="frames"),
        pytest.param(Limits(total_pixels=20 * 160 * 120), Problem.LIMIT_PIXELS, 20, id="pixels"),
        pytest.param(Limits(seconds=1), Problem.LIMIT_SECONDS, 26, id="seconds"),
        pytest.param(Limits(packets=15), Problem.LIMIT_PACKETS, 15, id="packets"),
    ],
)
def test_a_limit_stops_the_work_and_is_a_problem(
    limits: Limits, problem: Problem, most: int
) -> None:
    frames, coverage = decoded(MP4, limits)

    assert len(frames) <= most
    assert len(frames) >= most - 1
    assert coverage.problems == (problem,)


def test_a_track_cannot_grow_beyond_the_frame_limit() -> None:
    small = clips.encode(clips.scaled(SCENE, 96, 64), container="h264")
    both = small + clips.encode(SCENE, container="h264")

    frames, coverage = decoded(both, Limits(frame_pixels=100 * 100))

    assert {frame.luma.shape for frame in frames} == {(64, 96)}
    assert coverage.problems == (Problem.DECODER_ERROR,)


def test_more_tracks_than_the_limit_are_a_problem() -> None:
    frames, coverage = decoded(clips.encode_tracks([SCENE, SCENE, SCENE]), Limits(tracks=2))

    assert {frame.stream for frame in frames} == {0, 1}
    assert coverage.problems == (Problem.LIMIT_TRACKS,)


def test_key_frames_keep_the_limits_too() -> None:
    """In each of their two passes: key frames, then ordinary ones."""
    opened = open_media(MP4, Limits(frames=3))

    assert len(list(opened.key_frames())) <= 6


# --- sampling -----------------------------------------------------------------------------------


def test_samples_by_time_stamps_at_a_variable_rate() -> None:
    times_ms = [0, 40, 80, 500, 510, 520, 1300, 1340, 1660, 2000]

    frames, coverage = decoded(clips.encode(SCENE[:10], times_ms=times_ms), interval_ms=250)

    assert [frame.time_ms for frame in frames] == [0, 500, 1300, 1660, 2000]
    assert coverage.problems == ()


def test_economy_skips_frames_but_no_interval() -> None:
    """With B-frames, which nothing refers to."""
    options = {"preset": "veryfast", "crf": "20", "bf": "3", "b-pyramid": "none"}
    data = clips.encode(SCENE, options=options)

    every, _ = decoded(data, economical=True)
    sampled, coverage = decoded(data, interval_ms=250, economical=True)

    assert len(every) < 0.7 * len(SCENE)
    assert len(sampled) == 12
    assert coverage.problems == ()
    assert coverage.decoded_ms >= 2900
    assert mean_distance_bits(sampled, SCENE) < CODEC_NOISE_BITS


def test_equal_time_stamps_cannot_starve_the_sampling() -> None:
    frames, _ = decoded(clips.with_equal_times(MP4), interval_ms=1000)

    assert len(frames) >= 3


def test_key_frames_of_a_short_clip_are_joined_by_ordinary_ones() -> None:
    frames = list(open_media(MP4, Limits()).key_frames())

    assert 8 <= len(frames) <= 75 // 8 + 9


def test_ordinary_frames_for_statistics_are_bounded() -> None:
    """One key frame in 12 s: 250 of the 300 frames are decoded, one in eight is looked at."""
    data = clips.encode(clips.moving_scene(3, 12.0, 64, 48), options={"g": "1000"})

    assert len(list(open_media(data, Limits()).key_frames())) == 1 + 8 + 250 // 8 - 1


def test_key_frames_of_an_intra_only_clip_are_one_a_second() -> None:
    long = clips.moving_scene(3, 8.0)
    data = clips.encode(long, codec="mjpeg", container="avi", pixels="yuvj420p")

    assert len(list(open_media(data, Limits()).key_frames())) == 8


def test_key_frames_of_a_film_thin_out() -> None:
    slides = np.zeros((600, 32, 32), np.uint8)
    data = clips.encode(slides, fps=1, codec="mjpeg", container="avi", pixels="yuvj420p")

    assert len(list(open_media(data, Limits()).key_frames())) == 256 + (600 - 256) // 2


def test_a_container_is_a_video_even_with_one_frame() -> None:
    opened = open_media(clips.encode(SCENE[:1]), Limits())

    assert opened.kind is Kind.VIDEO
    assert [frame.time_ms for frame in opened.frames(40, economical=False)] == [0]


def test_the_account_before_any_work_is_empty() -> None:
    assert open_media(MP4, Limits()).coverage() == Coverage(0, 0, 0, 0, 0, ())


# --- the clock ----------------------------------------------------------------------------------


@given(st.lists(st.none() | st.integers(-(2**62), 2**62)))
def test_the_clock_runs_forward_whatever_the_stamps(stamps_ms: list[int | None]) -> None:
    clock = Clock()

    times_ms = [clock.tick(stamp_ms) for stamp_ms in stamps_ms]

    assert times_ms == sorted(set(times_ms))
    assert clock.end_ms >= (times_ms[-1] if times_ms else 0)


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 60_000)))
def test_the_clock_keeps_honest_stamps(start_ms: int, gaps_ms: list[int]) -> None:
    clock, honest_ms = Clock(), np.cumsum([0, *gaps_ms]).tolist()

    assert [clock.tick(start_ms + time_ms) for time_ms in honest_ms] == honest_ms


@pytest.mark.parametrize(
    ("stamps_ms", "times_ms"),
    [
        pytest.param([None] * 4, [0, 40, 80, 120], id="missing"),
        pytest.param([0, 20, None, 60], [0, 20, 40, 60], id="one missing"),
        pytest.param([5] * 4, [0, 40, 80, 120], id="equal"),
        pytest.param([5] * 4 + [6] * 4, [0, 40, 80, 120, 121, 161, 201, 241], id="nearly equal"),
        pytest.param([0, 40, 30, 120, 160], [0, 40, 80, 120, 160], id="one out of order"),
        pytest.param(
            [0, 40, 80, 10**12, 10**12 + 40, 10**12 + 80],
            [0, 40, 80, 120, 160, 200],
            id="a jump",
        ),
        pytest.param(
            [90_000, 90_040, 0, 40, 80, 120, 160], [0, 40, 80, 120, 160, 200, 240], id="a restart"
        ),
    ],
)
def test_the_clock_mends_bad_stamps(stamps_ms: list[int | None], times_ms: list[int]) -> None:
    clock = Clock()

    assert [clock.tick(stamp_ms) for stamp_ms in stamps_ms] == times_ms


@pytest.mark.parametrize(
    ("length_ms", "end_ms"),
    [
        pytest.param(None, 80, id="unknown: as the frame before"),
        pytest.param(25, 65, id="told"),
        pytest.param(0, 80, id="none"),
        pytest.param(10**9, 80, id="absurd"),
    ],
)
def test_the_clock_knows_when_the_last_frame_ends(length_ms: int | None, end_ms: int) -> None:
    clock = Clock()
    clock.tick(0, 40)
    clock.tick(40, length_ms)

    assert clock.end_ms == end_ms


@given(st.lists(st.integers(0, 500)), st.integers(1, 2000))
def test_the_sampler_takes_one_an_interval_and_one_in_thirty(
    gaps_ms: list[int], interval_ms: int
) -> None:
    times_ms = np.cumsum([0, *gaps_ms]).tolist()
    sampler = Sampler(interval_ms)

    taken = [place for place, time_ms in enumerate(times_ms) if sampler.due(time_ms)]

    assert {times_ms[place] // interval_ms for place in taken} == {
        time_ms // interval_ms for time_ms in times_ms
    }
    assert max(np.diff([*taken, len(times_ms)])) <= MOST_SKIPPED_FRAMES + 1
    for before, place in pairwise(taken):
        same = times_ms[before] // interval_ms == times_ms[place] // interval_ms
        assert not same or place - before == MOST_SKIPPED_FRAMES + 1
