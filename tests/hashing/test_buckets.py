"""Multi-index hashing against brute force: every pair within 31 bits, and each pair once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits, buckets
from hashing.buckets import EXACT_BITS, Buckets


def flipped(
    hashes: NDArray[np.uint8], count: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The hashes with ``count`` random bits of each turned over."""
    turned = np.unpackbits(hashes, axis=1)
    for row in turned:
        row[random.choice(bits.HASH_BITS, count, replace=False)] ^= 1
    return np.packbits(turned, axis=1)


@pytest.mark.parametrize("distance", [0, 1, 15, 16, EXACT_BITS])
def test_every_pair_up_to_the_exact_distance_is_found(distance: int) -> None:
    random = np.random.default_rng(distance)
    listed = random.integers(0, 256, (300, bits.HASH_BYTES), dtype=np.uint8)
    queries = flipped(listed, distance, random)

    query_rows, rows, distances = Buckets(listed).pairs(queries, EXACT_BITS)

    assert query_rows.tolist() == rows.tolist() == list(range(300))
    assert set(distances.tolist()) == {distance}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), families=st.integers(1, 4), spread=st.integers(0, 45))
def test_it_finds_what_brute_force_finds(seed: int, families: int, spread: int) -> None:
    random = np.random.default_rng(seed)
    bases = random.integers(0, 256, (families, bits.HASH_BYTES), dtype=np.uint8)
    listed = flipped(bases[random.integers(0, families, 60)], spread, random)
    queries = flipped(bases[random.integers(0, families, 20)], spread // 2, random)
    near = bits.distance_matrix(queries, listed)

    query_rows, rows, distances = Buckets(listed).pairs(queries, EXACT_BITS)

    assert set(zip(query_rows.tolist(), rows.tolist(), strict=True)) == {
        (int(query), int(row)) for query, row in np.argwhere(near <= EXACT_BITS)
    }
    assert distances.tolist() == near[query_rows, rows].tolist()


def test_a_pair_beyond_the_distance_asked_for_is_left_out() -> None:
    random = np.random.default_rng(5)
    listed = random.integers(0, 256, (50, bits.HASH_BYTES), dtype=np.uint8)

    query_rows, _, _ = Buckets(listed).pairs(flipped(listed, 8, random), 7)

    assert len(query_rows) == 0


def test_many_equal_hashes_are_compared_in_bounded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_CANDIDATES", 64)
    listed = np.repeat(np.arange(bits.HASH_BYTES, dtype=np.uint8)[None], 100, axis=0)

    query_rows, rows, distances = Buckets(listed).pairs(listed[:3], EXACT_BITS)

    assert len(query_rows) == 300
    assert not distances.any()
    assert rows.tolist() == [*range(100)] * 3


@pytest.mark.parametrize(("listed", "asked"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_is_found_where_nothing_is(listed: int, asked: int) -> None:
    hashes = np.zeros((max(listed, asked), bits.HASH_BYTES), np.uint8)

    query_rows, rows, distances = Buckets(hashes[:listed]).pairs(hashes[:asked], EXACT_BITS)

    assert len(query_rows) == len(rows) == len(distances) == 0
