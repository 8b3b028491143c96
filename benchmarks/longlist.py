"""A list of many hours that looks like a real one to the index, from a few minutes of footage.

What a look-up costs depends on how many hashes share a bucket, and hashes of footage are skewed:
neighbouring frames are alike, and some coefficients are common to most pictures. So the list is
made of a real fingerprint, again and again, and each time the same few bits are flipped in all of
it: each repeat is other footage, with the motion and some of the skew of the real one.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hashing import bits
from hashing.fingerprint import PHASH, Fingerprint
from hashing.patch_track import PatchTrack
from hashing.reference import Reference

# Two repeats are 96 bits apart on average, beyond a hit; unrelated footage is at 127.
FLIPPED_BITS = 64


def references(
    hours: float, repeated: Fingerprint, patches: tuple[PatchTrack, ...] = ()
) -> Iterator[Reference]:
    """References of so many hours in all, each as long as ``repeated``; with pHash alone.

    PDQ is left out: it is compared with only where a reference has nothing else. ``patches``: the
    repeated footage's, if the references are to have any; their bits are flipped as well.
    """
    random = np.random.default_rng(10)
    for number in range(round(hours * 3_600_000 / repeated.duration_ms)):
        flips = np.zeros(bits.HASH_BITS, np.uint8)
        flips[random.choice(bits.HASH_BITS, FLIPPED_BITS, replace=False)] = 1
        tracks = tuple(
            replace(track, hashes=track.hashes ^ np.packbits(flips)) for track in repeated.of(PHASH)
        )
        made = Fingerprint(repeated.kind, repeated.duration_ms, tracks)
        patched = tuple(
            replace(track, descriptors=track.descriptors ^ np.packbits(flips)) for track in patches
        )
        yield Reference(f"repeat-{number}", None, None, made, patched)
