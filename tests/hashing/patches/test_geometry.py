"""Patches that lie alike are found with the map between them; what lies at random is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing.patches import geometry
from hashing.patches.geometry import Picture, agree, fit, mapped

Map = NDArray[np.float64]


def picture(seed: int, count: int = 120, least: int = 90, most: int = 160) -> Picture:
    random = np.random.default_rng(seed)
    places = random.integers(least, most, (count, 4), np.uint8)
    descriptors = random.integers(0, 256, (count, 32), np.uint8)
    return Picture(np.arange(count), places, descriptors)


def moved(one: Picture, matrix: Map, *, true: float = 1.0) -> Picture:
    """The picture as a clip shows it: all patches moved by the map but a share at random."""
    places = one.places.copy()
    target = np.rint(mapped(matrix, one.places[:, :2]))
    places[:, :2] = target.clip(0, 255).astype(np.uint8)
    lost = slice(round(true * len(places)), None)
    places[lost] = np.random.default_rng(9).integers(0, 256, places[lost].shape, np.uint8)
    return Picture(one.rows, places, one.descriptors)


def similarity(scale: float, degrees: float, right: float = 0.0, down: float = 0.0) -> Map:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([125.0, 125.0])
    return np.column_stack([linear, middle + np.array([right, down]) - linear @ middle])


@pytest.mark.parametrize(
    "matrix",
    [
        pytest.param(similarity(1, 0), id="as it is"),
        pytest.param(similarity(1, 0, 60, -40), id="shifted"),
        pytest.param(similarity(2, 0), id="twice as large"),
        pytest.param(similarity(0.4, 0, 50, 50), id="a picture in a picture"),
        pytest.param(similarity(1, 13), id="turned a little"),
        pytest.param(similarity(1, 180), id="upside down"),
        pytest.param(np.array([[1.5, 0.1, -60], [0.0, 0.9, 10]]), id="stretched and sheared"),
    ],
)
def test_a_true_map_is_found_among_half_lies(matrix: Map) -> None:
    reference = picture(1)
    clip = moved(reference, matrix, true=0.5)

    found = fit(clip, reference)

    assert found is not None
    corners = np.array([[90, 90], [160, 160]])
    assert mapped(found.matrix, corners) == pytest.approx(mapped(matrix, corners), abs=4)
    assert found.clip.rows.tolist() == found.reference.rows.tolist()
    assert len(found.clip) >= 50
    assert found.distances.tolist() == [0] * len(found.distances)


@pytest.mark.parametrize(
    ("clip", "reference"),
    [
        pytest.param(picture(1), picture(2), id="nothing alike"),
        pytest.param(picture(1, 3), picture(1, 3), id="too few patches"),
        pytest.param(picture(1), picture(1, 0), id="none"),
        pytest.param(moved(picture(1), similarity(0.05, 0)), picture(1), id="far too small"),
        pytest.param(
            moved(picture(1), np.array([[-1.0, 0, 250], [0, 1, 0]])), picture(1), id="mirrored"
        ),
        pytest.param(
            moved(picture(1), np.array([[1.0, 0, 0], [0, 0.3, 80]])), picture(1), id="squeezed"
        ),
    ],
)
def test_what_is_no_copy_has_no_map(clip: Picture, reference: Picture) -> None:
    assert fit(clip, reference) is None


def test_patches_that_stand_twice_in_a_frame_say_nothing() -> None:
    one = picture(1)
    twice = Picture(
        np.arange(240),
        np.concatenate([one.places, picture(3).places]),
        np.concatenate([one.descriptors, one.descriptors]),
    )

    assert fit(one, twice) is None


def test_neighbouring_frames_agree_unless_the_picture_jumps() -> None:
    reference = picture(1)
    still, near, far = (
        fit(moved(reference, similarity(1, 0, right)), reference) for right in (0, 20, 90)
    )
    assert still is not None
    assert near is not None
    assert far is not None

    assert agree(still, near)
    assert not agree(still, far)


def test_corners_in_one_cell_count_once() -> None:
    places = np.array([[0, 0, 0, 0], [1, 1, 9, 3], [100, 0, 0, 0], [0, 100, 0, 0]], np.uint8)

    assert geometry.cells(places) == 3
    assert geometry.cells(places[:0]) == 0
