"""The picture in a surround: found by its straight edges, also where it hardly moves."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing.borders import BorderFinder
from hashing.edges import EdgeFinder
from hashing.rectangle import Rectangle
from hashing.regions import RegionFinder
from tests import clips

HEIGHT, WIDTH = 200, 280
SCENE = clips.moving_scene(9, seconds=1.6, width=WIDTH, height=HEIGHT)[::5]
OTHER = clips.moving_scene(4, seconds=0.1, width=480, height=360)[0]


def still_with_a_mover(frames: clips.Frames) -> clips.Frames:
    """A tripod's view: one thing in the middle moves, and nothing else."""
    still = np.repeat(frames[:1], len(frames), 0)
    still[:, 80:120, 100:140] = frames[:, 80:120, 100:140]
    return still


TRIPOD = still_with_a_mover(SCENE)


def on(
    ground: np.ndarray[tuple[int, int], np.dtype[np.uint8]], top: int, left: int
) -> clips.Frames:
    """The tripod's view on a still ground."""
    frames = np.repeat(ground[None], len(TRIPOD), 0)
    frames[:, top : top + HEIGHT, left : left + WIDTH] = TRIPOD
    return frames


def captioned(band: int = 80) -> clips.Frames:
    """A white band above, with two lines of black text."""
    ground = np.full((HEIGHT + band, WIDTH), 235, np.uint8)
    for baseline in (34, 66):
        cv2.putText(ground, "WHEN YOU SEE IT", (8, baseline), 0, 0.8, 20, 2)
    return on(ground, band, 0)


def in_a_player(bar: int = 250) -> clips.Frames:
    """An even desktop with a list beside the picture and a bar below that fills up."""
    ground = np.full((300, 420), 40, np.uint8)
    for row in range(5):
        ground[10 + 56 * row : 50 + 56 * row, 360:412] = 90 + 20 * row
    frames = on(ground, 30, 40)
    for number, frame in enumerate(frames):
        frame[bar : bar + 5, 40 : 40 + WIDTH] = 75
        frame[bar : bar + 5, 40 : 40 + WIDTH * (number + 1) // len(frames)] = 160
    return frames


def filled() -> clips.Frames:
    """Moving footage over its own blurred enlargement."""
    large = clips.scaled(SCENE, 560, 400)[:, :, 140:420]
    frames = np.stack([cv2.GaussianBlur(frame, (0, 0), 16) for frame in large]).astype(np.uint8)
    frames[:, 100 : 100 + HEIGHT] = SCENE
    return frames


def regions(frames: clips.Frames) -> list[Rectangle]:
    finder = RegionFinder(surround=True)
    for frame in frames:
        finder.add(frame)
    return list(finder.find(*frames.shape[1:]).values())


def worst_px(found: Rectangle, true: Rectangle) -> int:
    return max(
        abs(found.top - true.top),
        abs(found.left - true.left),
        abs(found.bottom - true.bottom),
        abs(found.right - true.right),
    )


@pytest.mark.parametrize(
    ("frames", "picture"),
    [
        pytest.param(captioned(), Rectangle(80, 0, 280, 280), id="caption band"),
        pytest.param(on(OTHER, 60, 90), Rectangle(60, 90, 260, 370), id="photo border"),
        pytest.param(in_a_player(), Rectangle(30, 40, 230, 320), id="player, list and bar"),
        pytest.param(in_a_player(231), Rectangle(30, 40, 230, 320), id="bar at the picture"),
        pytest.param(filled(), Rectangle(100, 0, 300, 280), id="blurred fill"),
    ],
)
def test_finds_a_picture_to_the_pixel(frames: clips.Frames, picture: Rectangle) -> None:
    found = regions(frames)

    assert 1 <= len(found) <= 2
    assert min(worst_px(one, picture) for one in found) <= 1


def test_a_frame_scaled_after_the_edit_is_found_to_a_pixel_or_two() -> None:
    """A screen recording is shrunk as a whole: the edges then lie between two lines."""
    found = regions(clips.scaled(on(OTHER, 60, 90), 400, 300))

    assert min(worst_px(one, Rectangle(50, 75, 217, 308)) for one in found) <= 2


def test_a_tripods_view_that_fills_the_frame_stays_whole() -> None:
    assert regions(TRIPOD) == []


def test_one_beam_across_a_moving_picture_is_no_edge() -> None:
    """A straight line over the full width, but both sides of it move in detail."""
    frames = SCENE.copy()
    frames[:, 90:96] = 250

    assert regions(frames) == []


@pytest.mark.parametrize("side_px", [1, 2, 40])
def test_frames_too_small_to_have_blocks_are_left_alone(side_px: int) -> None:
    finder = EdgeFinder(side_px, side_px)
    for frame in SCENE:
        finder.add(frame[:side_px, :side_px])

    assert finder.find() == ()


@settings(deadline=None, max_examples=25)
@given(st.integers(24, 100), st.integers(24, 100), st.integers(24, 100), st.integers(24, 100))
def test_finds_the_picture_wherever_it_lies_on_a_photo(
    top: int, bottom: int, left: int, right: int
) -> None:
    ground = cv2.resize(OTHER, (left + WIDTH + right, top + HEIGHT + bottom)).astype(np.uint8)

    found = regions(on(ground, top, left))

    picture = Rectangle(top, left, top + HEIGHT, left + WIDTH)
    assert min(worst_px(one, picture) for one in found) <= 1


@pytest.mark.parametrize(
    ("inner", "hides"),
    [
        pytest.param(Rectangle(80, 0, 280, 280), True, id="the picture below the text"),
        pytest.param(Rectangle(130, 0, 280, 280), True, id="more than the text"),
        pytest.param(Rectangle(80, 40, 280, 240), False, id="a window in the picture"),
        pytest.param(Rectangle(16, 0, 280, 280), False, id="the borders' own picture"),
    ],
)
def test_tells_a_caption_from_a_picture(inner: Rectangle, hides: bool) -> None:
    finder = BorderFinder(280, 280)
    for frame in captioned():
        finder.add(frame)
    outer = finder.find()

    assert outer is not None
    assert outer.top < 40
    assert finder.hides_text(outer, inner) is hides
