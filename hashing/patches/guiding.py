"""Guiding: two frames matched where a map that is known already puts their patches.

Over a whole frame a patch has to stand out from all others (``hashing.patches.geometry``). Where
texture repeats, where the copy is small, or filmed off a screen, few do. Once it is known where the
reference lies, a patch has to be like the few at its place only, and several times as many are.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.patch_track import LEVEL_RATIO
from hashing.patches import geometry
from hashing.patches.geometry import Fit, Picture
from hashing.patches.index import NEAR_BITS

# How far a patch may be from where the guide puts it: what a hand moves from one looked-at frame to
# the next. With 16 px as many copies are found, at a half more of the time.
_REACH_UNITS: Final = 10.0 / geometry.UNIT_PX
# A patch is turned and sized as the map says: an angle that is off by more gives other bits, and a
# corner is found on the next levels of the pyramid as well.
_MOST_TURNED: Final = 24  # of 256
_MOST_LEVELS: Final = 2.5
_RANSAC_STEPS: Final = 200  # finds one map among 30 % true pairs with 99 %


def fit(
    clip: Picture, reference: Picture, guide: NDArray[np.float64], closeness: float
) -> Fit | None:
    """The map near the guide on which most patches agree; None where there is none.

    ``guide``: as ``Fit.matrix``. ``closeness``: pixels of the clip's frame to those of the
    reference's, along the longer sides.
    """
    mine, theirs, _ = _pairs(clip, reference, guide, closeness, _REACH_UNITS)
    if len(mine) < geometry.LEAST_PAIRS:
        return None
    matrix, _ = cv2.estimateAffine2D(
        reference.places[theirs, :2].astype(np.float32),
        clip.places[mine, :2].astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=geometry.TOLERANCE_UNITS,
        maxIters=_RANSAC_STEPS,
        confidence=0.99,
    )
    if matrix is None or not geometry.is_plausible(matrix):
        return None
    moved = matrix.astype(np.float64)
    mine, theirs, distances = _pairs(clip, reference, moved, closeness, geometry.TOLERANCE_UNITS)
    if len(mine) < geometry.LEAST_PAIRS:
        return None
    source = np.column_stack([reference.places[theirs, :2], np.ones(len(theirs))])
    settled, *_ = np.linalg.lstsq(source, clip.places[mine, :2].astype(np.float64), rcond=None)
    if not geometry.is_plausible(settled.T):
        return None
    return Fit(settled.T, clip.select(mine), reference.select(theirs), distances)


def _pairs(
    clip: Picture,
    reference: Picture,
    matrix: NDArray[np.float64],
    closeness: float,
    reach_units: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both, and distances, of near patches within reach of their places on the map; each
    patch once, the nearest pairs first."""
    placed = geometry.mapped(matrix, reference.places[:, :2])
    rounded = np.rint(placed.clip(-255, 510)).astype(np.int16)  # what lies farther out is far
    near = np.abs(rounded[:, 0, None] - clip.places[:, 0]) <= reach_units
    near &= np.abs(rounded[:, 1, None] - clip.places[:, 1]) <= reach_units
    theirs, mine = np.nonzero(near)
    alike = _is_turned_alike(clip.places[mine], reference.places[theirs], matrix, closeness)
    mine, theirs = mine[alike], theirs[alike]
    flips = bits.distances(clip.descriptors[mine], reference.descriptors[theirs])
    order = np.argsort(flips, kind="stable")
    order = order[flips[order] <= NEAR_BITS]
    for rows in (theirs, mine):
        order = order[np.sort(np.unique(rows[order], return_index=True)[1])]
    return mine[order], theirs[order], flips[order]


def _is_turned_alike(
    clip: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    closeness: float,
) -> NDArray[np.bool_]:
    """Whether each of these places is turned and sized against the other as the map says."""
    linear = matrix[:, :2]
    turn = np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]) * 128 / np.pi
    levels = np.log(closeness * np.sqrt(np.linalg.det(linear))) / np.log(LEVEL_RATIO)
    turned = clip[:, 2].astype(np.float64) - reference[:, 2] - turn
    raised = clip[:, 3].astype(np.float64) - reference[:, 3] - levels
    alike: NDArray[np.bool_] = np.abs((turned + 128) % 256 - 128) <= _MOST_TURNED
    alike &= np.abs(raised) <= _MOST_LEVELS
    return alike
