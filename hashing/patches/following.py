"""Following: the patches of one video track, frame by frame, each kept for as long as it stays.

A patch stays while its place goes on looking as it did. That is looked up at the place, and not
among the corners found anew: which corners are found flickers even in a still scene. So what a
track calls new is new in the picture, and a still backdrop takes the bytes of one frame of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.patch_track import ORB, PLACE_BYTES, Look, PatchTrack
from hashing.patches import keypoints
from hashing.patches.keypoints import Corners, Pixels

# What a still patch's place is off by, from noise and from a head or a hand that holds still: a
# shift by 2 px is 30 to 50 bits at the lowest level of the pyramid. Unrelated places are 128 apart.
STILL_BITS: Final = 48


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The patches that are new in one frame, in each look: places and descriptors."""

    frame: int
    places: dict[Look, NDArray[np.uint8]]
    descriptors: dict[Look, NDArray[np.uint8]]


class Follower:
    """Takes frames in order of time, and keeps their patches in some looks that share corners."""

    def __init__(self, stream: int, most_a_frame: int, looks: Sequence[Look]) -> None:
        self._stream = stream
        self._most_a_frame = most_a_frame
        self._looks = tuple(looks)
        self._times_ms: list[int] = []
        self._sizes: list[tuple[int, int]] = []
        self._parts: list[_Part] = []
        self._lasts = np.zeros(0, np.uint16)  # of all patches so far, and longer
        self._count = 0
        self._shown = Corners.none()
        self._rows = np.zeros(0, np.int64)  # of the patches in ``_shown``

    @property
    def looks(self) -> tuple[Look, ...]:
        """The looks that it keeps patches in."""
        return self._looks

    def __len__(self) -> int:
        """Patches so far, in each look."""
        return self._count

    def add(self, small: Pixels, time_ms: int) -> None:
        """Take one frame, as ``keypoints.shrunk`` gives it."""
        number, size = len(self._times_ms), keypoints.size_of(small)
        if self._sizes and self._sizes[-1] != size:
            self._shown, self._rows = Corners.none(), self._rows[:0]
        stay = self._still(small)
        self._shown, self._rows = self._shown.select(stay), self._rows[stay]
        self._lasts[self._rows] = number
        room = self._most_a_frame - len(self._rows)
        new = keypoints.found(small, room, apart_from=self._shown)
        self._times_ms.append(time_ms)
        self._sizes.append(size)
        self._append(number, small, new)

    def track(self, look: Look) -> PatchTrack:
        """All patches so far in one of the looks."""
        no_places = np.zeros((0, PLACE_BYTES), np.uint8)
        none = np.zeros((0, bits.HASH_BYTES), np.uint8)
        counts = [len(part.places[look]) for part in self._parts]
        frames = np.array([part.frame for part in self._parts], np.uint16)
        return PatchTrack(
            algorithm=ORB,
            look=look,
            stream=self._stream,
            times_ms=np.array(self._times_ms, np.int64),
            sizes=np.array(self._sizes, np.uint8).reshape(-1, 2),
            firsts=np.repeat(frames, counts),
            lasts=self._lasts[: self._count].copy(),
            places=np.concatenate([no_places, *(part.places[look] for part in self._parts)]),
            descriptors=np.concatenate([none, *(part.descriptors[look] for part in self._parts)]),
        )

    def _still(self, small: Pixels) -> NDArray[np.bool_]:
        """Which of the last frame's patches are in their places in this one."""
        if not len(self._shown):
            return np.zeros(0, np.bool_)
        now, is_there = keypoints.described(small, self._shown, Look.AS_IS)
        flips = bits.distances(now, self._shown.descriptors)
        still: NDArray[np.bool_] = is_there & (flips <= STILL_BITS)
        return still

    def _append(self, number: int, small: Pixels, new: Corners) -> None:
        if not len(new):
            return
        descriptors = {
            look: new.descriptors
            if look not in (Look.MIRRORED, Look.NEGATIVE)
            else keypoints.described(small, new, look)[0]
            for look in self._looks
        }
        places = {look: keypoints.places(new, small, look) for look in self._looks}
        rows = np.arange(self._count, self._count + len(new))
        self._count += len(new)
        if self._count > len(self._lasts):
            more = np.zeros(self._count, np.uint16)
            self._lasts = np.concatenate([self._lasts, more])
        self._lasts[rows] = number
        self._parts.append(_Part(number, places, descriptors))
        self._shown = self._shown.joined(new)
        self._rows = np.concatenate([self._rows, rows])
