"""The JSON form of a fingerprint, for people and the API.

    {"recirc_fingerprint": 1, "kind": "video", "duration_ms": 4000,
     "tracks": [{"algorithm": "phash256", "parameters": {"hash_size": 16, "plane_px": 64},
                 "view": "as is", "stream": 0, "frames": [[time_ms, span_ms, quality, hash], ...]}],
     "coverage": {"container_ms": 4000, "decoded_ms": 4000, "sampled_frames": 8, "flat_frames": 0,
                  "decode_errors": 0, "problems": []}}

A hash is 64 hex digits, as imagehash and PDQ print it. ``coverage`` is absent where nobody knows
how much of the clip was hashed. Other keys are ignored, so that callers may carry their own.
"""

from collections.abc import Sequence
from typing import Final, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from hashing import bits
from hashing.coverage import Coverage, Problem
from hashing.errors import BadFingerprint
from hashing.fingerprint import Fingerprint, Track
from hashing.formats import fields

VERSION: Final = 1
_FRAME_FIELDS: Final = 4
# Times and spans in ms, qualities: int64 (n,); hashes: uint8 (n, 32).
_Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]


class TrackDocument(TypedDict):
    """One track; a frame is [time_ms, span_ms, quality, 64 hex digits]."""

    algorithm: str
    parameters: dict[str, int]
    view: str
    stream: int
    frames: list[tuple[int, int, int, str]]


class CoverageDocument(TypedDict):
    """How much of the clip was hashed, as in ``hashing.coverage.Coverage``."""

    container_ms: int
    decoded_ms: int
    sampled_frames: int
    flat_frames: int
    decode_errors: int
    problems: list[str]


class FingerprintDocument(TypedDict):
    """A fingerprint as JSON."""

    recirc_fingerprint: int
    kind: str
    duration_ms: int
    tracks: list[TrackDocument]
    coverage: NotRequired[CoverageDocument]


def to_document(fingerprint: Fingerprint, coverage: Coverage | None) -> FingerprintDocument:
    """The JSON form; its numbers and texts are plain Python values."""
    document: FingerprintDocument = {
        "recirc_fingerprint": VERSION,
        "kind": fingerprint.kind.value,
        "duration_ms": fingerprint.duration_ms,
        "tracks": [_track_document(track) for track in fingerprint.tracks],
    }
    if coverage is not None:
        document["coverage"] = {
            "container_ms": coverage.container_ms,
            "decoded_ms": coverage.decoded_ms,
            "sampled_frames": coverage.sampled_frames,
            "flat_frames": coverage.flat_frames,
            "decode_errors": coverage.decode_errors,
            "problems": [problem.value for problem in coverage.problems],
        }
    return document


def from_document(untrusted: object) -> tuple[Fingerprint, Coverage | None]:
    """Fingerprint and coverage of a parsed JSON form.

    Raises BadFingerprint, whose text names the place, such as ``tracks[0].frames[17]``.
    """
    try:
        return _fingerprint(untrusted)
    except fields.BadField as problem:
        raise BadFingerprint(f"not a fingerprint document: {problem}") from problem


def _track_document(track: Track) -> TrackDocument:
    return {
        "algorithm": track.algorithm.name,
        "parameters": dict(track.algorithm.parameters),
        "view": str(track.view),
        "stream": track.stream,
        "frames": list(
            zip(
                track.times_ms.tolist(),
                track.spans_ms.tolist(),
                track.qualities.tolist(),
                (bits.to_hex(row) for row in track.hashes),
                strict=True,
            )
        ),
    }


def _fingerprint(untrusted: object) -> tuple[Fingerprint, Coverage | None]:
    document = fields.record(untrusted, "the document")
    version = document.get("recirc_fingerprint")
    if version != VERSION or isinstance(version, bool):
        raise fields.BadField(
            f"recirc_fingerprint: {fields.shown(version)}, this recirc reads version {VERSION}"
        )
    kind = fields.kind(document.get("kind"), "kind")
    duration_ms = fields.whole(document.get("duration_ms"), "duration_ms", fields.MAX_TIME_MS)
    tracks: list[Track] = []
    left = fields.MAX_FRAMES
    listed = fields.items(document.get("tracks"), "tracks", fields.MAX_TRACKS)
    for index, untrusted_track in enumerate(listed):
        tracks.append(_track(untrusted_track, f"tracks[{index}]", left))
        left -= len(tracks[-1])
    untrusted_coverage = document.get("coverage")
    coverage = None if untrusted_coverage is None else _coverage(untrusted_coverage)
    return Fingerprint(kind, duration_ms, tuple(tracks)), coverage


