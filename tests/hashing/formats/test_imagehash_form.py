"""imagehash is the interchange form: same bits, same text."""

import subprocess
import sys

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import bits
from hashing.errors import BadFingerprint
from hashing.formats.imagehash_form import from_imagehash, to_imagehash
from tests.fingerprints import random_hashes

ROWS = st.binary(min_size=32, max_size=32).map(lambda data: np.frombuffer(data, np.uint8))


@given(ROWS)
def test_imagehashs_text_is_ours(row: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
    assert str(to_imagehash(row)) == bits.to_hex(row)
    assert to_imagehash(row) == imagehash.hex_to_hash(bits.to_hex(row))


@given(ROWS)
def test_a_hash_comes_back_from_imagehash(
    row: np.ndarray[tuple[int], np.dtype[np.uint8]],
) -> None:
    assert np.array_equal(from_imagehash(to_imagehash(row)), row)
    assert np.array_equal(from_imagehash(imagehash.hex_to_hash(bits.to_hex(row))), row)


def test_imagehashs_distance_is_ours() -> None:
    left, right = random_hashes(1, 2)

    assert to_imagehash(left) - to_imagehash(right) == bits.distances(left[None], right[None])[0]


def test_a_hash_of_another_size_is_refused() -> None:
    with pytest.raises(BadFingerprint, match="64 bits; make it with hash_size=16"):
        from_imagehash(imagehash.hex_to_hash("0f" * 8))


def test_importing_the_module_does_not_import_scipy() -> None:
    code = "import sys, hashing.formats.imagehash_form; sys.exit('scipy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
