"""Agreement: whether two sequences of pictures change together, as a copy and its source do.

In two takes of one still scene the frames are near as well, but what moves is different. There are
two ways to see that, which fail on different footage; agreement is their geometric mean.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits

_COMPARED: Final = 128  # pictures that are compared with one another, evenly spread


def of(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """How far two sequences of paired hashes, uint8 (n, 32) each, change together: 0 to 1.

    0 where there is nothing to compare.
    """
    if len(mine) < 2:
        return 0.0
    some = np.linspace(0, len(mine) - 1, min(len(mine), _COMPARED)).astype(np.intp)
    mine, theirs = mine[some], theirs[some]
    return float(np.sqrt(_common_flips(mine, theirs) * _own_time(mine, theirs)))


def _common_flips(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """Share of the bits that flip from frame to frame that flip on both sides, 0 to 1.

    The overlap to expect by chance is taken out. It is measured on the pair itself, between flips
    of different times, because in a still scene the same few bits flip all the time on both sides.
    """
    one = np.unpackbits(mine[1:] ^ mine[:-1], axis=1).astype(np.float64)
    other = np.unpackbits(theirs[1:] ^ theirs[:-1], axis=1).astype(np.float64)
    common = one @ other.T
    products = np.outer(one.sum(axis=1), other.sum(axis=1))
    together, apart = np.trace(common), common.sum() - np.trace(common)
    apart_products = products.sum() - np.trace(products)
    rate = max(1 / bits.HASH_BITS, apart / apart_products if apart_products else 0.0)
    by_chance = rate * np.trace(products)
    most = np.sqrt(np.diagonal(products)).sum()
    return float(np.clip((together - by_chance) / max(1.0, most - by_chance), 0.0, 1.0))


def _own_time(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """How much nearer frames are at their own time than at others', 0 to 1.

    In units of what the pictures change. A logo or a filter that moves the same bits all the time
    takes little away from it.
    """
    apart = ~np.eye(len(mine), dtype=np.bool_)
    across = bits.distance_matrix(mine, theirs).astype(np.float64)
    changes = [bits.distance_matrix(side, side)[apart].mean() for side in (mine, theirs)]
    nearer = across[apart].mean() - np.diagonal(across).mean()
    return float(np.clip(nearer / max(1.0, np.sqrt(changes[0] * changes[1])), 0.0, 1.0))
