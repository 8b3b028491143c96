"""An early end of a check: when it comes, when all of the clip is looked at; the same verdict."""

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count

import av
import numpy as np
import pytest
from av.video.frame import PictureType, VideoFrame

from hashing.coverage import Problem
from hashing.extract import REFERENCE, extract
from hashing.fingerprint import Fingerprint
from hashing.ranges import Range
from hashing.reference import Policy, Reference
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import View
from service.checking import Checker, CheckResult
from service.media.decoding import Uncaged
from tests import clips
from tests.memory_store import MemoryStore

LENGTH_S = 24.0
SCENE = clips.moving_scene(1, LENGTH_S)
OTHER = clips.moving_scene(2, LENGTH_S)
UNLISTED = clips.moving_scene(3, LENGTH_S)
GROUPS = {"g": "50"}  # a key frame every 2 s, and none where a scene is cut


@cache
def listed(seed: int) -> Fingerprint:
    """The reference that a scene makes."""
    return extract(clips.encode(clips.moving_scene(seed, LENGTH_S)), REFERENCE).fingerprint


def checker(*allowed: Fingerprint, policy: Policy = Policy.ALLOW) -> Checker:
    """Checks against a list with both scenes, and an allow list with these."""
    store = MemoryStore()
    references = [Reference(f"r{seed}", None, None, listed(seed)) for seed in (1, 2)]
    store.add("attack-1", references, policy=Policy.BLOCK)
    if allowed:
        made = [Reference(f"a{place}", None, None, one) for place, one in enumerate(allowed)]
        store.add("news", made, policy=policy)
    return Checker(store, Uncaged())


def check(media: bytes, *, thorough: bool = False) -> CheckResult:
    """A check against both scenes."""
    return checker().check(media, thorough=thorough)


def ranges_ms(result: CheckResult) -> tuple[Range, ...]:
    """Where in the clip the first match is."""
    return result.matches[0].finding.clip_ranges_ms


def stretched(frames: clips.Frames) -> list[int]:
    """Time stamps at which a scene plays at four fifths of its speed."""
    return [number * 50 for number in range(len(frames))]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: clips.encode(SCENE, options=GROUPS), id="re-encoded"),
        pytest.param(
            lambda: clips.encode(clips.mirrored(SCENE), options=GROUPS),
            id="mirrored",
        ),
        pytest.param(lambda: clips.encode(clips.letterboxed(SCENE), options=GROUPS), id="bars"),
        pytest.param(
            lambda: clips.encode(SCENE, options=GROUPS, times_ms=stretched(SCENE)), id="slower"
        ),
        pytest.param(lambda: clips.encode(SCENE[::-1], options=GROUPS), id="backwards"),
        pytest.param(lambda: clips.encode(SCENE, options=GROUPS, sound=True), id="with sound"),
        pytest.param(
            lambda: clips.encode(SCENE, options={**GROUPS, "preset": "veryfast"}),
            id="with frames out of order",
        ),
        pytest.param(lambda: clips.encode(SCENE[100:], options=GROUPS), id="without its beginning"),
        *(
            pytest.param(
                lambda container=container: clips.encode(
                    SCENE, options=GROUPS, container=container
                ),
                id=container,
            )
            for container in ("matroska", "mpegts", "avi", "flv")
        ),
        pytest.param(
            lambda: clips.with_length_claimed(clips.encode(SCENE, options=GROUPS), 0.1),
            id="longer than its index says",
        ),
    ],
)
def test_a_whole_copy_is_clear_by_its_key_frames(make: Callable[[], bytes]) -> None:
    media = make()
    found, thorough = check(media), check(media, thorough=True)

    assert found.early
    assert found.complete
    assert found.verdict is thorough.verdict is Verdict.MATCH
    assert 0 < found.checked_ms <= found.duration_ms / 3
    assert found.frames < thorough.frames / 2
    assert found.duration_ms == thorough.duration_ms
    for mine, theirs in zip(found.matches, thorough.matches, strict=True):
        assert (mine.reference, mine.finding.view) == (theirs.reference, theirs.finding.view)
        for side in ("clip_ranges_ms", "reference_ranges_ms"):
            (one,), (other,) = getattr(mine.finding, side), getattr(theirs.finding, side)
            assert np.abs(np.subtract(one, other)).max() <= 250
        assert mine.finding.clip_coverage == pytest.approx(theirs.finding.clip_coverage, abs=0.02)


