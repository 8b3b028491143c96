"""Pooling: a screen before a moving camera is placed by the patches of all frames together."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing.patch_track import ORB, Look, PatchTrack
from hashing.patches import pooling
from hashing.patches.geometry import Fit, Picture, Sighting
from hashing.patches.lines import PatchLine
from hashing.patches.searching import Seen
from hashing.timelines import Line

Map = NDArray[np.float64]
FRAMES, AROUND, OF_THE_PICTURE = 8, 80, 40
EACH = 7  # patches that a frame has of the picture: too few to tell its corners
STEPS = np.linspace(0, 1, FRAMES)
UPRIGHT = np.array([[0.5, 0.0, 60.0], [0.0, 0.5, 40.0], [0.0, 0.0, 1.0]])
TILTED = np.array([[0.45, 0.05, 70.0], [0.02, 0.5, 60.0], [0.0006, 0.0002, 1.0]])
CORNERS = np.array([[0, 0, 1], [255, 0, 1], [255, 191, 1], [0, 191, 1]], np.float64)


def camera(right: float, down: float, degrees: float, scale: float) -> list[Map]:
    """What a camera does to the first frame's places, frame by frame, up to so much in all."""
    moved = []
    for step in STEPS:
        angle, size = np.radians(degrees * step), scale**step
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([128.0, 96.0])
        shift = middle + step * np.array([right, down]) - turn @ middle
        moved.append(np.vstack([np.column_stack([turn, shift]), [0, 0, 1]]))
    return moved


def placed(by: Map, places: NDArray[np.generic]) -> NDArray[np.float64]:
    moved = np.column_stack([places[:, :2], np.ones(len(places))]) @ by.T
    flat: NDArray[np.float64] = moved[:, :2] / moved[:, 2:]
    return flat


