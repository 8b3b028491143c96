"""The packed form of a fingerprint: what stores keep and list files carry.

    magic "RCFP", version (1 byte), length of the header (4 bytes, little-endian), header (JSON),
    body (one zlib stream), CRC-32 of all before it (4 bytes, little-endian)

The body holds, for each track, the time steps and the spans in ms as four byte planes, and the
steps of the qualities; then, for each track, each hash XORed with the one before it. Neighbouring
frames differ in few bits, so that deflate about halves them (``tests/hashing/formats`` holds the
stored size a second). Hashes made the same way by the same zlib give the same bytes.

The checksum finds damage, not forgery: where a list comes from is for its reader to know.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.errors import BadFingerprint
from hashing.fingerprint import Algorithm, Fingerprint, Kind, Track
from hashing.formats import fields
from hashing.views import View

MAGIC: Final = b"RCFP"
VERSION: Final = 1
_START_BYTES: Final = len(MAGIC) + 1 + 4
_CHECKSUM_BYTES: Final = 4
_MAX_HEADER_BYTES: Final = 256 * 1024
_TIME_BYTES: Final = 4
_SMALL_BYTES: Final = 2 * _TIME_BYTES + 1  # a frame's time step, span and quality
_FRAME_BYTES: Final = _SMALL_BYTES + bits.HASH_BYTES


@dataclass(frozen=True, slots=True)
class _Identity:
    """One track as the header announces it; ``frames`` is how many hashes the body holds."""

    algorithm: Algorithm
    view: View
    stream: int
    frames: int


def pack(fingerprint: Fingerprint) -> bytes:
    """The packed form. Raises BadFingerprint for values that it cannot hold."""
    try:
        fields.require_sound(fingerprint)
    except fields.BadField as problem:
        raise BadFingerprint(f"cannot be packed: {problem}") from problem
    header = _header(fingerprint)
    small = b"".join(_small_columns(track) for track in fingerprint.tracks)
    hashes = b"".join(_steps_of_hashes(track.hashes) for track in fingerprint.tracks)
    # Z_RLE: there are no repeats for deflate to find but zeros, and without false ones
    # its Huffman codes come closer to the entropy: 962 bytes a second for 1,077 by default.
    deflate = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    body = deflate.compress(small + hashes) + deflate.flush()
    start = MAGIC + bytes([VERSION]) + len(header).to_bytes(4, "little")
    whole = start + header + body
    return whole + zlib.crc32(whole).to_bytes(_CHECKSUM_BYTES, "little")


def unpack(untrusted: bytes) -> Fingerprint:
    """The fingerprint of a packed form. Raises BadFingerprint for anything else.

    Memory is bounded by the length of ``untrusted`` and by ``fields.MAX_FRAMES``, whatever the
    header says.
    """
    try:
        return _unpack(untrusted)
    except fields.BadField as problem:
        raise BadFingerprint(f"not a packed fingerprint, or a damaged one: {problem}") from problem


def _header(fingerprint: Fingerprint) -> bytes:
    tracks = [
        {
            "algorithm": track.algorithm.name,
            "parameters": dict(track.algorithm.parameters),
            "view": str(track.view),
            "stream": track.stream,
            "frames": len(track),
        }
        for track in fingerprint.tracks
    ]
    header = {"kind": fingerprint.kind, "duration_ms": fingerprint.duration_ms, "tracks": tracks}
    return json.dumps(header, separators=(",", ":")).encode()


def _small_columns(track: Track) -> bytes:
    time_steps_ms = np.diff(track.times_ms, prepend=np.int64(0))
    quality_steps = np.diff(track.qualities, prepend=np.uint8(0))  # modulo 256
    return _planes(time_steps_ms) + _planes(track.spans_ms) + quality_steps.tobytes()


def _planes(numbers: NDArray[np.int64]) -> bytes:
    """Little-endian uint32, all first bytes before all second ones: the later ones are zeros."""
    return numbers.astype("<u4").view(np.uint8).reshape(len(numbers), _TIME_BYTES).T.tobytes()


def _from_planes(planes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The numbers, int64 (n,), of their byte planes: uint8 (4 n,)."""
    rows = np.ascontiguousarray(planes.reshape(_TIME_BYTES, -1).T)
    return rows.view("<u4").reshape(len(rows)).astype(np.int64)


