"""Where the map is about known, patches that stand out from nothing are found at their places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing.patch_track import LEVEL_RATIO
from hashing.patches import geometry, guiding
from hashing.patches.geometry import Picture, mapped

Map = NDArray[np.float64]
PATCHES = 120
CORNERS = np.array([[60.0, 60.0], [190.0, 60.0], [60.0, 190.0], [190.0, 190.0]])


def texture(seed: int) -> Picture:
    """A picture of four kinds of patches over and over, as a wall of bricks has them."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 256, (4, 32), np.uint8)
    places = random.integers(60, 190, (PATCHES, 4), np.uint8)
    places[:, 3] = random.integers(2, 6, PATCHES)
    return Picture(np.arange(PATCHES), places, kinds[random.integers(0, 4, PATCHES)])


def shown(one: Picture, matrix: Map, *, turned: int = 0, raised: int = 0) -> Picture:
    """The picture as a clip shows it: places moved by the map, and turned and sized as it says but
    for so much of 256, and so many levels."""
    places = one.places.astype(np.int64)
    places[:, :2] = np.rint(mapped(matrix, one.places[:, :2])).clip(0, 255)
    turn = np.arctan2(matrix[1, 0], matrix[0, 0]) * 128 / np.pi
    levels = np.log(np.sqrt(np.linalg.det(matrix[:, :2]))) / np.log(LEVEL_RATIO)
    places[:, 2] = np.rint(places[:, 2] + turn + turned) % 256
    places[:, 3] = np.rint(places[:, 3] + levels + raised).clip(0, 255)
    return Picture(one.rows, places.astype(np.uint8), one.descriptors)


def similarity(scale: float, degrees: float, right: float = 0.0, down: float = 0.0) -> Map:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([125.0, 125.0])
    return np.column_stack([linear, middle + np.array([right, down]) - linear @ middle])


def shifted(matrix: Map, units: float) -> Map:
    return matrix + np.array([[0, 0, units], [0, 0, -units]])


MAPS = {
    "as it is": similarity(1, 0),
    "in a window": similarity(0.6, 0, 20, -30),
    "larger": similarity(1.4, 0),
    "turned": similarity(0.9, 40),
    "upside down": similarity(1, 180),
}


@pytest.mark.parametrize("matrix", MAPS.values(), ids=MAPS.keys())
def test_texture_is_found_only_where_a_map_guides(matrix: Map) -> None:
    reference = texture(1)
    clip = shown(reference, matrix)

    assert geometry.fit(clip, reference) is None
    found = guiding.fit(clip, reference, shifted(matrix, 3), 1.0)

    assert found is not None
    assert mapped(found.matrix, CORNERS) == pytest.approx(mapped(matrix, CORNERS), abs=2)
    assert len(found.clip) >= 0.8 * PATCHES


@pytest.mark.parametrize(
    ("clip", "guide", "closeness"),
    [
        pytest.param(shown(texture(1), similarity(1, 0)), similarity(1, 0, 90), 1.0, id="far off"),
        pytest.param(texture(2), similarity(1, 0), 1.0, id="other footage"),
        pytest.param(
            shown(texture(1), similarity(1, 0), turned=90), similarity(1, 0), 1.0, id="turned else"
        ),
        pytest.param(
            shown(texture(1), similarity(1, 0), raised=4), similarity(1, 0), 1.0, id="sized else"
        ),
        pytest.param(
            shown(texture(1), similarity(1, 0)), similarity(1, 0), 2.0, id="seen more closely"
        ),
        pytest.param(texture(1).select(np.arange(3)), similarity(1, 0), 1.0, id="too few patches"),
        pytest.param(texture(1).select(np.arange(0)), similarity(1, 0), 1.0, id="none"),
    ],
)
def test_what_is_not_as_the_map_says_is_not_found(
    clip: Picture, guide: Map, closeness: float
) -> None:
    assert guiding.fit(clip, texture(1), guide, closeness) is None


@given(
    seed=st.integers(0, 1000),
    scale=st.floats(0.4, 1.3),
    degrees=st.floats(-180, 180),
    off=st.floats(-4, 4),
)
def test_pairs_are_near_and_at_their_places_and_each_patch_has_one(
    seed: int, scale: float, degrees: float, off: float
) -> None:
    reference, matrix = texture(seed), similarity(scale, degrees)

    found = guiding.fit(shown(reference, matrix), reference, shifted(matrix, off), 1.0)

    if found is None:
        return
    assert len(set(found.clip.rows.tolist())) == len(found.clip)
    assert len(set(found.reference.rows.tolist())) == len(found.reference)
    assert (found.distances <= 64).all()
    apart = mapped(found.matrix, found.reference.places[:, :2]) - found.clip.places[:, :2]
    assert np.median(np.abs(apart)) <= geometry.TOLERANCE_UNITS
