"""Freshness: whether a patch is in its place for the first time.

A track begins a patch anew where it was hidden for a while: behind a passer-by, say. What comes
back is no news: a room behind people is the same in every take.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.patch_track import PatchTrack

_CELL_UNITS: Final = (
    8  # twice as far as is looked, so that a cell and its neighbours hold all that is near
)
_CELLS: Final = 256 // _CELL_UNITS + 2  # a side, with a margin of one
_NEAR_UNITS: Final = 4  # 8 px: what comes back is found by another corner of it
_NEAR_BITS: Final = 64  # as near as patches are that agree


class Freshness:
    """Knows which of a track's patches were in their places before."""

    def __init__(self, track: PatchTrack) -> None:
        self._track = track
        self._places = track.places[:, :2].astype(np.int64)
        cells = self._cells(self._places)
        self._order = np.argsort(cells, kind="stable")
        self._starts = np.searchsorted(cells[self._order], np.arange(_CELLS * _CELLS + 1))
        self._known: dict[int, bool] = {}

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of these patches is there for the first time: bool (n,)."""
        return np.array([self._is_fresh(row) for row in rows.tolist()], np.bool_)

    def _is_fresh(self, row: int) -> bool:
        if row not in self._known:
            self._known[row] = not self._was_there(row)
        return self._known[row]

    def _was_there(self, row: int) -> bool:
        track, place = self._track, self._places[row]
        cell = int(self._cells(place[None])[0])
        # Three runs of three cells each: those of one line of cells follow on one another.
        runs = [
            self._order[self._starts[middle - 1] : self._starts[middle + 2]]
            for middle in (cell - _CELLS, cell, cell + _CELLS)
        ]
        others = np.concatenate(runs)
        others = others[track.firsts[others] < track.firsts[row]]
        apart = np.abs(self._places[others] - place).max(axis=1)
        others = others[apart <= _NEAR_UNITS]
        if not len(others):
            return False
        flips = bits.distances(track.descriptors[row : row + 1], track.descriptors[others])
        return bool((flips <= _NEAR_BITS).any())

    @staticmethod
    def _cells(places: NDArray[np.int64]) -> NDArray[np.int64]:
        columns, rows = (places // _CELL_UNITS + 1).T
        cells: NDArray[np.int64] = rows * _CELLS + columns
        return cells
