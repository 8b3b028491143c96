"""The second half of an extraction: sampled frames in, hashed tracks out, in bounded batches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hashing import bits, pdq, phash
from hashing.clock import Sampler
from hashing.fingerprint import PDQ, PHASH, Algorithm, Track
from hashing.media import LumaFrame
from hashing.rectangle import Rectangle
from hashing.views import Region, View

PHASH_QUALITY_FLOOR: Final = 20  # PDQ score; docs/benchmarks.md "Quality floor": below is noise
_FLOORS: Final = {PHASH: PHASH_QUALITY_FLOOR, PDQ: pdq.QUALITY_FLOOR}
_HALVED_PX: Final = 4 * phash.PLANE_PX  # so that at least two pixels a side make each of the plane
_BATCH: Final = 64  # planes hashed at once: 2 MB of coefficients, and no gain from more
# PDQ's filter weights are a square matrix a side of the frame. At this length its box windows are
# 16 px, so an area average down to it changes nothing that survives them.
_PDQ_SIDE_PX: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How densely a clip is looked at, and in which views.

    ``phash_interval_ms`` and ``pdq_interval_ms``: at most one frame of each track in each; None for
    no PDQ at all, a twentieth of a check's cost, where no list has anything to compare it with.
    ``dense_ms``: twice as many pHash frames in so much from the start, for short clips have little
    to go by. ``economical``: leave out the loop filter and the frames that no other refers to.
    ``mirrored``: hash the mirrored views too; ``surround``: look for the picture inside a still or
    blurred surround; ``crops_percent``: also views that suppose the clip was cropped by so much a
    side. ``merge``: near-identical neighbours become one hash with a span. ``patches``: take patch
    hashes as a reference needs them; ``held_frames``: hold at most so many small frames of each
    video track, from which a clip's patches are taken if asked for.
    """

    phash_interval_ms: int
    pdq_interval_ms: int | None
    economical: bool
    mirrored: bool
    merge: bool
    dense_ms: int = 0
    surround: bool = False
    crops_percent: tuple[int, ...] = ()
    patches: bool = False
    held_frames: int = 0


class Hasher:
    """Hashes the sampled frames of all video tracks of one clip."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._streams: dict[int, _Stream] = {}

    def add(self, frame: LumaFrame, regions: Mapping[Region, Rectangle]) -> None:
        """Take one sampled frame, as it is and cut to each of these regions."""
        stream = self._streams.get(frame.stream)
        if stream is None:
            stream = self._streams[frame.stream] = _Stream(frame.stream, self._sampling)
        stream.add(frame, regions)

    def counts(self) -> tuple[int, int]:
        """Frames that were looked at, and those of them too flat to hash in any view.

        Complete only after ``tracks``.
        """
        streams = self._streams.values()
        return sum(len(each.times_ms[PHASH]) for each in streams), sum(
            each.flat_frames() for each in streams
        )

    def tracks(self, end_ms: int) -> tuple[Track, ...]:
        """The hashed tracks, in a fixed order; ``end_ms`` is when the clip ends."""
        return tuple(
            track
            for number in sorted(self._streams)
            for track in self._streams[number].tracks(end_ms)
        )


class _Stream:
    """One video track: when it was sampled, and a lane for each algorithm and view."""

    def __init__(self, number: int, sampling: Sampling) -> None:
        self._number = number
        self._sampling = sampling
        self._intervals_ms = {PHASH: sampling.phash_interval_ms}
        self._pdq_sampler: Sampler | None = None
        if sampling.pdq_interval_ms is not None:
            self._intervals_ms[PDQ] = sampling.pdq_interval_ms
            closest_ms = sampling.phash_interval_ms // (2 if sampling.dense_ms else 1)
            ratio = -(-sampling.pdq_interval_ms // closest_ms)
            self._pdq_sampler = Sampler(sampling.pdq_interval_ms, ratio)
        self.times_ms: dict[Algorithm, list[int]] = {PHASH: [], PDQ: []}
        self._lanes: dict[tuple[Algorithm, Region], _Lane] = {}

    def add(self, frame: LumaFrame, regions: Mapping[Region, Rectangle]) -> None:
        pdq_is_due = self._pdq_sampler is not None and self._pdq_sampler.due(frame.time_ms)
        algorithms = (PHASH, PDQ) if pdq_is_due else (PHASH,)
        for algorithm in algorithms:
            number = len(self.times_ms[algorithm])
            self.times_ms[algorithm].append(frame.time_ms)
            self._lane(algorithm, Region.WHOLE).add(number, frame.luma, frame.full_range)
            for region, rectangle in regions.items():
                inside = rectangle.cut(frame.luma)
                self._lane(algorithm, region).add(number, inside, frame.full_range)

    def flat_frames(self) -> int:
        lanes = [lane for (algorithm, _), lane in self._lanes.items() if algorithm == PHASH]
        usable = np.unique(np.concatenate([lane.numbers() for lane in lanes]))
        return len(self.times_ms[PHASH]) - len(usable)

    def tracks(self, end_ms: int) -> list[Track]:
        found = [
            self._track(algorithm, end_ms, region, way)
            for algorithm in (PHASH, PDQ)
            for region in Region
            if (algorithm, region) in self._lanes
            for way in _ways(algorithm, self._sampling)
        ]
        return [track for track in found if len(track)]

    def _track(self, algorithm: Algorithm, end_ms: int, region: Region, way: "_Way") -> Track:
        lane = self._lanes[algorithm, region]
        numbers = lane.numbers()
        times_ms = np.array(self.times_ms[algorithm], np.int64)
        longest_ms = 2 * self._intervals_ms[algorithm]
        spans_ms = np.diff(times_ms, append=max(end_ms, int(times_ms[-1]))).clip(0, longest_ms)
        track = Track(
            algorithm,
            View(region, mirrored=way.mirrored, cropped_percent=way.cropped_percent),
            self._number,
            times_ms[numbers],
            spans_ms[numbers],
            lane.qualities(),
            lane.hashes(way),
        )
        return track.merged() if self._sampling.merge else track

    def _lane(self, algorithm: Algorithm, region: Region) -> "_Lane":
        if (algorithm, region) not in self._lanes:
            self._lanes[algorithm, region] = _Lane(algorithm, _ways(algorithm, self._sampling))
        return self._lanes[algorithm, region]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a region's plane is hashed: as it is, mirrored, or set into a wider frame."""

    mirrored: bool = False
    cropped_percent: int = 0


