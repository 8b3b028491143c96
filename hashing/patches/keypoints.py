"""From a frame to patches: corners from all over it, and a 256-bit descriptor of each (ORB).

Rublee, Rabaud, Konolige, Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011, as
OpenCV has it. Corners are shared out over the frame: a caption's letters are the strongest corners
of a picture, and would else be all that is kept of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.patch_track import (
    CLOSE_SIDE_PX,
    LEVEL_RATIO,
    LEVELS,
    PLACE_BYTES,
    PLACE_UNITS,
    SIDE_PX,
    Look,
)

_FAST_BRIGHTNESS: Final = 7  # of 255; OpenCV's 20 leaves dark and soft footage with no corners
# So many times the wanted corners are found, to choose from. With 500 of 1,500 three frames of a
# copy have nine cells in 282 of 313 hard copies, with the 500 strongest in 277.
_FOUND: Final = 3
_CELL_PX: Final = 60  # 8 by 4 to 8 cells, each of which keeps its strongest corners first
_CELLS_A_SIDE: Final = CLOSE_SIDE_PX // _CELL_PX + 1
_MOST_CELLS: Final = _CELLS_A_SIDE**2
_APART_PX: Final = 4  # so near a patch that stays, a corner is the same one
_LEAST_PX: Final = 64  # a shorter side has no room for a patch of 31 px and its margin
_NUMBERS: Final = 6  # x, y, size, angle, strength, level

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Corners of a frame: float32 (n, 6), x and y in px, size, angle in degrees, strength, level.

    ``descriptors``: uint8 (n, 32), as they were when found; zeros before they are described.
    """

    numbers: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    @classmethod
    def none(cls) -> Self:
        """No corners."""
        return cls(np.zeros((0, _NUMBERS), np.float32), np.zeros((0, bits.HASH_BYTES), np.uint8))

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """These corners only."""
        return type(self)(self.numbers[rows], self.descriptors[rows])

    def joined(self, other: Self) -> Self:
        """These, and the others behind them."""
        return type(self)(
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.descriptors, other.descriptors]),
        )


def shrunk(luma: Pixels, width_ratio: float = 1.0, side_px: int = SIDE_PX) -> Pixels:
    """The frame with a longer side of ``side_px``; its width is stretched first by the ratio."""
    height, width = luma.shape[0], luma.shape[1] * width_ratio
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (luma.shape[1], luma.shape[0]):
        return np.ascontiguousarray(luma)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(luma, size, interpolation=way).astype(np.uint8, copy=False)


def size_of(small: Pixels) -> tuple[int, int]:
    """A shrunk frame's width and height in ``PLACE_UNITS`` of the longer side."""
    scale = PLACE_UNITS / max(small.shape)
    return round(small.shape[1] * scale), round(small.shape[0] * scale)


def found(small: Pixels, most: int, *, apart_from: Corners) -> Corners:
    """The strongest corners of each cell of the frame that none of the others is at; described."""
    if min(small.shape) < _LEAST_PX or most < 1:
        return Corners.none()
    corners = _orb(_FOUND * most).detect(small, None)
    places = np.array([one.pt for one in corners], np.float32).reshape(-1, 2)
    strengths = np.array([one.response for one in corners], np.float32)
    free = np.flatnonzero(~_is_taken(small, apart_from)[tuple(_squares(places))])
    best = _shared_out(places[free], strengths[free], most, apart_from.numbers[:, :2])
    chosen = _numbers([corners[row] for row in free[best]])
    blank = Corners(chosen, np.zeros((len(chosen), bits.HASH_BYTES), np.uint8))
    descriptors, is_there = described(small, blank, Look.AS_IS)
    return Corners(chosen[is_there], descriptors[is_there])


