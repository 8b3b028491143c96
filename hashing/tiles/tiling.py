"""Tiles: a picture cut into a grid of squares, and a pHash of each.

Of a whole frame little is left once a half is cut off or a sticker lies over it; of its tiles those
are left that nothing hides. A track of them is a ``PatchTrack``: a tile is a patch that has its
place in the grid, and stays for as long as its picture does.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import bits, phash
from hashing.fingerprint import PHASH, SAME_PICTURE_BITS, Track, run_starts
from hashing.patch_track import PLACE_BYTES, PLACE_UNITS, TILES, TILES_A_SIDE, Look, PatchTrack
from hashing.patches.keypoints import Pixels
from hashing.ranges import Range
from hashing.views import View

COUNT: Final = TILES_A_SIDE**2
SIDE_PX: Final = TILES_A_SIDE * phash.PLANE_PX  # of the square that a picture is before it is cut
# Copies show moments between the reference's: docs/explanation/patches.md, "How often".
INTERVAL_MS: Final = 160
MOST_SQUARES: Final = 57_600  # four hours, 30 MB; then every other one goes
_BATCH: Final = 16  # pictures hashed together: 256 planes are 1 MB


def square(luma: Pixels) -> Pixels:
    """The picture as the square that is cut, whatever its shape: uint8 (SIDE_PX, SIDE_PX)."""
    picture = cv2.resize(luma, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return picture.astype(np.uint8, copy=False)


def hashes(squares: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of the tiles of these squares, uint8 (n, SIDE_PX, SIDE_PX), row by row:
    uint8 (n, COUNT, 32)."""
    side, px = TILES_A_SIDE, phash.PLANE_PX
    planes = squares.reshape(-1, side, px, side, px).swapaxes(2, 3).reshape(-1, px, px)
    return phash.hashes(phash.quick_coefficients(planes)).reshape(-1, COUNT, bits.HASH_BYTES)


class Tiler:
    """Takes the squares of one video track in order of time."""

    def __init__(self, stream: int, interval_ms: int = 0) -> None:
        """``interval_ms``: between squares, at least; doubled whenever there are too many."""
        self._stream = stream
        self._interval_ms = interval_ms
        self._due_ms = 0
        self._times_ms: list[int] = []
        self._hashed: list[NDArray[np.uint8]] = []
        self._waiting: list[Pixels] = []

    def is_due(self, time_ms: int) -> bool:
        """Whether a picture of this time is wanted; what lies between costs nothing."""
        return time_ms >= self._due_ms

    def add(self, picture: Pixels, time_ms: int) -> None:
        """Take one square."""
        self._due_ms = time_ms + self._interval_ms
        self._times_ms.append(time_ms)
        self._waiting.append(picture)
        if len(self._waiting) == _BATCH:
            self._hash()
        if len(self._times_ms) == MOST_SQUARES:
            self._hash()
            self._times_ms, self._hashed = self._times_ms[::2], self._hashed[::2]
            self._interval_ms *= 2

    def track(self) -> PatchTrack:
        """The tiles so far, each for as long as it stays one picture."""
        self._hash()
        times_ms = np.array(self._times_ms, np.int64)
        every = np.array(self._hashed, np.uint8).reshape(-1, COUNT, bits.HASH_BYTES)
        starts = [list(run_starts(every[:, tile], SAME_PICTURE_BITS)) for tile in range(COUNT)]
        firsts = np.concatenate(starts).astype(np.int64)
        tiles = np.repeat(np.arange(COUNT), list(map(len, starts)))
        lasts = np.concatenate([[*one[1:], len(times_ms)] for one in starts if one] or [[]]) - 1
        places = np.zeros((len(tiles), PLACE_BYTES), np.uint8)
        places[:, 1], places[:, 0] = np.divmod(tiles, TILES_A_SIDE)
        return PatchTrack(
            algorithm=TILES,
            look=Look.AS_IS,
            stream=self._stream,
            times_ms=times_ms,
            sizes=np.full((len(times_ms), 2), PLACE_UNITS, np.uint8),
            firsts=firsts.astype(np.uint16),
            lasts=lasts.astype(np.uint16),
            places=places,
            descriptors=every[firsts, tiles],
        )

    def _hash(self) -> None:
        if self._waiting:
            self._hashed += list(hashes(np.array(self._waiting)))
            self._waiting = []


def tile_tracks(track: PatchTrack, within: Range | None = None) -> list[Track]:
    """Each tile's pictures in order of time, as a track of whole frames has them.

    Each stands until the next. An empty track for a tile that is not there. ``within``: only what
    is shown in this time, in ms.
    """
    tiles = track.places[:, 1].astype(np.int64) * TILES_A_SIDE + track.places[:, 0]
    if within is not None:
        shown = track.times_ms[track.lasts] >= within[0]
        shown &= track.times_ms[track.firsts] <= within[1]
        tiles[~shown] = COUNT
    return [_of_tile(track, np.flatnonzero(tiles == tile)) for tile in range(COUNT)]


def _of_tile(track: PatchTrack, rows: NDArray[np.intp]) -> Track:
    # One a key frame, whoever made it.
    _, ordered = np.unique(track.firsts[rows], return_index=True)
    rows = rows[ordered]
    until = np.minimum(track.lasts[rows].astype(np.int64) + 1, track.key_frames - 1)
    times_ms = track.times_ms[track.firsts[rows]]
    return Track(
        algorithm=PHASH,
        view=View(),
        stream=track.stream,
        times_ms=times_ms,
        spans_ms=track.times_ms[until] - times_ms,
        qualities=np.full(len(rows), 100, np.uint8),
        hashes=track.descriptors[rows],
    )
