"""256-bit hashes as packed arrays: distances, text form.

Everywhere in recirc ``hashes`` is a C-contiguous uint8 array of shape (frames, 32): row-major bits,
most significant bit first, so that ``row.tobytes().hex()`` is imagehash's and PDQ's text form.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HASH_BITS: Final = 256
HASH_BYTES: Final = HASH_BITS // 8


def pack(bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Packed hashes, uint8 (n, 32), of boolean ``bits`` of shape (n, 16, 16) or (n, 256)."""
    return np.packbits(bits.reshape(len(bits), HASH_BITS), axis=1)


def words(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The same bits as uint64, (n, 4): what the distance loops work on."""
    return np.ascontiguousarray(hashes).view(np.uint64).reshape(len(hashes), HASH_BYTES // 8)


def distances(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Hamming distances in bits, row by row: int64 (n,), of two uint8 (n, 32) arrays.

    Either side may have one row, which is then compared with every row of the other.
    """
    counts: NDArray[np.uint8] = np.bitwise_count(words(left) ^ words(right))
    total: NDArray[np.int64] = counts.sum(axis=1, dtype=np.int64)
    return total


def distance_matrix(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """All Hamming distances in bits: uint16 (len(left), len(right)).

    Takes 10 bytes of memory a pair while it works; callers bound the sizes they pass.
    """
    left_words, right_words = words(left), words(right)
    total = np.zeros((len(left), len(right)), np.uint16)
    for column in range(HASH_BYTES // 8):
        total += np.bitwise_count(left_words[:, column, None] ^ right_words[None, :, column])
    return total


def from_hex(text: str) -> NDArray[np.uint8]:
    """One hash, uint8 (32,), of 64 hex digits. Raises ValueError for anything else."""
    data = bytes.fromhex(text)
    if len(data) != HASH_BYTES or len(text) != 2 * HASH_BYTES:
        raise ValueError(f"a 256-bit hash has {2 * HASH_BYTES} hex digits, this has {len(text)}")
    return np.frombuffer(data, np.uint8)


def to_hex(row: NDArray[np.uint8]) -> str:
    """64 hex digits of one hash, uint8 (32,)."""
    return row.tobytes().hex()