def _track(untrusted: object, place: str, most_frames: int) -> Track:
    algorithm, view, stream = fields.track_identity(untrusted, place)
    rows = fields.items(
        fields.record(untrusted, place).get("frames"), f"{place}.frames", most_frames
    )
    columns = _columns(rows)
    times_ms, spans_ms, qualities, hashes = _row_by_row(rows, place) if columns is None else columns
    return Track(
        algorithm, view, stream, times_ms, spans_ms, qualities.astype(np.uint8), hashes=hashes
    )


def _columns(rows: Sequence[object]) -> _Columns | None:
    """All frames at once, in a tenth of the time; None unless every one of them is sound."""
    sound = [row for row in rows if isinstance(row, list) and len(row) == _FRAME_FIELDS]
    if not rows or len(sound) < len(rows):
        return None
    times, spans, qualities, texts = zip(*sound, strict=True)
    if set(map(type, times + spans + qualities)) != {int} or set(map(type, texts)) != {str}:
        return None
    try:
        numbers = np.array((times, spans, qualities), np.int64)
        digits = bytearray.fromhex("".join(texts))  # which passes over spaces
    except (OverflowError, ValueError):
        return None
    most = np.array([fields.MAX_TIME_MS, fields.MAX_TIME_MS, fields.MAX_QUALITY])
    is_sound = (
        set(map(len, texts)) == {2 * bits.HASH_BYTES}
        and len(digits) == bits.HASH_BYTES * len(rows)
        and (numbers >= 0).all()
        and (numbers <= most[:, None]).all()
        and (np.diff(numbers[0]) >= 0).all()
    )
    hashes = np.frombuffer(digits, np.uint8)
    return (*numbers, hashes.reshape(len(rows), bits.HASH_BYTES)) if is_sound else None


def _row_by_row(rows: Sequence[object], place: str) -> _Columns:
    """The same of any frames. Raises BadField, naming the first that is wrong."""
    numbers = np.zeros((3, len(rows)), np.int64)
    hashes = np.zeros((len(rows), bits.HASH_BYTES), np.uint8)
    before_ms = 0
    for index, row in enumerate(rows):
        try:
            time_ms, span_ms, quality, hash_bytes = _frame(row, before_ms)
        except fields.BadField as problem:
            raise fields.BadField(f"{place}.frames[{index}]: {problem}") from problem
        numbers[:, index] = time_ms, span_ms, quality
        hashes[index] = np.frombuffer(hash_bytes, np.uint8)
        before_ms = time_ms
    return numbers[0], numbers[1], numbers[2], hashes


def _frame(untrusted: object, before_ms: int) -> tuple[int, int, int, bytes]:
    """Time and span in ms, quality and hash of one frame that is not before ``before_ms``."""
    row = fields.items(untrusted, "frame", _FRAME_FIELDS)
    if len(row) != _FRAME_FIELDS:
        raise fields.BadField(f"[time_ms, span_ms, quality, hash] is needed, this has {len(row)}")
    time_ms = fields.whole(row[0], "time_ms", fields.MAX_TIME_MS)
    if time_ms < before_ms:
        raise fields.BadField(f"time_ms: {time_ms} is before the last frame's {before_ms}")
    span_ms = fields.whole(row[1], "span_ms", fields.MAX_TIME_MS)
    quality = fields.whole(row[2], "quality", fields.MAX_QUALITY)
    digits = fields.text(row[3], "hash", 2 * bits.HASH_BYTES)
    try:
        return time_ms, span_ms, quality, bits.from_hex(digits).tobytes()
    except ValueError as problem:
        raise fields.BadField(f"hash: {problem}") from problem


def _coverage(untrusted: object) -> Coverage:
    document = fields.record(untrusted, "coverage")

    def count(name: str) -> int:
        return fields.whole(document.get(name), f"coverage.{name}", fields.MAX_COUNT)

    problems = []
    listed = fields.items(document.get("problems"), "coverage.problems", len(Problem))
    for index, code in enumerate(listed):
        place = f"coverage.problems[{index}]"
        name = fields.text(code, place, fields.MAX_NAME)
        try:
            problems.append(Problem(name))
        except ValueError as problem:
            # Left out, the problem would make an incomplete check look complete.
            raise fields.BadField(
                f"{place}: {fields.shown(name)} is not a code this version knows"
            ) from problem
    return Coverage(
        container_ms=count("container_ms"),
        decoded_ms=count("decoded_ms"),
        sampled_frames=count("sampled_frames"),
        flat_frames=count("flat_frames"),
        decode_errors=count("decode_errors"),
        problems=tuple(problems),
    )