def _steps_of_hashes(hashes: NDArray[np.uint8]) -> bytes:
    steps = hashes.copy()
    steps[1:] ^= hashes[:-1]
    return steps.tobytes()


def _unpack(untrusted: bytes) -> Fingerprint:
    header_end = _header_end(untrusted)
    whole, checksum = untrusted[:-_CHECKSUM_BYTES], untrusted[-_CHECKSUM_BYTES:]
    if zlib.crc32(whole) != int.from_bytes(checksum, "little"):
        raise fields.BadField("the checksum is wrong")
    kind, duration_ms, identities = _read_header(untrusted[_START_BYTES:header_end])
    frames = sum(identity.frames for identity in identities)
    fields.whole(frames, "frames in all tracks", fields.MAX_FRAMES)
    body = np.frombuffer(_inflate(whole[header_end:], frames * _FRAME_BYTES), np.uint8)
    small, hashes = np.split(body, [frames * _SMALL_BYTES])
    tracks, first = [], 0
    for identity in identities:
        tracks.append(_track(identity, small, hashes, first))
        first += identity.frames
    fingerprint = Fingerprint(kind, duration_ms, tuple(tracks))
    fields.require_sound(fingerprint)
    return fingerprint


def _header_end(untrusted: bytes) -> int:
    """Where the header ends; the lengths of all parts are checked on the way."""
    if not untrusted.startswith(MAGIC):
        raise fields.BadField(f"it does not start with {MAGIC.decode()}")
    if len(untrusted) < _START_BYTES + _CHECKSUM_BYTES:
        raise fields.BadField("it is cut off")
    version = untrusted[len(MAGIC)]
    if version != VERSION:
        raise fields.BadField(f"version {version}, this recirc reads version {VERSION}")
    header_bytes = int.from_bytes(untrusted[len(MAGIC) + 1 : _START_BYTES], "little")
    if header_bytes > min(_MAX_HEADER_BYTES, len(untrusted) - _START_BYTES - _CHECKSUM_BYTES):
        raise fields.BadField("the header is too long, or cut off")
    return _START_BYTES + header_bytes


def _read_header(untrusted: bytes) -> tuple[Kind, int, list[_Identity]]:
    header = fields.record(fields.parse(untrusted), "header")
    kind = fields.kind(header.get("kind"), "kind")
    duration_ms = fields.whole(header.get("duration_ms"), "duration_ms", fields.MAX_TIME_MS)
    tracks = []
    listed = fields.items(header.get("tracks"), "tracks", fields.MAX_TRACKS)
    for index, untrusted_track in enumerate(listed):
        place = f"tracks[{index}]"
        algorithm, view, stream = fields.track_identity(untrusted_track, place)
        count = fields.record(untrusted_track, place).get("frames")
        frames = fields.whole(count, f"{place}.frames", fields.MAX_FRAMES)
        tracks.append(_Identity(algorithm, view, stream, frames))
    return kind, duration_ms, tracks


def _inflate(untrusted: bytes, expected_bytes: int) -> bytes:
    inflate = zlib.decompressobj()  # its output grows as it comes: nothing is allocated ahead
    try:
        body = inflate.decompress(untrusted, expected_bytes + 1)
    except zlib.error as problem:
        raise fields.BadField(f"the body is damaged ({problem})") from problem
    if len(body) != expected_bytes or not inflate.eof or inflate.unused_data:
        raise fields.BadField("the body is not as long as the header announces")
    return body


def _track(
    identity: _Identity, small: NDArray[np.uint8], hashes: NDArray[np.uint8], first: int
) -> Track:
    """The track whose frames start with number ``first`` in the body's two parts, uint8."""
    count, last = identity.frames, first + identity.frames
    time_steps, spans, quality_steps = np.split(
        small[first * _SMALL_BYTES : last * _SMALL_BYTES],
        [count * _TIME_BYTES, 2 * count * _TIME_BYTES],
    )
    steps = hashes[first * bits.HASH_BYTES : last * bits.HASH_BYTES]
    return Track(
        identity.algorithm,
        identity.view,
        identity.stream,
        times_ms=np.cumsum(_from_planes(time_steps), dtype=np.int64),
        spans_ms=_from_planes(spans),
        qualities=np.cumsum(quality_steps, dtype=np.uint8),
        hashes=np.bitwise_xor.accumulate(steps.reshape(count, bits.HASH_BYTES), axis=0),
    )
