"""Limiting: how often and how many at a time one key may ask, told before a body is read.

A token bucket a key: ``burst`` requests at once, then ``requests_per_minute``. The fields
``RateLimit-Policy`` and ``RateLimit`` are those of draft-ietf-httpapi-ratelimit-headers-10. All of
it is in one process's memory: several processes allow a key so many times as much.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.callers import OWNER, Caller
from service.limits import ServiceLimits
from service.refusals import KeyBusy, RateLimited

PREFIX: Final = "/v1/"  # probes and metrics are never refused: they tell whether it is overrun
_MOST_KEYS: Final = 10_000  # that are remembered; those with nothing to remember go first
_MINUTE_S: Final = 60.0


@dataclass(slots=True)
class _Use:
    """What one key has used. ``tokens``: requests that it may make at once, as of ``at_s``."""

    tokens: float
    at_s: float
    running: int = 0


class Limiter:
    """Counts the requests of each key, on one event loop. ``now_s``: a clock that never goes back.

    Requests that are refused count as well, but cost no token: who tries again too soon is not
    kept out for longer.
    """

    def __init__(self, limits: ServiceLimits, now_s: Callable[[], float] = time.monotonic) -> None:
        self._burst = limits.key_burst
        self._per_s = limits.key_requests_per_minute / _MINUTE_S
        self._concurrency = limits.key_concurrency
        self._now_s = now_s
        self._uses: dict[str, _Use] = {}

    @contextmanager
    def admitted(self, key: str) -> Iterator["Admission"]:
        """One request of this key, until its answer is whole. Raises RateLimited, KeyBusy."""
        use = self._use(key)
        if use.running >= self._concurrency:
            raise KeyBusy(
                f"{self._concurrency} requests of this key are being worked on; wait for one"
            )
        if use.tokens < 1:
            wait_s = math.ceil((1 - use.tokens) / self._per_s)
            raise RateLimited(
                f"more than {round(self._per_s * _MINUTE_S)} requests a minute of this key",
                retry_after_s=max(1, wait_s),
            )
        use.tokens -= 1
        use.running += 1
        try:
            yield Admission(use)
        finally:
            use.running -= 1

    def headers(self, key: str) -> dict[str, str]:
        """What answers to this key say of its limits, as they are now."""
        use = self._use(key)
        window_s = math.ceil(self._burst / self._per_s)
        full_in_s = math.ceil((self._burst - use.tokens) / self._per_s)
        # Bodies that came at the same time are worked on, although they were not counted before.
        free = max(0, self._concurrency - use.running)
        return {
            "RateLimit-Policy": f'"requests";q={self._burst};w={window_s}, '
            f'"concurrency";q={self._concurrency};qu="concurrent-requests"',
            "RateLimit": f'"requests";r={int(use.tokens)};t={full_in_s}, "concurrency";r={free}',
        }

    def _use(self, key: str) -> _Use:
        """The key's use, with the tokens that it has gained since."""
        now_s = self._now_s()
        use = self._uses.get(key)
        if use is None:
            self._make_room(now_s)
            use = self._uses[key] = _Use(tokens=float(self._burst), at_s=now_s)
        use.tokens = self._gained(use, now_s)
        use.at_s = now_s
        return use

    def _gained(self, use: _Use, now_s: float) -> float:
        return min(float(self._burst), use.tokens + (now_s - use.at_s) * self._per_s)

    def _make_room(self, now_s: float) -> None:
        """Forget keys that have used nothing of late: they begin as they would go on."""
        if len(self._uses) < _MOST_KEYS:
            return
        for key, use in list(self._uses.items()):
            if not use.running and self._gained(use, now_s) >= self._burst:
                del self._uses[key]


class Admission:
    """One request that is let in."""

    def __init__(self, use: _Use) -> None:
        self._use = use

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Count it not while its body comes: slow bodies of a key keep out no other of its own."""
        self._use.running -= 1
        try:
            yield
        finally:
            self._use.running += 1


class Limiting:
    """ASGI middleware, inside what tells callers: keeps each key within its limits."""

    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        caller: Caller = scope.get("state", {}).get("caller", OWNER)
        # A stranger is refused for having no key, and must not use up another stranger's requests.
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or not caller.key:
            await self._app(scope, receive, send)
            return

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._limiter.headers(caller.key))
            await send(message)

        try:
            with self._limiter.admitted(caller.key) as admission:
                scope["state"]["admission"] = admission
                await self._app(scope, receive, send_with_limits)
        except (RateLimited, KeyBusy) as error:
            answer = problems.respond(scope, error)
            await answer(scope, receive, send_with_limits)
