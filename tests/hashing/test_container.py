"""Containers: all tracks, upright; damage; limits; sampling at hostile time stamps."""

import contextlib
import gc
import io
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from hashing.coverage import Coverage, Problem
from hashing.decode import Limits, Media, open_media
from hashing.errors import MediaError
from hashing.fingerprint import Kind
from tests import clips
from tests.decoding import CODEC_NOISE_BITS, decoded, mean_distance_bits

SCENE = clips.moving_scene(1)
MP4 = clips.encode(SCENE)
FILES = [
    clips.encode(SCENE[:5], container=container)
    for container in ("mp4", "matroska", "flv", "mpegts", "avi")
]


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


def test_frames_that_the_decoder_has_only_guessed_are_a_problem() -> None:
    """H.264 in a transport stream hides damage: all frames come, and no error does."""
    options = {"g": "12"}
    media = bytearray(clips.encode(SCENE, container="mpegts", options=options))
    random = np.random.default_rng(2)
    for place in random.integers(2000, len(media), len(media) // 1000):
        media[place] = int(random.integers(0, 256))

    frames, coverage = decoded(bytes(media))

    assert len(frames) >= len(SCENE) - 1
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

    shown = [frame for frame in frames if frame.stream == 0]
    assert len(shown) == len([time_ms for time_ms in times_ms if time_ms >= 0])
    assert len(frames) == len(shown) + len(SCENE)  # what was cut away is looked at as well
    assert coverage.container_ms == 3000
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


def test_what_was_decoded_in_time_stands() -> None:
    class Timed(Limits):
        asked = iter(range(1000))

        def time_up(self) -> Problem | None:
            return Problem.LIMIT_WALL if next(self.asked) >= 30 else None

    frames, coverage = decoded(MP4, Timed())

    assert 5 < len(frames) < 30
    assert coverage.problems == (Problem.LIMIT_WALL,)


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

    assert len(looked_over(opened)) <= 6


# --- sampling -----------------------------------------------------------------------------------


def test_samples_by_time_stamps_at_a_variable_rate() -> None:
    times_ms = [0, 40, 80, 500, 510, 520, 1300, 1340, 1660, 2000]

    frames, coverage = decoded(clips.encode(SCENE[:10], times_ms=times_ms), interval_ms=250)

    shown = [frame.time_ms for frame in frames if frame.stream == 0]
    assert shown == [0, 500, 1300, 1660, 2000]
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


def looked_over(opened: Media) -> list[int]:
    """The times of all frames for statistics: key frames, then ordinary ones."""
    return [frame.time_ms for part in (opened.key_frames, opened.first_frames) for frame in part()]


def test_key_frames_of_a_short_clip_are_joined_by_ordinary_ones() -> None:
    assert 8 <= len(looked_over(open_media(MP4, Limits()))) <= 75 // 8 + 9
    assert list(open_media(MP4, Limits()).first_frames()) == []  # without key frames none


def test_ordinary_frames_for_statistics_are_bounded() -> None:
    """One key frame in 12 s: 250 of the 300 frames are decoded, one in eight is looked at."""
    data = clips.encode(clips.moving_scene(3, 12.0, 64, 48), options={"g": "1000"})

    assert len(looked_over(open_media(data, Limits()))) == 1 + 8 + 250 // 8 - 1


def test_key_frames_of_an_intra_only_clip_are_one_a_second() -> None:
    long = clips.moving_scene(3, 8.0)
    data = clips.encode(long, codec="mjpeg", container="avi", pixels="yuvj420p")

    assert len(list(open_media(data, Limits()).key_frames())) == 7  # 1.2 s apart: 8 s add 0.2


def test_key_frames_of_a_film_thin_out() -> None:
    slides = np.zeros((600, 32, 32), np.uint8)
    data = clips.encode(slides, fps=1, codec="mjpeg", container="avi", pixels="yuvj420p")

    assert len(list(open_media(data, Limits()).key_frames())) in range(36, 44)


def test_a_container_is_a_video_even_with_one_frame() -> None:
    opened = open_media(clips.encode(SCENE[:1]), Limits())

    assert opened.kind is Kind.VIDEO
    assert [frame.time_ms for frame in opened.frames(40, economical=False)] == [0]


def test_the_account_before_any_work_is_empty() -> None:
    assert open_media(MP4, Limits()).coverage() == Coverage(0, 0, 0, 0, 0, ())
