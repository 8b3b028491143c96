"""Connections: one client's patience costs no other client anything.

uvicorn waits for ever for the head of a request, for a body that is not wanted any more, and for a
client that does not read (its issue 157). Here each of these has an end; and where there are as
many connections as may be, room is made by closing the one that has kept the service waiting
longest, so that no number of slow clients keeps out one that is not. Bodies have their own
deadlines, in ``service.bodies``.
"""

import asyncio
import logging
import sys
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import h11
import uvicorn
from starlette.types import ASGIApp

from service.limits import ServiceLimits
from service.problems import RETRY_AFTER_S
from service.protocol import Protocol as Http

_LINGER_S: Final = 30  # for the rest of a body that was refused: an answer in it would be lost
BACKLOG: Final = 1024  # that come at once; the system may hold it lower
_log = logging.getLogger(__name__)
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n"
    b"Retry-After: %d\r\n\r\n" % RETRY_AFTER_S
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many connections there may be, and how long each may keep the service waiting."""

    connections: int
    head_s: float
    keep_alive_s: float
    unread_s: float
    linger_s: float = _LINGER_S

    @classmethod
    def of(cls, limits: ServiceLimits) -> "Patience":
        """As the settings have it."""
        return cls(limits.connections, limits.head_s, limits.keep_alive_s, limits.unread_s)


class Member(Protocol):
    """One of a crowd."""

    @property
    def transport(self) -> "Closable":
        """What it is closed by."""


class Closable(Protocol):
    """As asyncio's transports."""

    def abort(self) -> None:
        """Close at once."""


One = TypeVar("One", bound=Member)


class Crowd(Generic[One]):
    """All connections of one server, and whom each of them waits for."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._here: set[One] = set()
        # In order of time: the first has kept the service waiting longest.
        self._idle: dict[One, None] = {}
        self._sending: dict[One, None] = {}

    def enter(self, one: One) -> bool:
        """Whether there is room for it, perhaps made by closing another one."""
        if len(self._here) >= self.patience.connections:
            slowest = next(iter(self._idle), None) or next(iter(self._sending), None)
            if slowest is None:
                return False
            self.leave(slowest)
            slowest.transport.abort()
        self._here.add(one)
        self._idle[one] = None
        return True

    def leave(self, one: One) -> None:
        """It is no more."""
        self._here.discard(one)
        self._idle.pop(one, None)
        self._sending.pop(one, None)

    def busy(self, one: One, *, sends: bool) -> None:
        """Its request is being handled; ``sends``: its body is still to come."""
        self._idle.pop(one, None)
        if sends and one in self._here:
            self._sending.setdefault(one)
        else:
            self._sending.pop(one, None)

    def idle(self, one: One) -> None:
        """It has no request that is being handled."""
        self._sending.pop(one, None)
        if one in self._here:
            self._idle.setdefault(one)


def allow_descriptors(wanted: int) -> None:
    """Let this process open so many, as far as the system does; it says where it does not."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        _log.warning(
            "only %d files and connections may be open at a time (ulimit -Hn); %d are wanted: "
            "raise it, or set RECIRC_CONNECTIONS lower",
            most,
            wanted,
        )


class ServerConfig(uvicorn.Config):
    """uvicorn's, with the crowd that its connections belong to."""

    def __init__(self, app: ASGIApp, patience: Patience) -> None:
        super().__init__(
            app,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,  # no log of who asked for what
            log_config=None,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
        )
        self.timeout_keep_alive = patience.keep_alive_s  # type: ignore[assignment]  # any number
        self.crowd: Crowd[Connection] = Crowd(patience)


class Connection(Http):
    """One connection, which is closed when it keeps the service waiting for too long."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: uvicorn.server.ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        if not isinstance(config, ServerConfig):
            raise TypeError("a Connection needs a ServerConfig")
        self._crowd = config.crowd
        self._patience = config.crowd.patience
        self._refused = False
        self._waiting: asyncio.TimerHandle | None = None  # for a request
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio has it."""
        super().connection_made(transport)
        # Any byte that the kernel does not take counts as unread, also the last ones of an answer.
        transport.set_write_buffer_limits(high=0)
        if not self._crowd.enter(self):
            self._refused = True
            transport.write(_FULL)
            transport.close()
            return
        self._wait(self._patience.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._crowd.leave(self)
        self._stop_waiting()
        self._stop_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        if not self._refused:
            super().data_received(data)

    def handle_events(self) -> None:
        """What came is handled by uvicorn; whom the connection waits for now, is noted here."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            self._crowd.busy(self, sends=self.cycle.more_body)

    def on_response_complete(self) -> None:
        """As uvicorn has it."""
        self._stop_waiting()
        self._wait(self._next_s())
        super().on_response_complete()  # which may begin the next request

    def pause_writing(self) -> None:
        """As asyncio has it: the client does not read."""
        super().pause_writing()
        self._stop_unread()
        self._unread = self.loop.call_later(self._patience.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """As asyncio has it: the client has taken all."""
        super().resume_writing()
        self._stop_unread()

    def _next_s(self) -> float:
        """How long the next head may take from now on."""
        if self.conn.their_state is h11.SEND_BODY:
            return self._patience.linger_s
        return self._patience.keep_alive_s + self._patience.head_s

    def _wait(self, most_s: float) -> None:
        self._crowd.idle(self)
        self._waiting = self.loop.call_later(most_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
