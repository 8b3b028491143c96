"""Authentication: from the header ``Authorization`` of a request to its caller.

The store is asked at every request, so that a key that was revoked, in whatever process, is not
good for the next one. It is asked in a thread of this module's own: neither a slow disk nor the
requests that are being worked on keep the event loop, or each other's authentication, waiting.

While no key was ever made, a service on loopback takes every caller from there for the owner; not a
proxy on the same machine, which asks for anybody. Once it has seen a key it never does so again,
whatever becomes of that key or of the database.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service import addresses, keys, problems
from service.callers import OWNER, STRANGER, Caller
from service.errors import StoreError
from service.refusals import Unauthorized
from service.store.keys import Keys

_SCHEME: Final = "bearer"
_THREADS: Final = 2  # a look-up takes tens of microseconds
# What a proxy says of whom it asks for: then its own address says nothing.
_FORWARDED: Final = frozenset(["forwarded", "via", "x-forwarded-for", "x-real-ip"])
_USES_EACH_MS: Final = 60_000  # for each key: its last use is for people, and a write costs a sync
_log = logging.getLogger(__name__)


class Authenticator:
    """Tells callers by the keys of a store. ``local``: whether only this machine reaches it.

    ``clock``: milliseconds since 1970. Usable from one event loop.
    """

    def __init__(self, kept: Keys, *, local: bool, clock: Callable[[], int]) -> None:
        self._keys = kept
        self._open = local
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="recirc-keys")
        self._uses = _Uses(kept)

    async def caller(self, scope: Scope) -> Caller:
        """Who sends a request. Raises Unauthorized where they have no good key; StoreError."""
        headers = Headers(scope=scope)
        sent = headers.getlist("authorization")
        peer, _ = scope.get("client") or ("", 0)
        is_here = addresses.is_loopback(peer) and _FORWARDED.isdisjoint(headers.keys())
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, partial(self._caller, sent, is_here=is_here)
        )
        if found is None:
            raise Unauthorized(sent=bool(sent))
        return found

    def now_ms(self) -> int:
        """The time by which keys are good or not."""
        return self._clock()

    def close(self) -> None:
        """Note the last uses of keys, and end the threads."""
        self._threads.shutdown(wait=True)
        self._uses.close()

    def _caller(self, sent: list[str], *, is_here: bool) -> Caller | None:
        """``is_here``: whether the connection is this machine's own, and for nobody else."""
        if self._open:
            if not self._keys.any():
                # Asked of each connection as well: what a host name stands for may change.
                return OWNER if is_here else None
            self._open = False
        # Of two headers nobody knows which one a proxy in front has looked at.
        scheme, _, rest = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        untrusted_key = rest.strip(" ")
        key_id = keys.id_of(untrusted_key)
        if scheme.lower() != _SCHEME or key_id is None:
            return None
        now_ms = self._clock()
        stored = self._keys.find(key_id)
        if not keys.opens(stored, untrusted_key, now_ms) or stored is None:
            return None
        self._uses.note(stored.info, now_ms)
        return Caller(key_id, stored.info.scope)


class Authentication:
    """ASGI middleware: says in a request's state who sends it, and lets no stranger in.

    ``public``: the paths that anybody may ask, without a look at the store. Their state has the
    caller STRANGER.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator, public: frozenset[str]) -> None:
        self._app = app
        self._authenticator = authenticator
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] == "http":
            caller = STRANGER
            if scope["path"] not in self._public:
                try:
                    caller = await self._authenticator.caller(scope)
                except (Unauthorized, StoreError) as error:
                    await problems.respond(scope, error)(scope, receive, send)
                    return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


class _Uses:
    """When keys were last used, written once a minute at most for each, beside the requests."""

    def __init__(self, kept: Keys) -> None:
        self._keys = kept
        self._lock = threading.Lock()
        self._written_ms: dict[str, int] = {}
        self._waiting_ms: dict[str, int] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recirc-uses")

    def note(self, info: keys.KeyInfo, now_ms: int) -> None:
        """The key was used now."""
        with self._lock:
            # By this process, or by another one.
            written_ms = max(self._written_ms.get(info.id, 0), info.last_used_at_ms or 0)
            if now_ms - written_ms < _USES_EACH_MS:
                return
            self._written_ms[info.id] = now_ms
            is_first = not self._waiting_ms
            self._waiting_ms[info.id] = now_ms
        if is_first:  # else the write that is to come takes it along
            self._thread.submit(self._write)

    def close(self) -> None:
        """Write what waits."""
        self._thread.shutdown(wait=True)

    def _write(self) -> None:
        with self._lock:
            taken, self._waiting_ms = self._waiting_ms, {}
        try:
            self._keys.note_uses(taken)
        except StoreError as error:
            # Another process writes for long, or the disk is full: requests go on.
            _log.warning("the last use of %d keys was not noted: %s", len(taken), error.code)
