"""A clip that may be given up while it is decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

from hashing.errors import MediaError
from hashing.lanes import Sampling
from service.media.decoding import Abandoned, Decoding, Level, Taking


class Cancelled(MediaError):
    """Whoever wanted to know about the clip does not want to any more."""

    code = "cancelled"


class Cancellable:
    """A ``Decoding`` of one clip, which ``cancel`` ends from another thread.

    A caged child is killed. Without a cage decoding goes on to its next answer: there is no safe
    way to end a thread.
    """

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._lock = Lock()
        self._taking: Taking | None = None
        self.cancelled = False

    @property
    def level(self) -> Level:
        """See ``Decoding.level``."""
        return self._decoding.level

    @property
    def notices(self) -> tuple[str, ...]:
        """See ``Decoding.notices``."""
        return self._decoding.notices

    def require(self) -> None:
        """See ``Decoding.require``."""
        self._decoding.require()

    def close(self) -> None:
        """See ``Decoding.close``."""
        self._decoding.close()

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``. Raises Cancelled."""
        if self.cancelled:
            raise Cancelled("it was cancelled")
        with self._decoding.opened(media, sampling) as taking:
            self._hold(taking)
            try:
                yield taking
            finally:
                # Before its sockets are closed: their numbers may be others' at once.
                self._hold(None)

    def cancel(self) -> None:
        """Give the clip up. A second time does nothing."""
        with self._lock:
            self.cancelled = True
            if isinstance(self._taking, Abandoned):
                self._taking.abandon()

    def _hold(self, taking: Taking | None) -> None:
        with self._lock:
            self._taking = taking
            if self.cancelled and isinstance(taking, Abandoned):
                taking.abandon()
