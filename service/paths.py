"""PATH arguments: files, folders (walked), ``-`` and zip archives, as clips to read one by one.

Nothing is written and no name inside an archive is ever resolved: it is only a label. Whatever
cannot be read is reported in its place, and the rest goes on.
"""

import os
import stat
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from service import archives
from service.archives import ArchiveLimits, Bad

STDIN: Final = "-"
STDIN_LABEL: Final = "standard input"
# Standard input is held in memory (``hashing.media.Limits.media_bytes``).
STDIN_BYTES: Final = 512 * 1024 * 1024


class PathProblem(StrEnum):
    """Why a path gave no clip; stable codes. Those of archives are in ``service.archives``."""

    UNREADABLE_PATH = "unreadable_path"  # it does not exist, or may not be read
    EMPTY_FOLDER = "empty_folder"  # a folder without a file in it
    NO_CLIPS = "no_clips"  # a folder or archive with nothing in it but what was skipped
    LINKED_FOLDER = "linked_folder"  # a link to a folder outside the one that is walked
    NOT_A_FILE = "not_a_file"  # a pipe, socket or device inside a folder
    LIMIT_BYTES = "limit_bytes"  # more on standard input than is held in memory


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to read. ``media`` is open, and only until the next item is asked for.

    ``inside``: it was found in a folder or an archive; nobody named it itself.
    """

    label: str
    media: bytes | BinaryIO
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that gave no clip: a stable code, and what is wrong with the mend."""

    label: str
    code: str
    text: str


def clips(
    paths: Sequence[str],
    stdin: BinaryIO,
    limits: ArchiveLimits = archives.DEFAULT_LIMITS,
    stdin_bytes: int | None = None,
) -> Generator[Clip | Unread, None, None]:
    """What these paths hold, in the order given; a folder's files in order of their names.

    ``stdin_bytes``: the most that is read of standard input or a pipe, else ``STDIN_BYTES``.
    Whether something is an archive is told by its first bytes, or by a name that ends in ``.zip``.
    """
    for path in paths:
        if path == STDIN:
            yield from _stdin(stdin, limits, stdin_bytes)
        elif os.path.isdir(path):
            yield from _folder(path, limits)
        else:
            yield from _file(path, limits, stdin_bytes=stdin_bytes)


def _stdin(
    stdin: BinaryIO, limits: ArchiveLimits, stdin_bytes: int | None
) -> Iterator[Clip | Unread]:
    most_bytes = STDIN_BYTES if stdin_bytes is None else stdin_bytes
    try:
        data = stdin.read(most_bytes + 1)
    except OSError as error:
        yield _unreadable(STDIN_LABEL, error)
        return
    if len(data) > most_bytes:
        text = f"standard input is longer than {most_bytes} bytes; check it as a file"
        yield Unread(STDIN_LABEL, PathProblem.LIMIT_BYTES, text)
    elif archives.begins(data):
        yield from _members(STDIN_LABEL, BytesIO(data), limits)
    else:
        yield Clip(STDIN_LABEL, data)


def _file(
    path: str, limits: ArchiveLimits, *, inside: bool = False, stdin_bytes: int | None = None
) -> Iterator[Clip | Unread]:
    try:
        stream = open(path, "rb")  # noqa: SIM115  # held open while the consumer reads
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        yield _unreadable(path, error)
        return
    with stream:
        if not stream.seekable():  # a pipe that the caller named, as in <(command)
            yield from (_renamed(one, path) for one in _stdin(stream, limits, stdin_bytes))
            return
        try:
            head = stream.read(archives.HEAD_BYTES)
            stream.seek(0)
        except OSError as error:
            yield _unreadable(path, error)
            return
        if archives.begins(head) or path.lower().endswith(".zip"):
            yield from _members(path, stream, limits)
        else:
            yield Clip(path, stream, inside)


def _renamed(one: Clip | Unread, path: str) -> Clip | Unread:
    label = path + one.label.removeprefix(STDIN_LABEL)
    return replace(one, label=label)


def _members(label: str, stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Clip | Unread]:
    for member in archives.members(stream, limits):
        name = label if member.name is None else f"{label}/{member.name}"
        if isinstance(member, Bad):
            yield Unread(name, member.code, member.text)
        else:
            yield Clip(name, member.data, inside=member.name is not None)


def _folder(root: str, limits: ArchiveLimits) -> Iterator[Clip | Unread]:
    """Depth first in order of names, with an explicit stack: a deep tree ends no recursion."""
    found = False
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            mode = os.lstat(path).st_mode if path != root else stat.S_IFDIR
            if stat.S_ISLNK(mode):
                linked = os.stat(path).st_mode
                if stat.S_ISDIR(linked):
                    yield from _link(path, root)
                    continue
                mode = linked
            if stat.S_ISDIR(mode):
                names = sorted(os.listdir(path), reverse=True)
                waiting += [os.path.join(path, name) for name in names]
                continue
        except OSError as error:
            found = True
            yield _unreadable(path, error)
            continue
        found = True
        if stat.S_ISREG(mode):
            yield from _file(path, limits, inside=True)
        else:
            text = "a pipe, socket or device inside a folder is not opened; name it itself"
            yield Unread(path, PathProblem.NOT_A_FILE, text)
    if not found:
        text = "the folder has no file in it; was the right one named?"
        yield Unread(root, PathProblem.EMPTY_FOLDER, text)


def _link(path: str, root: str) -> Iterator[Unread]:
    """Nothing for a link into the walked folder, which is walked anyway: loops end here."""
    with suppress(OSError):
        if Path(path).resolve().is_relative_to(Path(root).resolve()):
            return
    text = "a link to a folder elsewhere is not followed; name that folder itself"
    yield Unread(path, PathProblem.LINKED_FOLDER, text)


def no_clips(path: str) -> Unread:
    """The answer for a path with nothing in it but what was skipped."""
    label = STDIN_LABEL if path == STDIN else path
    text = "there is nothing in it but text or sound; was the right one named?"
    return Unread(label, PathProblem.NO_CLIPS, text)


def _unreadable(label: str, error: OSError | ValueError) -> Unread:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    text = f"{reason or 'it cannot be read'}; check the name and the permissions"
    return Unread(label, PathProblem.UNREADABLE_PATH, text)
