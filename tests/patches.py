"""Patch tracks for tests: random ones that are sound, and what hypothesis draws of them."""

from typing import Final

import numpy as np
from hypothesis import strategies as st

from hashing.fingerprint import Algorithm
from hashing.patch_track import LEVELS, ORB, PATCH_ALGORITHMS, Look, PatchTrack


def random_track(
    seed: int,
    key_frames: int = 4,
    patches: int = 30,
    look: Look = Look.AS_IS,
    stream: int = 0,
    *,
    algorithm: Algorithm = ORB,
) -> PatchTrack:
    """A sound track in which nothing means anything; the same for the same arguments."""
    random = np.random.default_rng(seed)
    ends = np.sort(random.integers(0, key_frames, (patches, 2)), axis=1).astype(np.uint16)
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    places = random.integers(0, 256, (patches, 4), np.uint8)
    places[:, 3] %= LEVELS
    return PatchTrack(
        algorithm=algorithm,
        look=look,
        stream=stream,
        times_ms=np.arange(key_frames, dtype=np.int64) * 1000,
        sizes=np.full((key_frames, 2), (255, 191), np.uint8),
        firsts=ends[:, 0].copy(),
        lasts=ends[:, 1].copy(),
        places=places,
        descriptors=random.integers(0, 256, (patches, 32), np.uint8),
    )


@st.composite
def _tracks(draw: st.DrawFn) -> tuple[PatchTrack, ...]:
    identities = draw(
        st.lists(
            st.tuples(st.sampled_from(Look), st.integers(0, 15), st.sampled_from(PATCH_ALGORITHMS)),
            max_size=3,
            unique=True,
        )
    )
    return tuple(
        random_track(
            seed,
            draw(st.integers(1, 5)),
            draw(st.integers(0, 12)),
            look,
            stream,
            algorithm=algorithm,
        )
        for seed, (look, stream, algorithm) in enumerate(identities)
    )


TRACKS: Final = _tracks()
