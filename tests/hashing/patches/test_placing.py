"""Placing: one place for a picture that stays where it is, and whether it is all of the frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing.patches.placing import Placing

Map = NDArray[np.float64]
CORNERS = np.array([[0.0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
INSET = np.array([[0.5, 0.0, 0.3], [0.0, 0.6, 0.2], [0.0, 0.0, 1.0]])
TILTED = np.array([[0.5, 0.1, 0.25], [0.05, 0.5, 0.2], [0.3, -0.2, 1.0]])


def placing(*maps: Map) -> Placing:
    """A map each second."""
    return Placing(2, True, False, 1000 * np.arange(len(maps), dtype=np.int64), np.array(maps))


def shaken(to_clip: Map, by: float, count: int = 25, seed: int = 1) -> list[Map]:
    """The map with the fit's noise, another in each frame."""
    random = np.random.default_rng(seed)
    noise = np.zeros((count, 3, 3))
    noise[:, :2] = random.normal(0, by, (count, 2, 3))
    return list(to_clip + noise)


def corners(to_clip: Map) -> NDArray[np.float64]:
    placed = CORNERS @ to_clip.T
    flat: NDArray[np.float64] = placed[:, :2] / placed[:, 2:]
    return flat


def off(across: float, down: float) -> Map:
    """All of the frame but for so much to the right and down."""
    return np.array([[1.0, 0, across], [0, 1.0, down], [0, 0, 1]])


@pytest.mark.parametrize("to_clip", [INSET, TILTED], ids=["upright", "tilted"])
def test_steadied_each_corner_is_where_it_is_at_the_median(to_clip: Map) -> None:
    maps = shaken(to_clip, 0.01)
    maps[3] = off(5.0, 5.0)  # one fit in a while is far out

    steadied = placing(*maps).steadied

    expected = np.median([corners(one) for one in maps], axis=0)
    assert all(np.array_equal(one, steadied.maps[0]) for one in steadied.maps)
    assert corners(steadied.maps[0]) == pytest.approx(expected, abs=1e-5)
    assert corners(steadied.maps[0]) == pytest.approx(corners(to_clip), abs=0.01)
    assert steadied.maps[0][2, 2] == pytest.approx(1)


@given(st.integers(1, 5), st.sampled_from([INSET, TILTED]))
def test_what_is_steady_stays_as_it_is(count: int, to_clip: Map) -> None:
    before = placing(*[to_clip] * count)

    assert before.steadied.maps == pytest.approx(before.maps, abs=1e-5)
    assert before.steadied.steadied.maps == pytest.approx(before.steadied.maps, abs=1e-5)


def test_one_map_keeps_times_and_look() -> None:
    before = placing(*shaken(INSET, 0.01, 4))

    for after in (before.steadied, before.filling):
        assert (after.stream, after.mirrored, after.negative) == (2, True, False)
        assert np.array_equal(after.times_ms, before.times_ms)
        assert after.maps.shape == before.maps.shape


def test_filling_it_is_all_of_the_frame() -> None:
    filling = placing(INSET, TILTED).filling

    assert np.array_equal(filling.maps, [np.eye(3)] * 2)
    assert filling.fills_the_frame
    assert filling.share_inside == 1.0


@pytest.mark.parametrize(
    ("to_clip", "fills", "may_fill"),
    [
        pytest.param(np.eye(3), True, True, id="all of the frame"),
        pytest.param(off(0.015, -0.015), True, True, id="off by the rounding"),
        pytest.param(off(0.03, 0), False, True, id="off by a poor fit"),
        pytest.param(off(0, -0.06), False, False, id="off by more"),
        pytest.param(INSET, False, False, id="a picture in the frame"),
        pytest.param(np.linalg.inv(INSET), False, False, id="a crop"),
        pytest.param(
            np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]), False, False, id="all of it, mirrored"
        ),
    ],
)
def test_whether_it_fills_the_frame(to_clip: Map, fills: bool, may_fill: bool) -> None:
    one = placing(to_clip, to_clip)

    assert (one.fills_the_frame, one.may_fill_the_frame) == (fills, may_fill)


@pytest.mark.parametrize(
    ("maps", "wanders"),
    [
        pytest.param([INSET] * 5, False, id="still"),
        pytest.param([INSET], False, id="one frame"),
        pytest.param(shaken(INSET, 0.002), False, id="as a fit is off"),
        pytest.param(shaken(INSET, 0.05), True, id="a shaking hand"),
        pytest.param([off(0.02 * step, 0) @ INSET for step in range(9)], True, id="a pan"),
        pytest.param([*[INSET] * 5, TILTED, TILTED], False, id="two frames out of place"),
    ],
)
def test_whether_it_wanders(maps: list[Map], wanders: bool) -> None:
    assert placing(*maps).wanders is wanders


def test_one_frame_that_is_far_out_says_nothing() -> None:
    assert placing(np.eye(3), TILTED, np.eye(3)).fills_the_frame
    assert not placing(TILTED, np.eye(3), TILTED).may_fill_the_frame
