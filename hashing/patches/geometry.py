"""Geometry: whether the patches of two frames lie alike, and how one frame lies in the other.

Near patches alone are common: letters, window bars, leaves. In a copy they also keep their
arrangement, up to one affine map.
"""

from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import PLACE_UNITS, SIDE_PX, PatchTrack
from hashing.patches.index import NEAR_BITS

# The nearest patch has to be this much nearer than the second (Lowe 2004, section 7.1, has 0.8 for
# SIFT). What is found with 0.86 as well is 1 % more, what is found by accident twice as much.
_RATIO: Final = 0.82
_TOLERANCE_PX: Final = 5.0  # a place's rounding (1 px), perspective over a patch's neighbourhood
_CELL_PX: Final = 8  # corners so near each other are one: ORB finds one corner on several levels
_LEAST_PAIRS: Final = 4  # three make a map, so that fewer agree by construction
_MOST_STRETCH: Final = 2.2  # between the axes; a squeeze by two has a look of its own
_LARGEST, _SMALLEST = 4.0, 0.12  # of the clip's picture to the reference's: 1.4 % of the area
_RANSAC_STEPS: Final = 500  # finds one map among 20 % true pairs with 98 %
_LEAST_PLANE_PAIRS: Final = 12  # four make a map with perspective; as many again may be accidents
_CLOSE_UNITS: Final = 2.0  # 3.8 px: of it a place's rounding is 1, and perspective none
_PLANE_STEPS: Final = 500
_UNIT_PX: Final = SIDE_PX / PLACE_UNITS
CELL_UNITS: Final = _CELL_PX / _UNIT_PX
_MOST_MOVED_UNITS: Final = 64.0  # a fourth of the clip's longer side between two looked-at frames


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The patches of one frame: rows int64 (n,) of its track, places uint8 (n, 4), descriptors
    uint8 (n, 32)."""

    rows: NDArray[np.int64]
    places: NDArray[np.uint8]
    descriptors: NDArray[np.uint8]

    @classmethod
    def of(cls, track: PatchTrack, frame: int) -> Self:
        """The patches that a track has in this key frame."""
        rows = track.rows_of(frame)
        return cls(rows, track.places[rows], track.descriptors[rows])

    def __len__(self) -> int:
        return len(self.descriptors)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Picture":
        """These patches only."""
        return Picture(self.rows[rows], self.places[rows], self.descriptors[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How a reference's frame lies in a clip's.

    ``matrix`` float64 (2, 3) takes places of the reference to places of the clip, in their units.
    ``clip`` and ``reference`` are the patches that agree with it, row by row, and ``distances``
    int64 (n,) how many bits they differ by.
    """

    matrix: NDArray[np.float64]
    clip: Picture
    reference: Picture
    distances: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A frame of the clip in which the reference is seen, and the key frame that shows it.

    ``cells``: in how many cells of the frame patches agree, on the side that has fewer.
    """

    clip_frame: int
    key_frame: int
    fit: Fit
    cells: int


def fit(clip: Picture, reference: Picture) -> Fit | None:
    """The map on which most patches agree; None where there is none, or an implausible one."""
    if len(clip) < _LEAST_PAIRS or len(reference) < _LEAST_PAIRS:
        return None
    mine, theirs, distances = _pairs(clip.descriptors, reference.descriptors)
    if len(mine) < _LEAST_PAIRS:
        return None
    source = reference.places[theirs, :2].astype(np.float32)
    target = clip.places[mine, :2].astype(np.float32)
    matrix, inside = cv2.estimateAffine2D(
        source,
        target,
        method=cv2.RANSAC,
        ransacReprojThreshold=_TOLERANCE_PX / _UNIT_PX,
        maxIters=_RANSAC_STEPS,
        confidence=0.99,
    )
    if matrix is None:
        return None
    found = matrix.astype(np.float64)
    if not _is_plausible(found):
        return None
    kept = inside.ravel().astype(np.bool_)
    return Fit(
        found,
        clip.select(mine[kept]),
        reference.select(theirs[kept]),
        distances[kept],
    )


def perspective(fit: Fit) -> NDArray[np.float64] | None:
    """A map with perspective that these patches agree with, float64 (3, 3); None of folded ones.

    MAGSAC++ (Barath et al., CVPR 2020) as OpenCV has it: with eight numbers to find, which of the
    patches agree depends on the tolerance, and it weighs all of them.
    """
    if len(fit.clip) < _LEAST_PLANE_PAIRS:
        return None
    return plane(fit.reference.places[:, :2], fit.clip.places[:, :2], _CLOSE_UNITS)


def plane(
    reference: NDArray[np.generic], clip: NDArray[np.generic], within_units: float
) -> NDArray[np.float64] | None:
    """A map with perspective that takes places (n, 2) of the reference to those of the clip.

    float64 (3, 3), its last number 1; None of folded ones.
    """
    source = reference.astype(np.float32)
    matrix, _ = cv2.findHomography(
        source,
        clip.astype(np.float32),
        method=cv2.USAC_MAGSAC,
        ransacReprojThreshold=within_units,
        maxIters=_PLANE_STEPS,
        confidence=0.999,
    )
    if matrix is None or not _is_seen_from_before(matrix, source):
        return None
    found: NDArray[np.float64] = matrix.astype(np.float64)
    found /= found[2, 2]
    return found


def flat(fit: Fit) -> NDArray[np.float64]:
    """The fit's own map as one with perspective that has none: (3, 3)."""
    return np.vstack([fit.matrix, [0.0, 0.0, 1.0]])


