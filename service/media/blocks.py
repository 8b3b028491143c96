"""Blocks: what kinds of records an answer of a caged decoder is made of, and how many at most."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from hashing import bits
from hashing.formats import packed_patches
from hashing.patch_track import MOST_KEY_FRAMES, PLACE_BYTES


class Block(IntEnum):
    """The types of blocks."""

    ERROR = 1
    COVERAGE = 2
    TRACKS = 3
    FRAMES = 4
    PATCHED = 5
    PATCH_TRACKS = 6
    KEY_FRAMES = 7
    PATCHES = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """How a block's records look, and how many of them there may be."""

    record: np.dtype[np.void]
    most: int


# 16 tracks (hashing.media.Limits) in 24 views and algorithms each are 384; 4 h of one track
# sampled four times a second in all of them are 1.1 million frames.
_MOST_TRACKS: Final = 1024
_MOST_FRAMES: Final = 4_000_000  # 196 MB
# 16 tracks in six looks; what recirc gathers of one track is a fourth of that, 40 MB.
_MOST_PATCH_TRACKS: Final = 96
_MOST_PATCHES: Final = packed_patches.MAX_PATCHES
SHAPES: Final = {
    Block.ERROR: Shape(np.dtype([("code", "u1")]), 1),
    Block.COVERAGE: Shape(
        np.dtype(
            [
                ("kind", "u1"),
                ("duration_ms", "<i8"),
                ("container_ms", "<i8"),
                ("decoded_ms", "<i8"),
                ("sampled_frames", "<u4"),
                ("flat_frames", "<u4"),
                ("decode_errors", "<u4"),
                ("problems", "<u8"),  # a bit each
                ("tracks", "<u2"),
                ("patch_tracks", "<u2"),
            ]
        ),
        1,
    ),
    Block.PATCHED: Shape(np.dtype([("patch_tracks", "<u2")]), 1),
    Block.PATCH_TRACKS: Shape(
        np.dtype(
            [
                ("algorithm", "u1"),
                ("look", "u1"),
                ("stream", "<u2"),
                ("key_frames", "<u4"),
                ("patches", "<u4"),
            ]
        ),
        _MOST_PATCH_TRACKS,
    ),
    Block.KEY_FRAMES: Shape(
        np.dtype([("time_ms", "<i8"), ("size", "u1", (2,))]),
        _MOST_PATCH_TRACKS * MOST_KEY_FRAMES,
    ),
    Block.PATCHES: Shape(
        np.dtype(
            [
                ("first", "<u2"),
                ("last", "<u2"),
                ("place", "u1", (PLACE_BYTES,)),
                ("descriptor", "u1", (bits.HASH_BYTES,)),
            ]
        ),
        _MOST_PATCHES,
    ),
    Block.TRACKS: Shape(
        np.dtype([("algorithm", "u1"), ("view", "<u2"), ("stream", "<u2"), ("frames", "<u4")]),
        _MOST_TRACKS,
    ),
    Block.FRAMES: Shape(
        np.dtype(
            [
                ("time_ms", "<i8"),
                ("span_ms", "<i8"),
                ("quality", "u1"),
                ("hash", "u1", (bits.HASH_BYTES,)),
            ]
        ),
        _MOST_FRAMES,
    ),
}
