"""Verdicts: the tables of docs/explanation/chance.md with their borders."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.alignment import Alignment
from hashing.reference import Policy
from hashing.verdict import (
    DEFAULT_FALSE_ALARMS,
    DEFAULT_POLICY,
    LEAST_FALSE_ALARMS,
    MOST_FALSE_ALARMS,
    BadPolicy,
    Verdict,
    of_alignment,
    of_clip,
    of_picture,
    require_false_alarms,
)
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
    frames_alike=3,
    frames_same=0,
    distinct_hits=3,
    mean_distance_bits=20.0,
    agreement=0.3,
    evidence_nats=40.0,
)
CLIP_MS = 2000
ALIKE = replace(JUST_ENOUGH, frames=10, frames_matched=10, frames_alike=9, distinct_hits=1)
SAME = replace(ALIKE, frames_same=9)
LONGER = replace(DEFAULT_POLICY, match_span_ms=1001)
VERY_LONG = replace(JUST_ENOUGH, clip_end_ms=600_000, distinct_hits=2000, frames_matched=2000)


@pytest.mark.parametrize(
    ("alignment", "false_alarms", "verdict"),
    [
        pytest.param(JUST_ENOUGH, 1e-6, MATCH, id="just enough"),
        pytest.param(JUST_ENOUGH, 1.01e-6, NEAR, id="chance just too high for a match"),
        pytest.param(JUST_ENOUGH, 1e-3, NEAR, id="just near"),
        pytest.param(JUST_ENOUGH, 1.01e-3, NO, id="chance just too high"),
        pytest.param(replace(JUST_ENOUGH, distinct_hits=2), 0.0, NEAR, id="two distinct hits"),
        pytest.param(replace(JUST_ENOUGH, agreement=0.29), 0.0, NEAR, id="hardly together"),
        pytest.param(replace(JUST_ENOUGH, clip_end_ms=1499), 0.0, NEAR, id="999 ms"),
        pytest.param(replace(JUST_ENOUGH, distinct_hits=1), 1e-2, NO, id="one hit, likely chance"),
        pytest.param(VERY_LONG, 1.0, NO, id="length alone is nothing"),
        pytest.param(VERY_LONG, 0.0, MATCH, id="long and sure"),
    ],
)
def test_verdict_on_a_time_line(
    alignment: Alignment, false_alarms: float, verdict: Verdict
) -> None:
    assert of_alignment(alignment, false_alarms, DEFAULT_POLICY, clip_ms=CLIP_MS) is verdict


@pytest.mark.parametrize(
    ("alignment", "clip_ms", "verdict"),
    [
        pytest.param(ALIKE, 1000, NEAR, id="alike from end to end"),
        pytest.param(ALIKE, 1111, NEAR, id="nine tenths of the clip"),
        pytest.param(ALIKE, 1112, NO, id="less of the clip"),
        pytest.param(replace(ALIKE, frames_alike=8), 1000, NO, id="fewer frames"),
        pytest.param(replace(ALIKE, distinct_hits=99), 1000, NEAR, id="never a match"),
        pytest.param(SAME, 1000, MATCH, id="the same from end to end"),
        pytest.param(SAME, 1111, MATCH, id="the same in nine tenths of the clip"),
        pytest.param(SAME, 1112, NO, id="the same in less of the clip"),
        pytest.param(replace(SAME, frames_same=8), 1000, NEAR, id="one frame too few"),
        pytest.param(replace(SAME, clip_end_ms=1499), 999, NEAR, id="the same, too short"),
    ],
)
def test_a_clip_is_judged_by_its_pictures_where_time_says_nothing(
    alignment: Alignment, clip_ms: int, verdict: Verdict
) -> None:
    assert of_alignment(alignment, 1.0, DEFAULT_POLICY, clip_ms=clip_ms) is verdict


def test_how_long_it_has_to_be_the_same_is_the_policys() -> None:
    assert of_alignment(SAME, 1.0, LONGER, clip_ms=1000) is NEAR


@pytest.mark.parametrize(
    ("false_alarms", "verdict"),
    [pytest.param(1e-6, MATCH, id="by time"), pytest.param(1.0, NEAR, id="by pictures")],
)
def test_what_says_more_decides(false_alarms: float, verdict: Verdict) -> None:
    both = replace(ALIKE, distinct_hits=3)

    assert of_alignment(both, false_alarms, DEFAULT_POLICY, clip_ms=1000) is verdict


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
    ("distance_bits", "same_share", "strict_bits", "verdict"),
    [
        pytest.param(16, 1.0, 31, MATCH, id="from end to end"),
        pytest.param(0, 0.9, 31, MATCH, id="nine tenths"),
        pytest.param(0, 0.899, 31, NEAR, id="less"),
        pytest.param(11, 1.0, 10, NO, id="not near enough for a stricter policy"),
    ],
)
def test_a_video_of_one_picture(
    distance_bits: int, same_share: float, strict_bits: int, verdict: Verdict
) -> None:
    policy = replace(DEFAULT_POLICY, strict_image_bits=strict_bits)
    told = of_picture(distance_bits, clip_is_image=False, same_share=same_share, policy=policy)

    assert told is verdict


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
        STRENGTH.index(of_alignment(alignment, false_alarms, policy, clip_ms=CLIP_MS))
        for policy in (DEFAULT_POLICY, stricter)
    )

    assert strict <= default


@given(st.integers(0, 256), st.integers(0, 31), st.booleans(), st.floats(0.0, 1.0))
def test_a_stricter_image_threshold_never_finds_more(
    distance_bits: int, threshold: int, clip_is_image: bool, same_share: float
) -> None:
    stricter = replace(DEFAULT_POLICY, strict_image_bits=threshold)
    default, strict = (
        STRENGTH.index(
            of_picture(
                distance_bits, clip_is_image=clip_is_image, same_share=same_share, policy=policy
            )
        )
        for policy in (DEFAULT_POLICY, stricter)
    )

    assert strict <= default


@pytest.mark.parametrize(
    ("accepted", "match_chance", "near_chance"),
    [
        pytest.param(0.001, 1e-8, 1e-5, id="least"),
        pytest.param(0.1, 1e-6, 1e-3, id="the default's number"),
        pytest.param(0.48, 4.8e-6, 4.8e-3, id="nine of ten alarms right"),
        pytest.param(1, 1e-5, 1e-2, id="one"),
        pytest.param(5, 5e-5, 1e-2, id="possible matches are bounded"),
        pytest.param(100, 1e-3, 1e-2, id="most"),
    ],
)
def test_what_a_list_accepts_becomes_chances(
    accepted: float, match_chance: float, near_chance: float
) -> None:
    policy = DEFAULT_POLICY.accepting(accepted)

    assert policy.match_chance == pytest.approx(match_chance, rel=1e-12)
    assert policy.near_chance == pytest.approx(near_chance, rel=1e-12)
    default = DEFAULT_POLICY
    assert default == replace(
        policy, match_chance=default.match_chance, near_chance=default.near_chance
    )


@pytest.mark.parametrize(
    "accepted", [None, DEFAULT_FALSE_ALARMS], ids=["none of its own", "the default's number"]
)
def test_the_default_is_the_default(accepted: float | None) -> None:
    assert DEFAULT_POLICY.accepting(accepted) == DEFAULT_POLICY


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(0.0, id="none at all"),
        pytest.param(-1.0, id="negative"),
        pytest.param(LEAST_FALSE_ALARMS * 0.999, id="too few"),
        pytest.param(MOST_FALSE_ALARMS * 1.001, id="too many"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param(float("nan"), id="no number"),
    ],
)
def test_what_no_list_can_accept_is_refused(wrong: float) -> None:
    with pytest.raises(BadPolicy, match=r"0\.001 to 100 .* or the default"):
        DEFAULT_POLICY.accepting(wrong)
    with pytest.raises(BadPolicy, match=r"0\.001 to 100 .* or the default"):
        require_false_alarms(wrong, Policy.BLOCK)


@pytest.mark.parametrize(
    ("accepted", "policy", "fine"),
    [
        pytest.param(None, Policy.ALLOW, True, id="allow, default"),
        pytest.param(0.001, Policy.ALLOW, True, id="allow, fewer"),
        pytest.param(0.1, Policy.ALLOW, True, id="allow, as the default"),
        pytest.param(0.11, Policy.ALLOW, False, id="allow, more"),
        pytest.param(0.11, Policy.BLOCK, True, id="block, more"),
    ],
)
def test_an_allow_list_accepts_no_more_than_the_default(
    accepted: float | None, policy: Policy, fine: bool
) -> None:
    """What it takes for harmless by chance would look like a clean clip."""
    if fine:
        assert require_false_alarms(accepted, policy) == accepted
        return
    with pytest.raises(BadPolicy, match="hide listed footage"):
        require_false_alarms(accepted, policy)


ACCEPTED = st.floats(LEAST_FALSE_ALARMS, MOST_FALSE_ALARMS)


@given(ACCEPTED, ACCEPTED, st.floats(1e-10, 1.0), st.integers(1, 6), st.integers(0, 3000))
def test_a_list_that_accepts_fewer_never_finds_more(
    one: float, other: float, false_alarms: float, distinct_hits: int, span_ms: int
) -> None:
    alignment = replace(
        JUST_ENOUGH,
        clip_end_ms=JUST_ENOUGH.clip_start_ms + span_ms,
        distinct_hits=distinct_hits,
    )
    fewer, more = (
        STRENGTH.index(
            of_alignment(
                alignment, false_alarms, DEFAULT_POLICY.accepting(accepted), clip_ms=CLIP_MS
            )
        )
        for accepted in sorted((one, other))
    )

    assert fewer <= more


@given(ACCEPTED)
def test_a_possible_match_is_never_harder_than_a_match(accepted: float) -> None:
    policy = DEFAULT_POLICY.accepting(accepted)

    assert policy.match_chance < policy.near_chance
