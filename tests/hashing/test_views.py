"""Borders: found where they are, and never where there are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing.views import BorderFinder, Rectangle, View
from tests import clips

SCENE = clips.moving_scene(21)[::5]  # 15 frames of 120 by 160


def found(frames: clips.Frames) -> Rectangle | None:
    finder = BorderFinder()
    for frame in frames:
        finder.add(frame)
    return finder.find(*frames.shape[1:])


def graded(frames: clips.Frames) -> clips.Frames:
    """Bars above and below of two colours, and beside in a third."""
    boxed = clips.letterboxed(frames, 20, 0, grey=0)
    boxed = clips.letterboxed(boxed, 0, 30, grey=255)
    return clips.letterboxed(boxed, 0, 0, left=24, right=16, grey=120)


@pytest.mark.parametrize(
    ("borderless", "mirrored", "view"),
    [
        (False, False, "as is"),
        (False, True, "mirrored"),
        (True, False, "without borders"),
        (True, True, "without borders, mirrored"),
    ],
)
def test_names_the_views(borderless: bool, mirrored: bool, view: str) -> None:
    assert View.of(borderless=borderless, mirrored=mirrored) == view


def test_a_rectangle_cuts_without_copying() -> None:
    inner = Rectangle(2, 3, 10, 20).cut(SCENE[0])

    assert np.array_equal(inner, SCENE[0][2:10, 3:20])
    assert np.shares_memory(inner, SCENE)


@pytest.mark.parametrize(
    ("frames", "picture"),
    [
        pytest.param(clips.letterboxed(SCENE, 20, 20), Rectangle(20, 0, 140, 160), id="letterbox"),
        pytest.param(clips.letterboxed(SCENE, 40, 0), Rectangle(40, 0, 160, 160), id="top only"),
        pytest.param(
            clips.letterboxed(SCENE, 0, 0, left=30, right=50),
            Rectangle(0, 30, 120, 190),
            id="pillars",
        ),
        pytest.param(
            clips.letterboxed(SCENE, 20, 20, left=20, right=20, grey=255),
            Rectangle(20, 20, 140, 180),
            id="white frame",
        ),
        pytest.param(graded(SCENE), Rectangle(20, 24, 140, 184), id="three colours"),
        pytest.param(clips.noisy_bars(SCENE, 24, 24), Rectangle(24, 0, 144, 160), id="noisy bars"),
    ],
)
def test_finds_borders(frames: clips.Frames, picture: Rectangle) -> None:
    assert found(frames) == picture


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(SCENE, id="none"),
        pytest.param(SCENE[:1], id="a single frame without"),
        pytest.param(clips.black()[:5], id="all black"),
        pytest.param(clips.letterboxed(SCENE, 1, 0), id="thinner than a pixel of the plane"),
        pytest.param(
            clips.letterboxed(SCENE[:, :, :20], 0, 0, left=80, right=80), id="a splinter is left"
        ),
    ],
)
def test_leaves_pictures_whole(frames: clips.Frames) -> None:
    assert found(frames) is None


def test_a_scene_that_is_dark_for_a_while_is_no_border() -> None:
    """Statistics are of the whole clip: rows that are black in most frames still move."""
    frames = SCENE.copy()
    frames[:10, :40] = 0

    assert found(frames) is None


def test_one_picture_with_borders_is_enough() -> None:
    assert found(clips.letterboxed(SCENE[:1])) == Rectangle(20, 0, 140, 160)


def test_each_size_has_its_own_answer() -> None:
    finder = BorderFinder()
    for frame in SCENE:
        finder.add(frame)
    for frame in clips.letterboxed(SCENE):
        finder.add(frame)

    assert finder.find(120, 160) is None
    assert finder.find(160, 160) == Rectangle(20, 0, 140, 160)
    assert finder.find(50, 50) is None


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 255),
)
def test_finds_bars_of_any_size_to_the_line(
    top: int, bottom: int, left: int, right: int, grey: int
) -> None:
    frames = clips.letterboxed(SCENE[:6], top, bottom, left=left, right=right, grey=grey)
    height, width = frames.shape[1:]

    picture = found(frames)

    if max((top + bottom) / height, (left + right) / width) < 0.01:
        assert picture is None
    else:
        assert picture == Rectangle(top, left, height - bottom, width - right)
