"""Ranges: united, they cover the same time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import ranges


@pytest.mark.parametrize(
    ("given_ranges", "united"),
    [
        pytest.param([], (), id="none"),
        pytest.param([(5, 9), (0, 3)], ((0, 3), (5, 9)), id="apart"),
        pytest.param([(0, 5), (5, 9)], ((0, 9),), id="touching"),
        pytest.param([(0, 9), (2, 3)], ((0, 9),), id="one inside the other"),
        pytest.param([(4, 4)], ((4, 4),), id="an instant"),
    ],
)
def test_united(given_ranges: list[tuple[int, int]], united: tuple[tuple[int, int], ...]) -> None:
    assert ranges.united(given_ranges) == united


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), max_size=6))
def test_united_ranges_cover_the_same_time(drawn: list[list[int]]) -> None:
    given_ranges = [(start, end) for start, end in drawn]
    united = ranges.united(given_ranges)
    covered = {ms for start, end in given_ranges for ms in range(start, end)}

    assert {ms for start, end in united for ms in range(start, end)} == covered
    assert all(one[1] < other[0] for one, other in itertools.pairwise(united))
