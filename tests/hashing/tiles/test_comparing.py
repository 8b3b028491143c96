"""Comparing tiles: which are whole, and how much of all change a clip and a reference share."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing.patches.placing import Placing
from hashing.tiles import comparing
from hashing.tiles.comparing import ClipTiles, Tiled, compare
from hashing.tiles.tiling import COUNT, tile_tracks
from hashing.views import View
from tests.clips import Frames
from tests.tiled import ALL_OF_IT, clip_tiles, cropped, cut_out, reference_track, scene, with_ticker

LEFT_HALF, LOWER_HALF = (0.0, 0.0, 0.5, 1.0), (0.0, 0.5, 1.0, 0.5)
TURNED = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
MIRRORED = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
TILTED_AWAY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-2.0, 0.0, 1.0]])


@cache
def footage(seed: int) -> Frames:
    return scene(seed)


@cache
def of_footage(seed: int) -> Tiled:
    """What the tiles of this footage show of the first one's, which was looked at densely."""
    found = compare(clip_tiles(footage(seed)), reference_track(footage(0), 1), View())
    assert found is not None
    return found


def tiles(rows: str) -> list[bool]:
    """A grid of tiles: row by row, those with # in them."""
    return [one == "#" for one in rows.replace(" ", "")]


@pytest.mark.parametrize(
    ("to_clip", "whole"),
    [
        pytest.param(ALL_OF_IT, "#### #### #### ####", id="all of the frame"),
        pytest.param(cut_out(-1, -1, 3, 3), "#### #### #### ####", id="small in the frame"),
        pytest.param(cut_out(*LEFT_HALF), "##.. ##.. ##.. ##..", id="its left half"),
        pytest.param(cut_out(0.25, 0.25, 0.5, 0.5), ".... .##. .##. ....", id="its middle"),
        pytest.param(cut_out(0.1, 0.1, 0.65, 0.65), ".... .##. .##. ....", id="off the tiles"),
        pytest.param(cut_out(0.01, 0, 1, 1), "#### #### #### ####", id="off by a hundredth"),
        pytest.param(cut_out(0.4, 0.4, 0.2, 0.2), ".... .... .... ....", id="less than a tile"),
        pytest.param(TURNED, "#### #### #### ####", id="turned"),
        pytest.param(
            cut_out(0, 0, 1, 0.5) @ TURNED, "##.. ##.. ##.. ##..", id="turned, its upper half"
        ),
        pytest.param(MIRRORED, "#### #### #### ####", id="mirrored"),
        pytest.param(
            cut_out(*LEFT_HALF) @ MIRRORED, "..## ..## ..## ..##", id="mirrored, its left half"
        ),
        pytest.param(TILTED_AWAY, "#... #... .... ....", id="half behind the eye"),
        pytest.param(-ALL_OF_IT, ".... .... .... ....", id="all of it behind the eye"),
        pytest.param(np.full((3, 3), np.nan), ".... .... .... ....", id="nowhere"),
    ],
)
def test_which_tiles_are_whole(to_clip: NDArray[np.float64], whole: str) -> None:
    assert comparing._whole(to_clip).tolist() == tiles(whole)


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 4))
def test_a_crop_along_the_grid_leaves_its_tiles(
    left: int, top: int, width: int, height: int
) -> None:
    grid = np.zeros((4, 4), np.bool_)
    grid[top : top + height, left : left + width] = True

    found = comparing._whole(cut_out(left / 4, top / 4, width / 4, height / 4))

    assert found.tolist() == grid.ravel().tolist()


def test_the_same_footage_changes_alike() -> None:
    found = of_footage(0)

    assert found.common_change > 0.97
    assert found.alike == 1.0
    assert found.agreeing.all()
    assert found.whole.all()
    assert not found.is_a_stripe
    assert not found.is_a_part
    assert found.alignment.speed == pytest.approx(1, abs=0.02)


def test_a_second_apart_it_is_placed_in_time() -> None:
    found = compare(clip_tiles(footage(0)[25:]), reference_track(footage(0)), View())

    assert found is not None
    start_ms = found.alignment.reference_start_ms - found.alignment.clip_start_ms
    assert start_ms == pytest.approx(1000, abs=160)


@pytest.mark.parametrize("seed", range(1, 9))
def test_other_footage_does_not(seed: int) -> None:
    found = compare(clip_tiles(footage(seed)), reference_track(footage(0)), View())

    assert found is None or (found.common_change < 0.1 and not found.agreeing.any())


@pytest.mark.parametrize("seed", range(1, 4))
def test_along_a_line_of_its_own_other_footage_changes_otherwise(seed: int) -> None:
    """Also where something led to it: the measure itself is near 0."""
    line = of_footage(0).alignment
    tracks = tile_tracks(reference_track(footage(0)))

    change = comparing._common_change(clip_tiles(footage(seed)), tracks, line)

    assert abs(change) < 0.1
    assert comparing._alike(clip_tiles(footage(seed)), tracks, line) < 0.2


def test_a_still_copy_has_no_change_in_common() -> None:
    still = np.repeat(footage(0)[:1], 100, axis=0)

    found = compare(clip_tiles(still), reference_track(footage(0)), View())

    assert found is None or found.common_change == 0.0