def with_flv_length_claimed(flv: bytes, seconds: float) -> bytes:
    """The file with another ``duration`` in its metadata: a zero byte for a number stands first."""
    place = flv.index(b"duration\0") + len(b"duration\0")
    return flv[:place] + struct.pack(">d", seconds) + flv[place + 8 :]


def overwritten(start_s: float, end_s: float) -> clips.Frames:
    """The scene with other footage in the place of a part."""
    frames = SCENE.copy()
    start, end = round(start_s * clips.FPS), round(end_s * clips.FPS)
    frames[start:end] = OTHER[start:end]
    return frames


def without(start_s: float, end_s: float) -> clips.Frames:
    """The scene with a part cut out."""
    return np.concatenate([clips.cut(SCENE, 0, start_s), clips.cut(SCENE, end_s, LENGTH_S)])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda: clips.encode(SCENE, options={"g": "1000"}),
            id="one key frame",
        ),
        pytest.param(lambda: clips.encode(SCENE, options={"g": "250"}), id="three key frames"),
        pytest.param(lambda: clips.encode(SCENE[:75], options={"g": "25"}), id="3 s"),
        pytest.param(
            lambda: clips.encode_tracks([SCENE, clips.black(LENGTH_S)], options=GROUPS),
            id="a black second track",
        ),
        pytest.param(
            lambda: clips.encode_tracks([clips.black(LENGTH_S), SCENE], options=GROUPS),
            id="a black first track",
        ),
        pytest.param(
            lambda: clips.encode_tracks([SCENE, SCENE], options=GROUPS), id="the same track twice"
        ),
        pytest.param(
            lambda: clips.encode_tracks([SCENE, UNLISTED], options=GROUPS),
            id="another second track",
        ),
        pytest.param(
            lambda: clips.with_cover(SCENE, clips.picture(OTHER[0])), id="a cover picture"
        ),
        pytest.param(
            lambda: with_flv_length_claimed(
                clips.encode(SCENE, options=GROUPS, container="flv"), 3 * LENGTH_S
            ),
            id="shorter than its header says",
        ),
        pytest.param(
            lambda: clips.with_media_cut(clips.encode(SCENE, options=GROUPS), 0.8), id="cut off"
        ),
        pytest.param(
            lambda: clips.encode(np.concatenate([SCENE, OTHER[:250]]), options=GROUPS),
            id="other footage at the end",
        ),
        pytest.param(
            lambda: clips.encode(np.concatenate([OTHER[:60], SCENE]), options=GROUPS),
            id="a new opening",
        ),
        pytest.param(
            lambda: clips.encode(np.concatenate([SCENE[:310], OTHER[:310]]), options=GROUPS),
            id="two references",
        ),
        pytest.param(
            lambda: clips.encode(overwritten(10.5, 13.5), options=GROUPS), id="other footage inside"
        ),
        pytest.param(
            lambda: clips.encode(without(10.5, 14.5), options=GROUPS), id="a part cut out"
        ),
        pytest.param(
            lambda: clips.encode(
                SCENE, options=GROUPS, times_ms=[n * 40 + 130_000 * (n > 300) for n in range(600)]
            ),
            id="a jump in its time stamps",
        ),
        pytest.param(lambda: clips.animation(SCENE[::5], frame_ms=200), id="an animation"),
    ],
)
def test_a_clip_in_doubt_is_looked_at_in_full(make: Callable[[], bytes]) -> None:
    media = make()
    found, thorough = check(media), check(media, thorough=True)

    assert not found.early
    assert found.verdict is Verdict.MATCH
    assert replace(found, elapsed_ms=0) == replace(thorough, elapsed_ms=0)


def with_key_frames(frames: clips.Frames, every_s: float, until_s: float) -> bytes:
    """A clip with key frames up to a time, and none from there on."""
    file, step = io.BytesIO(), round(every_s * clips.FPS)
    with av.open(file, "w", format="mp4") as output:
        options = {"preset": "ultrafast", "crf": "20", "g": "10000", "forced-idr": "1"}
        stream = output.add_stream("libx264", rate=clips.FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = clips.WIDTH_PX, clips.HEIGHT_PX, "yuv420p"
        for number, grey in enumerate(frames):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(grey), "gray").reformat(
                format="yuv420p"
            )
            if number % step == 0 and number <= until_s * clips.FPS:
                frame.pict_type = PictureType.I
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize(
    ("copied_s", "other_s", "keys_until_s"),
    [
        pytest.param(22.5, 1.4, 22.0, id="a short end"),
        pytest.param(22.0, 6.0, 20.0, id="a longer one"),
        pytest.param(24.0, 12.0, 22.0, id="a third"),
        pytest.param(24.0, 24.0, 22.0, id="half"),
        pytest.param(24.0, 0.0, 12.0, id="none, but key frames end early"),
    ],
)
def test_an_end_without_key_frames_is_looked_at(
    copied_s: float, other_s: float, keys_until_s: float
) -> None:
    """The key frames are all of the copy; what follows the last one may be anything."""
    frames = np.concatenate([clips.cut(SCENE, 0, copied_s), clips.cut(UNLISTED, 0, other_s)])
    media = with_key_frames(frames, 2.0, keys_until_s)
    found = check(media)

    assert not found.early
    assert ranges_ms(found) == ranges_ms(check(media, thorough=True))
    assert abs(ranges_ms(found)[0][1] - 1000 * copied_s) <= 250


