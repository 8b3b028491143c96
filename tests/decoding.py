"""Decodes a clip for a test: all its frames, copied, and the account."""

from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, phash
from hashing.coverage import Coverage
from hashing.decode import Limits, LumaFrame, open_media
from tests import clips

CODEC_NOISE_BITS: Final = 18  # the quick encoders move 5 to 16 of 256 bits; another scene is at 127


def decoded(
    media: bytes | BinaryIO,
    limits: Limits | None = None,
    interval_ms: int = 40,
    *,
    economical: bool = False,
) -> tuple[list[LumaFrame], Coverage]:
    """All sampled frames, copied out of the decoder's memory, and the account."""
    opened = open_media(media, limits or Limits())
    frames = [
        LumaFrame(frame.stream, frame.time_ms, frame.luma.copy(), frame.full_range)
        for frame in opened.frames(interval_ms, economical=economical)
    ]
    return frames, opened.coverage()


def mean_distance_bits(frames: list[LumaFrame], source: NDArray[np.uint8]) -> float:
    """How far the frames' pHashes are from those of the source's frames at the same times."""
    pairs = [(frame.luma, source[round(frame.time_ms * clips.FPS / 1000)]) for frame in frames]
    left, right = (
        phash.hashes(phash.coefficients(np.stack([phash.shrink(pair[side]) for pair in pairs])))
        for side in (0, 1)
    )
    return float(bits.distances(left, right).mean())
