"""Boots: which processes that share a store are still there.

A process that dies says nothing, and a clock says only for how long it has said nothing. So each
holds a lock on a small file beside the database, which the system lets go of when the process ends,
however it ends. SQLite's own sharing needs one machine as well, so nothing is lost by that.
"""

import os
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from service.errors import StoreError
from service.locks import lock

_ID_BYTES: Final = 8


class Boot(Protocol):
    """One process, from its start on."""

    @property
    def id(self) -> str:
        """What rows of the store name it by."""

    def end(self) -> None:
        """It has ended. A second time does nothing."""


class Boots(Protocol):
    """The processes that share a store."""

    def begin(self) -> Boot:
        """This process, until it ends. Raises StoreError."""
        ...

    def is_over(self, boot_id: str) -> bool:
        """Whether that process has ended. Raises StoreError."""
        ...


class FileBoots:
    """Boots as locked files beside the file ``path``.

    On Windows, where files are not locked so, a process takes all others for ended.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._own: set[str] = set()

    def begin(self) -> "FileBoot":
        """As ``Boots.begin``."""
        try:
            for left in self._path.parent.glob(f"{self._path.name}.boot-*"):
                self.is_over(left.name.rpartition("-")[2])  # takes the file away
            while True:
                boot_id = secrets.token_hex(_ID_BYTES)
                held = _create_locked(self._file(boot_id))
                if held is not None:
                    self._own.add(boot_id)
                    return FileBoot(boot_id, held, partial(self._forget, boot_id))
        except OSError as problem:
            raise StoreError(
                f"{self._path.parent}: {problem.strerror}; check the folder's permissions"
            ) from problem

    def is_over(self, boot_id: str) -> bool:
        """As ``Boots.is_over``."""
        if boot_id in self._own:
            return False
        path = self._file(boot_id)
        try:
            found = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError as problem:
            raise StoreError(f"{path}: {problem.strerror}") from problem
        try:
            if not lock(found):
                return False
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(found)

    def _forget(self, boot_id: str) -> None:
        self._own.discard(boot_id)
        self._file(boot_id).unlink(missing_ok=True)

    def _file(self, boot_id: str) -> Path:
        return self._path.with_name(f"{self._path.name}.boot-{boot_id}")


class FileBoot:
    """As ``Boot``: holds its file's lock."""

    def __init__(self, boot_id: str, descriptor: int, forget: Callable[[], None]) -> None:
        self.id = boot_id
        self._descriptor: int | None = descriptor
        self._forget = forget

    def end(self) -> None:
        """As ``Boot.end``."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._forget()
            os.close(descriptor)


def _create_locked(path: Path) -> int | None:
    """A new file, locked; None where another process has taken it for one that was left."""
    made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    if lock(made) and path.exists():
        return made
    os.close(made)
    return None