def _ways(algorithm: Algorithm, sampling: Sampling) -> tuple[_Way, ...]:
    mirrored = (_Way(mirrored=True),) if sampling.mirrored else ()
    crops = sampling.crops_percent if algorithm == PHASH else ()
    return (_Way(), *mirrored, *(_Way(cropped_percent=one) for one in crops))


class _Lane:
    """One algorithm's and one region's way from planes to hashes. Flat frames are left out."""

    def __init__(self, algorithm: Algorithm, ways: tuple[_Way, ...]) -> None:
        self._algorithm = algorithm
        self._ways = ways
        self._waiting: list[_Plane] = []
        self._batches: list[_Batch] = []

    def add(self, number: int, luma: NDArray[np.uint8], full_range: bool) -> None:
        """Shrink the frame with this number among the sampled ones, and keep only that."""
        plane = _phash_plane(luma) if self._algorithm == PHASH else _pdq_plane(luma)
        self._waiting.append(_Plane(number, plane, full_range))
        if len(self._waiting) >= _BATCH:
            self._hash()

    def numbers(self) -> NDArray[np.int64]:
        """Which of the stream's sampled frames have a hash: int64 (n,)."""
        return np.concatenate([np.zeros(0, np.int64), *(each.numbers for each in self._hashed())])

    def qualities(self) -> NDArray[np.uint8]:
        """Their qualities: uint8 (n,)."""
        return np.concatenate([np.zeros(0, np.uint8), *(each.qualities for each in self._hashed())])

    def hashes(self, way: _Way) -> NDArray[np.uint8]:
        """Their hashes, seen this way: uint8 (n, 32)."""
        parts = (each.hashes[way] for each in self._hashed())
        return np.concatenate([np.zeros((0, bits.HASH_BYTES), np.uint8), *parts])

    def _hashed(self) -> "list[_Batch]":
        if self._waiting:
            self._hash()
        return self._batches

    def _hash(self) -> None:
        numbers = np.array([each.number for each in self._waiting], np.int64)
        limited = np.array([not each.full_range for each in self._waiting])
        planes = np.stack([each.plane for each in self._waiting])
        self._waiting.clear()
        full = widened(planes.astype(np.float32), limited)
        qualities = pdq.qualities(full)
        kept = qualities >= _FLOORS[self._algorithm]
        if self._algorithm == PHASH:
            # A pHash is the same for either range; unwidened, nothing has to be rounded again.
            hashes = _phashes(planes[kept].astype(np.uint8, copy=False), self._ways)
        else:
            dct = pdq.coefficients(full[kept])
            hashes = {
                way: pdq.hashes(pdq.mirrored(dct) if way.mirrored else dct) for way in self._ways
            }
        self._batches.append(_Batch(numbers[kept], qualities[kept], hashes))


def _phashes(planes: NDArray[np.uint8], ways: tuple[_Way, ...]) -> dict[_Way, NDArray[np.uint8]]:
    dct = phash.coefficients(planes)
    hashes = {}
    for way in ways:
        if way.cropped_percent:
            wider = phash.uncropped_coefficients(planes, way.cropped_percent)
            hashes[way] = phash.hashes(wider)
        else:
            hashes[way] = phash.hashes(phash.mirrored(dct) if way.mirrored else dct)
    return hashes


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """A sampled frame's number, its plane (uint8 or float32, 64 by 64) and its range."""

    number: int
    plane: NDArray[np.uint8] | NDArray[np.float32]
    full_range: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Hashed frames: int64 (n,), uint8 (n,), and for each way uint8 (n, 32)."""

    numbers: NDArray[np.int64]
    qualities: NDArray[np.uint8]
    hashes: dict[_Way, NDArray[np.uint8]]


def widened(
    planes: NDArray[np.uint8] | NDArray[np.float32], limited: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Brightness from 0 to 255, float32 (n, 64, 64); ``limited``, bool (n,), says which are not."""
    offset = np.where(limited, np.float32(16), np.float32(0))[:, None, None]
    gain = np.where(limited, np.float32(255 / 219), np.float32(1))[:, None, None]
    full: NDArray[np.float32] = (planes.astype(np.float32) - offset) * gain
    return full


def _phash_plane(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The area average by way of exact halves, for which OpenCV has a path 40 times as fast.

    A frame of 854 by 480 takes 0.20 ms so, and 0.78 ms in one step. An odd last line is left out.
    """
    while min(luma.shape) >= _HALVED_PX:
        height, width = luma.shape[0] // 2, luma.shape[1] // 2
        even = luma[: 2 * height, : 2 * width]
        halved = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
        luma = halved.astype(np.uint8, copy=False)
    return phash.shrink(luma)


def _pdq_plane(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = luma.shape
    if max(height, width) > _PDQ_SIDE_PX:
        size = min(width, _PDQ_SIDE_PX), min(height, _PDQ_SIDE_PX)
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return pdq.shrink(luma)
