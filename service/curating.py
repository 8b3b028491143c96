"""Curating: media into references of a list, fingerprints for people, lists into files."""

import dataclasses
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from hashing.coverage import Problem
from hashing.errors import RecircError
from hashing.extract import REFERENCE, Extract
from hashing.formats import packed, packed_patches
from service import escaping, lists
from service.errors import ListNotFound, UnreadablePath
from service.media.decoding import Decoding, extract
from service.paths import STDIN_BYTES
from service.store.base import Store

# A reference of a part of a clip still finds that part; one of darkness finds nothing.
_REFUSED: Final = Problem.TOO_DARK


class TooDark(RecircError):
    """A reference with hardly a usable frame would look like protection and give none."""

    code = "too_dark"


@dataclass(frozen=True, slots=True)
class AddedMedia:
    """A reference made from media, and how the list has it now.

    ``size_bytes``: what the store keeps, and ``patch_bytes`` of its patch hashes; ``problems``: why
    the reference is not of the whole clip.
    """

    reference_id: str
    new: bool
    duration_ms: int
    frames: int
    size_bytes: int
    patch_bytes: int
    problems: tuple[str, ...]


def hash_reference(decoding: Decoding, media: bytes | BinaryIO, *, patches: bool) -> Extract:
    """Media hashed as densely as a reference needs, with patch hashes or without.

    Raises MediaError, TooDark, NoCage.
    """
    taken = extract(decoding, media, dataclasses.replace(REFERENCE, patches=patches))
    if _REFUSED in taken.coverage.problems:
        raise TooDark(
            f"{taken.coverage.flat_frames} of {taken.coverage.sampled_frames} frames are too dark "
            "or plain to be recognised again; add a brighter copy"
        )
    return taken


def add_media(
    store: Store,
    decoding: Decoding,
    list_name: str,
    media: bytes | BinaryIO,
    *,
    reference_id: str | None,
    label: str | None,
    incident: str | None,
    patches: bool | None = None,
) -> AddedMedia:
    """Hash media into a list, densely. A cut-off clip goes in with its problems named.

    ``patches``: whether to take patch hashes; None is as the list has it, a new list with them.
    Raises MediaError, TooDark, and what ``lists.add_fingerprint`` raises.
    """
    taken = hash_reference(decoding, media, patches=_keeps_patches(store, list_name, patches))
    problems = taken.coverage.problems
    added = lists.add_fingerprint(
        store,
        list_name,
        taken.fingerprint,
        reference_id=reference_id,
        label=label,
        incident=incident,
        patches=taken.patches,
        keep_patches=patches is not False,
    )
    return AddedMedia(
        reference_id=added.reference_id,
        new=added.new,
        duration_ms=taken.fingerprint.duration_ms,
        frames=taken.fingerprint.frames,
        size_bytes=len(packed.pack(taken.fingerprint)),
        patch_bytes=len(packed_patches.pack(taken.patches)) if taken.patches else 0,
        problems=tuple(str(problem) for problem in problems),
    )


def _keeps_patches(store: Store, list_name: str, wanted: bool | None) -> bool:
    try:
        keeps = store.get_list(list_name).patches
    except ListNotFound:
        keeps = True
    return keeps and wanted is not False


def read_whole(stream: BinaryIO, most_bytes: int | None) -> BinaryIO:
    """The stream, or of a pipe what comes out of it, held in memory.

    Other writers wait for as long as an import reads, and nobody knows when a pipe ends. Raises
    UnreadablePath beyond ``most_bytes``.
    """
    if stream.seekable():
        return stream
    most_bytes = STDIN_BYTES if most_bytes is None else most_bytes
    data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise UnreadablePath(f"the pipe gives more than {most_bytes} bytes; import it as a file")
    return BytesIO(data)


def write_whole(path: Path, lines: Iterable[str], *, replace: bool) -> None:
    """Write a file in one step: its readers see all of it or what was there before.

    The file is for its owner only, because lists are sensitive. Raises UnreadablePath where the
    file is there already without ``replace``, is a folder, pipe or device, or cannot be written.
    """
    name = escaping.shown(str(path))
    try:
        if not replace and os.path.lexists(path):
            raise UnreadablePath(f"{name} is there already; choose another or say --force")
        if path.exists() and not path.is_file():  # it would be a file from then on, also /dev/null
            raise UnreadablePath(f"{name} is no file; choose another, or - for standard output")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as stream:
                stream.writelines(lines)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        text = f"{name}: {error.strerror}; check the folder and its permissions"
        raise UnreadablePath(text) from error
