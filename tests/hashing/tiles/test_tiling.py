"""Tiling: each tile's hash is its plane's own, and a track gives back what was put in."""

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hashing.fingerprint import SAME_PICTURE_BITS
from hashing.formats import packed_patches
from hashing.patch_track import TILES, Look, PatchTrack
from hashing.tiles import tiling
from hashing.tiles.tiling import COUNT, SIDE_PX, Tiler
from tests.corners import town
from tests.tiled import scene

FOOTAGE = scene(3, 1.0)
PLANE_PX = SIDE_PX // 4


def track_of(pictures: NDArray[np.uint8], step_ms: int = 100) -> PatchTrack:
    """The tiles of these squares, so many ms apart."""
    tiler = Tiler(2)
    for number, picture in enumerate(pictures):
        tiler.add(picture, number * step_ms)
    return tiler.track()


def shown(track: PatchTrack) -> NDArray[np.uint8]:
    """What each tile shows in each of the track's frames: uint8 (k, COUNT, 32)."""
    tiles = tiling.tile_tracks(track)
    return np.stack([one.hashes[one.rows_at(track.times_ms)] for one in tiles], axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_a_tile_is_hashed_as_imagehash_does(seed: int) -> None:
    (picture,) = town(seed, 0.04, SIDE_PX, SIDE_PX)
    (hashed,) = tiling.hashes(picture[None])

    for tile in range(COUNT):
        top, left = np.array(divmod(tile, 4)) * PLANE_PX
        plane = picture[top : top + PLANE_PX, left : left + PLANE_PX]
        oracle = imagehash.phash(Image.fromarray(plane), hash_size=16).hash.ravel()
        assert np.count_nonzero(np.unpackbits(hashed[tile]) != oracle) <= 2


def test_a_flat_tile_has_one_hash_whatever_its_level() -> None:
    levels = np.array([0, 1, 64, 127, 200, 254, 255], np.uint8)
    squares = np.ones((7, SIDE_PX, SIDE_PX), np.uint8) * levels[:, None, None]

    hashed = tiling.hashes(squares).reshape(-1, 32)

    assert len(np.unique(hashed, axis=0)) == 1


@pytest.mark.parametrize("size", [(64, 64), (120, 160), (1080, 608), (255, 257)], ids=str)
def test_a_picture_of_any_shape_becomes_a_square(size: tuple[int, int]) -> None:
    square = tiling.square(np.full(size, 77, np.uint8))

    assert (square.shape, square.dtype) == ((SIDE_PX, SIDE_PX), np.dtype(np.uint8))
    assert (square == 77).all()


def test_only_the_tile_that_changes_is_kept_again() -> None:
    pictures = np.repeat(FOOTAGE[:1], 6, axis=0)
    pictures[3:, :PLANE_PX, PLANE_PX : 2 * PLANE_PX] = FOOTAGE[24, -PLANE_PX:, -PLANE_PX:]

    track = track_of(pictures)

    assert len(track) == COUNT + 1
    ends = {
        (x, y): [(first, last)]
        for first, last, (x, y, _, _) in zip(track.firsts, track.lasts, track.places, strict=True)
        if (x, y) != (1, 0)
    }
    assert list(ends.values()) == [[(0, 5)]] * (COUNT - 1)
    changed = (track.places[:, 0] == 1) & (track.places[:, 1] == 0)
    assert list(zip(track.firsts[changed], track.lasts[changed], strict=True)) == [(0, 2), (3, 5)]


def test_a_track_says_how_it_was_made() -> None:
    track = track_of(FOOTAGE[:3])

    assert (track.algorithm, track.look, track.stream) == (TILES, Look.AS_IS, 2)
    assert track.is_sound
    assert track.times_ms.tolist() == [0, 100, 200]


def test_no_pictures_make_an_empty_track() -> None:
    track = Tiler(0).track()

    assert (len(track), track.key_frames, track.is_sound) == (0, 0, True)
    assert [len(one) for one in tiling.tile_tracks(track)] == [0] * COUNT


@settings(max_examples=20)
@given(st.lists(st.integers(0, len(FOOTAGE) - 1), min_size=1, max_size=40))
def test_what_was_put_in_comes_out(numbers: list[int]) -> None:
    """In any order of pictures, over more than one batch: within what counts as one picture."""
    track = track_of(FOOTAGE[numbers])

    apart = np.bitwise_count(shown(track) ^ tiling.hashes(FOOTAGE[numbers])).sum(axis=2)
    assert track.times_ms.tolist() == [100 * place for place in range(len(numbers))]
    assert apart.max() <= SAME_PICTURE_BITS
    assert apart[0].max() == 0


@settings(max_examples=20)
@given(st.lists(st.integers(0, len(FOOTAGE) - 1), max_size=20))
def test_tiles_are_packed_as_other_patches_are(numbers: list[int]) -> None:
    track = track_of(FOOTAGE[numbers])

    assert track.is_sound
    assert packed_patches.unpack(packed_patches.pack((track,))) == (track,)


def test_a_track_may_be_asked_for_and_then_go_on() -> None:
    tiler = Tiler(0)
    for number in range(20):
        tiler.add(FOOTAGE[number], 100 * number)
        if number == 10:
            assert tiler.track() == tiler.track()

    assert np.array_equal(shown(tiler.track()), shown(track_of(FOOTAGE[:20])))


def test_a_tile_stands_until_the_next() -> None:
    for one in tiling.tile_tracks(track_of(FOOTAGE[[0, 0, 12, 12, 24]])):
        assert one.times_ms.tolist() == [0, 200, 400]
        assert one.spans_ms.tolist() == [200, 200, 0]


@given(st.integers(-500, 3000), st.integers(0, 2000))
def test_of_a_time_all_is_kept_that_is_shown_in_it(start_ms: int, length_ms: int) -> None:
    track = track_of(FOOTAGE[[0, 0, 6, 6, 6, 12, 18, 18, 24]])
    within = (start_ms, start_ms + length_ms)

    for every, some in zip(
        tiling.tile_tracks(track), tiling.tile_tracks(track, within), strict=True
    ):
        inside = track.times_ms[(track.times_ms >= start_ms) & (track.times_ms <= within[1])]
        assert set(some.times_ms) <= set(every.times_ms)
        if len(inside):
            assert np.array_equal(
                some.hashes[some.rows_at(inside)], every.hashes[every.rows_at(inside)]
            )
        if start_ms > track.times_ms[-1] or within[1] < 0:
            assert not len(some)


def test_pictures_are_due_at_the_interval() -> None:
    tiler = Tiler(0, interval_ms=160)
    taken = []
    for time_ms in range(0, 1000, 40):
        if tiler.is_due(time_ms):
            tiler.add(FOOTAGE[0], time_ms)
            taken.append(time_ms)

    assert taken == [0, 160, 320, 480, 640, 800, 960]


def test_of_too_many_every_other_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "MOST_SQUARES", 8)
    tiler = Tiler(0, interval_ms=40)
    for number, time_ms in enumerate(range(0, 3000, 40)):
        if tiler.is_due(time_ms):
            tiler.add(FOOTAGE[number % len(FOOTAGE)], time_ms)

    track = tiler.track()

    steps_ms = np.diff(track.times_ms)
    rows = track.times_ms // 40 % len(FOOTAGE)
    apart = np.bitwise_count(shown(track) ^ tiling.hashes(FOOTAGE[rows])).sum(axis=2)
    assert 4 <= track.key_frames < 8
    assert (steps_ms > 0).all()
    assert steps_ms.max() <= 2 * steps_ms.min()
    assert track.times_ms[-1] >= 3000 - steps_ms.max()
    assert apart.max() <= SAME_PICTURE_BITS
