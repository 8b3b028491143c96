"""Synthetic footage: hash sequences that move like real ones, and copies of them.

A reference is a random walk: 25 bits flip from one frame to the next at 40 ms, as in hand-held
footage. A copy samples it sparsely on another clock, with noise as from re-encoding.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hashing.fingerprint import PHASH, Algorithm, Fingerprint, Kind, Track
from hashing.views import View
from tests.fingerprints import random_hashes, walk

DENSE_MS = 40
SPARSE_MS = 250


def track(
    times_ms: Sequence[int] | NDArray[np.int64],
    hashes: NDArray[np.uint8],
    *,
    algorithm: Algorithm = PHASH,
    view: View = View.AS_IS,
    spans_ms: NDArray[np.int64] | None = None,
) -> Track:
    """A track of these frames: ``hashes`` uint8 (n, 32)."""
    count = len(hashes)
    return Track(
        algorithm,
        view,
        0,
        times_ms=np.asarray(times_ms, np.int64),
        spans_ms=np.zeros(count, np.int64) if spans_ms is None else spans_ms,
        qualities=np.full(count, 90, np.uint8),
        hashes=hashes,
    )


def empty(algorithm: Algorithm = PHASH) -> Track:
    """A track without frames."""
    return track([], np.zeros((0, 32), np.uint8), algorithm=algorithm)


def footage(seed: int, length_ms: int, *, flips: int = 25) -> Track:
    """Dense hashes of moving pictures, other ones for each seed."""
    count = length_ms // DENSE_MS
    return track(np.arange(count) * DENSE_MS, walk(seed, count, flips) ^ random_hashes(seed, 1))


def noisy(hashes: NDArray[np.uint8], seed: int, least: int, most: int) -> NDArray[np.uint8]:
    """The same hashes, uint8 (n, 32), each with ``least`` to ``most`` other bits flipped."""
    random = np.random.default_rng(seed)
    flips = np.zeros((len(hashes), 256), np.uint8)
    for row in flips:
        row[random.choice(256, random.integers(least, most + 1), replace=False)] = 1
    return hashes ^ np.packbits(flips, axis=1)


def copy(
    of: Track,
    *,
    start_ms: int = 0,
    end_ms: int | None = None,
    speed: float = 1.0,
    noise_bits: tuple[int, int] = (10, 50),
    step_ms: int = SPARSE_MS,
) -> Track:
    """What sampling a re-encoded copy of a part of ``of`` gives, from time 0 on.

    ``speed``: how many ms of ``of`` pass in one ms of the copy.
    """
    end_ms = int(of.times_ms[-1]) if end_ms is None else end_ms
    times_ms = np.arange(0, (end_ms - start_ms) / speed, step_ms).astype(np.int64)
    shown_ms = start_ms + speed * times_ms
    rows = np.searchsorted(of.times_ms, shown_ms, side="right") - 1
    return track(times_ms, noisy(of.hashes[rows], 77, *noise_bits))


def sampled(clip: Track) -> Track:
    """The same, each frame with the time until the next one, as sampling real clips gives it."""
    spans_ms = np.diff(clip.times_ms, append=clip.times_ms[-1:] + SPARSE_MS)
    return replace(clip, spans_ms=spans_ms)


def joined(*parts: Track, gap_ms: int = SPARSE_MS) -> Track:
    """The parts one after the other, ``gap_ms`` apart."""
    starts_ms = [0]
    for part in parts:
        starts_ms.append(starts_ms[-1] + int(part.times_ms[-1]) + gap_ms)
    times_ms = [part.times_ms + start for part, start in zip(parts, starts_ms, strict=False)]
    return replace(
        parts[0],
        times_ms=np.concatenate(times_ms),
        spans_ms=np.concatenate([part.spans_ms for part in parts]),
        qualities=np.concatenate([part.qualities for part in parts]),
        hashes=np.concatenate([part.hashes for part in parts]),
    )


def take(seed: int, length_ms: int) -> Track:
    """A take of one still scene, the same scene for every seed: near, but other things move."""
    scene = still(1000, length_ms)
    return replace(scene, hashes=noisy(scene.hashes, seed, 20, 30))


def still(seed: int, length_ms: int, *, step_ms: int = DENSE_MS) -> Track:
    """One picture all along."""
    count = length_ms // step_ms
    return track(np.arange(count) * step_ms, np.repeat(random_hashes(seed, 1), count, axis=0))


def video(*tracks: Track) -> Fingerprint:
    """A video's fingerprint of these tracks; as long as the longest."""
    ends_ms = [int(one.times_ms[-1] + one.spans_ms[-1]) for one in tracks if len(one)]
    return Fingerprint(Kind.VIDEO, max(ends_ms, default=0), tracks)


def image(*tracks: Track) -> Fingerprint:
    """An image's fingerprint: the first frame of each of these tracks."""
    return Fingerprint(Kind.IMAGE, 0, tuple(one.select(slice(1)) for one in tracks))
