"""The doctor: is this installation sound? One finding a line, each with its mend."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Final

import av
import cv2
import PIL

from hashing.extract import CLIP
from service import caging, scenery, snapshots
from service.errors import NoCage, StoreError
from service.media import landlock
from service.media.decoding import Decoding, Level, Uncaged, extract
from service.settings import DATABASE, Settings
from service.snapshots import BadSnapshot
from service.store.sqlite import SqliteStore

_LOW_SPACE_BYTES: Final = 200 * 1024 * 1024
# The codecs that phones and chats send, and an encoder that makes a tiny clip of each.
_DECODERS: Final = (
    ("H.264", "libx264", {"preset": "ultrafast", "threads": "1"}),
    ("HEVC", "libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}),
    ("VP9", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    ("AV1", "libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}),
)
_REINSTALL: Final = "install recirc again with its locked dependencies"


class Health(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``mend`` is None where nothing needs to be done."""

    health: Health
    name: str
    text: str
    mend: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, those that every other depends on first."""
    yield from _versions()
    try:
        with caging.for_service(settings) as decoding:
            yield _sandbox(decoding.level)
            yield from _decoders(decoding)
    except NoCage as error:
        yield Finding(Health.PROBLEM, "sandbox", "decoders are not locked up", str(error))
        yield from _decoders(Uncaged())
    yield from _database(settings.database)
    yield from _index_files(settings.index)
    yield _space(settings.database)


def _sandbox(level: Level) -> Finding:
    if level is Level.LIMITS_ONLY:
        text = "limits-only, as it was told: a decoder's defect can do what this user can"
        mend = "take --sandbox and RECIRC_SANDBOX away, or check clips from strangers elsewhere"
        return Finding(Health.WARNING, "sandbox", text, mend)
    if level is Level.NO_LANDLOCK:
        text = "seccomp, without Landlock; opening, sockets, starting programs were refused"
        return Finding(Health.OK, "sandbox", text)
    text = f"full: seccomp, Landlock {landlock.version()}, limits; five ways out were refused"
    return Finding(Health.OK, "sandbox", text)


def _decoders(decoding: Decoding) -> Iterator[Finding]:
    for name, encoder, options in _DECODERS:
        yield _decoder(decoding, name, encoder, options)


def _versions() -> Iterator[Finding]:
    yield Finding(Health.OK, "recirc", _version("recirc"))
    yield Finding(Health.OK, "Python", platform.python_version())
    yield Finding(Health.OK, "FFmpeg", f"{av.ffmpeg_version_info}, in PyAV {_version('av')}")
    yield Finding(Health.OK, "OpenCV", cv2.__version__)
    yield Finding(Health.OK, "Pillow", PIL.__version__)
    yield Finding(Health.OK, "SQLite", sqlite3.sqlite_version)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _decoder(decoding: Decoding, name: str, encoder: str, options: dict[str, str]) -> Finding:
    label = f"{name} decoder"
    scene = scenery.frames(3, seconds=1, width_px=128, height_px=96)
    try:
        media = scenery.encode_with(encoder, scene, options)
    except (av.FFmpegError, ValueError) as error:
        text = f"not tried: no encoder to make a test clip ({type(error).__name__})"
        return Finding(Health.WARNING, label, text, _REINSTALL)
    try:
        found = extract(decoding, media, CLIP)
    except Exception as error:  # noqa: BLE001  # any failure here is the finding
        text = f"a test clip cannot be read ({type(error).__name__})"
        return Finding(Health.PROBLEM, label, text, _REINSTALL)
    if found.coverage.problems or not found.fingerprint.frames:
        codes = ", ".join(found.coverage.problems) or "no frames"
        text = f"a test clip cannot be read in full ({codes})"
        return Finding(Health.PROBLEM, label, text, _REINSTALL)
    return Finding(Health.OK, label, "reads a test clip")


def _database(path: Path) -> Iterator[Finding]:
    shown = ascii(str(path)).strip("'")
    if not path.exists():
        text = f"{shown} is not there yet; the first command that needs it makes it"
        yield Finding(Health.OK, "database", text)
        return
    try:
        store = SqliteStore(path)
        try:
            lists = store.lists()
        finally:
            store.close()
    except StoreError as error:
        mend = f"mend the file, or choose another with --db or {DATABASE.name}"
        yield Finding(Health.PROBLEM, "database", str(error), mend)
        return
    references = sum(one.references for one in lists)
    yield Finding(Health.OK, "database", f"{shown}, {path.stat().st_size} bytes, readable")
    if references:
        yield Finding(Health.OK, "lists", f"{len(lists)}, references on them: {references}")
    else:
        mend = "add one with recirc add, or bring a list with recirc import"
        yield Finding(Health.WARNING, "lists", "no references: no clip can be checked", mend)


def _index_files(folder: Path | None) -> Iterator[Finding]:
    """One finding a file; none where there are none, for short lists need none."""
    for path in sorted(folder.glob(f"*{snapshots.SUFFIX}")) if folder is not None else ():
        name = f"index of {path.stem}"
        try:
            shelf, mark = snapshots.read(path)
        except (BadSnapshot, FileNotFoundError) as problem:
            mend = "nothing: the next check of that list makes it anew, or delete it"
            yield Finding(Health.WARNING, name, f"not used: {problem}", mend)
            continue
        text = f"sound, version {mark.version}, {shelf.part.frames:,} frames"
        crowded = sum(one.buckets.crowded_out for one in shelf.part.segments if one.buckets)
        if crowded:
            text += f"; {crowded:,} of them too much alike to be looked up in full"
        yield Finding(Health.OK, name, text)


def _space(path: Path) -> Finding:
    folder = next((one for one in path.absolute().parents if one.is_dir()), Path(path.anchor))
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(Health.PROBLEM, "free space", f"unknown: {error.strerror}", "check the disk")
    text = f"{free_bytes // 1024**2} MiB where the database is"
    if free_bytes < _LOW_SPACE_BYTES:
        return Finding(Health.WARNING, "free space", text, "make room before you add references")
    if not os.access(folder, os.W_OK):
        mend = "make it writable, or choose another place with --db"
        return Finding(Health.PROBLEM, "free space", f"{text}, which is not writable", mend)
    return Finding(Health.OK, "free space", text)
