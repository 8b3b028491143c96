"""Zip archives as clips in memory: bounded, one member at a time, nothing unpacked to a file.

A chat's export is a zip; so is a bomb. Every number that the archive states is taken for a claim.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import IO, BinaryIO, Final

HEAD_BYTES: Final = 4
_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")  # a member, or the end of an archive without any
_ENCRYPTED: Final = 0x1  # APPNOTE.TXT 4.4.4, general purpose flag
_CHUNK_BYTES: Final = 1024 * 1024
# zipfile reads the table of contents in one piece and makes an object of each entry; an entry
# takes 46 bytes and more, so this bounds both.
_CONTENTS_BYTES: Final = 8 * 1024 * 1024


class ArchiveProblem(StrEnum):
    """Why an archive or a member gave no clip; stable codes."""

    DAMAGED = "zip_damaged"
    EMPTY = "zip_empty"
    ENCRYPTED = "zip_encrypted"
    NESTED = "zip_nested"
    UNSUPPORTED = "zip_unsupported"  # packed in another way than stored or deflated
    LIMIT_MEMBERS = "zip_limit_members"
    LIMIT_BYTES = "zip_limit_bytes"
    LIMIT_RATIO = "zip_limit_ratio"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """``members``: of one archive; the largest chat exports hold 10,000 attachments.

    ``member_bytes``: unpacked, held in memory. ``total_bytes``: unpacked, of one archive.
    ``ratio``: unpacked over packed, of members above ``ratio_from_bytes``; compressed media hardly
    shrinks, deflate gives 1032 at most (zlib.net/zlib_tech.html).
    """

    members: int
    member_bytes: int
    total_bytes: int
    ratio: int
    ratio_from_bytes: int


DEFAULT_LIMITS: Final = ArchiveLimits(
    members=20_000,
    member_bytes=512 * 1024 * 1024,
    total_bytes=64 * 1024**3,
    ratio=100,
    ratio_from_bytes=4 * 1024 * 1024,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A member, unpacked in memory. ``name`` is a label, whatever it looks like."""

    name: str
    data: BinaryIO


@dataclass(frozen=True, slots=True)
class Bad:
    """A member, or with ``name`` None the archive itself, that gave no bytes."""

    name: str | None
    code: ArchiveProblem
    text: str


class _ContentsTooLong(Exception):
    """The table of contents is longer than any honest one."""


class _Reader:
    """The archive's stream, which refuses to read more than a table of contents at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size_bytes: int = -1) -> bytes:
        if size_bytes > _CONTENTS_BYTES:
            raise _ContentsTooLong
        return self._stream.read(_CONTENTS_BYTES if size_bytes < 0 else size_bytes)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


# What zipfile raises on bad archives beside its own.
_FOREIGN_ERRORS: Final = (
    zipfile.BadZipFile,
    struct.error,
    zlib.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    UnicodeError,
    ValueError,
)


def begins(head: bytes) -> bool:
    """Whether a file with these first bytes is a zip archive."""
    return head.startswith(_MAGIC)


def members(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member | Bad]:
    """The members in the archive's own order, each read when it is asked for."""
    try:
        archive = zipfile.ZipFile(_Reader(stream))
    except _ContentsTooLong:
        text = "its table of contents is too long; unpack it and check the folder"
        yield Bad(None, ArchiveProblem.LIMIT_MEMBERS, text)
        return
    except _FOREIGN_ERRORS:
        text = "this is no whole zip archive; copy it again"
        yield Bad(None, ArchiveProblem.DAMAGED, text)
        return
    with archive:
        yield from _each(archive, limits)


def _each(archive: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[Member | Bad]:
    # A "folder" with bytes in it is a file whose name was chosen to be passed over.
    files = [one for one in archive.infolist() if one.file_size or not one.is_dir()]
    if not files:
        yield Bad(None, ArchiveProblem.EMPTY, "the archive has no file in it; copy it again")
    allowance = _Allowance(limits.total_bytes)
    for info in files[: limits.members]:
        yield _read(archive, info, limits, allowance)
    if len(files) > limits.members:
        text = f"more than {limits.members} members, the rest was not checked; unpack it"
        yield Bad(None, ArchiveProblem.LIMIT_MEMBERS, text)


class _Allowance:
    """What one archive may still unpack to: members that were refused count as well."""

    def __init__(self, left_bytes: int) -> None:
        self.left_bytes = left_bytes


def _read(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ArchiveLimits, allowance: _Allowance
) -> Member | Bad:
    name = info.filename
    if info.flag_bits & _ENCRYPTED:
        return Bad(name, ArchiveProblem.ENCRYPTED, "encrypted; unpack it with its password first")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Bad(name, ArchiveProblem.UNSUPPORTED, "packed in a rare way; unpack it first")
    data = BytesIO()
    try:
        with archive.open(info) as packed:
            bad = _fill(data, packed, info, limits, allowance)
    except (*_FOREIGN_ERRORS, _ContentsTooLong):
        bad = Bad(name, ArchiveProblem.DAMAGED, "damaged in the archive; copy it again")
    data.seek(0)
    if bad is None and begins(data.getbuffer()[:HEAD_BYTES].tobytes()):
        bad = Bad(name, ArchiveProblem.NESTED, "an archive in an archive; unpack it first")
    return bad or Member(name, data)


def _fill(
    data: BytesIO,
    packed: IO[bytes],
    info: zipfile.ZipInfo,
    limits: ArchiveLimits,
    allowance: _Allowance,
) -> Bad | None:
    """Unpack a member into ``data`` until it ends or is beyond a limit."""
    most_by_ratio = max(limits.ratio_from_bytes, limits.ratio * info.compress_size)
    most_bytes = min(limits.member_bytes, allowance.left_bytes)
    while chunk := packed.read(_CHUNK_BYTES):
        data.write(chunk)
        allowance.left_bytes -= len(chunk)
        if data.tell() > most_bytes:
            text = f"longer than the {max(0, most_bytes)} bytes that are left; unpack it first"
            return Bad(info.filename, ArchiveProblem.LIMIT_BYTES, text)
        if data.tell() > most_by_ratio:
            text = "it unpacks to far more than media would; it may be a bomb"
            return Bad(info.filename, ArchiveProblem.LIMIT_RATIO, text)
    return None