def places_at(where: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Rounded, as tracks have them."""
    whole = np.zeros((len(where), 4), np.uint8)
    whole[:, :2] = np.rint(where).clip(0, 255)
    return whole


def track(frames: Sequence[NDArray[np.uint8]], descriptors: NDArray[np.uint8]) -> PatchTrack:
    """Frames with these places each; the same descriptors in all."""
    count = len(descriptors)
    numbers = np.repeat(np.arange(len(frames)), count).astype(np.uint16)
    return PatchTrack(
        algorithm=ORB,
        look=Look.AS_IS,
        stream=0,
        times_ms=250 * np.arange(len(frames), dtype=np.int64),
        sizes=np.full((len(frames), 2), (255, 191), np.uint8),
        firsts=numbers,
        lasts=numbers,
        places=np.concatenate(frames),
        descriptors=np.tile(descriptors, (len(frames), 1)),
    )


def seen(moved: Sequence[Map], to_first: Map, *, astray: float = 0.0, seed: int = 1) -> Seen:
    """A picture that lies so in the first frame, and what stands around it, before a camera.

    ``astray``: of the picture's patches, which lie somewhere else.
    """
    random = np.random.default_rng(seed)
    around = random.uniform(20, (235, 171), (AROUND, 2))
    picture = random.uniform(0, (255, 191), (OF_THE_PICTURE, 2))
    descriptors = random.integers(0, 256, (AROUND, 32), np.uint8)
    clip = track([places_at(placed(one, around)) for one in moved], descriptors)
    reference = track([places_at(picture)], random.integers(0, 256, (OF_THE_PICTURE, 32), np.uint8))
    sightings = []
    for number, one in enumerate(moved):
        rows = random.choice(OF_THE_PICTURE, EACH, replace=False)
        where = placed(one @ to_first, places_at(picture[rows]))
        lost = random.random(EACH) < astray
        where[lost] = random.uniform(20, (235, 171), (np.count_nonzero(lost), 2))
        mine = Picture(rows, places_at(where), reference.descriptors[rows])
        theirs = Picture(rows, reference.places[rows], reference.descriptors[rows])
        none = np.zeros(EACH, np.int64)
        sightings.append(Sighting(number, 0, Fit(np.eye(3)[:2], mine, theirs, none), EACH))
    line = PatchLine(Line(1.0, 0.0), tuple(sightings), len(moved), 3, 1.0, 20.0)
    return Seen(clip, reference, 0, line)


def off_units(found: NDArray[np.float64], moved: Sequence[Map], to_first: Map) -> float:
    """How far the picture's corners are from where they should be, at most."""
    flat = CORNERS[:, :2]
    return max(
        float(np.abs(placed(mine, flat) - placed(one @ to_first, flat)).max())
        for mine, one in zip(found, moved, strict=True)
    )


@pytest.mark.parametrize(
    ("right", "down", "degrees", "scale"),
    [
        pytest.param(0, 0, 0, 1.0, id="still"),
        pytest.param(30, -15, 0, 1.0, id="shifted"),
        pytest.param(0, 0, 8, 1.0, id="turned"),
        pytest.param(0, 0, 0, 1.25, id="nearer"),
        pytest.param(-12, 10, -5, 0.9, id="all of it"),
    ],
)
@pytest.mark.parametrize(
    "to_first",
    [
        pytest.param(UPRIGHT, id="upright"),
        pytest.param(TILTED, id="tilted"),
    ],
)
def test_all_frames_tell_the_map_together(
    right: float, down: float, degrees: float, scale: float, to_first: Map
) -> None:
    moved = camera(right, down, degrees, scale)

    found = pooling.maps(seen(moved, to_first))

    assert found is not None
    assert found.shape == (FRAMES, 3, 3)
    assert off_units(found, moved, to_first) <= 2.55  # a percent


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-30, 30),
    st.floats(-20, 20),
    st.floats(-8, 8),
    st.floats(0.85, 1.2),
    st.integers(0, 1000),
)
def test_whatever_a_hand_does(
    right: float, down: float, degrees: float, scale: float, seed: int
) -> None:
    moved = camera(right, down, degrees, scale)

    found = pooling.maps(seen(moved, TILTED, seed=seed))

    assert found is not None
    assert off_units(found, moved, TILTED) <= 2 * 2.55


def test_a_few_patches_astray_change_little() -> None:
    moved = camera(20, 10, 4, 1.1)

    found = pooling.maps(seen(moved, TILTED, astray=0.06))

    assert found is not None
    assert off_units(found, moved, TILTED) <= 2.55


@pytest.mark.parametrize("astray", [0.3, 0.6, 1.0])
def test_where_too_little_agrees_there_is_no_map(astray: float) -> None:
    assert pooling.maps(seen(camera(20, 10, 4, 1.1), TILTED, astray=astray)) is None


def test_where_the_camera_s_way_is_not_the_picture_s_there_is_no_map() -> None:
    """What moves within the picture is taken for the camera's own movement."""
    shown = seen(camera(0, 0, 0, 1.0), TILTED)
    other = seen(camera(60, 30, 0, 1.0), TILTED)

    assert pooling.maps(Seen(other.clip, shown.reference, 0, shown.line)) is None


@pytest.mark.parametrize("lost", [1, FRAMES // 2, FRAMES - 1])
def test_where_frames_have_nothing_in_common_there_is_no_map(lost: int) -> None:
    shown = seen(camera(10, 0, 0, 1.0), TILTED)
    clip = shown.clip
    rows = clip.rows_of(lost)
    clip.descriptors[rows] = np.random.default_rng(9).integers(0, 256, (len(rows), 32), np.uint8)

    assert pooling.maps(shown) is None


def test_a_frame_without_patches_breaks_the_way() -> None:
    shown = seen(camera(10, 0, 0, 1.0), TILTED)
    clip = shown.clip.select(shown.clip.firsts != 3)

    assert pooling.maps(Seen(clip, shown.reference, 0, shown.line)) is None
