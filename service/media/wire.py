"""What a caged decoder may say, and the only way it can: blocks of records of a fixed size.

    block: type (1 byte), number of records (4 bytes, little-endian), the records
    answer to a request for hashes: COVERAGE (1), TRACKS, FRAMES (those of all tracks in turn)
    answer where there is none: ERROR (1)

No text, no picture and no length that the decoder chooses can cross. What comes out of a decoder
that was taken over is bounded and validated here before anything is made of it; until then names
say ``untrusted_``. A further kind of record is one more ``Block``.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.coverage import Coverage, Problem
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.extract import Extract
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind, Track
from hashing.formats import fields
from hashing.views import VIEWS
from service.errors import BadAnswer, DecoderCrashed, OutOfMemory

Read = Callable[[int], bytes]  # exactly so many bytes
Known = TypeVar("Known")


class Request(IntEnum):
    """What can be asked of a child, each as one byte; see ``hashing.extract.Extraction``."""

    KEY_FRAMES = 1
    ENDING = 2
    WHOLE = 3


class Block(IntEnum):
    """The types of blocks."""

    ERROR = 1
    COVERAGE = 2
    TRACKS = 3
    FRAMES = 4


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a block's records look, and how many of them there may be."""

    record: np.dtype[np.void]
    most: int


