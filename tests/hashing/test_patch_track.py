"""Patch tracks: what is sound, and half and joined ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.patch_track import LEVELS, Look, PatchTrack, joined, thinned
from tests.patches import random_track


def shown(track: PatchTrack, key_frame: int) -> set[bytes]:
    return {track.descriptors[row].tobytes() for row in track.rows_of(key_frame)}


@given(st.integers(0, 99), st.integers(1, 9))
def test_a_thinned_track_shows_every_other_key_frame_as_before(seed: int, key_frames: int) -> None:
    track = random_track(seed, key_frames)

    half = thinned(track)

    assert half.is_sound
    assert half.times_ms.tolist() == track.times_ms[::2].tolist()
    for place in range(half.key_frames):
        assert shown(half, place) == shown(track, 2 * place)


@given(st.integers(0, 99), st.integers(1, 5), st.integers(1, 5))
def test_a_joined_track_shows_both(seed: int, first: int, second: int) -> None:
    one, other = random_track(seed, first), random_track(seed + 1, second)
    other = replace(other, times_ms=other.times_ms + 60_000)

    both = joined(one, other)

    assert both.is_sound
    assert both.size_bytes == one.size_bytes + other.size_bytes
    for place in range(first + second):
        part = (one, place) if place < first else (other, place - first)
        assert shown(both, place) == shown(*part)


def test_equal_tracks_are_equal() -> None:
    assert random_track(1) == random_track(1)
    assert hash(random_track(1)) == hash(random_track(1))
    assert random_track(1) != random_track(2)
    assert random_track(1) != replace(random_track(1), look=Look.MIRRORED)
    assert random_track(1) != "a track"


SOUND = random_track(1)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(replace(SOUND, times_ms=SOUND.times_ms[::-1]), id="back in time"),
        pytest.param(replace(SOUND, times_ms=SOUND.times_ms - 1), id="before the start"),
        pytest.param(replace(SOUND, times_ms=SOUND.times_ms + 2**31), id="beyond all time"),
        pytest.param(replace(SOUND, firsts=SOUND.lasts + np.uint16(1)), id="ends before it begins"),
        pytest.param(replace(SOUND, lasts=SOUND.lasts + np.uint16(9)), id="no such key frame"),
        pytest.param(replace(SOUND, places=np.full_like(SOUND.places, LEVELS)), id="no such level"),
        pytest.param(replace(SOUND, sizes=SOUND.sizes * np.uint8(0)), id="no size"),
    ],
)
def test_what_is_not_sound(broken: PatchTrack) -> None:
    assert SOUND.is_sound
    assert not broken.is_sound
