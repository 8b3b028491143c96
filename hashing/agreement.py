"""Agreement: whether two sequences of pictures change together, as a copy and its source do.

In two takes of one still scene the frames are near as well, but what moves is different. So not the
pictures are compared but their changes: which bits flip from one frame to the next, and which way.
A bit that flickers all the time flips up as often as down, and so adds nothing by chance.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_COMPARED: Final = 128  # changes that are compared with one another, evenly spread
# Of other takes and other parts of the development clips 99 % stand out by less than the first, and
# nearly all copies that no overlay hides by more than the second: docs/benchmarks.md, "Agreement".
_BY_CHANCE: Final = 2.0
_CERTAIN: Final = 4.0
# Few changes show their spread badly, so that of chance is added: 0.4 over their number, about what
# two or three changes of other takes are seen to have. Of 20 and more it does not count.
_SPREAD_OF_ONE: Final = 0.4


def of(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """How far two sequences of paired hashes, uint8 (n, 32) each, change together: 0 to 1.

    0 where there is nothing to compare.
    """
    stands_out = _standing_out(mine, theirs)
    return float(np.clip((stands_out - _BY_CHANCE) / (_CERTAIN - _BY_CHANCE), 0.0, 1.0))


def _standing_out(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """How clearly the changes correlate at their own time, against all other times.

    The correlation's root times the correlation in units of its spread over shifted times: a few
    changes have to be alike, and of many it is enough that they are alike again and again.
    """
    if len(mine) < 3:
        return 0.0
    some = np.linspace(0, len(mine) - 2, min(len(mine) - 1, _COMPARED)).astype(np.intp)
    one, other = _changes(mine, some), _changes(theirs, some)
    norm = float(np.sqrt((one * one).sum() * (other * other).sum()))
    if norm == 0.0:
        return 0.0
    products = one @ other.T / norm
    correlation = float(np.trace(products))
    rows = np.arange(len(some))
    shifted = products[rows[:, None], (rows[:, None] + rows[None, 1:]) % len(some)].sum(axis=0)
    spread = np.sqrt(np.mean(shifted * shifted) + (_SPREAD_OF_ONE / len(some)) ** 2)
    return float(np.sqrt(max(0.0, correlation)) * correlation / spread)


def _changes(hashes: NDArray[np.uint8], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Which bits go up (1), go down (-1) or stay (0) after each of these rows: (n, 256)."""
    after = np.unpackbits(hashes[rows + 1], axis=1).astype(np.float32)
    before = np.unpackbits(hashes[rows], axis=1).astype(np.float32)
    changes: NDArray[np.float32] = after - before
    return changes
