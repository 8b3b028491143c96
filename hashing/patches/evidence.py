"""How likely patches lie alike by chance: from cells to evidence, as ``hashing.chance`` has it.

Between two frames of different footage some near patches always lie alike on some map. In how many
cells of the frame is measured; a frame with more than that by far becomes an e-value, and the
product of these along a time line is what decides. docs/explanation/patches.md has the table.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_CELLS: Final = 6  # fewer are no sighting: one wrong pair in a thousand has five
UNSEEN: Final = -1  # instead of a number of cells: the reference is not seen in the frame
HIT_CELLS: Final = 10  # with so many that are new a sighting is a hit

# How often patches of two frames of different footage agree in so many cells or more: in none of
# 860,000 pairs (`python -m benchmarks.patch_background`), so that this is the most by 95 % (3/N).
HIT_SHARE: Final = 3.5e-6
_TRIES_A_FRAME: Final = 3.0  # key frames around the expected time
_MISS: Final = math.exp(-1.0)  # as hashing.chance: copies lose frames as well
# An e-value: its mean over unrelated frames is at most (1 - _MISS) + _MISS.
HIT_NATS: Final = math.log((1.0 - _MISS) / (_TRIES_A_FRAME * HIT_SHARE))


def of_cells(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Evidence in nats of each frame by the cells in which new patches agree.

    -1 where the reference is not seen (``UNSEEN``). Where it is seen and hardly anything is new,
    none: a still picture says nothing again. One unrelated frame in nine thousand gets away
    so, which adds as little to the mean of an e-value.
    """
    nats = np.where(cells >= HIT_CELLS, HIT_NATS, 0.0)
    return np.where(cells == UNSEEN, math.log(_MISS), nats)
