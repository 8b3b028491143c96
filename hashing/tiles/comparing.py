"""Comparing tiles: whether a picture that patches have placed changes as a reference does.

Each tile that is whole in the clip's frame is aligned as a whole frame is. One tile is enough to
tell the time line; how much of what changes in the picture changes in both tells a copy with
something over it from other footage with the same thing over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance
from hashing.alignment import DISTINCT_BITS, FINE_SHIFTS_MS, Alignment, align
from hashing.fingerprint import PHASH, Track
from hashing.index import Hits
from hashing.patch_track import TILES_A_SIDE, PatchTrack
from hashing.patches.placing import Placing
from hashing.ranges import Range
from hashing.tiles.tiling import COUNT, tile_tracks
from hashing.verdict import DEFAULT_POLICY
from hashing.views import View

_LEAST_FRAMES: Final = 3  # as many as a match needs hits
_AGREES: Final = DEFAULT_POLICY.match_agreement
_SAME_LINE_MS: Final = 500  # three steps of the reference's tiles: lines of single tiles are rough
_AROUND_MS: Final = 140  # the nearest picture so far from the line counts, as of whole frames
_INSIDE: Final = 0.95  # of a tile is in the clip's frame: a fit is off by one in a hundred
# Whole in one row or column. Crops to two thirds of each side leave two, which may lie so.
_STRIP_TILES: Final = 3
_GRID: Final = 6  # points a side at which that is looked up


@dataclass(frozen=True, slots=True, eq=False)
class Tiled:
    """The strongest line of a tile, and what the others say.

    ``whole``: bool (COUNT,), tiles that are whole in the clip in any frame; ``agreeing``: those
    that change as the reference's do on about that line.
    ``common_change``: how much of all change is common to both, over the tiles that are whole in
    the clip: 1 where all bits flip together, 0 where none do. ``alike``: how many of those are near
    the reference's at that time, in shares of all tiles and frames.
    """

    alignment: Alignment
    whole: NDArray[np.bool_]
    agreeing: NDArray[np.bool_]
    common_change: float
    alike: float

    @property
    def is_a_stripe(self) -> bool:
        """Whether all tiles that agree lie in one row or one column, as a ticker does."""
        return min(_rows_and_columns(self.agreeing)) < 2

    @property
    def is_a_strip(self) -> bool:
        """Whether only a strip of the picture is there: nothing tells a picture from a ticker."""
        return min(_rows_and_columns(self.whole)) < 2 and int(self.whole.sum()) >= _STRIP_TILES

    @property
    def is_a_part(self) -> bool:
        """Whether only a part of the picture is there: one or two rows or columns are whole."""
        return min(_rows_and_columns(self.whole)) < TILES_A_SIDE - 1


@dataclass(frozen=True, slots=True, eq=False)
class ClipTiles:
    """A clip's tiles: ``times_ms`` int64 (k,), ``hashes`` uint8 (k, COUNT, 32), and which of them
    are whole in its frames, bool (k, COUNT)."""

    stream: int
    times_ms: NDArray[np.int64]
    hashes: NDArray[np.uint8]
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, track: PatchTrack, placing: Placing) -> "ClipTiles":
        """The tiles of pictures that were taken out of the clip along this placing."""
        tiles = tile_tracks(track)
        every = _all_at(tiles, track.times_ms)
        there = np.array([len(tile) > 0 for tile in tiles])
        maps = [placing.at(time_ms) for time_ms in track.times_ms.tolist()]
        whole = [np.zeros(COUNT, np.bool_) if one is None else _whole(one) for one in maps]
        seen = there & np.array(whole, np.bool_).reshape(-1, COUNT)
        return cls(track.stream, track.times_ms, every, seen)

    def among(self, kept: NDArray[np.bool_]) -> "ClipTiles":
        """These frames only, bool (k,)."""
        return ClipTiles(self.stream, self.times_ms[kept], self.hashes[kept], self.whole[kept])


def compare(
    clip: ClipTiles, reference: PatchTrack, view: View, within: Range | None = None
) -> Tiled | None:
    """What these tiles show of a reference; None where no tile has a line.

    ``view``: in which the clip was looked at; ``within``: what of the reference is compared, in ms.
    A reference of a list from elsewhere may lack tiles: then nothing is told by it.
    """
    tracks = tile_tracks(reference, within)
    if not all(map(len, tracks)):
        return None
    lines: dict[int, Alignment] = {}
    for tile, track in enumerate(tracks):
        shown = clip.whole[:, tile]
        if np.count_nonzero(shown) < _LEAST_FRAMES:
            continue
        mine = _clip_track(clip, tile, shown, view)
        for one in align(mine, _hits(mine, track))[:1]:
            lines[tile] = one
    if not lines:
        return None
    best = max(lines.values(), key=lambda one: one.evidence_nats)
    agreeing = np.zeros(COUNT, np.bool_)
    agreeing[[tile for tile, one in lines.items() if _agrees(one, best)]] = True
    whole: NDArray[np.bool_] = np.logical_or.reduce(clip.whole, axis=0)
    within_line = (clip.times_ms >= best.clip_start_ms) & (clip.times_ms <= best.clip_end_ms)
    along = clip.among(within_line)
    return Tiled(
        best, whole, agreeing, _common_change(along, tracks, best), _alike(along, tracks, best)
    )


def _rows_and_columns(tiles: NDArray[np.bool_]) -> tuple[int, int]:
    """In how many rows and in how many columns these tiles, bool (COUNT,), lie."""
    square = tiles.reshape(TILES_A_SIDE, TILES_A_SIDE)
    return int(square.any(axis=1).sum()), int(square.any(axis=0).sum())


def _agrees(one: Alignment, best: Alignment) -> bool:
    """Whether this line of a tile says the same as the best one."""
    middle_ms = np.array([(one.clip_start_ms + one.clip_end_ms) // 2])
    off_ms = float(np.abs(one.at(middle_ms) - best.at(middle_ms)).max())
    enough = one.distinct_hits >= _LEAST_FRAMES and one.agreement >= _AGREES
    return enough and off_ms <= _SAME_LINE_MS


def _clip_track(clip: ClipTiles, tile: int, shown: NDArray[np.bool_], view: View) -> Track:
    """One tile of the clip, where it is whole, as a track of whole frames."""
    count = np.count_nonzero(shown)
    return Track(
        algorithm=PHASH,
        view=view,
        stream=clip.stream,
        times_ms=clip.times_ms[shown],
        spans_ms=np.zeros(count, np.int64),
        qualities=np.full(count, 100, np.uint8),
        hashes=np.ascontiguousarray(clip.hashes[shown, tile]),
    )


def _hits(clip: Track, reference: Track) -> Hits:
    apart = bits.distance_matrix(clip.hashes, reference.hashes)
    clip_rows, rows = np.nonzero(apart <= chance.LOOSE_BITS)
    distances = apart[clip_rows, rows].astype(np.uint16)
    return Hits(0, reference, clip_rows.astype(np.int64), rows.astype(np.int64), distances)


def _common_change(shown: ClipTiles, tracks: Sequence[Track], line: Alignment) -> float:
    """See ``Tiled``. A tile that hardly changes, between two frames, says nothing."""
    both = shown.whole[1:] & shown.whole[:-1]
    if not both.any():
        return 0.0
    mine = _changes(shown.hashes)
    expected_ms = line.at(shown.times_ms)
    most = 0.0
    for shift_ms in FINE_SHIFTS_MS:
        theirs = _changes(_all_at(tracks, expected_ms + shift_ms))
        most = max(most, _correlation(mine, theirs, both))
    return most


def _alike(shown: ClipTiles, tracks: Sequence[Track], line: Alignment) -> float:
    """How many of the tiles that are whole are near the reference's along that line: 0 to 1."""
    if not shown.whole.any():
        return 0.0
    apart = np.full(shown.whole.shape, bits.HASH_BITS)
    expected_ms = line.at(shown.times_ms)
    for shift_ms in (-_AROUND_MS, 0, _AROUND_MS):
        theirs = _all_at(tracks, expected_ms + shift_ms)
        apart = np.minimum(apart, np.bitwise_count(shown.hashes ^ theirs).sum(axis=2))
    return float((apart[shown.whole] <= chance.LOOSE_BITS).mean())