# 16 tracks (hashing.media.Limits) in 24 views and algorithms each are 384; 4 h of one track
# sampled four times a second in all of them are 1.1 million frames.
_MOST_TRACKS: Final = 1024
_MOST_FRAMES: Final = 4_000_000  # 196 MB
_SHAPES: Final = {
    Block.ERROR: _Shape(np.dtype([("code", "u1")]), 1),
    Block.COVERAGE: _Shape(
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
            ]
        ),
        1,
    ),
    Block.TRACKS: _Shape(
        np.dtype([("algorithm", "u1"), ("view", "<u2"), ("stream", "<u2"), ("frames", "<u4")]),
        _MOST_TRACKS,
    ),
    Block.FRAMES: _Shape(
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
_HEADER: Final = struct.Struct("<BI")
_KINDS: Final = tuple(Kind)
_PROBLEMS: Final = tuple(Problem)
_ALGORITHMS: Final = (PHASH, PDQ)
_ERRORS: Final[tuple[tuple[type[MediaError], str], ...]] = (
    (EmptyMedia, "the file has no bytes; copy it again"),
    (NotMedia, "no allowed decoder recognises this file; is it a video?"),
    (NoVideo, "the file has sound or data but no picture; check another copy"),
    (UnreadableMedia, "the format is known, but nothing in it can be decoded; copy it again"),
    (OutOfMemory, "decoding it takes more memory than a clip may; make a smaller copy"),
    (DecoderCrashed, "the decoder broke down on this file; ask for another copy"),
)
# Whether both ends of a pipe mean the same: an installation may be replaced under a running one.
VERSION: Final = zlib.crc32(repr((_SHAPES, _PROBLEMS, _ALGORITHMS, VIEWS, _ERRORS)).encode())


def pack(taken: Extract) -> bytes:
    """An answer with hashes."""
    tracks, coverage = taken.fingerprint.tracks, taken.coverage
    head = np.zeros(1, _SHAPES[Block.COVERAGE].record)
    head["kind"] = _KINDS.index(taken.fingerprint.kind)
    head["duration_ms"] = taken.fingerprint.duration_ms
    for name in ("container_ms", "decoded_ms", "sampled_frames", "flat_frames", "decode_errors"):
        head[name] = getattr(coverage, name)
    head["problems"] = sum(1 << _PROBLEMS.index(problem) for problem in coverage.problems)
    head["tracks"] = len(tracks)
    identities = np.array(
        [
            (_ALGORITHMS.index(one.algorithm), VIEWS.index(one.view), one.stream, len(one))
            for one in tracks
        ],
        _SHAPES[Block.TRACKS].record,
    )
    frames = np.zeros(taken.fingerprint.frames, _SHAPES[Block.FRAMES].record)
    first = 0
    for one in tracks:
        part = frames[first : first + len(one)]
        part["time_ms"], part["span_ms"] = one.times_ms, one.spans_ms
        part["quality"], part["hash"] = one.qualities, one.hashes
        first += len(one)
    return b"".join(
        (
            _block(Block.COVERAGE, head),
            _block(Block.TRACKS, identities),
            _block(Block.FRAMES, frames),
        )
    )


def pack_error(error: MediaError) -> bytes:
    """An answer that says why there are no hashes."""
    classes = [known for known, _ in _ERRORS]
    code = classes.index(type(error)) if type(error) in classes else classes.index(DecoderCrashed)
    return _block(Block.ERROR, np.array([(code,)], _SHAPES[Block.ERROR].record))


def unpack(untrusted_read: Read) -> Extract:
    """The extract in an answer. Raises the MediaError that it holds, or BadAnswer."""
    (untrusted_head,) = _records(untrusted_read, Block.COVERAGE, 1)
    kind = _one_of(_KINDS, untrusted_head["kind"])
    duration_ms = _whole(untrusted_head["duration_ms"])
    coverage = _coverage(untrusted_head)
    count = int(untrusted_head["tracks"])
    untrusted_tracks = _records(untrusted_read, Block.TRACKS, count)
    total = int(untrusted_tracks["frames"].sum(dtype=np.int64))
    untrusted_frames = _records(untrusted_read, Block.FRAMES, total)
    tracks, first = [], 0
    for untrusted_track in untrusted_tracks:
        last = first + int(untrusted_track["frames"])
        tracks.append(_track(untrusted_track, untrusted_frames[first:last]))
        first = last
    if len({(one.algorithm, one.view, one.stream) for one in tracks}) < count:
        raise BadAnswer("a track is there twice")
    return Extract(Fingerprint(kind, duration_ms, tuple(tracks)), coverage)


def _block(kind: Block, records: NDArray[np.void]) -> bytes:
    if len(records) > _SHAPES[kind].most:
        raise ValueError(f"{len(records)} records are more than a block of {kind.name} may hold")
    return _HEADER.pack(kind, len(records)) + records.tobytes()


def _records(untrusted_read: Read, wanted: Block, count: int) -> NDArray[np.void]:
    """The records of the next block, which has to be of this type and hold so many."""
    shape = _SHAPES[wanted]
    if count > shape.most:
        raise BadAnswer(f"{count} records of {wanted.name} are announced")
    untrusted_type, untrusted_count = _HEADER.unpack(untrusted_read(_HEADER.size))
    if untrusted_type == Block.ERROR and wanted is Block.COVERAGE and untrusted_count == 1:
        raise _error(untrusted_read(1)[0])
    if (untrusted_type, untrusted_count) != (wanted, count):
        raise BadAnswer(f"no block of {count} {wanted.name}")
    return np.frombuffer(untrusted_read(count * shape.record.itemsize), shape.record)


def _error(untrusted_code: int) -> MediaError:
    kind, text = _one_of(_ERRORS, untrusted_code)
    return kind(text)


def _coverage(untrusted: np.void) -> Coverage:
    untrusted_bits = int(untrusted["problems"])
    if untrusted_bits >> len(_PROBLEMS):
        raise BadAnswer("an unknown problem")
    problems = [one for place, one in enumerate(_PROBLEMS) if untrusted_bits >> place & 1]
    sampled, flat = int(untrusted["sampled_frames"]), int(untrusted["flat_frames"])
    if flat > sampled:
        raise BadAnswer("more flat frames than were looked at")
    return Coverage(
        container_ms=_whole(untrusted["container_ms"]),
        decoded_ms=_whole(untrusted["decoded_ms"]),
        sampled_frames=sampled,
        flat_frames=flat,
        decode_errors=int(untrusted["decode_errors"]),
        problems=tuple(sorted(problems)),
    )


def _track(untrusted: np.void, untrusted_frames: NDArray[np.void]) -> Track:
    track = Track(
        _one_of(_ALGORITHMS, untrusted["algorithm"]),
        _one_of(VIEWS, untrusted["view"]),
        int(untrusted["stream"]),
        times_ms=untrusted_frames["time_ms"].astype(np.int64),
        spans_ms=untrusted_frames["span_ms"].astype(np.int64),
        qualities=untrusted_frames["quality"].copy(),
        hashes=untrusted_frames["hash"].copy(),
    )
    try:
        fields.require_sound(Fingerprint(Kind.VIDEO, 0, (track,)))
    except fields.BadField as problem:
        raise BadAnswer(str(problem)) from problem
    return track


def _whole(untrusted: np.int64) -> int:
    if not 0 <= untrusted <= fields.MAX_COUNT:
        raise BadAnswer("a length beyond all bounds")
    return int(untrusted)


def _one_of(known: Sequence[Known], untrusted_place: int) -> Known:
    if untrusted_place >= len(known):
        raise BadAnswer("a number that stands for nothing")
    return known[untrusted_place]
