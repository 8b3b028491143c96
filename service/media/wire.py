"""What a caged decoder may say, and the only way it can: blocks of records of a fixed size.

    block: type (1 byte), number of records (4 bytes, little-endian), the records
    answer to a request for hashes: COVERAGE (1), TRACKS, FRAMES (those of all tracks in turn), and
    what patch hashes there are
    answer to a request for a straightened picture or a screen: as to one for hashes
    answer to a request for patch hashes: PATCHED (1), PATCH_TRACKS, KEY_FRAMES, PATCHES
    answer where there is none: ERROR (1)

No text, no picture and no length that the decoder chooses can cross. What comes out of a decoder
that was taken over is bounded and validated here before anything is made of it; until then names
say ``untrusted_``. A further kind of record is one more ``Block``.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashing.coverage import Coverage, Problem
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.extract import Extract
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind, Track
from hashing.formats import fields
from hashing.patch_track import MOST_KEY_FRAMES, PATCH_ALGORITHMS, Look, PatchTrack
from hashing.patches.placing import MOST_MAPS, Placing
from hashing.views import VIEWS
from service.errors import BadAnswer, DecoderCrashed, OutOfMemory
from service.media.blocks import SHAPES, Block

Read = Callable[[int], bytes]  # exactly so many bytes
Known = TypeVar("Known")


class Request(IntEnum):
    """What can be asked of a child, each as one byte; see ``hashing.extract.Extraction``.

    ``PATCHES`` comes with a bit for each look that is wanted, ``STRAIGHTENED`` with what follows it
    (``pack_placing``).
    """

    KEY_FRAMES = 1
    ENDING = 2
    WHOLE = 3
    STRAIGHTENED = 4
    SCREEN = 5
    PATCHES = 128


_HEADER: Final = struct.Struct("<BI")
_PLACING: Final = struct.Struct("<HBH")  # stream, mirrored and negative, how many maps
_KINDS: Final = tuple(Kind)
_PROBLEMS: Final = tuple(Problem)
_ALGORITHMS: Final = (PHASH, PDQ)
_LOOKS: Final = tuple(Look)
_ERRORS: Final[tuple[tuple[type[MediaError], str], ...]] = (
    (EmptyMedia, "the file has no bytes; copy it again"),
    (NotMedia, "no allowed decoder recognises this file; is it a video?"),
    (NoVideo, "the file has sound or data but no picture; check another copy"),
    (UnreadableMedia, "the format is known, but nothing in it can be decoded; copy it again"),
    (OutOfMemory, "decoding it takes more memory than a clip may; make a smaller copy"),
    (DecoderCrashed, "the decoder broke down on this file; ask for another copy"),
)
# Whether both ends of a pipe mean the same: an installation may be replaced under a running one.
_MEANINGS: Final = (
    SHAPES,
    _PROBLEMS,
    _ALGORITHMS,
    VIEWS,
    _ERRORS,
    _LOOKS,
    PATCH_ALGORITHMS,
    tuple(Request),
)
VERSION: Final = zlib.crc32(repr(_MEANINGS).encode())


def asking(looks: Sequence[Look]) -> int:
    """The byte that asks for patch hashes in these looks."""
    return Request.PATCHES + sum(1 << _LOOKS.index(look) for look in set(looks))


def asked(byte: int) -> tuple[Look, ...]:
    """The looks that such a byte asks for."""
    return tuple(look for place, look in enumerate(_LOOKS) if byte >> place & 1)


def pack_placing(placing: Placing) -> bytes:
    """What follows the byte ``STRAIGHTENED``."""
    count = len(placing.times_ms)
    if count > MOST_MAPS:
        raise ValueError(f"{count} maps are more than a clip's held frames")
    turned = placing.mirrored + 2 * placing.negative
    times_ms, maps = placing.times_ms.astype("<i8"), placing.maps.astype("<f8")
    return _PLACING.pack(placing.stream, turned, count) + times_ms.tobytes() + maps.tobytes()


def unpack_placing(read: Read) -> Placing:
    """The placing that follows that byte. It comes from the parent, and so is to be trusted."""
    stream, turned, count = _PLACING.unpack(read(_PLACING.size))
    times_ms = np.frombuffer(read(8 * count), "<i8").astype(np.int64)
    maps = np.frombuffer(read(72 * count), "<f8").astype(np.float64).reshape(count, 3, 3)
    return Placing(stream, bool(turned & 1), bool(turned & 2), times_ms, maps)


def pack(taken: Extract) -> bytes:
    """An answer with hashes."""
    tracks, coverage = taken.fingerprint.tracks, taken.coverage
    head = np.zeros(1, SHAPES[Block.COVERAGE].record)
    head["kind"] = _KINDS.index(taken.fingerprint.kind)
    head["duration_ms"] = taken.fingerprint.duration_ms
    for name in ("container_ms", "decoded_ms", "sampled_frames", "flat_frames", "decode_errors"):
        head[name] = getattr(coverage, name)
    head["problems"] = sum(1 << _PROBLEMS.index(problem) for problem in coverage.problems)
    head["tracks"] = len(tracks)
    head["patch_tracks"] = len(taken.patches)
    identities = np.array(
        [
            (_ALGORITHMS.index(one.algorithm), VIEWS.index(one.view), one.stream, len(one))
            for one in tracks
        ],
        SHAPES[Block.TRACKS].record,
    )
    frames = np.zeros(taken.fingerprint.frames, SHAPES[Block.FRAMES].record)
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
            _patch_blocks(taken.patches) if taken.patches else b"",
        )
    )


def pack_patches(tracks: Sequence[PatchTrack]) -> bytes:
    """An answer with patch hashes."""
    head = np.array([(len(tracks),)], SHAPES[Block.PATCHED].record)
    return _block(Block.PATCHED, head) + (_patch_blocks(tracks) if tracks else b"")


def pack_error(error: MediaError) -> bytes:
    """An answer that says why there are no hashes."""
    classes = [known for known, _ in _ERRORS]
    code = classes.index(type(error)) if type(error) in classes else classes.index(DecoderCrashed)
    return _block(Block.ERROR, np.array([(code,)], SHAPES[Block.ERROR].record))


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
    patches = _patch_tracks(untrusted_read, int(untrusted_head["patch_tracks"]))
    return Extract(Fingerprint(kind, duration_ms, tuple(tracks)), coverage, patches)


def unpack_patches(untrusted_read: Read) -> tuple[PatchTrack, ...]:
    """The patch hashes in an answer. Raises the MediaError that it holds, or BadAnswer."""
    (untrusted_head,) = _records(untrusted_read, Block.PATCHED, 1)
    return _patch_tracks(untrusted_read, int(untrusted_head["patch_tracks"]))


def _patch_blocks(tracks: Sequence[PatchTrack]) -> bytes:
    identities = np.array(
        [
            (
                PATCH_ALGORITHMS.index(one.algorithm),
                _LOOKS.index(one.look),
                one.stream,
                one.key_frames,
                len(one),
            )
            for one in tracks
        ],
        SHAPES[Block.PATCH_TRACKS].record,
    )
    frames = np.zeros(sum(one.key_frames for one in tracks), SHAPES[Block.KEY_FRAMES].record)
    patches = np.zeros(sum(len(one) for one in tracks), SHAPES[Block.PATCHES].record)
    frames["time_ms"] = np.concatenate([one.times_ms for one in tracks])
    frames["size"] = np.concatenate([one.sizes for one in tracks])
    patches["first"] = np.concatenate([one.firsts for one in tracks])
    patches["last"] = np.concatenate([one.lasts for one in tracks])
    patches["place"] = np.concatenate([one.places for one in tracks])
    patches["descriptor"] = np.concatenate([one.descriptors for one in tracks])
    return b"".join(
        (
            _block(Block.PATCH_TRACKS, identities),
            _block(Block.KEY_FRAMES, frames),
            _block(Block.PATCHES, patches),
        )
    )


def _block(kind: Block, records: NDArray[np.void]) -> bytes:
    if len(records) > SHAPES[kind].most:
        raise ValueError(f"{len(records)} records are more than a block of {kind.name} may hold")
    return _HEADER.pack(kind, len(records)) + records.tobytes()


def _records(untrusted_read: Read, wanted: Block, count: int) -> NDArray[np.void]:
    """The records of the next block, which has to be of this type and hold so many."""
    shape = SHAPES[wanted]
    if count > shape.most:
        raise BadAnswer(f"{count} records of {wanted.name} are announced")
    untrusted_type, untrusted_count = _HEADER.unpack(untrusted_read(_HEADER.size))
    is_first = wanted in (Block.COVERAGE, Block.PATCHED)
    if untrusted_type == Block.ERROR and is_first and untrusted_count == 1:
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


def _patch_tracks(untrusted_read: Read, count: int) -> tuple[PatchTrack, ...]:
    """So many tracks of patch hashes; their blocks are there if there are any."""
    if not count:
        return ()
    untrusted_tracks = _records(untrusted_read, Block.PATCH_TRACKS, count)
    key_frames = untrusted_tracks["key_frames"].astype(np.int64)
    patches = untrusted_tracks["patches"].astype(np.int64)
    if (key_frames > MOST_KEY_FRAMES).any():
        raise BadAnswer("more key frames than a track may have")
    untrusted_frames = _records(untrusted_read, Block.KEY_FRAMES, int(key_frames.sum()))
    untrusted_patches = _records(untrusted_read, Block.PATCHES, int(patches.sum()))
    frame_ends, patch_ends = np.cumsum(key_frames), np.cumsum(patches)
    tracks = tuple(
        _patch_track(
            untrusted_track,
            untrusted_frames[frame_end - frames : frame_end],
            untrusted_patches[patch_end - mine : patch_end],
        )
        for untrusted_track, frames, mine, frame_end, patch_end in zip(
            untrusted_tracks, key_frames, patches, frame_ends, patch_ends, strict=True
        )
    )
    if len({(one.algorithm, one.look, one.stream) for one in tracks}) < count:
        raise BadAnswer("a track of patches is there twice")
    return tracks


def _patch_track(
    untrusted: np.void, untrusted_frames: NDArray[np.void], untrusted_patches: NDArray[np.void]
) -> PatchTrack:
    track = PatchTrack(
        _one_of(PATCH_ALGORITHMS, untrusted["algorithm"]),
        _one_of(_LOOKS, untrusted["look"]),
        int(untrusted["stream"]),
        times_ms=untrusted_frames["time_ms"].astype(np.int64),
        sizes=untrusted_frames["size"].copy(),
        firsts=untrusted_patches["first"].astype(np.uint16),
        lasts=untrusted_patches["last"].astype(np.uint16),
        places=untrusted_patches["place"].copy(),
        descriptors=untrusted_patches["descriptor"].copy(),
    )
    if not track.is_sound:
        raise BadAnswer("patches that do not fit together")
    return track


def _whole(untrusted: np.int64) -> int:
    if not 0 <= untrusted <= fields.MAX_COUNT:
        raise BadAnswer("a length beyond all bounds")
    return int(untrusted)


def _one_of(known: Sequence[Known], untrusted_place: int) -> Known:
    if untrusted_place >= len(known):
        raise BadAnswer("a number that stands for nothing")
    return known[untrusted_place]