def _numbers(corners: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """The numbers of these corners, as ``Corners`` has them."""
    return np.array(
        [(*one.pt, one.size, one.angle, one.response, one.octave) for one in corners], np.float32
    ).reshape(-1, _NUMBERS)


def described(
    small: Pixels, corners: Corners, look: Look
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """What is at the corners' places in this frame, seen in this look.

    Descriptors, uint8 (n, 32), and which corners have one, bool (n,): those at a border do not.
    """
    seen, numbers = small, corners.numbers
    if look is Look.MIRRORED:
        seen, numbers = np.ascontiguousarray(small[:, ::-1]), mirrored(numbers, small.shape[1])
    elif look is Look.NEGATIVE:
        seen, numbers = 255 - small, numbers.copy()
        numbers[:, 3] = (numbers[:, 3] + 180) % 360
    asked = [
        cv2.KeyPoint(x, y, size, angle, strength, int(level), row)
        for row, (x, y, size, angle, strength, level) in enumerate(numbers.tolist())
    ]
    descriptors = np.zeros((len(asked), bits.HASH_BYTES), np.uint8)
    is_there = np.zeros(len(asked), np.bool_)
    kept, made = _orb(len(asked)).compute(seen, asked) if asked else ((), None)
    if made is not None:
        rows = [one.class_id for one in kept]
        descriptors[rows], is_there[rows] = made.astype(np.uint8, copy=False), True
    return descriptors, is_there


def mirrored(numbers: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The same corners in the frame's mirror image."""
    flipped = numbers.copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    flipped[:, 3] = (180 - flipped[:, 3]) % 360
    return flipped


def places(corners: Corners, small: Pixels, look: Look) -> NDArray[np.uint8]:
    """The corners' places in this look of the frame, as ``PatchTrack`` has them: uint8 (n, 4)."""
    numbers = corners.numbers
    if look is Look.MIRRORED:
        numbers = mirrored(numbers, small.shape[1])
    turned = (numbers[:, 3] + (180 if look is Look.NEGATIVE else 0)) * (256 / 360)
    made = np.zeros((len(numbers), PLACE_BYTES), np.uint8)
    made[:, :2] = np.rint(numbers[:, :2] * (PLACE_UNITS / max(small.shape)))
    made[:, 2] = np.rint(turned).astype(np.int64) & 255
    made[:, 3] = numbers[:, 5]
    return made


def _is_taken(small: Pixels, corners: Corners) -> NDArray[np.bool_]:
    """Squares of ``_APART_PX`` in which there is a corner, or next to one."""
    height, width = small.shape
    taken = np.zeros((height // _APART_PX + 3, width // _APART_PX + 3), np.bool_)
    rows, columns = _squares(corners.numbers[:, :2])
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            taken[rows + down, columns + right] = True
    return taken


def _squares(places: NDArray[np.floating]) -> NDArray[np.int64]:
    """The square that each corner is in, with a margin of one: int64 (2, n), row and column."""
    columns, rows = (places / _APART_PX).astype(np.int64).T + 1
    return np.stack([rows, columns])


def _shared_out(
    places: NDArray[np.floating],
    strengths: NDArray[np.float32],
    most: int,
    others: NDArray[np.float32],
) -> NDArray[np.int64]:
    """So many rows: each cell's strongest corner, then each cell's second, and so on.

    Cells that hold ``others`` already wait for their turn: room in a frame is for where the picture
    is new, and not for the weaker corners of what stays.
    """
    cells = _cells(places)
    order = np.lexsort((-strengths, cells))
    starts = np.flatnonzero(np.diff(cells[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    ranks += np.bincount(_cells(others), minlength=_MOST_CELLS)[cells]
    return np.sort(np.lexsort((-strengths, ranks))[:most])


def _cells(places: NDArray[np.floating]) -> NDArray[np.int64]:
    """The cell of ``_CELL_PX`` that each corner is in: int64 (n,)."""
    columns, rows = (places / _CELL_PX).astype(np.int64).T
    cells: NDArray[np.int64] = rows * _CELLS_A_SIDE + columns
    return cells


def _orb(corners: int) -> cv2.ORB:
    return cv2.ORB.create(
        nfeatures=corners,
        scaleFactor=LEVEL_RATIO,
        nlevels=LEVELS,
        fastThreshold=_FAST_BRIGHTNESS,
    )
