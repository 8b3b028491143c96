"""Snapshots: a list's index in a file, mapped into memory and shared by all processes.

    magic "RCINDEX" and version (8 bytes), length of the header (8 bytes), CRC-32 of the header
    (4 bytes), zeros (4 bytes), header (JSON), then arrays, each from a multiple of 64 bytes on

Numbers are little-endian. The header tells the list's mark, its references (id, label, incident),
and each array with its place and checksum; no array is an object, so reading runs no code. A file
is written beside and put in place at once. Whatever is wrong with one, it is not used: the store
has everything. The checksums find damage, not forgery: the folder is as private as the database.
"""

import hashlib
import json
import mmap
import os
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from hashing import chunks
from hashing.buckets import Buckets, Tables, layout_for
from hashing.fingerprint import Algorithm
from hashing.formats import fields
from hashing.parts import ALGORITHMS, Part
from hashing.reference import MAX_TEXT, is_one_line
from hashing.segments import Columns, Segment
from hashing.views import View
from service import locks
from service.store.base import Mark

MAGIC: Final = b"RCINDEX\x02"
SUFFIX: Final = ".rcindex"
_PARTIAL: Final = ".partial"
_START_BYTES: Final = len(MAGIC) + 8 + 4 + 4
_ALIGNED_BYTES: Final = 64  # a cache line
_MAX_HEADER_BYTES: Final = 1 << 30  # ten million references with long labels
_SUMMED_WORDS: Final = 1 << 17  # a megabyte has one sum: reading is as fast as memory allows

Entry = tuple[str, str | None, str | None]
Array = NDArray[np.generic]
Arrays = dict[str, Array]


class BadSnapshot(Exception):
    """A file that is not used, and why. Never leaves the service: the store has everything."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of a list, and the id, label and incident of each of its references."""

    part: Part
    entries: tuple[Entry, ...]


def path_of(folder: Path, list_name: str) -> Path:
    """Where a list's snapshot is; names of lists are names of files everywhere."""
    return folder / f"{list_name}{SUFFIX}"


def write(path: Path, shelf: Shelf, mark: Mark) -> None:
    """Put a snapshot in its place, all or nothing. Raises OSError."""
    arrays = _arrays(shelf.part)
    header, offsets = _header(shelf, mark, arrays)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(suffix=_PARTIAL, prefix=path.name, dir=path.parent)
    try:
        locks.lock(handle)
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + len(header).to_bytes(8, "little"))
            file.write(zlib.crc32(header).to_bytes(4, "little") + bytes(4) + header)
            for name, array in arrays.items():
                file.write(bytes(offsets[name] - file.tell()))
                file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def sweep(folder: Path) -> None:
    """Delete what processes left that died while they wrote: as long as an index, and of its list
    for good. Where that cannot be done it is left."""
    for partial in folder.glob(f"*{SUFFIX}*{_PARTIAL}"):
        with suppress(OSError), partial.open("rb+") as file:
            if locks.lock(file.fileno()):  # else somebody is writing it
                partial.unlink()


def read(path: Path) -> tuple[Shelf, Mark]:
    """The part and the mark that a snapshot holds. Raises BadSnapshot, FileNotFoundError."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise BadSnapshot(problem.strerror) from problem
    except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
        raise BadSnapshot(f"not as it was written ({type(problem).__name__})") from problem


def _read(file: BinaryIO) -> tuple[Shelf, Mark]:
    size = os.fstat(file.fileno()).st_size
    start = file.read(_START_BYTES)
    if len(start) < _START_BYTES or not start.startswith(MAGIC):
        raise BadSnapshot("not a snapshot of this version")
    header_bytes = int.from_bytes(start[8:16], "little")
    if header_bytes > min(_MAX_HEADER_BYTES, size - _START_BYTES):
        raise BadSnapshot("cut off")
    untrusted = file.read(header_bytes)
    if zlib.crc32(untrusted) != int.from_bytes(start[16:20], "little"):
        raise BadSnapshot("the header's checksum is wrong")
    header = fields.record(fields.parse(untrusted), "header")
    if header["made_by"] != _made_by():
        raise BadSnapshot("made by another version of recirc")
    if header["size"] != size:
        raise BadSnapshot("cut off")
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    told = fields.record(header["arrays"], "arrays")
    arrays = {name: _array(mapped, size, one) for name, one in told.items()}
    entries = _entries(fields.items(header["entries"], "entries", size))
    part = _part(arrays, fields.items(header["tracks"], "tracks", len(ALGORITHMS)))
    if len(entries) != len(part):
        raise BadSnapshot("as many references as it has are not named")
    mark = fields.record(header["mark"], "mark")
    version = fields.whole(mark["version"], "version", 2**63)
    token = fields.text(mark["token"], "token", 64)
    read_at_ms = fields.whole(mark["read_at_ms"], "read_at_ms", 2**63)
    return Shelf(part, entries), Mark(version, token, read_at_ms)


def _entries(untrusted: Sequence[object]) -> tuple[Entry, ...]:
    """Ids, labels and incidents, looked at together: one by one takes as long as all the rest."""
    rows = [fields.items(one, "entry", 3) for one in untrusted]
    texts = [one for row in rows for one in row if one is not None]
    if not all(isinstance(one, str) and 0 < len(one) <= MAX_TEXT for one in texts):
        raise BadSnapshot("an entry that is no text")
    if not is_one_line("".join(map(str, texts))):
        raise BadSnapshot("an entry with characters that no text has")
    if not all(len(row) == 3 and row[0] is not None for row in rows):
        raise BadSnapshot("a reference without an id")
    return tuple((str(name), _text(label), _text(incident)) for name, label, incident in rows)


def _text(one: object) -> str | None:
    return None if one is None else str(one)


def _array(mapped: mmap.mmap, size: int, untrusted: object) -> Array:
    told = fields.record(untrusted, "array")
    shape = [fields.whole(one, "shape", size) for one in fields.items(told["shape"], "shape", 2)]
    dtype = np.dtype(fields.text(told["dtype"], "dtype", 8))
    offset = fields.whole(told["offset"], "offset", size)
    array = np.frombuffer(mapped, dtype, int(np.prod(shape)), offset)
    if _checksum(array) != told["checksum"]:
        raise BadSnapshot("a checksum is wrong")
    return array.reshape(shape)


def _made_by() -> str:
    """Changes with all that the arrays' meaning depends on."""
    layouts = [asdict(layout) for layout in (chunks.SHORT, chunks.LONG)]
    told = [str(one) for one in ALGORITHMS], layouts, chunks.SIGNATURE_BITS, np.little_endian
    permutation = hashlib.sha256(chunks.PERMUTATION.astype("<i8").tobytes()).hexdigest()
    return json.dumps([told, permutation])


