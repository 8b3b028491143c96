"""Lists of any size whose hashes are skewed as real ones are: from trajectories of real footage.

A look-up costs what its buckets hold, and hashes of footage are no random numbers: a scene moves
slowly through few values. Each reference made here runs along a stretch of a real clip, as dense
and as still as it is, under a mask of flipped bits of its own and with a little noise a frame, so
that it is other footage with a real one's motion.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import clip_480p, dev_rows
from benchmarks.peers.sample_set import videos_folder
from hashing import bits
from hashing.errors import MediaError
from hashing.extract import REFERENCE, extract
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.formats import packed

_CACHE = Path(__file__).resolve().parents[1] / ".bench" / "index"
FRAMES_A_REFERENCE: Final = 1000
# Of 256: two references along one clip are 120 bits apart, and unrelated footage is at 127.
_MASKED_BITS: Final = 96
_NOISE_BITS: Final = 3  # a re-encoded still moves 2 to 4 bits from frame to frame
_DC_BIT: Final = 0  # always set: the mean is above the median of the other coefficients
_LEAST_FRAMES: Final = 50


@cache
def footage() -> tuple[Track, ...]:
    """pHash tracks as references have them, of the development sources; else of procedural clips.

    Hashed once and kept. Tracks with next to no frames are left out.
    """
    sources = [videos_folder() / "dev" / row["file"] for row in dev_rows("source")]
    sources = sources or [clip_480p(60, skip=number) for number in range(8)]
    tracks = [track for path in sources for track in _hashed(path).of(PHASH)[:1]]
    return tuple(track for track in tracks if len(track) >= _LEAST_FRAMES)


def _hashed(path: Path) -> Fingerprint:
    kept = _CACHE / f"{path.stem}.fingerprint"
    if not kept.exists():
        try:
            made = extract(path.read_bytes(), REFERENCE).fingerprint
        except MediaError:
            made = Fingerprint(Kind.VIDEO, 0, ())
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(packed.pack(made))
    return packed.unpack(kept.read_bytes())


def references(
    frames: int, seed: int = 10, each: int = FRAMES_A_REFERENCE
) -> Iterator[Fingerprint]:
    """Fingerprints of so many frames in all, ``each`` but the last; the same for the same seed."""
    random = np.random.default_rng(seed)
    sources = footage()
    made = 0
    while made < frames:
        length = min(each, frames - made)
        yield _variation(sources[int(random.integers(len(sources)))], length, random)
        made += length


def _variation(source: Track, length: int, random: np.random.Generator) -> Fingerprint:
    """Other footage with this one's motion: from anywhere in it on, to and fro where it ends."""
    there_and_back = np.concatenate([np.arange(len(source)), np.arange(len(source))[::-1]])
    rows = np.resize(np.roll(there_and_back, -int(random.integers(len(source)))), length)
    hashes = source.hashes[rows] ^ _mask(random) ^ _noise(length, random)
    steps_ms = np.maximum(40, source.spans_ms[rows] + 40)
    times_ms = np.cumsum(steps_ms) - steps_ms[0]
    track = Track(
        PHASH,
        source.view,
        0,
        times_ms=times_ms,
        spans_ms=source.spans_ms[rows],
        qualities=source.qualities[rows],
        hashes=hashes,
    )
    return Fingerprint(Kind.VIDEO, int(times_ms[-1] + 40), (track,))


def _mask(random: np.random.Generator) -> NDArray[np.uint8]:
    flips = np.zeros(bits.HASH_BITS, np.uint8)
    flips[random.choice(np.arange(_DC_BIT + 1, bits.HASH_BITS), _MASKED_BITS, replace=False)] = 1
    return np.packbits(flips)


def _noise(length: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 (length, 32) with about ``_NOISE_BITS`` bits set in each."""
    noise = np.zeros((length, bits.HASH_BYTES), np.uint8)
    places = random.integers(_DC_BIT + 1, bits.HASH_BITS, (length, _NOISE_BITS))
    rows = np.repeat(np.arange(length), _NOISE_BITS)
    np.bitwise_xor.at(
        noise, (rows, places.ravel() // 8), (128 >> (places.ravel() % 8)).astype(np.uint8)
    )
    return noise
