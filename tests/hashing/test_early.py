"""Early: which key frames may speak for a clip, and which findings leave no doubt."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import early
from hashing.coverage import Coverage, Problem
from hashing.early import EARLY
from hashing.extract import Extract
from hashing.fingerprint import Fingerprint, Kind
from hashing.matching import Finding
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import View
from tests import findings
from tests.fingerprints import random_hashes
from tests.tracks import empty, track

LENGTH_MS = 40_000
KEYS_MS = list(range(0, LENGTH_MS, 8000))


def taken(
    times_ms: Sequence[int], length_ms: int = LENGTH_MS, problems: tuple[Problem, ...] = ()
) -> Extract:
    """Frames at these times of a clip of this length."""
    made = track(times_ms, random_hashes(1, len(times_ms)))
    coverage = Coverage(length_ms, 8000, len(times_ms), 0, 0, problems)
    return Extract(Fingerprint(Kind.VIDEO, length_ms, (empty(), made)), coverage)


KEYS = taken(KEYS_MS)
LOOKED = taken([*KEYS_MS, *range(32_250, LENGTH_MS, 250)])
SURE = replace(
    findings.FINDING,
    view=View.AS_IS,
    chance=1e-30,
    frames=36,
    frames_matched=36,
    distinct_hits=20,
    mean_distance_bits=20.0,
    clip_ranges_ms=((0, LENGTH_MS),),
    reference_ranges_ms=((5000, 5000 + LENGTH_MS),),
    clip_coverage=1.0,
    reference_coverage=0.5,
)


@pytest.mark.parametrize(
    ("keys", "worth"),
    [
        pytest.param(KEYS, True, id="every 8 s"),
        pytest.param(taken([]), False, id="none"),
        pytest.param(taken([0, 12_000, 24_000], 30_000), False, id="three"),
        pytest.param(taken([0, 12_000, 24_000, 35_000]), True, id="four"),
        pytest.param(taken([250, 8000, 16_000, 24_000, 32_000]), True, id="a frame late"),
        pytest.param(taken([2000, 8000, 16_000, 24_000, 32_000]), False, id="a dark beginning"),
        pytest.param(taken([0, 8000, 20_001, 28_000, 36_000]), False, id="a gap"),
        pytest.param(taken([0, 6000, 12_000, 18_000, 26_600]), False, id="a long end"),
        pytest.param(taken(KEYS_MS, 400_000), False, id="a header that says more"),
        pytest.param(taken(range(0, 600_000, 30_000), 600_000), True, id="10 min"),
        pytest.param(taken(range(0, 600_000, 40_000), 600_000), False, id="10 min with gaps"),
        pytest.param(
            taken(KEYS_MS, problems=(Problem.DECODER_ERROR,)), False, id="one that is damaged"
        ),
    ],
)
def test_key_frames_have_to_lie_all_over_the_clip(keys: Extract, worth: bool) -> None:
    assert early.worth_comparing(keys) is worth


ON_KEYS = replace(
    SURE,
    frames=5,
    frames_matched=5,
    clip_ranges_ms=((0, 32_500),),
    reference_ranges_ms=((5000, 37_500),),
)


@pytest.mark.parametrize(
    ("finding", "promising"),
    [
        pytest.param(ON_KEYS, True, id="all of them"),
        pytest.param(replace(ON_KEYS, verdict=Verdict.NEAR_MATCH), True, id="not yet a match"),
        pytest.param(replace(ON_KEYS, frames_matched=4), False, id="one is no hit"),
        pytest.param(replace(ON_KEYS, frames_matched=4, frames=4), False, id="one is outside"),
        pytest.param(
            replace(ON_KEYS, speed=-2.0, reference_ranges_ms=((0, 65_000),)), True, id="backwards"
        ),
        pytest.param(
            replace(ON_KEYS, reference_ranges_ms=((0, 34_000),)), False, id="a line that bends"
        ),
        pytest.param(
            replace(ON_KEYS, reference_ranges_ms=((0, 8000), (9000, 33_500))), False, id="two lines"
        ),
        pytest.param(
            replace(ON_KEYS, clip_ranges_ms=((0, 8000), (8500, 32_500))), False, id="two stretches"
        ),
        pytest.param(replace(ON_KEYS, reference_ranges_ms=()), False, id="a picture"),
        pytest.param(
            replace(ON_KEYS, common_ranges_ms=((0, 4000),)), False, id="in part a common intro"
        ),
    ],
)
def test_every_key_frame_has_to_be_on_one_line(finding: Finding, promising: bool) -> None:
    assert early.promising(finding, KEYS) is promising


@pytest.mark.parametrize(
    ("finding", "certain"),
    [
        pytest.param(SURE, True, id="sure"),
        pytest.param(replace(SURE, verdict=Verdict.NEAR_MATCH), False, id="no match"),
        pytest.param(replace(SURE, chance=1e-9), True, id="the chance asked for"),
        pytest.param(replace(SURE, chance=2e-9), False, id="a little more"),
        pytest.param(replace(SURE, distinct_hits=5), False, id="few pictures"),
        pytest.param(replace(SURE, agreement=0.45), False, id="hardly changing together"),
        pytest.param(replace(SURE, frames_matched=33), True, id="a few misses"),
        pytest.param(replace(SURE, frames_matched=32), False, id="too many"),
        pytest.param(
            replace(
                SURE,
                clip_ranges_ms=((8000, 40_000),),
                reference_ranges_ms=((13_000, 45_000),),
            ),
            False,
            id="not from the beginning",
        ),
        pytest.param(
            replace(SURE, clip_ranges_ms=((0, 38_900),), reference_ranges_ms=((0, 38_900),)),
            False,
            id="not to the end",
        ),
        pytest.param(
            replace(SURE, clip_ranges_ms=((0, 39_000),), reference_ranges_ms=((0, 39_000),)),
            True,
            id="but for a second",
        ),
        pytest.param(replace(SURE, reference_ranges_ms=((0, 30_000),)), False, id="it bends"),
    ],
)
def test_a_finding_without_doubt(finding: Finding, certain: bool) -> None:
    assert early.certain(finding, LOOKED, DEFAULT_POLICY) is certain


@pytest.mark.parametrize("accepted", [100.0, 0.1, 0.001], ids=["lenient", "default", "strict"])
def test_a_list_may_ask_for_more_and_never_for_less(accepted: float) -> None:
    policy = DEFAULT_POLICY.accepting(accepted)
    limit = min(EARLY.chance, EARLY.margin * policy.match_chance)

    assert early.certain(replace(SURE, chance=limit), LOOKED, policy)
    assert not early.certain(replace(SURE, chance=2 * limit), LOOKED, policy)


def test_what_could_not_be_read_is_a_doubt() -> None:
    cut = replace(LOOKED, coverage=replace(LOOKED.coverage, problems=(Problem.TRUNCATED,)))

    assert not early.certain(SURE, cut, DEFAULT_POLICY)


@given(st.lists(st.integers(0, LENGTH_MS), max_size=20))
def test_no_key_frames_that_are_worth_it_leave_a_third_unseen(times_ms: list[int]) -> None:
    times_ms = sorted(times_ms)
    if early.worth_comparing(taken(times_ms)):
        unseen_ms = np.diff([0, *times_ms, LENGTH_MS])

        assert unseen_ms.max() <= LENGTH_MS / 3
