"""Verdicts: the tables of docs/explanation/chance.md with their borders."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.alignment import Alignment
from hashing.verdict import DEFAULT_POLICY, Verdict, of_alignment, of_clip, of_picture
from hashing.views import View

MATCH, NEAR, NO, UNSCANNABLE = Verdict  # in the order of strength
JUST_ENOUGH = Alignment(
    view=View.AS_IS,
    stream=0,
    speed=1.0,
    clip_start_ms=500,
    clip_end_ms=1500,
    reference_start_ms=0,
    reference_end_ms=1000,
    frames=5,
    frames_matched=3,
    distinct_hits=3,
    mean_distance_bits=20.0,
    agreement=0.5,
    evidence_nats=40.0,
)
VERY_LONG = replace(JUST_ENOUGH, clip_end_ms=600_000, distinct_hits=2000, frames_matched=2000)


@pytest.mark.parametrize(
    ("alignment", "false_alarms", "verdict"),
    [
        pytest.param(JUST_ENOUGH, 1e-6, MATCH, id="just enough"),
        pytest.param(JUST_ENOUGH, 1.01e-6, NEAR, id="chance just too high for a match"),
        pytest.param(JUST_ENOUGH, 1e-3, NEAR, id="just near"),
        pytest.param(JUST_ENOUGH, 1.01e-3, NO, id="chance just too high"),
        pytest.param(replace(JUST_ENOUGH, distinct_hits=2), 0.0, NEAR, id="two distinct hits"),
        pytest.param(replace(JUST_ENOUGH, clip_end_ms=1499), 0.0, NEAR, id="999 ms"),
        pytest.param(replace(JUST_ENOUGH, distinct_hits=1), 1e-2, NO, id="one hit, likely chance"),
        pytest.param(VERY_LONG, 1.0, NO, id="length alone is nothing"),
        pytest.param(VERY_LONG, 0.0, MATCH, id="long and sure"),
    ],
)
def test_verdict_on_a_time_line(
    alignment: Alignment, false_alarms: float, verdict: Verdict
) -> None:
    assert of_alignment(alignment, false_alarms, DEFAULT_POLICY) is verdict


@pytest.mark.parametrize(
    ("distance_bits", "clip_is_image", "verdict"),
    [
        pytest.param(0, True, MATCH, id="the same image"),
        pytest.param(31, True, MATCH, id="image at the strict threshold"),
        pytest.param(32, True, NO, id="image just beyond"),
        pytest.param(0, False, NEAR, id="one frame of a video is never a match"),
        pytest.param(31, False, NEAR, id="frame at the strict threshold"),
        pytest.param(32, False, NO, id="frame just beyond"),
    ],
)
def test_verdict_on_a_picture(distance_bits: int, clip_is_image: bool, verdict: Verdict) -> None:
    given_verdict = of_picture(distance_bits, clip_is_image=clip_is_image, policy=DEFAULT_POLICY)

    assert given_verdict is verdict


@pytest.mark.parametrize(
    ("found", "complete", "verdict"),
    [
        pytest.param([], True, NO, id="nothing in all of it"),
        pytest.param([], False, UNSCANNABLE, id="nothing in what could be checked"),
        pytest.param([NO], True, NO, id="nothing but chance"),
        pytest.param([NO], False, UNSCANNABLE, id="nothing but chance, in part"),
        pytest.param([NEAR], False, NEAR, id="something in part of it"),
        pytest.param([NEAR, MATCH, NO], True, MATCH, id="the strongest counts"),
        pytest.param([NEAR, MATCH], False, MATCH, id="a match in part of it stands"),
    ],
)
def test_verdict_on_the_clip(found: list[Verdict], complete: bool, verdict: Verdict) -> None:
    assert of_clip(found, complete=complete) is verdict


STRENGTH = [NO, NEAR, MATCH]


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.integers(1, 6),
    st.integers(0, 3000),
)
def test_a_stricter_policy_never_finds_more(
    false_alarms: float, factor: float, distinct_hits: int, span_ms: int
) -> None:
    alignment = replace(
        JUST_ENOUGH,
        clip_end_ms=JUST_ENOUGH.clip_start_ms + span_ms,
        distinct_hits=distinct_hits,
    )
    stricter = replace(
        DEFAULT_POLICY,
        match_distinct_hits=DEFAULT_POLICY.match_distinct_hits + 1,
        match_span_ms=DEFAULT_POLICY.match_span_ms + 250,
        match_chance=DEFAULT_POLICY.match_chance * factor,
        near_chance=DEFAULT_POLICY.near_chance * factor,
    )
    default, strict = (
        STRENGTH.index(of_alignment(alignment, false_alarms, policy))
        for policy in (DEFAULT_POLICY, stricter)
    )

    assert strict <= default


@given(st.integers(0, 256), st.integers(0, 31), st.booleans())
def test_a_stricter_image_threshold_never_finds_more(
    distance_bits: int, threshold: int, clip_is_image: bool
) -> None:
    stricter = replace(DEFAULT_POLICY, strict_image_bits=threshold)
    default, strict = (
        STRENGTH.index(of_picture(distance_bits, clip_is_image=clip_is_image, policy=policy))
        for policy in (DEFAULT_POLICY, stricter)
    )

    assert strict <= default
