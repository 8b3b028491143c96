"""Zip archives as clips in memory: bounded, one member at a time, nothing unpacked to a file.

A chat's export is a zip; so is a bomb. Every number that the archive states is taken for a claim.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from io import SEEK_END, BytesIO
from typing import IO, BinaryIO, Final

HEAD_BYTES: Final = 4
_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")  # a member, or the end of an archive without any
_ENCRYPTED: Final = 0x1  # APPNOTE.TXT 4.4.4, general purpose flag
_CHUNK_BYTES: Final = 1024 * 1024
# A member's heads hold its name and a few fields; more between members than this belongs to none.
_HEADS_BYTES: Final = 512
_FEW_HIDDEN_BYTES: Final = 1024  # alignment, a signature; footage of a second takes more
_END_BYTES: Final = 22 + 20 + 56  # the end of an archive (APPNOTE.TXT 4.3.16), and zip64's two


class ArchiveProblem(StrEnum):
    """Why an archive or a member gave no clip; stable codes."""

    DAMAGED = "zip_damaged"
    EMPTY = "zip_empty"
    ENCRYPTED = "zip_encrypted"
    NESTED = "zip_nested"
    UNSUPPORTED = "zip_unsupported"  # packed in another way than stored or deflated
    LIMIT_CONTENTS = "zip_limit_contents"
    LIMIT_MEMBERS = "zip_limit_members"
    LIMIT_BYTES = "zip_limit_bytes"
    LIMIT_TOTAL = "zip_limit_total"
    LIMIT_RATIO = "zip_limit_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """``members``: of one archive with those inside it; the largest chat exports hold 10,000
    attachments. ``contents_bytes``: the table of contents, which zipfile reads in one piece and
    makes an object of each entry of 46 bytes and more. ``member_bytes``: unpacked, held in memory.
    ``total_bytes``: unpacked, of one archive with those inside it. ``ratio``: unpacked over packed,
    of members above ``ratio_from_bytes``; compressed media hardly shrinks, deflate gives 1032 at
    most (zlib.net/zlib_tech.html). ``nesting``: archives inside an archive that are opened; each
    is held in memory while its members are read.
    """

    members: int = 20_000
    contents_bytes: int = 8 * 1024 * 1024
    member_bytes: int = 512 * 1024 * 1024
    total_bytes: int = 64 * 1024**3
    ratio: int = 100
    ratio_from_bytes: int = 4 * 1024 * 1024
    nesting: int = 2


DEFAULT_LIMITS: Final = ArchiveLimits()


@dataclass(frozen=True, slots=True)
class Member:
    """A member, unpacked in memory. ``name`` is a label, whatever it looks like.

    ``None``: the archive itself, which holds bytes that belong to no member. A player may find a
    film in them.
    """

    name: str | None
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
    """The archive's stream, which refuses to read more than a table of contents at once.

    ``opened``: from here on members are read, in pieces of zipfile's own choice.
    """

    def __init__(self, stream: BinaryIO, contents_bytes: int) -> None:
        self._stream = stream
        self._contents_bytes = contents_bytes
        self.opened = False

    def read(self, size_bytes: int = -1) -> bytes:
        if size_bytes > (_CHUNK_BYTES if self.opened else self._contents_bytes):
            raise _ContentsTooLong
        return self._stream.read(_CHUNK_BYTES if size_bytes < 0 else size_bytes)

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
    """The members in the archive's own order, each read when it is asked for.

    Those of an archive inside it are named behind it, as in ``inner.zip/clip.mp4``.
    """
    yield from _members(stream, limits, _Allowance(limits), nesting=0)


class _Allowance:
    """What one archive may still unpack to, with those inside it; what was refused counts too."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self.left_bytes = limits.total_bytes
        self.left_members = limits.members


def _members(
    stream: BinaryIO, limits: ArchiveLimits, allowance: _Allowance, *, nesting: int
) -> Iterator[Member | Bad]:
    try:
        reader = _Reader(stream, limits.contents_bytes)
        archive = zipfile.ZipFile(reader)
        reader.opened = True
    except _ContentsTooLong:
        text = "its table of contents is too long; unpack it and check the folder"
        yield Bad(None, ArchiveProblem.LIMIT_CONTENTS, text)
        return
    except _FOREIGN_ERRORS:
        text = "this is no whole zip archive; copy it again"
        yield Bad(None, ArchiveProblem.DAMAGED, text)
        return
    with archive:
        for member in _each(archive, limits, allowance):
            if isinstance(member, Bad) or member.name is None or not _is_archive(member.data):
                yield member
            elif nesting == limits.nesting:
                text = f"more than {nesting} archives in one another; unpack it first"
                yield Bad(member.name, ArchiveProblem.NESTED, text)
            else:
                for inner in _members(member.data, limits, allowance, nesting=nesting + 1):
                    name = member.name if inner.name is None else f"{member.name}/{inner.name}"
                    yield replace(inner, name=name)
        if _hides(archive, stream.seek(0, SEEK_END)):
            stream.seek(0)
            yield Member(None, stream)


def _is_archive(data: BinaryIO) -> bool:
    head = data.read(HEAD_BYTES)
    data.seek(0)
    return begins(head)


def _each(
    archive: zipfile.ZipFile, limits: ArchiveLimits, allowance: _Allowance
) -> Iterator[Member | Bad]:
    # A "folder" with bytes in it is a file whose name was chosen to be passed over. ``is_dir`` is
    # not asked: it raises for an empty name.
    files = [one for one in archive.infolist() if one.file_size or one.filename[-1:] != "/"]
    if not files:
        yield Bad(None, ArchiveProblem.EMPTY, "the archive has no file in it; copy it again")
    for info in files:
        if allowance.left_members == 0:
            text = f"more than {limits.members} members, the rest was not checked; unpack it"
            yield Bad(None, ArchiveProblem.LIMIT_MEMBERS, text)
            return
        allowance.left_members -= 1
        yield _read(archive, info, limits, allowance)


def _hides(archive: zipfile.ZipFile, size_bytes: int) -> bool:
    """Whether bytes of the archive belong to no member: before, between or behind them."""
    spans = [
        (one.header_offset, one.header_offset + one.compress_size + _HEADS_BYTES)
        for one in archive.infolist()
    ]
    entries_bytes = sum(46 + len(one.filename.encode()) for one in archive.infolist())
    few_bytes = _FEW_HIDDEN_BYTES + 64 * len(spans)  # extra fields of the entries
    end = 0
    for start, stop in sorted([*spans, (archive.start_dir, archive.start_dir)]):
        if start - end > _FEW_HIDDEN_BYTES:
            return True
        end = max(end, stop)
    return size_bytes - archive.start_dir - entries_bytes - _END_BYTES > few_bytes


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
    while chunk := packed.read(_CHUNK_BYTES):
        data.write(chunk)
        allowance.left_bytes -= len(chunk)
        if data.tell() > limits.member_bytes:
            text = f"longer than {limits.member_bytes} bytes; unpack it first"
            return Bad(info.filename, ArchiveProblem.LIMIT_BYTES, text)
        if allowance.left_bytes < 0:
            text = f"the archive unpacks to more than {limits.total_bytes} bytes; check it in parts"
            return Bad(info.filename, ArchiveProblem.LIMIT_TOTAL, text)
        if data.tell() > most_by_ratio:
            text = "it unpacks to far more than media would; it may be a bomb"
            return Bad(info.filename, ArchiveProblem.LIMIT_RATIO, text)
    return None
