"""Borders: found where they are, and never where there are none."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing.rectangle import Rectangle
from hashing.regions import RegionFinder
from hashing.views import VIEWS, Region, View, Window
from tests import clips

SCENE = clips.moving_scene(21)[::5]  # 15 frames of 120 by 160


def found(frames: clips.Frames) -> Rectangle | None:
    finder = RegionFinder(surround=False)
    for frame in frames:
        finder.add(frame)
    return finder.find(*frames.shape[1:]).get(Region.BORDERLESS)


def graded(frames: clips.Frames) -> clips.Frames:
    """Bars above and below of two colours, and beside in a third."""
    boxed = clips.letterboxed(frames, 20, 0, grey=0)
    boxed = clips.letterboxed(boxed, 0, 30, grey=255)
    return clips.letterboxed(boxed, 0, 0, left=24, right=16, grey=120)


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (View.AS_IS, "as is"),
        (View.MIRRORED, "mirrored"),
        (View.BORDERLESS, "without borders"),
        (View.BORDERLESS_MIRRORED, "without borders, mirrored"),
        (View(turned_deg=90, negative=True), "turned 90°, negative"),
        (View(Region.BORDERLESS, True, 180), "without borders, mirrored, turned 180°"),
    ],
)
def test_names_the_views(view: View, text: str) -> None:
    assert str(view) == text


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Window(0, 0, 1, 1, 0, 1.02), "window 0.00,0.00–1.00,1.00"),
        (Window(0.31, 0.1, 0.76, 0.55, 1, 0.45), "window 0.31,0.10–0.76,0.55, scale 0.45"),
        (
            Window(0, 0, 1, 1, -13, 2.0, mirrored=True, negative=True),
            "window 0.00,0.00–1.00,1.00, scale 2.00, mirrored, turned -13°, negative",
        ),
    ],
)
def test_names_windows(window: Window, text: str) -> None:
    assert str(window) == text


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_view_is_read_back_from_its_name(view: View) -> None:
    assert View.parse(str(view)) == view


@pytest.mark.parametrize("text", ["", "As is", "mirrored,", "turned 45°"])
def test_another_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a view"):
        View.parse(text)


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


def test_what_changes_is_no_border_however_even_it_is() -> None:
    """A flickering sky: each of its rows is one grey, another in every frame."""
    frames = SCENE.copy()
    frames[:, :40] = np.linspace(90, 150, len(frames)).astype(np.uint8)[:, None, None]

    assert found(frames) is None


def test_one_picture_with_borders_is_enough() -> None:
    assert found(clips.letterboxed(SCENE[:1])) == Rectangle(20, 0, 140, 160)


def test_each_size_has_its_own_answer() -> None:
    finder = RegionFinder(surround=False)
    for frame in SCENE:
        finder.add(frame)
    for frame in clips.letterboxed(SCENE):
        finder.add(frame)

    assert finder.find(120, 160) == {}
    assert finder.find(160, 160) == {Region.BORDERLESS: Rectangle(20, 0, 140, 160)}
    assert finder.find(50, 50) == {}


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


def detailed(height: int = 240, width: int = 320) -> clips.Frames:
    """A scene with detail down to the pixel, as real footage has."""
    return clips.moving_scene(9, seconds=3.0, width=width, height=height)


def surrounded(ground: clips.Frames, picture: clips.Frames, top: int, left: int) -> clips.Frames:
    frames = ground.copy()
    height, width = picture.shape[1:]
    frames[:, top : top + height, left : left + width] = picture
    return frames


def inner(frames: clips.Frames) -> Rectangle | None:
    finder = RegionFinder(surround=True)
    for frame in frames[::2]:
        finder.add(frame)
    return finder.find(*frames.shape[1:]).get(Region.INNER)


def near(found: Rectangle | None, top: int, left: int, bottom: int, right: int) -> bool:
    """Within 2 % of the frame's side, less than the step between two supposed crops."""
    assert found is not None
    return np.allclose(
        (found.top, found.left, found.bottom, found.right), (top, left, bottom, right), atol=6
    )


def test_finds_the_picture_in_a_still_surround() -> None:
    picture = detailed(150, 200)
    still = np.repeat(
        clips.moving_scene(4, seconds=0.1, width=320, height=240)[:1], len(picture), 0
    )

    assert near(inner(surrounded(still, picture, 40, 60)), 40, 60, 190, 260)


def test_finds_the_picture_over_its_own_blurred_enlargement() -> None:
    picture = detailed(120, 200)
    large = clips.scaled(picture, 400, 240)[:, :, 100:300]
    fill = np.stack([cv2.GaussianBlur(frame, (0, 0), 12) for frame in large])

    found = inner(surrounded(fill, picture, 60, 0))

    assert near(found, 60, 0, 180, 200)


def test_a_picture_that_fills_the_frame_has_no_surround() -> None:
    assert inner(detailed()) is None


def test_a_still_frame_has_no_picture_in_it() -> None:
    assert inner(np.repeat(detailed()[:1], 20, 0)) is None


def test_too_few_frames_say_nothing_about_what_moves() -> None:
    assert (
        inner(surrounded(np.zeros((4, 240, 320), np.uint8), detailed(100, 100)[:4], 50, 50)) is None
    )
