"""What a command works with, opened in the right order: decoders, then the database.

Like ``cli`` it is there at once: heavy imports wait inside.
"""

# ruff: noqa: PLC0415  # `recirc --help` in 0.3 s

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.commands import How
    from service.console import Console
    from service.media.decoding import Decoding
    from service.settings import Settings
    from service.store.base import Store


def debug() -> bool:
    """Whether faults are told with their whole story."""
    return bool(os.environ.get("RECIRC_DEBUG"))


def how() -> "How":
    """How a command treats its paths. Raises BadSetting."""
    from service.commands import How

    chosen = settings(None)
    return How(debug(), chosen.archives, chosen.media.media_bytes)


def console() -> "Console":
    """Where this process writes to."""
    from service.console import Console

    return Console.of_process()


def settings(
    database: Path | None,
    *,
    host: str | None = None,
    port: int | None = None,
    sandbox: str | None = None,
) -> "Settings":
    """The settings of this process. Raises BadSetting."""
    from service.settings import from_environment

    return from_environment(os.environ, database=database, host=host, port=port, sandbox=sandbox)


@contextmanager
def decoding(database: Path | None, sandbox: str | None) -> "Iterator[Decoding]":
    """The decoders of a command, locked up before there is a database or a second thread."""
    prepare()
    from service import caging

    with caging.for_command(settings(database, sandbox=sandbox)) as found:
        yield found


@contextmanager
def opened(database: Path | None) -> "Iterator[tuple[Console, Store]]":
    """Console and database of a command that needs lists; the database is made on first use."""
    prepare()
    from service.store.sqlite import SqliteStore

    store = SqliteStore(settings(database).database, who=_who())
    try:
        yield console(), store
    finally:
        store.close()


def _who() -> str:
    """As the audit record has whoever runs this command: a number, for it is never deleted."""
    return f"cli:{os.getuid()}" if hasattr(os, "getuid") else "cli"


@contextmanager
def checking(
    database: Path | None, sandbox: str | None
) -> "Iterator[tuple[Console, Store, Decoding]]":
    """Console, database and decoders of a command that needs all of them."""
    with decoding(database, sandbox) as found, opened(database) as (told, store):
        yield told, store, found


def prepare() -> None:
    """OpenCV works in this thread alone: its pictures are too small to be shared out."""
    import cv2

    cv2.setNumThreads(1)
