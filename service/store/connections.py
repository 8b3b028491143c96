"""Connections to one SQLite file, shared by threads: each transaction has one for itself.

SQLite's own errors become StoreError here, and nowhere else.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from service.errors import StoreError
from service.store import migrations

_MOST_IDLE: Final = 8
_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # what was answered as added survives a power cut, also in WAL
    "PRAGMA trusted_schema = OFF",  # sqlite.org/security.html: the file may come from elsewhere
    "PRAGMA secure_delete = ON",  # lists are sensitive: what was removed is overwritten
    "PRAGMA temp_store = MEMORY",  # and what is sorted goes to no file; there may be no folder
)
_MENDS: Final = {
    sqlite3.SQLITE_BUSY: "another process is writing; try again",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable, or choose another with --db",
    sqlite3.SQLITE_FULL: "make room on the disk; nothing was changed",
    sqlite3.SQLITE_IOERR: "is the disk full or failing? nothing was changed",
    sqlite3.SQLITE_CANTOPEN: "check the folder's permissions, or choose another file with --db",
    sqlite3.SQLITE_CORRUPT: "restore the file from a copy, or import the lists into a new one",
    sqlite3.SQLITE_NOTADB: "choose another file with --db",
}


class Connections:
    """Connections to the database file ``path``, which is made on first use with mode 0600.

    ``busy_timeout_ms``: for how long a writer waits for another one.
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int) -> None:
        self._busy_timeout_ms = busy_timeout_ms
        self._path = path.absolute()  # also ":memory:" is a file's name here
        self._lock = threading.Lock()
        self._idle: list[Database] = []
        self._closed = False
        _make_file(self._path)
        with self._one() as database:
            migrations.require_ours(database)
            # Asked first: the change needs the file for itself, even where nothing changes.
            if database.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                database.execute("PRAGMA journal_mode = WAL")
            migrations.bring_up_to_date(database)

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """A connection that sees the database as it was at its first read."""
        with self._one() as database:
            database.execute("BEGIN")
            yield database

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """A connection in a transaction that is committed at the end, or undone on any error."""
        with self._one() as database:
            # IMMEDIATE: a read that becomes a write cannot wait for another writer, this can.
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.commit()

    def close(self) -> None:
        """Close all connections; those in use when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for database in idle:
            database.close()

    @contextmanager
    def _one(self) -> Iterator[Database]:
        try:
            database = self._take()
            try:
                yield database
            finally:
                self._give_back(database)
        except sqlite3.Error as problem:
            raise StoreError(self._explain(problem)) from problem

    def _take(self) -> Database:
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            if self._idle:
                return self._idle.pop()
        return _connect(self._path, self._busy_timeout_ms)

    def _give_back(self, database: Database) -> None:
        try:
            database.rollback()
        except sqlite3.Error:
            database.close()  # what state it is in is not known
            raise
        with self._lock:
            keep = not self._closed and len(self._idle) < _MOST_IDLE
            if keep:
                self._idle.append(database)
        if not keep:
            database.close()

    def _explain(self, problem: sqlite3.Error) -> str:
        # The low byte is the kind of error, the rest its place in SQLite.
        mend = _MENDS.get(getattr(problem, "sqlite_errorcode", 0) & 0xFF, "")
        return f"{self._path}: {problem}" + (f"; {mend}" if mend else "")


def _make_file(path: Path) -> None:
    """Made before SQLite does: its own files get the mode that the database file has."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    except OSError as problem:
        raise StoreError(
            f"{path}: {problem.strerror}; check the folder's permissions, "
            "or choose another file with --db"
        ) from problem


def _connect(path: Path, busy_timeout_ms: int) -> Database:
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout_ms / 1000,
        isolation_level=None,  # transactions are begun and ended here, not by the driver
        check_same_thread=False,  # one thread at a time holds it
    )
    try:
        # Plugins of sqlite-utils that happen to be installed have no business with lists.
        database = Database(connection, execute_plugins=False)
        for pragma in _PRAGMAS:
            database.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return database
