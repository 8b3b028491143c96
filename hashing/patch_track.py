"""Patch hashes as values: descriptors of small patches of key frames, with coarse places.

What survives a crop, an overlay or a camera pointed at a screen is not the frame but the corners
and textures in it. A ``PatchTrack`` holds them for one clip or reference. It is kept apart from
the fingerprint: a fingerprint's digest, its documents and its exports never contain a patch.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing import bits, phash
from hashing.fingerprint import Algorithm

# Longer side of the frame that patches are taken from. Half of it is what a picture in picture of
# a quarter of the area leaves, and ORB's eight levels reach a factor of 3.6 down from there.
SIDE_PX: Final = 480
# Longer side of a clip's frame that is looked at closely: what a window of a third of the area or a
# screen across a room leaves of the copy is then as large as the reference is. Of eight copies
# filmed off a screen across a room, hard, six have three frames with eight cells at 720 px and
# 1,500 patches, and two at 480 px and 600; docs/explanation/patches.md has the table.
CLOSE_SIDE_PX: Final = 720
PLACE_UNITS: Final = 255  # a place is a byte a side: 1.9 px, well inside the fit's tolerance
PLACE_BYTES: Final = 4  # x, y, angle, level
PATCH_BYTES: Final = bits.HASH_BYTES + PLACE_BYTES + 2 * 2  # with its first and last key frame
MOST_KEY_FRAMES: Final = 1 << 16
LEVELS: Final = 8
_MOST_MS: Final = 2**31  # as hashing.formats.fields
LEVEL_RATIO: Final = 1.2

ORB: Final = Algorithm("orb256", (("levels", LEVELS), ("side_px", SIDE_PX)))
# A grid of tiles of the whole picture (``hashing.tiles``): x and y are a tile's column and row.
TILES_A_SIDE: Final = 4
TILES: Final = Algorithm(
    "phash256-tiles", (("plane_px", phash.PLANE_PX), ("tiles_a_side", TILES_A_SIDE))
)
PATCH_ALGORITHMS: Final = (ORB, TILES)


class Look(StrEnum):
    """How a clip's frame was looked at before its patches were taken.

    Descriptors stand a turn, a change of size and a little perspective, but no mirror, no
    inversion, and no squeeze to half the width, as side by side in a split screen. Closer is for
    copies that are small in the picture: a larger frame, and more patches of it.
    """

    AS_IS = "as is"
    MIRRORED = "mirrored"
    NEGATIVE = "negative"
    WIDENED = "widened"
    HEIGHTENED = "heightened"
    CLOSER = "closer"


@dataclass(frozen=True, eq=False)
class PatchTrack:
    """The patches of one video track's key frames, seen in one way.

    ``times_ms`` int64 (k,), rising: when each key frame is shown; ``sizes`` uint8 (k, 2): its
    width and height, the longer of them 255. For each patch: ``firsts`` and ``lasts`` uint16 (n,):
    the first and last of the neighbouring key frames that have it in one place; ``places`` uint8
    (n, 4): x and y in units of the longer side's 255th, angle in 256ths of a turn, level of the
    pyramid; ``descriptors`` uint8 (n, 32).
    """

    algorithm: Algorithm
    look: Look
    stream: int
    times_ms: NDArray[np.int64]
    sizes: NDArray[np.uint8]
    firsts: NDArray[np.uint16]
    lasts: NDArray[np.uint16]
    places: NDArray[np.uint8]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.firsts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PatchTrack):
            return NotImplemented
        same = (self.algorithm, self.look, self.stream) == (
            other.algorithm,
            other.look,
            other.stream,
        )
        pairs = zip(self.columns(), other.columns(), strict=True)
        return same and all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    def __hash__(self) -> int:
        return hash((self.algorithm, self.look, self.stream, self.descriptors.tobytes()))

    @property
    def key_frames(self) -> int:
        """How many frames the patches are of."""
        return len(self.times_ms)

    @property
    def size_bytes(self) -> int:
        """What the patches take, here and in the store."""
        return PATCH_BYTES * len(self) + 10 * self.key_frames

    @property
    def is_sound(self) -> bool:
        """Whether its columns fit together; for those who have them from elsewhere.

        Key frames lie in time order within 24 days, and have a size. Each patch has a key frame to
        begin with, one to end with that is not before it, and a level that there is.
        """
        times_ms = self.times_ms
        in_order = not self.key_frames or (
            times_ms[0] >= 0 and times_ms[-1] < _MOST_MS and bool(np.all(np.diff(times_ms) >= 0))
        )
        fits = bool(np.all(self.firsts <= self.lasts) and np.all(self.lasts < self.key_frames))
        levels = bool(np.all(self.places[:, 3] < LEVELS))
        return bool(in_order and fits and levels and np.all(self.sizes > 0))

    def columns(self) -> tuple[NDArray[np.generic], ...]:
        """Its arrays, in the order of the fields."""
        return (
            self.times_ms,
            self.sizes,
            self.firsts,
            self.lasts,
            self.places,
            self.descriptors,
        )

    def rows_of(self, key_frame: int) -> NDArray[np.intp]:
        """The rows of the patches that this key frame has."""
        return np.flatnonzero((self.firsts <= key_frame) & (self.lasts >= key_frame))

    def select(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The same key frames with these patches only."""
        return replace(
            self,
            firsts=self.firsts[rows],
            lasts=self.lasts[rows],
            places=self.places[rows],
            descriptors=self.descriptors[rows],
        )


def thinned(track: PatchTrack) -> PatchTrack:
    """The track with every other key frame, and the patches that those have."""
    firsts = (track.firsts.astype(np.int64) + 1) // 2
    lasts = track.lasts.astype(np.int64) // 2
    halved = replace(
        track,
        times_ms=track.times_ms[::2],
        sizes=track.sizes[::2],
        firsts=firsts.astype(np.uint16),
        lasts=lasts.astype(np.uint16),
    )
    return halved.select(firsts <= lasts)


def joined(track: PatchTrack, later: PatchTrack) -> PatchTrack:
    """Two stretches of one track as one."""
    return replace(
        track,
        times_ms=np.concatenate([track.times_ms, later.times_ms]),
        sizes=np.concatenate([track.sizes, later.sizes]),
        firsts=np.concatenate([track.firsts, later.firsts + np.uint16(track.key_frames)]),
        lasts=np.concatenate([track.lasts, later.lasts + np.uint16(track.key_frames)]),
        places=np.concatenate([track.places, later.places]),
        descriptors=np.concatenate([track.descriptors, later.descriptors]),
    )
