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
        self._is_known = np.zeros(len(track), np.bool_)
        self._is_fresh = np.zeros(len(track), np.bool_)

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of these patches is there for the first time: bool (n,)."""
        asked = np.unique(rows[~self._is_known[rows]])
        if len(asked):
            self._is_fresh[asked] = ~self._were_there(asked)
            self._is_known[asked] = True
        fresh: NDArray[np.bool_] = self._is_fresh[rows]
        return fresh

    def _were_there(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a patch like each of these was near its place before: bool (n,)."""
        middles = self._cells(self._places[rows])
        # Three runs of three cells each: those of one line of cells follow on one another.
        lines = np.concatenate([middles - _CELLS, middles, middles + _CELLS])
        starts = self._starts[lines - 1]
        sizes = self._starts[lines + 2] - starts
        asking = np.repeat(np.tile(np.arange(len(rows)), 3), sizes)
        within = np.arange(len(asking)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        others = self._order[np.repeat(starts, sizes) + within]
        track = self._track
        before = track.firsts[others] < track.firsts[rows[asking]]
        asking, others = asking[before], others[before]
        apart = np.abs(self._places[others] - self._places[rows[asking]]).max(axis=1, initial=0)
        asking, others = asking[apart <= _NEAR_UNITS], others[apart <= _NEAR_UNITS]
        flips = bits.distances(track.descriptors[others], track.descriptors[rows[asking]])
        were_there = np.zeros(len(rows), np.bool_)
        were_there[asking[flips <= _NEAR_BITS]] = True
        return were_there

    @staticmethod
    def _cells(places: NDArray[np.int64]) -> NDArray[np.int64]:
        columns, rows = (places // _CELL_UNITS + 1).T
        cells: NDArray[np.int64] = rows * _CELLS + columns
        return cells
