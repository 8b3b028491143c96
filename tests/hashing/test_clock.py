"""The clock never runs backwards, and the sampler cannot be starved."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.clock import MOST_SKIPPED_FRAMES, Clock, Sampler


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
