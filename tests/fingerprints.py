"""Fingerprints for tests: made from numbers, and as Hypothesis strategies."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from hashing.coverage import Coverage, Problem
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Kind, Track
from hashing.formats import fields
from hashing.views import VIEWS, View

FOREIGN = Algorithm("audio-peaks", (("bands", 32), ("offset_ms", -5)))


def random_hashes(seed: int, count: int) -> NDArray[np.uint8]:
    """Unrelated hashes, uint8 (count, 32)."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


def walk(seed: int, count: int, flips: int) -> NDArray[np.uint8]:
    """Hashes, uint8 (count, 32), each ``flips`` bits from the one before, as moving pictures."""
    random = np.random.default_rng(seed)
    steps = np.zeros((count, 256), np.uint8)
    for row in steps:
        row[random.choice(256, flips, replace=False)] = 1
    return np.packbits(np.bitwise_xor.accumulate(steps, axis=0), axis=1)


def track(
    hashes: NDArray[np.uint8],
    *,
    algorithm: Algorithm = PHASH,
    view: View = View.AS_IS,
    step_ms: int = 40,
) -> Track:
    """A track of video track 0 with these hashes, uint8 (n, 32), at even times."""
    count = len(hashes)
    return Track(
        algorithm,
        view,
        0,
        times_ms=np.arange(count, dtype=np.int64) * step_ms,
        spans_ms=np.zeros(count, np.int64),
        qualities=np.full(count, 90, np.uint8),
        hashes=hashes,
    )


def video(seed: int, count: int = 3, *, algorithm: Algorithm = PHASH) -> Fingerprint:
    """A video's fingerprint with one track; another one for each seed."""
    made = track(random_hashes(seed, count), algorithm=algorithm)
    return Fingerprint(Kind.VIDEO, count * 40, (made,))


def of(tracks: Sequence[Track]) -> Fingerprint:
    """A video's fingerprint of these tracks."""
    return Fingerprint(Kind.VIDEO, 1000, tuple(tracks))


_TIMES = st.integers(0, fields.MAX_TIME_MS) | st.integers(0, 5000)


@st.composite
def tracks(draw: st.DrawFn, least_frames: int = 0) -> Track:
    """Any track that the forms can hold."""
    times_ms = sorted(draw(st.lists(_TIMES, min_size=least_frames, max_size=8)))
    count = len(times_ms)
    spans_ms = draw(st.lists(_TIMES, min_size=count, max_size=count))
    qualities = draw(st.lists(st.integers(0, 100), min_size=count, max_size=count))
    hashes = draw(st.binary(min_size=32 * count, max_size=32 * count))
    return Track(
        draw(st.sampled_from([PHASH, PDQ, FOREIGN])),
        draw(st.sampled_from(VIEWS)),
        draw(st.integers(0, fields.MAX_STREAM)),
        times_ms=np.array(times_ms, np.int64),
        spans_ms=np.array(spans_ms, np.int64),
        qualities=np.array(qualities, np.uint8),
        hashes=np.frombuffer(hashes, np.uint8).reshape(count, 32).copy(),
    )


FINGERPRINTS = st.builds(
    Fingerprint,
    st.sampled_from(Kind),
    st.integers(0, fields.MAX_TIME_MS),
    st.lists(tracks(), max_size=4).map(tuple),
)

_COUNTS = st.integers(0, fields.MAX_COUNT)
COVERAGES = st.builds(
    Coverage,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    st.lists(st.sampled_from(Problem), unique=True).map(tuple),
)
