"""Screens: what a filmed screen shows comes out as it was, and nothing where there is none."""

from collections.abc import Callable

import numpy as np
import pytest

from hashing import bits, chance, phash
from hashing.media import LumaFrame
from hashing.patches.gathering import HeldFrame
from hashing.screens.finding import pictures
from tests import clips
from tests.clips import Frames
from tests.corners import Frame, on_a_screen, town

STEP = 6  # frames between held ones: about 250 ms
TOWN = town(0)
ROOM = town(56, 0.1, 640, 480)[0]


def held(frames: Frames) -> list[HeldFrame]:
    return [HeldFrame(40 * STEP * number, one) for number, one in enumerate(frames[::STEP])]


def bits_off(taken: list[LumaFrame], shown: Frames) -> list[int]:
    """How far each picture's hash is from that of what was shown then."""
    pairs = [(shown[one.time_ms // 40], one.luma) for one in taken]
    planes = np.stack([phash.shrink(each) for pair in pairs for each in pair])
    hashed = phash.hashes(phash.coefficients(planes))
    return [int(one) for one in bits.distances(hashed[::2], hashed[1::2])]


@pytest.mark.parametrize(
    "filmed",
    [
        pytest.param(lambda: on_a_screen(TOWN), id="dark rim"),
        pytest.param(lambda: on_a_screen(TOWN, fills=0.5), id="far off"),
        pytest.param(lambda: on_a_screen(TOWN, wall=20, rim=60), id="dark room"),
        pytest.param(lambda: on_a_screen(TOWN, size=(480, 640)), id="held upright"),
        pytest.param(lambda: on_a_screen(TOWN, shake_px=0), id="on a stand"),
        pytest.param(lambda: on_a_screen(TOWN, size=(1280, 960)), id="large"),
    ],
)
def test_what_a_screen_shows_comes_out_of_nearly_every_frame(filmed: Callable[[], Frames]) -> None:
    frames = held(filmed())

    taken = list(pictures(frames, 3))

    assert len(taken) >= 0.8 * len(frames)
    assert {(one.stream, one.luma.shape) for one in taken} == {(3, (256, 256))}
    assert np.median(bits_off(taken, TOWN)) <= 40


@pytest.mark.parametrize(
    ("rim", "wall"),
    [pytest.param(240, 130, id="bright rim"), pytest.param(15, ROOM, id="a room full of things")],
)
def test_with_some_of_its_rim_it_is_near_enough(rim: int, wall: int | Frame) -> None:
    taken = list(pictures(held(on_a_screen(TOWN, rim=rim, wall=wall)), 0))

    assert np.median(bits_off(taken, TOWN)) <= chance.LOOSE_BITS


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(lambda: clips.moving_scene(1, 5.0, 640, 480), id="a smooth scene"),
        pytest.param(lambda: np.full((125, 480, 640), 90, np.uint8), id="flat"),
        pytest.param(lambda: on_a_screen(TOWN, rim=None), id="no edge"),
        pytest.param(lambda: on_a_screen(TOWN, fills=0.2), id="too small"),
        pytest.param(lambda: on_a_screen(TOWN, fills=1.3), id="its rim is outside"),
        pytest.param(lambda: TOWN, id="edges everywhere"),
        pytest.param(lambda: on_a_screen(TOWN)[: 2 * STEP], id="two frames"),
        pytest.param(lambda: TOWN[:0], id="no frame"),
        pytest.param(lambda: TOWN[:, :1, :1], id="a pixel"),
        pytest.param(lambda: TOWN[:, :3], id="a stripe"),
    ],
)
def test_nothing_comes_out_where_there_is_no_screen(clip: Callable[[], Frames]) -> None:
    assert list(pictures(held(clip()), 0)) == []


def test_a_screen_that_is_there_for_a_third_of_the_time_is_none() -> None:
    filmed, plain = on_a_screen(TOWN), clips.moving_scene(1, 5.0, 640, 480)
    few, many = len(TOWN) // 3, 2 * len(TOWN) // 3

    assert list(pictures(held(np.concatenate([filmed[:few], plain[few:]])), 0)) == []
    most = list(pictures(held(np.concatenate([filmed[:many], plain[many:]])), 0))
    assert most
    assert max(one.time_ms for one in most) < 40 * many