def _correlation(
    mine: NDArray[np.int8], theirs: NDArray[np.int8], both: NDArray[np.bool_]
) -> float:
    """Of changes, int8 (n, COUNT, 256) each, where a tile is whole, bool (n, COUNT): -1 to 1."""
    sizes = [np.count_nonzero(one, axis=2) for one in (mine, theirs)]
    counted = [both & (size >= DISTINCT_BITS) for size in sizes]
    total = [int(size[kept].sum()) for size, kept in zip(sizes, counted, strict=True)]
    together = counted[0] & counted[1]
    if not together.any():
        return 0.0
    product = np.einsum("ij,ij->", mine[together], theirs[together], dtype=np.int64)
    return float(product / np.sqrt(float(total[0]) * total[1]))


def _changes(hashes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Which bits go up (1), go down (-1) or stay (0) frame by frame: int8 (n - 1, COUNT, 256)."""
    flat = np.unpackbits(hashes, axis=2).astype(np.int8)
    return flat[1:] - flat[:-1]


def _all_at(
    tracks: Sequence[Track], times_ms: NDArray[np.integer] | NDArray[np.floating]
) -> NDArray[np.uint8]:
    """What all tiles show at these times: uint8 (n, COUNT, 32)."""
    return np.stack([_at(track, times_ms) for track in tracks], axis=1)


def _at(track: Track, times_ms: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.uint8]:
    """What a tile shows at these times: uint8 (n, 32); nothing of one that is not there."""
    if not len(track):
        return np.zeros((len(times_ms), bits.HASH_BYTES), np.uint8)
    shown: NDArray[np.uint8] = track.hashes[np.maximum(track.rows_at(times_ms), 0)]
    return shown


def _whole(to_clip: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which tiles a map, float64 (3, 3), puts into the clip's frame: bool (COUNT,)."""
    side = TILES_A_SIDE * _GRID
    steps = (np.arange(side) + 0.5) / side
    across, down = np.meshgrid(steps, steps)
    placed = np.stack([across, down, np.ones_like(across)], axis=-1) @ to_clip.T
    before = placed[..., 2:]
    flat = placed[..., :2] / np.where(before > 0, before, np.nan)
    inside = ((flat >= 0) & (flat <= 1)).all(axis=2)
    of_tiles = inside.reshape(TILES_A_SIDE, _GRID, TILES_A_SIDE, _GRID).mean(axis=(1, 3))
    whole: NDArray[np.bool_] = of_tiles.ravel() >= _INSIDE
    return whole