def test_a_copy_up_to_a_short_end_is_clear_and_its_range_ends_there() -> None:
    """As a fade or a player's last picture: all of the end is decoded, so the range is right."""
    frames = np.concatenate([clips.cut(SCENE, 0, 22.9), clips.cut(UNLISTED, 0, 0.6)])
    found = check(with_key_frames(frames, 2.0, 22.0))

    assert found.early
    assert abs(ranges_ms(found)[0][1] - 22_900) <= 250


def test_other_footage_is_never_clean_by_its_key_frames() -> None:
    result = check(clips.encode(UNLISTED, options=GROUPS))

    assert (result.verdict, result.early) == (Verdict.NO_MATCH, False)
    assert result.checked_ms == result.duration_ms == 24_000


# --- allow lists --------------------------------------------------------------------------------


def beginning(share: float) -> Fingerprint:
    """A reference of the first part of the scene."""
    part = SCENE[: round(share * len(SCENE))]
    return extract(clips.encode(part), REFERENCE).fingerprint


@pytest.mark.parametrize(
    ("allowed", "verdict", "ends_early"),
    [
        pytest.param(lambda: listed(1), Verdict.NO_MATCH, False, id="the same"),
        pytest.param(lambda: beginning(0.5), Verdict.MATCH, False, id="half of it"),
        pytest.param(lambda: beginning(0.2), Verdict.MATCH, False, id="its beginning"),
        pytest.param(lambda: listed(2), Verdict.MATCH, True, id="other footage"),
    ],
)
def test_near_an_allow_list_all_is_looked_at(
    allowed: Callable[[], Fingerprint], verdict: Verdict, ends_early: bool
) -> None:
    media = clips.encode(SCENE, options=GROUPS)
    result = checker(allowed()).check(media)

    assert (result.verdict, result.early) == (verdict, ends_early)


def test_a_copy_on_two_lists_is_told_of_both() -> None:
    both = checker(listed(1), policy=Policy.BLOCK)
    result = both.check(clips.encode(SCENE, options=GROUPS))

    assert result.early
    assert {(match.list, match.reference) for match in result.matches} == {
        ("attack-1", "r1"),
        ("news", "a0"),
    }


# --- policy, answers ----------------------------------------------------------------------------


def test_a_policy_that_asks_for_more_is_not_met_by_less() -> None:
    store = MemoryStore()
    store.add("attack-1", [Reference("r1", None, None, listed(1))], policy=Policy.BLOCK)
    strict = replace(DEFAULT_POLICY, match_chance=1e-120, near_chance=1e-60)
    media = clips.encode(SCENE, options=GROUPS)
    result = Checker(store, Uncaged(), policy=strict).check(media)

    assert Checker(store, Uncaged()).check(media).matches[0].finding.chance > 1e-120
    assert (result.verdict, result.early) == (Verdict.MATCH, False)


def test_an_early_end_keeps_the_view() -> None:
    result = check(clips.encode(clips.mirrored(SCENE), options=GROUPS))

    assert result.matches[0].finding.view == View.MIRRORED


def test_damage_that_was_met_leads_to_the_full_decode() -> None:
    media = clips.with_media_damaged(clips.encode(SCENE, options=GROUPS), 0.97, 0.99)
    result = check(media)

    assert not result.early
    assert result.problems == (Problem.DECODER_ERROR.value,)


def test_the_time_is_that_of_the_whole_check() -> None:
    ticks = count(1000, 7)
    store = MemoryStore()
    store.add("attack-1", [Reference("r1", None, None, listed(1))], policy=Policy.BLOCK)

    result = Checker(store, Uncaged(), now_ms=lambda: next(ticks)).check(
        clips.encode(SCENE, options=GROUPS)
    )

    assert (result.early, result.elapsed_ms) == (True, 7)