def test_a_ticker_under_other_footage_is_a_stripe() -> None:
    listed = reference_track(with_ticker(footage(0), 50))

    found = compare(clip_tiles(with_ticker(footage(1), 50)), listed, View())
    copy = compare(clip_tiles(with_ticker(footage(0), 50)), listed, View())

    assert found is not None
    assert copy is not None
    assert found.agreeing.tolist() == tiles(".... .... .... ####")
    assert found.is_a_stripe
    assert found.alike == pytest.approx(1 / 4, abs=0.05)
    assert found.common_change < copy.common_change / 2
    assert not copy.is_a_stripe


@pytest.mark.parametrize(
    ("part", "is_a_part"),
    [
        pytest.param((0, 0, 1, 1), False, id="all of it"),
        pytest.param((0.25, 0.25, 0.75, 0.75), False, id="nine tiles"),
        pytest.param((0.25, 0, 0.75, 1), False, id="three columns"),
        pytest.param(LEFT_HALF, True, id="two columns"),
        pytest.param(LOWER_HALF, True, id="two rows"),
        pytest.param((0, 0.75, 1, 0.25), True, id="a row"),
    ],
)
def test_how_much_of_a_picture_is_a_part(
    part: tuple[float, float, float, float], is_a_part: bool
) -> None:
    clip = clip_tiles(cropped(footage(0), *part), cut_out(*part))

    found = compare(clip, reference_track(footage(0)), View())

    assert found is not None
    assert found.is_a_part is is_a_part
    assert found.whole.tolist() == comparing._whole(cut_out(*part)).tolist()
    assert found.agreeing.tolist() == found.whole.tolist()
    assert found.common_change > 0.5


def test_only_what_is_whole_is_compared() -> None:
    """Beside the half that is there is other footage, which nothing asks."""
    mixed = footage(0).copy()
    mixed[:, :, 128:] = footage(1)[:, :, 128:]
    half = replace(clip_tiles(mixed), whole=np.tile(tiles("##.. ##.. ##.. ##.."), (17, 1)))

    found = compare(half, reference_track(footage(0), 1), View())
    all_of_it = compare(clip_tiles(mixed), reference_track(footage(0), 1), View())

    assert found is not None
    assert all_of_it is not None
    assert (found.common_change > 0.97, found.alike) == (True, 1.0)
    assert all_of_it.common_change < 0.6
    assert all_of_it.alike == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("late", "agree"),
    [pytest.param(5, True, id="by a fifth of a second"), pytest.param(30, False, id="by more")],
)
def test_a_tile_that_is_late_does_not_agree(late: int, agree: bool) -> None:
    """The right half shows the same as the left, at another time."""
    clip = footage(0)[:60].copy()
    clip[:, :, 128:] = footage(0)[late : late + 60, :, 128:]

    found = compare(clip_tiles(clip), reference_track(footage(0)), View())

    assert found is not None
    left, right = found.agreeing.reshape(4, 4)[:, :2], found.agreeing.reshape(4, 4)[:, 2:]
    assert left.all() or right.all()
    assert (left.any() and right.any()) == agree
    assert np.count_nonzero(found.agreeing) == (COUNT if agree else COUNT // 2)


CLIP = clip_tiles(scene(0))
NOWHERE = Placing(0, False, False, np.array([60_000]), ALL_OF_IT[None])
TRACK = reference_track(scene(0))


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(CLIP.among(np.zeros(len(CLIP.times_ms), np.bool_)), id="no frames"),
        pytest.param(CLIP.among(CLIP.times_ms < 300), id="two frames"),
        pytest.param(replace(CLIP, whole=np.zeros_like(CLIP.whole)), id="no whole tile"),
        pytest.param(ClipTiles.of(TRACK, NOWHERE), id="placed at no time of the clip"),
        pytest.param(
            ClipTiles.of(TRACK.select(np.zeros(0, np.intp)), NOWHERE), id="tiles that are not there"
        ),
    ],
)
def test_nothing_is_told_by_nothing(clip: ClipTiles) -> None:
    assert compare(clip, TRACK, View()) is None
    assert compare(clip_tiles(scene(0)), TRACK, View()) is not None


@pytest.mark.parametrize("kept", range(COUNT + 1))
def test_a_reference_that_lacks_tiles_tells_nothing(kept: int) -> None:
    """A list from elsewhere may have such; a check has to stand it."""
    numbers = TRACK.places[:, 1] * 4 + TRACK.places[:, 0]

    found = compare(CLIP, TRACK.select(numbers < kept), View())

    assert (found is None) is (kept < COUNT)


@pytest.mark.parametrize("kept", [1, 8])
def test_a_clip_that_lacks_tiles_has_fewer_that_are_whole(kept: int) -> None:
    numbers = TRACK.places[:, 1] * 4 + TRACK.places[:, 0]
    where = Placing(0, False, False, np.array([0, 4000]), np.array([ALL_OF_IT] * 2))

    found = compare(ClipTiles.of(TRACK.select(numbers < kept), where), TRACK, View())

    assert found is not None
    assert found.whole.tolist() == [tile < kept for tile in range(COUNT)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=COUNT, max_size=COUNT), st.integers(0, 3))
def test_measures_keep_their_bounds(whole: list[bool], seed: int) -> None:
    clip = replace(CLIP, whole=np.tile(whole, (len(CLIP.times_ms), 1)))

    found = compare(clip, reference_track(footage(seed)), View())

    if found is not None:
        assert 0.0 <= found.common_change <= 1.0
        assert 0.0 <= found.alike <= 1.0
        assert not (found.agreeing & ~found.whole).any()
        assert found.whole.tolist() == whole
