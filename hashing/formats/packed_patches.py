"""The packed form of a reference's patch hashes: what stores keep, and an export only if asked.

    magic "RCPT", version (1 byte), length of the header (4 bytes, little-endian), header (JSON),
    length of the columns (4 bytes), columns (one zlib stream), descriptors (32 bytes each),
    CRC-32 of all before it (4 bytes, little-endian)

The columns hold, for each track, the steps of the key frames' times in ms (4 bytes), their sizes,
the steps of the patches' first key frames and how many more have each (2 bytes), and their places.
Descriptors are noise to deflate and stand as they are.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.errors import BadFingerprint
from hashing.fingerprint import Algorithm
from hashing.formats import fields
from hashing.patch_track import MOST_KEY_FRAMES, PLACE_BYTES, Look, PatchTrack

MAGIC: Final = b"RCPT"
VERSION: Final = 1
MAX_PATCHES: Final = 4_000_000  # in all tracks: 160 MB; four of what recirc keeps of one
_START_BYTES: Final = len(MAGIC) + 1 + 4
_CHECKSUM_BYTES: Final = 4
_MAX_HEADER_BYTES: Final = 64 * 1024
_KEY_FRAME_BYTES: Final = 4 + 2
_COLUMN_BYTES: Final = 2 + 2 + PLACE_BYTES  # of a patch, beside its descriptor


@dataclass(frozen=True, slots=True)
class _Identity:
    """One track as the header announces it."""

    algorithm: Algorithm
    look: Look
    stream: int
    key_frames: int
    patches: int


def pack(tracks: Sequence[PatchTrack]) -> bytes:
    """The packed form of these tracks."""
    header = json.dumps(
        {
            "tracks": [
                {
                    "algorithm": track.algorithm.name,
                    "parameters": dict(track.algorithm.parameters),
                    "look": str(track.look),
                    "stream": track.stream,
                    "key_frames": track.key_frames,
                    "patches": len(track),
                }
                for track in tracks
            ]
        },
        separators=(",", ":"),
    ).encode()
    columns = zlib.compress(b"".join(_columns(track) for track in tracks), 6)
    start = MAGIC + bytes([VERSION]) + len(header).to_bytes(4, "little") + header
    sized = len(columns).to_bytes(4, "little") + columns
    whole = start + sized + b"".join(track.descriptors.tobytes() for track in tracks)
    return whole + zlib.crc32(whole).to_bytes(_CHECKSUM_BYTES, "little")


def unpack(untrusted: bytes) -> tuple[PatchTrack, ...]:
    """The tracks of a packed form. Raises BadFingerprint for anything else.

    Memory is bounded by the length of ``untrusted``, for descriptors are not compressed.
    """
    try:
        return _unpack(untrusted)
    except fields.BadField as problem:
        raise BadFingerprint(f"not packed patch hashes, or damaged ones: {problem}") from problem


def _columns(track: PatchTrack) -> bytes:
    steps_ms = np.diff(track.times_ms, prepend=np.int64(0)).astype("<u4")
    first_steps = np.diff(track.firsts.astype(np.int64), prepend=0).astype("<i8") & 0xFFFF
    more = (track.lasts - track.firsts).astype("<u2")
    return b"".join(
        (
            steps_ms.tobytes(),
            track.sizes.tobytes(),
            first_steps.astype("<u2").tobytes(),
            more.tobytes(),
            track.places.T.tobytes(),
        )
    )


def _unpack(untrusted: bytes) -> tuple[PatchTrack, ...]:
    if not untrusted.startswith(MAGIC):
        raise fields.BadField(f"it does not start with {MAGIC.decode()}")
    if len(untrusted) < _START_BYTES + 4 + _CHECKSUM_BYTES:
        raise fields.BadField("it is cut off")
    if untrusted[len(MAGIC)] != VERSION:
        raise fields.BadField(
            f"version {untrusted[len(MAGIC)]}, this recirc reads version {VERSION}"
        )
    whole, checksum = untrusted[:-_CHECKSUM_BYTES], untrusted[-_CHECKSUM_BYTES:]
    if zlib.crc32(whole) != int.from_bytes(checksum, "little"):
        raise fields.BadField("the checksum is wrong")
    header, rest = _part(whole[len(MAGIC) + 1 :], _MAX_HEADER_BYTES, "header")
    identities = _identities(header)
    packed, descriptors = _part(rest, len(rest), "columns")
    patches = sum(one.patches for one in identities)
    if len(descriptors) != patches * bits.HASH_BYTES:
        raise fields.BadField("there are not as many descriptors as the header announces")
    expected = sum(
        one.key_frames * _KEY_FRAME_BYTES + one.patches * _COLUMN_BYTES for one in identities
    )
    columns = np.frombuffer(_inflate(packed, expected), np.uint8)
    every = np.frombuffer(descriptors, np.uint8).reshape(-1, bits.HASH_BYTES)
    tracks, first_byte, first_row = [], 0, 0
    for one in identities:
        length = one.key_frames * _KEY_FRAME_BYTES + one.patches * _COLUMN_BYTES
        mine = columns[first_byte : first_byte + length]
        tracks.append(_track(one, mine, every[first_row : first_row + one.patches]))
        first_byte, first_row = first_byte + length, first_row + one.patches
    return tuple(tracks)


def _part(untrusted: bytes, most_bytes: int, what: str) -> tuple[bytes, bytes]:
    """A part that is led by its length, and what follows it."""
    length = int.from_bytes(untrusted[:4], "little")
    if len(untrusted) < 4 or length > min(most_bytes, len(untrusted) - 4):
        raise fields.BadField(f"the {what} is too long, or cut off")
    return untrusted[4 : 4 + length], untrusted[4 + length :]


def _identities(untrusted: bytes) -> list[_Identity]:
    header = fields.record(fields.parse(untrusted), "header")
    listed = fields.items(header.get("tracks"), "tracks", fields.MAX_TRACKS)
    found = []
    for index, untrusted_track in enumerate(listed):
        place = f"tracks[{index}]"
        entry = fields.record(untrusted_track, place)
        name = fields.text(entry.get("look"), f"{place}.look", fields.MAX_NAME)
        if name not in tuple(Look):
            known = ", ".join(Look)
            raise fields.BadField(f"{place}.look: {fields.shown(name)} is none of {known}")
        algorithm = fields.algorithm(entry.get("algorithm"), entry.get("parameters"), place)
        found.append(
            _Identity(
                algorithm,
                Look(name),
                fields.whole(entry.get("stream"), f"{place}.stream", fields.MAX_STREAM),
                fields.whole(entry.get("key_frames"), f"{place}.key_frames", MOST_KEY_FRAMES),
                fields.whole(entry.get("patches"), f"{place}.patches", MAX_PATCHES),
            )
        )
    fields.whole(sum(one.patches for one in found), "patches in all tracks", MAX_PATCHES)
    return found


def _inflate(untrusted: bytes, expected_bytes: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        columns = inflate.decompress(untrusted, expected_bytes + 1)
    except zlib.error as problem:
        raise fields.BadField(f"the columns are damaged ({problem})") from problem
    if len(columns) != expected_bytes or not inflate.eof or inflate.unused_data:
        raise fields.BadField("the columns are not as long as the header announces")
    return columns


def _track(
    one: _Identity, columns: NDArray[np.uint8], descriptors: NDArray[np.uint8]
) -> PatchTrack:
    """The track of its columns, uint8; raises BadField where they do not fit together."""
    lengths = (4 * one.key_frames, 2 * one.key_frames, 2 * one.patches, 2 * one.patches)
    steps, sizes, firsts, more, places = np.split(columns, np.cumsum(lengths))
    times_ms = np.cumsum(np.frombuffer(steps.tobytes(), "<u4"), dtype=np.int64)
    first_rows = np.cumsum(np.frombuffer(firsts.tobytes(), "<u2"), dtype=np.uint16)
    last_rows = first_rows.astype(np.int64) + np.frombuffer(more.tobytes(), "<u2")
    if one.patches and last_rows.max() >= MOST_KEY_FRAMES:
        raise fields.BadField("a patch is of a key frame that is not there")
    track = PatchTrack(
        algorithm=one.algorithm,
        look=one.look,
        stream=one.stream,
        times_ms=times_ms,
        sizes=sizes.reshape(-1, 2).copy(),
        firsts=first_rows,
        lasts=last_rows.astype(np.uint16),
        places=np.ascontiguousarray(places.reshape(PLACE_BYTES, -1).T),
        descriptors=descriptors.copy(),
    )
    if not track.is_sound:
        raise fields.BadField("key frames and patches do not fit together")
    return track
