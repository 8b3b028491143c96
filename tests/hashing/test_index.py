"""The index: exactly the pairs that comparing everything with everything finds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits, segments
from hashing.errors import IncompatibleHash
from hashing.fingerprint import PDQ, PHASH, Algorithm
from hashing.index import Hits, Index
from tests.fingerprints import random_hashes
from tests.tracks import empty, footage, image, noisy, track, video

Pair = tuple[int, int, int, int]  # reference, clip row, reference row, distance in bits


def clustered(seed: int, count: int) -> NDArray[np.uint8]:
    """Hashes around four centres, so that some pairs are near and some are not."""
    centres = random_hashes(9, 4)
    picks = np.random.default_rng(seed).integers(0, 4, count)
    return noisy(centres[picks], seed, 0, 60)


def pairs(found: list[Hits]) -> set[Pair]:
    """The hits as plain numbers."""
    return {
        (hits.reference, int(clip_row), int(row), int(distance))
        for hits in found
        for clip_row, row, distance in zip(
            hits.clip_rows, hits.reference_rows, hits.distances, strict=True
        )
    }


def by_force(
    clip: NDArray[np.uint8], references: list[NDArray[np.uint8]], within_bits: int
) -> set[Pair]:
    """The same by comparing Python integers."""
    numbers = [int.from_bytes(row.tobytes()) for row in clip]
    found = set()
    for reference, hashes in enumerate(references):
        for row, data in enumerate(hashes):
            for clip_row, number in enumerate(numbers):
                distance = (number ^ int.from_bytes(data.tobytes())).bit_count()
                if distance <= within_bits:
                    found.add((reference, clip_row, row, distance))
    return found


def numbered(hashes: NDArray[np.uint8]) -> list[int]:
    return [40 * row for row in range(len(hashes))]


@settings(max_examples=30)
@given(
    st.integers(0, 2**32),
    st.integers(0, 12),
    st.lists(st.integers(0, 9), max_size=4),
    st.integers(0, 256),
)
def test_search_is_exact(seed: int, clip_frames: int, sizes: list[int], within_bits: int) -> None:
    references = [clustered(seed + 1 + place, size) for place, size in enumerate(sizes)]
    clip = clustered(seed, clip_frames)
    searched = Index(PHASH, [video(track(numbered(one), one)) for one in references])
    found = list(searched.search(track(numbered(clip), clip), within_bits))

    assert pairs(found) == by_force(clip, references, within_bits)
    assert len(searched) == sum(sizes)
    assert all(len(hits.distances) for hits in found), "a reference without hits is left out"


def test_search_is_exact_over_more_than_one_block() -> None:
    """A hit in the last row of each block of the clip and of the references is found."""
    frames = segments._REFERENCE_BLOCK + 300
    dense = random_hashes(1, frames)
    edges = [0, segments._REFERENCE_BLOCK - 1, segments._REFERENCE_BLOCK, frames - 1]
    clip = random_hashes(2, segments._CLIP_BLOCK + 1)
    clip_rows = [0, segments._CLIP_BLOCK - 1, segments._CLIP_BLOCK, 5]
    clip[clip_rows] = dense[edges]
    searched = Index(PHASH, [video(track(numbered(dense), dense))])

    assert pairs(list(searched.search(track(numbered(clip), clip), 40))) == {
        (0, clip_row, row, 0) for clip_row, row in zip(clip_rows, edges, strict=True)
    }


def test_a_large_list_gives_the_same_pairs_up_to_the_strict_threshold() -> None:
    dense = random_hashes(1, segments.FLAT_FRAMES + 1)
    clip = noisy(dense[[0, 7, 900, segments.FLAT_FRAMES] * 8], 3, 0, 60)
    large = Index(PHASH, [video(track(numbered(dense), dense))])
    within = bits.distance_matrix(clip, dense) <= 31
    expected = {(0, int(clip_row), int(row)) for clip_row, row in np.argwhere(within)}

    assert {
        one[:3] for one in pairs(list(large.search(track(numbered(clip), clip), 31)))
    } == expected
    assert 8 < len(expected) < 32


def test_rows_are_those_of_the_track_that_comes_with_them() -> None:
    """A reference with several tracks gives a ``Hits`` for each; empty ones are passed over."""
    first, second, third = footage(1, 400), footage(2, 400), footage(3, 400)
    searched = Index(
        PHASH,
        [video(empty()), video(first, empty(), replace(second, stream=1)), image(third)],
    )
    clip = track([0, 250, 500], np.concatenate([third.hashes[:1], second.hashes[7:9]]))
    found = list(searched.search(clip, 0))

    assert [(hits.reference, hits.track.stream) for hits in found] == [(1, 1), (2, 0)]
    for hits in found:
        assert not bits.distances(
            clip.hashes[hits.clip_rows], hits.track.hashes[hits.reference_rows]
        ).any()


@given(st.integers(0, 2**32), st.integers(0, 255))
def test_a_smaller_distance_finds_a_part_of_it(seed: int, within_bits: int) -> None:
    clip, reference = clustered(seed, 6), clustered(seed + 1, 6)
    searched = Index(PHASH, [video(track(numbered(reference), reference))])
    nearer, further = (
        pairs(list(searched.search(track(numbered(clip), clip), within)))
        for within in (within_bits, within_bits + 1)
    )

    assert nearer <= further


def test_an_empty_index_and_an_empty_clip_find_nothing() -> None:
    nothing, something = Index(PHASH, []), Index(PHASH, [video(footage(1, 400))])

    assert len(nothing) == 0
    assert list(nothing.search(footage(1, 400), 256)) == []
    assert list(something.search(empty(), 256)) == []


def test_only_the_tracks_of_its_algorithm_are_in_it() -> None:
    searched = Index(PDQ, [video(footage(1, 400), replace(footage(2, 200), algorithm=PDQ))])

    assert len(searched) == 5


OTHER_PHASH = Algorithm("phash256", (("hash_size", 16), ("plane_px", 32)))


@pytest.mark.parametrize(
    "other", [pytest.param(PDQ, id="other algorithm"), pytest.param(OTHER_PHASH, id="parameters")]
)
def test_hashes_made_differently_are_refused_not_missed(other: Algorithm) -> None:
    clip = replace(footage(1, 400), algorithm=other)

    with pytest.raises(IncompatibleHash, match="hash the media again"):
        list(Index(PHASH, [video(footage(1, 400))]).search(clip, 31))


def test_a_reference_hashed_with_other_parameters_is_refused() -> None:
    with pytest.raises(IncompatibleHash):
        Index(PHASH, [video(replace(footage(1, 400), algorithm=OTHER_PHASH))])
