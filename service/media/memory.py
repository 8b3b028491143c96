"""Clips as descriptors that a child may have: sealed memory, or a file that is open for reading."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1024 * 1024
# Sealed: neither the child nor anybody else can change what is being looked at.
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True)
class Held:
    """A clip's descriptor. ``cut``: a stream went on beyond what is held of it."""

    descriptor: int
    cut: bool = False


@contextmanager
def held(media: bytes | BinaryIO, most_bytes: int) -> Iterator[Held]:
    """The clip as a descriptor that can only be read.

    A file that was opened for reading is handed over as it is, however large. Anything else is
    copied into sealed memory; of a stream that cannot seek, at most ``most_bytes``.
    """
    descriptor = _read_only(media)
    if descriptor is not None:
        yield Held(descriptor)
        return
    descriptor = os.memfd_create("clip", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        cut = _fill(descriptor, media, most_bytes)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield Held(descriptor, cut)
    finally:
        os.close(descriptor)


def _read_only(media: bytes | BinaryIO) -> int | None:
    """The descriptor of a file that can seek and was opened for reading only."""
    if isinstance(media, bytes | BytesIO) or not media.seekable():
        return None
    try:
        descriptor = media.fileno()
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    except OSError:  # io.UnsupportedOperation too: a stream that no file is behind
        return None
    return descriptor if flags & os.O_ACCMODE == os.O_RDONLY else None


def _fill(descriptor: int, media: bytes | BinaryIO, most_bytes: int) -> bool:
    """Copy ``media``; whether a stream was cut."""
    if isinstance(media, bytes):
        _write(descriptor, media)
        return False
    if media.seekable():
        media.seek(0)
        while chunk := media.read(_CHUNK_BYTES):
            _write(descriptor, chunk)
        return False
    left_bytes = most_bytes
    while chunk := media.read(_CHUNK_BYTES):
        _write(descriptor, chunk[:left_bytes])
        if len(chunk) > left_bytes:
            return True
        left_bytes -= len(chunk)
    return False


def _write(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
