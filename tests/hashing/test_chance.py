"""Evidence: the promises that docs/explanation/chance.md makes about the numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import bits, chance

EVERY_DISTANCE = np.arange(bits.HASH_BITS + 1)
TRIES_A_FRAME = 3  # docs/explanation/chance.md


def test_the_background_is_an_increasing_table_of_shares() -> None:
    pairs = list(itertools.pairwise(chance.BACKGROUND))

    assert all(near[0] < far[0] for near, far in pairs)
    assert all(near[1] <= far[1] for near, far in pairs)
    assert chance.BACKGROUND[0][0] == 0
    assert chance.BACKGROUND[-1] == (bits.HASH_BITS, 1.0)


@pytest.mark.parametrize(("distance", "share"), chance.BACKGROUND)
def test_the_measured_shares_are_used_as_they_are(distance: int, share: float) -> None:
    assert chance.share_within(distance) == pytest.approx(share)


def test_shares_between_the_measured_ones_lie_between_them() -> None:
    shares = [chance.share_within(int(distance)) for distance in EVERY_DISTANCE]

    assert shares == sorted(shares)
    assert all(0 < share <= 1 for share in shares)


def test_the_mean_e_value_of_unrelated_footage_is_at_most_one() -> None:
    """What Ville's inequality asks for; the nearest of three tries is the worst that is paid for.

    Near 1, too: a mean far below it would throw away evidence.
    """
    nearest_of_tries = np.minimum(
        1.0, TRIES_A_FRAME * np.array([chance.share_within(int(d)) for d in EVERY_DISTANCE])
    )
    probability = np.diff(nearest_of_tries, prepend=0.0)
    mean = float((probability * np.exp(chance.evidence(EVERY_DISTANCE))).sum())

    assert probability.sum() == pytest.approx(1.0)
    assert 0.8 < mean <= 1.0


@given(st.floats(0.0, 1.0))
def test_weighing_evidence_keeps_the_mean_at_most_one(weight: float) -> None:
    """Jensen: a static picture's reduced weight cannot make evidence out of nothing."""
    shares = np.array([chance.share_within(int(distance)) for distance in EVERY_DISTANCE])
    probability = np.diff(np.minimum(1.0, TRIES_A_FRAME * shares), prepend=0.0)
    e_values = np.exp(weight * chance.evidence(EVERY_DISTANCE))

    assert (probability * e_values).sum() <= 1.0 + 1e-12


def test_nearer_is_stronger_and_only_hits_are_evidence() -> None:
    evidence = chance.evidence(EVERY_DISTANCE)

    assert (np.diff(evidence) <= 0).all()
    assert (evidence[: chance.LOOSE_BITS + 1] > 0).all()
    assert (evidence[chance.LOOSE_BITS + 1 :] == -1.0).all()


@pytest.mark.parametrize(
    ("evidence_nats", "tries", "expected"),
    [
        pytest.param(0.0, 1.0, 1.0, id="nothing found, one try"),
        pytest.param(np.log(1000.0), 1.0, 1e-3, id="one in a thousand"),
        pytest.param(np.log(1e9), 1e3, 1e-6, id="every try is paid for"),
        pytest.param(3.0, 1e6, 1.0, id="more tries than evidence"),
        pytest.param(np.log(1000.0), 0.0, 1e-3, id="no tries count as one"),
        pytest.param(1e6, 1e9, 0.0, id="a very long copy"),
        pytest.param(-1e6, 1e9, 1.0, id="a very long miss"),
    ],
)
def test_expected_false_alarms(evidence_nats: float, tries: float, expected: float) -> None:
    assert chance.expected_false_alarms(evidence_nats, tries) == pytest.approx(expected)


@given(st.floats(-1e4, 1e4), st.floats(0.0, 1e4), st.floats(0.0, 1e15), st.floats(1.0, 1e6))
def test_more_evidence_is_never_more_chance_nor_are_fewer_tries(
    nats: float, more_nats: float, tries: float, times: float
) -> None:
    base = chance.expected_false_alarms(nats, tries)

    assert 0.0 <= base <= 1.0
    assert chance.expected_false_alarms(nats + more_nats, tries) <= base
    assert chance.expected_false_alarms(nats, tries * times) >= base


@pytest.mark.parametrize(
    ("false_alarms", "score"),
    [
        pytest.param(1.0, 0.0, id="chance"),
        pytest.param(1e-3, 0.5, id="border of near_match"),
        pytest.param(1e-6, 2 / 3, id="border of match"),
        pytest.param(1e-27, 0.9, id="sure"),
        pytest.param(0.0, 300 / 303, id="surer than a float holds"),
    ],
)
def test_score(false_alarms: float, score: float) -> None:
    assert chance.score(false_alarms) == pytest.approx(score)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_score_falls_with_chance(one: float, other: float) -> None:
    rarer, likelier = sorted((one, other))

    assert 0.0 <= chance.score(likelier) <= chance.score(rarer) < 1.0