def _header(shelf: Shelf, mark: Mark, arrays: Arrays) -> tuple[bytes, dict[str, int]]:
    """The header, and where each array begins: which depends on how long the header is."""
    header: dict[str, object] = {
        "made_by": _made_by(),
        "mark": asdict(mark),
        "tracks": [
            [[str(view) for view in one.columns.views], list(one.columns.streams)]
            for one in shelf.part.segments
        ],
        "entries": shelf.entries,
        "size": 0,
    }
    told: dict[str, dict[str, object]] = {
        name: {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "offset": 0,
            "checksum": _checksum(array.reshape(-1)),
        }
        for name, array in arrays.items()
    }
    header["arrays"] = told
    # Offsets count from a place that the header can grow up to by writing them.
    room = len(json.dumps(header)) + 32 * (len(arrays) + 1)
    offset, offsets = _START_BYTES + room, dict[str, int]()
    for name, array in arrays.items():
        offset += -offset % _ALIGNED_BYTES
        offsets[name] = told[name]["offset"] = offset
        offset += array.nbytes
    header["size"] = offset
    return json.dumps(header).encode(), offsets


def _checksum(array: Array) -> str:
    """Of the sums of each megabyte: any damaged word changes one of them."""
    flat = array.view(np.uint8)
    whole = len(flat) // 8 * 8
    words = flat[:whole].view(np.uint64)
    sums = np.add.reduceat(words, np.arange(0, len(words), _SUMMED_WORDS)) if whole else words
    return hashlib.sha256(sums.tobytes() + flat[whole:].tobytes()).hexdigest()


def _arrays(part: Part) -> Arrays:
    arrays: Arrays = {"durations_ms": part.durations_ms, "stills": part.stills}
    for place, segment in enumerate(part.segments):
        for name in _COLUMNS:
            arrays[f"{place}.{name}"] = getattr(segment.columns, name)
        if segment.buckets is not None:
            for name in _TABLES:
                arrays[f"{place}.{name}"] = getattr(segment.buckets.tables, name)
            arrays[f"{place}.crowded_out"] = np.array([segment.buckets.crowded_out], np.int64)
    return arrays


_COLUMNS: Final = ("references", "starts", "times_ms", "spans_ms", "qualities", "hashes")
_TABLES: Final = ("bucket_starts", "entries", "twin_of", "twins")


def _part(arrays: Arrays, tracks: Sequence[object]) -> Part:
    segments = tuple(
        _segment(algorithm, f"{place}.", arrays, tracks[place])
        for place, algorithm in enumerate(ALGORITHMS)
    )
    durations_ms = arrays["durations_ms"].view(np.int64)
    return Part(durations_ms, arrays["stills"].view(np.bool_), segments)


def _segment(algorithm: Algorithm, prefix: str, arrays: Arrays, tracks: object) -> Segment:
    views, streams = fields.items(tracks, "tracks", 2)
    count = len(arrays[f"{prefix}references"])
    columns = Columns(
        algorithm,
        tuple(View.parse(str(one)) for one in fields.items(views, "views", count)),
        tuple(
            fields.whole(one, "stream", 2**31) for one in fields.items(streams, "streams", count)
        ),
        references=arrays[f"{prefix}references"].view(np.int64),
        starts=arrays[f"{prefix}starts"].view(np.int64),
        times_ms=arrays[f"{prefix}times_ms"].view(np.uint32),
        spans_ms=arrays[f"{prefix}spans_ms"].view(np.uint32),
        qualities=arrays[f"{prefix}qualities"].view(np.uint8),
        hashes=arrays[f"{prefix}hashes"].view(np.uint8),
    )
    if f"{prefix}entries" not in arrays:
        return Segment(columns)
    tables = Tables(
        arrays[f"{prefix}bucket_starts"].view(np.uint32),
        arrays[f"{prefix}entries"].view(np.uint64),
        arrays[f"{prefix}twin_of"].view(np.uint32),
        arrays[f"{prefix}twins"].view(np.uint32),
        int(arrays[f"{prefix}crowded_out"].view(np.int64)[0]),
    )
    if len(tables.bucket_starts) != 1 + layout_for(len(columns.hashes)).offsets[-1]:
        raise BadSnapshot("tables that do not fit their hashes")
    return Segment(columns, Buckets(columns.hashes, tables))
