"""A patch is fresh unless one like it was near its place before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashing import bits
from hashing.patch_track import PatchTrack
from hashing.patches.freshness import Freshness
from tests.patches import random_track


def crowded(seed: int, patches: int) -> PatchTrack:
    """A track of few kinds of patches in a small part of the picture, so that many come back."""
    track = random_track(seed, key_frames=6, patches=patches)
    random = np.random.default_rng(seed)
    track.places[:, :2] %= 24
    track.places[:, :2] += np.uint8(random.integers(0, 231))  # up to the picture's edge
    track.descriptors[:] = track.descriptors[random.integers(0, min(5, patches), patches)]
    track.descriptors[:, 0] = random.integers(0, 256, patches)
    return track


def is_fresh(track: PatchTrack, row: int) -> bool:
    """One patch against all others, one by one."""
    for other in range(len(track)):
        apart = np.abs(track.places[other, :2].astype(int) - track.places[row, :2]).max()
        flips = bits.distances(track.descriptors[[other]], track.descriptors[[row]])[0]
        if track.firsts[other] < track.firsts[row] and apart <= 4 and flips <= 64:
            return False
    return True


@given(st.integers(0, 10_000), st.integers(1, 40), st.data())
def test_fresh_is_what_was_not_there_before(seed: int, patches: int, data: st.DataObject) -> None:
    track = crowded(seed, patches)
    asked = data.draw(st.lists(st.lists(st.integers(0, patches - 1), max_size=12), max_size=3))
    freshness = Freshness(track)

    for rows in asked:
        told = freshness.of(np.array(rows, np.int64))

        assert told.tolist() == [is_fresh(track, row) for row in rows]
