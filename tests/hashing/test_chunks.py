"""Chunks and signatures: every pattern of 31 turned bits leaves a chunk to be found by."""

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits
from hashing.buckets import Buckets, Tables, build
from hashing.chunks import EXACT_BITS, LONG, PERMUTATION, SHORT, SIGNATURE_BITS, Layout

LAYOUTS = [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long")]


def is_found(layout: Layout, turned: NDArray[np.int64]) -> bool:
    """Whether two hashes are found that differ in these bits, as places after the permutation.

    Told apart from the code under test: by counting bits in ranges.
    """
    differs = np.zeros(2 * bits.HASH_BITS, np.int64)
    differs[turned] = differs[turned + bits.HASH_BITS] = 1
    start = 0
    for width, flips in zip(layout.widths, layout.exact_flips, strict=True):
        end = start + width
        in_signature = differs[end : end + 32].sum()
        if differs[start:end].sum() <= flips and in_signature <= SIGNATURE_BITS:
            return True
        start = end
    return False


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_chunks_are_all_bits_and_leave_none_of_31_out(layout: Layout) -> None:
    assert sum(layout.widths) == bits.HASH_BITS
    assert sum(flips + 1 for flips in layout.exact_flips) == EXACT_BITS + 1
    for exact, loose, quick in zip(
        layout.exact_flips, layout.loose_flips, layout.quick_flips, strict=True
    ):
        assert quick <= exact <= loose


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cutting_gives_the_permuted_bits(layout: Layout) -> None:
    hashes = np.random.default_rng(1).integers(0, 256, (9, 32), dtype=np.uint8)
    permuted = np.unpackbits(hashes, axis=1)[:, PERMUTATION]
    text = ["".join(map(str, row)) * 2 for row in permuted]
    values, signatures = layout.cut(hashes)

    start = 0
    for chunk, width in enumerate(layout.widths):
        end = start + width
        assert values[chunk].tolist() == [int(row[start:end], 2) for row in text]
        assert signatures[chunk].tolist() == [int(row[end : end + 32], 2) for row in text]
        start = end


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_turn_over_every_choice_of_bits_once(layout: Layout) -> None:
    for within, quick, flips in (
        (EXACT_BITS, False, layout.exact_flips),
        (EXACT_BITS + 1, False, layout.loose_flips),
        (EXACT_BITS + 1, True, layout.quick_flips),
    ):
        for masks, width, most in zip(
            layout.masks(within, quick=quick), layout.widths, flips, strict=True
        ):
            every = np.arange(1 << width)
            assert set(masks.tolist()) == set(every[np.bitwise_count(every) <= most].tolist())
            assert masks[0] == 0
            assert len(set(masks.tolist())) == len(masks)


def greedy(layout: Layout, order: list[int], spare: list[int]) -> NDArray[np.int64]:
    """31 bits by an adversary: chunks in this order are spoilt, each with one bit too many, as
    early in them as they go; what is left goes to places that count for signatures."""
    starts = np.cumsum([0, *layout.widths])
    chosen: list[int] = []
    for chunk in order:
        need = layout.exact_flips[chunk] + 1
        if len(chosen) + need <= EXACT_BITS:
            chosen += range(int(starts[chunk]), int(starts[chunk]) + need)
    for place in spare:
        if len(chosen) < EXACT_BITS and place not in chosen:
            chosen.append(place)
    return np.array(chosen, np.int64)


@settings(max_examples=500, deadline=None)
@given(data=st.data(), layout=st.sampled_from([SHORT, LONG]))
def test_no_adversary_hides_a_pair(data: st.DataObject, layout: Layout) -> None:
    order = data.draw(st.permutations(range(len(layout.widths))))
    first = data.draw(st.integers(0, bits.HASH_BITS - 1))
    spoilt = data.draw(st.integers(0, len(order)))
    spare = [(first + step) % bits.HASH_BITS for step in range(bits.HASH_BITS)]

    turned = greedy(layout, order[:spoilt], spare)
    assert is_found(layout, turned)
    assert finds(layout, turned)


def finds(layout: Layout, turned: NDArray[np.int64]) -> bool:
    """Whether the look-up itself finds a hash that differs in these permuted bits."""
    differs = np.zeros((1, bits.HASH_BITS), np.uint8)
    differs[0, PERMUTATION[turned]] = 1
    listed = np.full((1, bits.HASH_BYTES), 0x5A, np.uint8)
    index = Buckets(listed, _tables(layout))
    index.layout = layout
    return len(index.pairs(listed ^ np.packbits(differs, axis=1), EXACT_BITS)[0]) == 1


@cache
def _tables(layout: Layout) -> Tables:
    return build(np.full((1, bits.HASH_BYTES), 0x5A, np.uint8), layout)


@settings(max_examples=300, deadline=None)
@given(places=st.sets(st.integers(0, bits.HASH_BITS - 1), max_size=EXACT_BITS))
@example(places=set(range(EXACT_BITS)))
def test_any_31_bits_leave_a_chunk_to_be_found_by(places: set[int]) -> None:
    for layout in (SHORT, LONG):
        turned = np.array(sorted(places), np.int64)
        assert is_found(layout, turned)
        assert finds(layout, turned)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_proof_holds_chunk_by_chunk(layout: Layout) -> None:
    """docs/explanation/index.md: whichever chunks are left to signatures, 31 bits are too few.

    Exhaustive over how many are left (b), at the adversary's best: the cheapest others spoilt, the
    bits to spare counted twice, and the fullest two chunks under each signature.
    """
    need = sorted(flips + 1 for flips in layout.exact_flips)
    for left in range(1, len(need) + 1):
        spoilt = sum(need[: len(need) - left])
        spare = EXACT_BITS - spoilt
        lacking = SIGNATURE_BITS + 1 - 2 * max(need)
        enough_in_all = left * (SIGNATURE_BITS + 1) <= 2 * EXACT_BITS
        assert not (spare >= lacking and 2 * spare >= left * lacking and enough_in_all)
