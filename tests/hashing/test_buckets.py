"""Multi-index hashing against brute force: every pair within 31 bits, and each pair once."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
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


@pytest.fixture(params=["short", "long"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few hashes, cut as few or as many are."""
    if request.param == "long":
        monkeypatch.setattr(buckets, "LONG_CHUNKS_FROM", 0)


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("distance", [0, 1, 15, 16, EXACT_BITS])
def test_every_pair_up_to_the_exact_distance_is_found(distance: int) -> None:
    random = np.random.default_rng(distance)
    listed = random.integers(0, 256, (300, bits.HASH_BYTES), dtype=np.uint8)
    queries = flipped(listed, distance, random)

    query_rows, rows, distances = Buckets(listed).pairs(queries, EXACT_BITS)

    assert query_rows.tolist() == rows.tolist() == list(range(300))
    assert set(distances.tolist()) == {distance}


@pytest.mark.usefixtures("layout")
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
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


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("quick", [pytest.param(False, id="all"), pytest.param(True, id="quick")])
@pytest.mark.parametrize("asked", [1, 1 << 11, 1 << 20])
def test_however_many_chunks_are_asked_together_the_pairs_are_the_same(
    asked: int, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(11)
    bases = random.integers(0, 256, (4, bits.HASH_BYTES), dtype=np.uint8)
    listed = flipped(np.repeat(bases, 200, axis=0), 20, random)
    queries = flipped(np.repeat(bases, 5, axis=0), 30, random)
    index = Buckets(listed)
    expected = [
        each.tolist() for each in index.pairs(queries, 60, quick=quick)
    ]  # with the chunks together that are by default
    monkeypatch.setattr(buckets, "_ASKED", asked)

    found = [each.tolist() for each in index.pairs(queries, 60, quick=quick)]

    assert found == expected
    assert len(found[0]) > 100


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


def test_equal_hashes_are_all_found_however_they_are_spread() -> None:
    random = np.random.default_rng(8)
    listed = random.integers(0, 256, (40, bits.HASH_BYTES), dtype=np.uint8)
    listed = listed[random.integers(0, 40, 400)]
    queries = flipped(listed[:20], 9, random)
    near = bits.distance_matrix(queries, listed)

    query_rows, rows, distances = Buckets(listed).pairs(queries, EXACT_BITS)

    expected = np.argwhere(near <= EXACT_BITS)
    assert np.column_stack([query_rows, rows]).tolist() == expected.tolist()
    assert distances.tolist() == near[query_rows, rows].tolist()


def test_hashes_that_only_look_equal_when_they_are_mixed_stay_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buckets, "_MIX", np.zeros(4, np.uint64))
    listed = np.random.default_rng(9).integers(0, 256, (30, bits.HASH_BYTES), dtype=np.uint8)

    query_rows, rows, _ = Buckets(listed).pairs(listed, 0)

    assert query_rows.tolist() == rows.tolist() == list(range(30))


@pytest.mark.parametrize("spread", [pytest.param(0, id="equal"), pytest.param(6, id="near")])
def test_a_crowd_is_bounded_and_counted_and_hides_nothing_else(
    spread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "CROWD", 64)
    monkeypatch.setattr(buckets, "_CROWD_MEANS", 0)
    monkeypatch.setattr(buckets, "MOST_ROWS_A_QUERY", 32)
    monkeypatch.setattr(buckets, "_CANDIDATES", 256)
    random = np.random.default_rng(10)
    other = random.integers(0, 256, (5, bits.HASH_BYTES), dtype=np.uint8)
    base = random.integers(0, 256, (1, bits.HASH_BYTES), dtype=np.uint8)
    crowd = flipped(np.repeat(base, 2000, axis=0), spread, random)
    index = Buckets(np.concatenate([crowd, other]))
    query_rows, rows, distances = index.pairs(np.concatenate([base, base, other]), EXACT_BITS)

    assert np.bincount(query_rows).tolist() == [32, 32, 1, 1, 1, 1, 1]
    assert rows[-5:].tolist() == [2000, 2001, 2002, 2003, 2004]
    assert set(distances[:-5].tolist()) == {spread}
    assert len(index.tables.entries) <= 16 * (64 * 138)
    assert (index.crowded_out > 0) is (spread > 0)


def test_of_a_query_with_many_pairs_the_nearest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST_ROWS_A_QUERY", 10)
    random = np.random.default_rng(11)
    base = random.integers(0, 256, (1, bits.HASH_BYTES), dtype=np.uint8)
    listed = np.concatenate([flipped(base, distance, random) for distance in range(31, 0, -1)])
    _, _, distances = Buckets(listed).pairs(base, EXACT_BITS)

    assert len(distances) == 10
    assert distances.max() <= 20  # how near they are depends on which are found first


@pytest.mark.usefixtures("layout")
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.9, 1.0]))
def test_of_some_rows_it_finds_what_brute_force_finds_of_these(seed: int, share: float) -> None:
    """Also where the first of several equal hashes is none of them."""
    random = np.random.default_rng(seed)
    listed = random.integers(0, 256, (40, bits.HASH_BYTES), dtype=np.uint8)
    listed = listed[random.integers(0, 40, 400)]
    kept = random.random(400) < share
    queries = flipped(listed[:20], 9, random)
    near = bits.distance_matrix(queries, listed)

    query_rows, rows, distances = Buckets(listed).only(kept).pairs(queries, EXACT_BITS)

    expected = np.argwhere((near <= EXACT_BITS) & kept)
    assert np.column_stack([query_rows, rows]).tolist() == expected.tolist()
    assert distances.tolist() == near[query_rows, rows].tolist()


@pytest.mark.parametrize("spread", [pytest.param(0, id="equal"), pytest.param(2, id="near")])
def test_a_crowd_that_is_not_looked_for_hides_nothing(spread: int) -> None:
    """Else the nearest 512 would be of what was removed, and nothing left for what is listed."""
    random = np.random.default_rng(12)
    base = random.integers(0, 256, (1, bits.HASH_BYTES), dtype=np.uint8)
    crowd = flipped(np.repeat(base, 700, axis=0), spread, random)
    listed = np.concatenate([crowd, flipped(base, 8, random), base])
    kept = np.arange(len(listed)) >= 700

    query_rows, rows, distances = Buckets(listed).only(kept).pairs(base, EXACT_BITS)

    assert (query_rows.tolist(), rows.tolist(), distances.tolist()) == ([0, 0], [700, 701], [8, 0])


def test_more_hashes_than_places_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST_HASHES", 3)

    with pytest.raises(ValueError, match="4 hashes; an index holds 3"):
        Buckets(np.zeros((4, bits.HASH_BYTES), np.uint8))
