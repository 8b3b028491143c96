"""Straightening: what was placed in a frame comes out of it as it went in."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits, phash
from hashing.patches.gathering import HeldFrame
from hashing.patches.placing import Placing
from hashing.patches.straightening import straightened, taken_out
from tests.corners import Frame, town

PICTURE = town(0, 0.1)[0]
GROUND = town(5, 0.1, 720, 540)[0]
UPRIGHT = np.array([[0.4, 0.0, 0.3], [0.0, 0.4, 0.2], [0.0, 0.0, 1.0]])


def placing(*maps: NDArray[np.float64], mirrored: bool = False, negative: bool = False) -> Placing:
    """A map each second."""
    times_ms = 1000 * np.arange(len(maps), dtype=np.int64)
    return Placing(0, mirrored, negative, times_ms, np.array(maps))


def turned(degrees: float, scale: float, across: float, down: float) -> NDArray[np.float64]:
    """A map that turns the picture about its middle, which comes to lie there."""
    angle, ratio = np.radians(degrees), GROUND.shape[1] / GROUND.shape[0]
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = np.diag([1, ratio]) @ turn @ np.diag([1, 1 / ratio])
    placed = np.column_stack([linear, np.array([across, down]) - linear @ [0.5, 0.5]])
    return np.vstack([placed, [0, 0, 1]])


def shown(to_clip: NDArray[np.float64]) -> Frame:
    """The ground with the picture placed in it; OpenCV's own warp is the oracle."""
    height, width = GROUND.shape
    shares = np.diag([1 / PICTURE.shape[1], 1 / PICTURE.shape[0], 1])
    scaled = np.diag([width, height, 1]) @ to_clip @ shares
    there = cv2.warpPerspective(np.full_like(PICTURE, 255), scaled, (width, height)) > 0
    placed = cv2.warpPerspective(PICTURE, scaled, (width, height), flags=cv2.INTER_AREA)
    return np.where(there, placed, GROUND).astype(np.uint8)


def bits_off(frame: Frame, where: Placing) -> int:
    """How far the hash of what comes out is from the picture's own."""
    (taken,) = straightened([HeldFrame(0, frame)], where)
    planes = np.stack([phash.shrink(PICTURE), phash.shrink(taken.luma)])
    first, second = phash.hashes(phash.coefficients(planes))
    return int(bits.distances(first[None], second[None])[0])


@pytest.mark.parametrize("mirrored", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("negative", [False, True], ids=["", "negative"])
def test_a_placed_picture_comes_out_as_the_look_saw_it(mirrored: bool, negative: bool) -> None:
    frame = shown(UPRIGHT)
    frame = frame[:, ::-1] if mirrored else frame
    frame = 255 - frame if negative else frame

    assert bits_off(frame, placing(UPRIGHT, mirrored=mirrored, negative=negative)) <= 16
    assert bits_off(frame, placing(UPRIGHT, mirrored=not mirrored, negative=negative)) > 72


@settings(max_examples=30)
@given(st.floats(-180, 180), st.floats(0.3, 0.6), st.floats(0.4, 0.6), st.floats(0.4, 0.6))
def test_turned_and_sized_in_any_way(
    degrees: float, scale: float, across: float, down: float
) -> None:
    to_clip = turned(degrees, scale, across, down)

    assert bits_off(shown(to_clip), placing(to_clip)) <= 24


def test_a_tilted_picture_comes_out_upright() -> None:
    tilted = np.array([[0.5, 0.1, 0.25], [0.05, 0.5, 0.2], [0.3, -0.2, 1.0]])

    assert bits_off(shown(tilted), placing(tilted)) <= 24


def test_a_little_out_of_the_frame_is_filled_from_its_edge() -> None:
    beyond = np.array([[0.6, 0.0, -0.03], [0.0, 0.6, 0.1], [0, 0, 1]])

    assert bits_off(shown(beyond), placing(beyond)) <= 48


def test_frames_too_far_from_all_that_is_known_are_left_out() -> None:
    frames = [HeldFrame(time_ms, GROUND) for time_ms in (0, 2500, 3500, 9000)]
    late = Placing(3, False, False, np.array([4000, 5000]), np.array([UPRIGHT, UPRIGHT]))

    taken = list(straightened(frames, late))

    assert [(one.stream, one.time_ms) for one in taken] == [(3, 2500), (3, 3500)]


@pytest.mark.parametrize(
    ("time_ms", "across"),
    [
        pytest.param(-1500, 0.0, id="just before"),
        pytest.param(0, 0.0, id="the first"),
        pytest.param(250, 0.25, id="between"),
        pytest.param(1000, 1.0, id="the last"),
        pytest.param(2500, 1.0, id="just after"),
    ],
)
def test_between_two_maps_there_is_one_between_them(time_ms: int, across: float) -> None:
    step = np.array([[0, 0, 1.0], [0, 0, 0], [0, 0, 0]])

    between = placing(UPRIGHT, UPRIGHT + step).at(time_ms)

    assert between == pytest.approx(UPRIGHT + across * step)


@pytest.mark.parametrize("time_ms", [-1501, 1501])
def test_far_from_the_only_map_there_is_none(time_ms: int) -> None:
    assert placing(UPRIGHT).at(time_ms) is None
    assert placing(UPRIGHT).at(time_ms // 2) == pytest.approx(UPRIGHT)


@pytest.mark.parametrize(
    ("to_clip", "share"),
    [
        pytest.param(UPRIGHT, 1.0, id="all of it"),
        pytest.param(
            np.array([[2.0, 0, -0.5], [0, 2.0, -0.5], [0, 0, 1]]),
            0.25,
            id="a quarter",
        ),
        pytest.param(np.array([[1.0, 0, 0.5], [0, 1.0, 0], [0, 0, 1]]), 0.5, id="its left half"),
        pytest.param(np.array([[1.0, 0, 2.0], [0, 1.0, 0], [0, 0, 1]]), 0.0, id="nothing"),
        pytest.param(
            np.array([[1.0, 0, 0], [0, 1, 0], [-2, 0, 1]]), 2 / 9, id="half behind the eye"
        ),
    ],
)
def test_the_share_inside(to_clip: NDArray[np.float64], share: float) -> None:
    assert placing(to_clip, to_clip).share_inside == pytest.approx(share, abs=0.01)


def test_no_map_makes_a_blur_wider_than_a_picture_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The maps follow from a clip's patches, and so from who made it."""
    widths: list[float] = []
    blurred = cv2.GaussianBlur

    def watched(picture: Frame, size: tuple[int, int], width_px: float) -> Frame:
        widths.append(width_px)
        return blurred(picture, size, width_px).astype(np.uint8, copy=False)

    monkeypatch.setattr(cv2, "GaussianBlur", watched)
    folded = np.array([[900.0, 5.0, -2.0], [3.0, -800.0, 4.0], [60.0, -70.0, 1.0]])
    taken_out(GROUND, folded)

    assert widths == [6.0]
