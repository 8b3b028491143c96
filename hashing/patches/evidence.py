"""How likely patches lie alike by chance: from cells to evidence, as ``hashing.chance`` has it.

Between two frames of different footage some near patches always lie alike on some map. In how many
cells of the frame is measured (``BACKGROUND``); a frame's count becomes an e-value, and the product
of these along a time line is what decides. docs/explanation/patches.md has the table's source.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_CELLS: Final = 6  # fewer are no hit: one wrong pair in a hundred has five
UNSEEN: Final = -1  # instead of a number of cells: the reference is not seen in the frame
# A hit that counts as distinct. Of two million wrong pairs none has so many.
DISTINCT_CELLS: Final = 8

# (cells, share of frame pairs of different footage in which patches agree in so many or more).
# Provisional.
BACKGROUND: Final = (
    (0, 1.0),
    (3, 5e-2),
    (5, 5e-3),
    (6, 1e-3),
    (8, 1e-4),
    (10, 1e-5),
)
_TRIES_A_FRAME: Final = 3.0  # key frames around the expected time
_MISS: Final = math.exp(-1.0)  # as hashing.chance: copies lose frames as well
_CALIBRATOR: Final = 0.3  # kappa of Vovk and Wang's p-to-e calibrator, as hashing.chance
_MOST_CELLS: Final = BACKGROUND[-1][0]


def _table() -> NDArray[np.float64]:
    """Log e-value of each number of new cells: 0 below ``LEAST_CELLS``, then the calibrator."""
    cells, share = np.array(BACKGROUND).T
    numbers = np.arange(_MOST_CELLS + 1)
    p_value = np.minimum(1.0, _TRIES_A_FRAME * np.exp(np.interp(numbers, cells, np.log(share))))
    p_least = p_value[LEAST_CELLS]
    hit = (1.0 - _MISS) * _CALIBRATOR * p_value ** (_CALIBRATOR - 1) / p_least**_CALIBRATOR
    return np.where(numbers >= LEAST_CELLS, np.log(hit), 0.0)


_EVIDENCE: Final = _table()


def of_cells(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Evidence in nats of each frame by the cells in which new patches agree.

    -1 where the reference is not seen (``UNSEEN``). Where it is seen and hardly anything is new,
    none: a still picture says nothing again. One unrelated frame in a thousand gets away so, which
    leaves the mean of an e-value below 1.
    """
    known = np.take(_EVIDENCE, np.clip(cells, 0, _MOST_CELLS))
    return np.where(cells == UNSEEN, math.log(_MISS), known)
