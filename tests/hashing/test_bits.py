"""256-bit hashes: distances against counting by hand, the text form, what is refused."""

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing import bits

HASHES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=6).map(
    lambda rows: np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), 32)
)


def by_hand(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> int:
    """The distance by Python's own integers."""
    return (int.from_bytes(left.tobytes()) ^ int.from_bytes(right.tobytes())).bit_count()


@given(HASHES, HASHES)
def test_every_pair_has_its_hamming_distance(
    left: NDArray[np.uint8], right: NDArray[np.uint8]
) -> None:
    matrix = bits.distance_matrix(left, right)

    assert matrix.dtype == np.uint16
    assert matrix.tolist() == [[by_hand(one, other) for other in right] for one in left]


@given(HASHES)
def test_row_by_row_is_the_diagonal_and_one_row_meets_all(hashes: NDArray[np.uint8]) -> None:
    turned = hashes[::-1]
    matrix = bits.distance_matrix(hashes, turned)

    assert bits.distances(hashes, turned).tolist() == np.diagonal(matrix).tolist()
    assert bits.distances(hashes[:1], turned).tolist() == matrix[0].tolist()


@given(HASHES)
def test_distances_are_a_metric(hashes: NDArray[np.uint8]) -> None:
    matrix = bits.distance_matrix(hashes, hashes).astype(np.int64)

    assert not np.diagonal(matrix).any()
    assert (matrix == matrix.T).all()
    assert (matrix[:, :, None] <= matrix[:, None, :] + matrix.T[None, :, :]).all()


def test_the_furthest_two_hashes_do_not_overflow() -> None:
    black, white = np.zeros((1, 32), np.uint8), np.full((1, 32), 255, np.uint8)

    assert bits.distance_matrix(black, white).tolist() == [[256]]
    assert bits.distances(black, white).tolist() == [256]


def test_nothing_has_no_distances() -> None:
    nothing, one = np.zeros((0, 32), np.uint8), np.zeros((1, 32), np.uint8)

    assert bits.distance_matrix(nothing, one).shape == (0, 1)
    assert bits.distances(nothing, nothing).shape == (0,)


@pytest.mark.parametrize(
    "rows", [pytest.param(slice(None, None, 2), id="strided"), pytest.param([3, 1], id="picked")]
)
def test_rows_that_do_not_lie_together_in_memory(rows: slice | list[int]) -> None:
    hashes = np.random.default_rng(1).integers(0, 256, (6, 32), np.uint8)
    picked = hashes[rows]

    assert bits.distances(picked, picked).tolist() == [0] * len(picked)


@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 256)])
def test_packing_is_row_major_and_starts_with_the_highest_bit(shape: tuple[int, ...]) -> None:
    flags = np.zeros((3, 256), np.bool_)
    flags[0, 0] = flags[1, 255] = flags[2, 17] = True
    packed = bits.pack(flags.reshape(shape))

    assert [bits.to_hex(row) for row in packed] == [
        "80" + "00" * 31,
        "00" * 31 + "01",
        "000040" + "00" * 29,
    ]


@given(st.binary(min_size=32, max_size=32))
def test_the_text_form_is_imagehashs_and_comes_back(data: bytes) -> None:
    row = np.frombuffer(data, np.uint8)
    theirs = imagehash.ImageHash(np.unpackbits(row).reshape(16, 16).astype(np.bool_))

    assert bits.to_hex(row) == str(theirs)
    assert bits.from_hex(bits.to_hex(row)).tolist() == row.tolist()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("00" * 31, id="too short"),
        pytest.param("00" * 33, id="too long"),
        pytest.param("0" * 63, id="odd"),
        pytest.param("00" * 31 + "zz", id="no hex"),
        pytest.param("00 " * 32, id="with spaces"),
    ],
)
def test_other_text_is_no_hash(text: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        bits.from_hex(text)
