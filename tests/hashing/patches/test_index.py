"""The patch index finds what is near, and only that."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits
from hashing.patches import index as patch_index
from hashing.patches.index import NEAR_BITS, PatchIndex
from tests.patches import random_track


def flipped(descriptors: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    changed = np.unpackbits(descriptors, axis=1)
    for row in changed:
        row[random.choice(256, count, replace=False)] ^= 1
    return np.packbits(changed, axis=1)


TRACKS = [random_track(seed, 5, 500) for seed in range(3)]
INDEX = PatchIndex(TRACKS)
ALL = np.concatenate([track.descriptors for track in TRACKS])


def test_what_is_there_is_found_where_it_is() -> None:
    near = INDEX.near(ALL)

    found = set(zip(near.query_rows.tolist(), near.rows.tolist(), strict=True))
    assert {(row, row) for row in range(len(ALL))} <= found
    assert INDEX.track_numbers(np.array([0, 499, 500, 1499])).tolist() == [0, 0, 1, 2]
    assert INDEX.key_frames == 15
    assert np.array_equal(INDEX.places[500:1000], TRACKS[1].places)


@pytest.mark.parametrize(
    ("apart", "share"),
    [
        pytest.param(20, 0.7, id="a still patch's noise"),
        pytest.param(40, 0.25, id="a copy's"),
        pytest.param(64, 0.05, id="as far as is looked"),
    ],
)
def test_the_nearer_a_patch_the_more_surely_it_is_found(apart: int, share: float) -> None:
    near = INDEX.near(flipped(ALL, apart, 1))

    assert (near.query_rows == near.rows).sum() / len(ALL) >= share


@given(st.integers(0, 2**32 - 1), st.integers(0, 90))
def test_all_that_is_found_is_near_and_told_once(seed: int, apart: int) -> None:
    queries = flipped(ALL[::50], apart, seed)

    near = INDEX.near(queries)

    true = bits.distances(queries[near.query_rows], ALL[near.rows])
    assert near.distances.tolist() == true.tolist()
    assert (true <= NEAR_BITS).all()
    pairs = list(zip(near.query_rows.tolist(), near.rows.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_a_patch_that_stands_everywhere_is_not_looked_at() -> None:
    common = np.repeat(ALL[:1], 400, axis=0)
    crowd = replace(TRACKS[0], descriptors=np.concatenate([common, TRACKS[0].descriptors[400:]]))
    index = PatchIndex([crowd])

    near = index.near(crowd.descriptors)

    assert not (near.rows < 400).any()
    assert set(range(400, 500)) <= set(near.rows.tolist())


def test_pairs_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = INDEX.near(ALL)
    monkeypatch.setattr(patch_index, "_BLOCK", 7)

    parts = INDEX.near(ALL)

    assert parts.rows.tolist() == whole.rows.tolist()


@pytest.mark.parametrize(
    "index", [pytest.param(PatchIndex([]), id="no tracks"), pytest.param(INDEX, id="no queries")]
)
def test_nothing_is_found_in_nothing(index: PatchIndex) -> None:
    queries = ALL[:0] if len(index) else ALL[:5]

    assert len(index.near(queries).rows) == 0
