"""Frame hashes as imagehash's type, the interchange form of other Python tools."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.errors import BadFingerprint

if TYPE_CHECKING:
    from imagehash import ImageHash

_SIDE: Final = 16


def to_imagehash(row: NDArray[np.uint8]) -> "ImageHash":
    """imagehash's value of one hash, uint8 (32,); its ``str`` is ``bits.to_hex(row)``."""
    from imagehash import ImageHash  # noqa: PLC0415  # pulls scipy: a quarter of a second

    return ImageHash(np.unpackbits(row).astype(np.bool_).reshape(_SIDE, _SIDE))


def from_imagehash(value: "ImageHash") -> NDArray[np.uint8]:
    """The hash, uint8 (32,), of imagehash's value. Raises BadFingerprint unless it has 256 bits."""
    flat = np.asarray(value.hash, np.bool_).reshape(-1)
    if flat.size != bits.HASH_BITS:
        raise BadFingerprint(
            f"an imagehash of {flat.size} bits; make it with hash_size={_SIDE} ({bits.HASH_BITS})"
        )
    return np.packbits(flat)