def off_units(matrix: NDArray[np.float64], fit: Fit) -> float:
    """How far a map (3, 3) puts the fit's patches from where they are: the median."""
    return float(np.median(apart_units(matrix, fit.reference.places, fit.clip.places)))


def apart_units(
    matrix: NDArray[np.float64], reference: NDArray[np.generic], clip: NDArray[np.generic]
) -> NDArray[np.float64]:
    """How far a map (3, 3) puts places (n, 2 or more) of the reference from those of the clip."""
    places = reference[:, :2].astype(np.float64)
    moved = np.column_stack([places, np.ones(len(places))]) @ matrix.T
    off = moved[:, :2] / moved[:, 2:] - clip[:, :2].astype(np.float64)
    apart: NDArray[np.float64] = np.linalg.norm(off, axis=1)
    return apart


def _is_seen_from_before(matrix: NDArray[np.generic], places: NDArray[np.float32]) -> bool:
    """Whether the corners around these places stay around them, in their order, before the eye."""
    left, top = places.min(axis=0)
    right, bottom = places.max(axis=0)
    corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])
    placed = corners @ matrix.astype(np.float64).T
    if not (placed[:, 2] * np.sign(placed[0, 2]) > 0).all():
        return False
    flat = placed[:, :2] / placed[:, 2:]
    sides = np.roll(flat, -1, axis=0) - flat
    following = np.roll(sides, -1, axis=0)
    return bool((sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] > 0).all())


def cells(places: NDArray[np.uint8]) -> int:
    """In how many cells of ``_CELL_PX`` these places lie."""
    return len(distinct_cells(places))


def distinct_cells(places: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The cells in which these places lie, each once: int64 (n, 2), in ``CELL_UNITS``."""
    numbers = (places[:, :2].astype(np.int64) * SIDE_PX) // (PLACE_UNITS * _CELL_PX)
    known = np.unique(numbers[:, 1] * SIDE_PX + numbers[:, 0])
    return np.stack([known % SIDE_PX, known // SIDE_PX], axis=1)


def _pairs(
    clip: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both, and distances, of patches that are near and stand out."""
    # As a matcher's two nearest, without an object for each: a third less time.
    distances, rows = cv2.batchDistance(
        clip, reference, dtype=cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2
    )
    nearest, second = distances.astype(np.int64).T
    mine = np.flatnonzero((nearest < _RATIO * second) & (nearest <= NEAR_BITS))
    return mine, rows[mine, 0].astype(np.int64), nearest[mine]


def _is_plausible(matrix: NDArray[np.float64]) -> bool:
    """Whether a camera or an editor would do that: no mirror, no fold, no extreme of size."""
    linear = matrix[:, :2]
    if np.linalg.det(linear) <= 0:
        return False
    long, short = np.linalg.svd(linear, compute_uv=False)
    return bool(short >= _SMALLEST and long <= _LARGEST and long <= _MOST_STRETCH * short)


def agree(one: Fit, other: Fit) -> bool:
    """Whether two neighbouring frames show the reference in about the same place of the clip.

    A pan, a zoom or a shaking hand moves it from frame to frame; what is found by accident jumps.
    Compared where patches agree, for a map says little about places far from them.
    """
    return _moved(one, other) <= _MOST_MOVED_UNITS and _moved(other, one) <= _MOST_MOVED_UNITS


def _moved(one: Fit, other: Fit) -> float:
    """How far one's map puts the other's patches from where they are: the median, in units."""
    placed = mapped(one.matrix, other.reference.places[:, :2])
    apart = np.linalg.norm(placed - other.clip.places[:, :2], axis=1)
    return float(np.median(apart))


def mapped(matrix: NDArray[np.float64], places: NDArray[np.generic]) -> NDArray[np.float64]:
    """Where the map takes these places, any numbers (n, 2): float64 (n, 2)."""
    moved: NDArray[np.float64] = places.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved
