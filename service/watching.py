"""Watching: every request gets an id, is counted and timed, and is told in one line of the log.

The line says what was asked of which kind of address and how it ended: the route's template, never
the path; the verdict and the codes; the id of the key, which is no secret. That is all.
"""

import logging
import random
import re
from time import perf_counter
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.callers import Caller
from service.checking import CheckResult
from service.logs import FIELDS
from service.metrics import Metrics, Stage

# As long as ids that no person chooses: a phone number or a name does not fit.
_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# W3C Trace Context, version 00; zeros are no ids.
_TRACE: Final = re.compile(
    r"00-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-[0-9a-f]{2}"
)
_METHODS: Final = frozenset(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
_OTHER: Final = "other"  # a method or address that is not ours: what it is stays with its sender
_log = logging.getLogger(__name__)


class Watching:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        # Ids are no secrets, and the system's randomness takes a turn of the interpreter's lock.
        # Seeded here, after any fork: processes beside each other have different ones.
        self._random = random.Random()  # noqa: S311

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope.setdefault("state", {})["request_id"] = request_id(headers, self._random)
        watched = _Watched(self._metrics, receive, send)
        try:
            await self._app(scope, watched.receive, watched.send)
        finally:
            self._tell(scope, headers, watched)

    def _tell(self, scope: Scope, headers: Headers, watched: "_Watched") -> None:
        took_s = perf_counter() - watched.start_s
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        route: str = getattr(scope.get("route"), "path", _OTHER)
        self._metrics.answered(method, route, watched.status, took_s)
        state = scope["state"]
        code: str | None = state.get("code")
        if code is not None:
            self._metrics.refused(code)
        told: dict[str, object] = {
            "request_id": state["request_id"],
            "method": method,
            "route": route,
            "status": watched.status,  # 0: the client went away before there was one
            "ms": round(took_s * 1000),
        }
        caller: Caller | None = state.get("caller")
        if caller is not None and caller.key:
            told["key"] = caller.key
        if code is not None:
            told["code"] = code
        result: CheckResult | None = state.get("checked")
        if result is not None:
            told["verdict"] = result.verdict.value
            told["problems"] = [*result.problems, *result.notices]
        _log.info("request", extra={FIELDS: told | _trace(headers)})


class _Watched:
    """One request on its way: when its body came, and what was answered when."""

    def __init__(self, metrics: Metrics, receive: Receive, send: Send) -> None:
        self.start_s = perf_counter()
        self.status = 0
        self._metrics = metrics
        self._receive = receive
        self._send = send
        self._asked_s: float | None = None
        self._received = False
        self._began_s = 0.0

    async def receive(self) -> Message:
        """See ASGI. What comes after the body is no longer its."""
        if self._asked_s is None:
            self._asked_s = perf_counter()
        message = await self._receive()
        if not self._received and not message.get("more_body", False):
            self._received = True
            if message["type"] == "http.request":
                self._metrics.took(Stage.RECEIVE, perf_counter() - self._asked_s)
        return message

    async def send(self, message: Message) -> None:
        """See ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._began_s = perf_counter()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._metrics.took(Stage.ANSWER, perf_counter() - self._began_s)


def request_id(headers: Headers, ids: random.Random) -> str:
    """The caller's X-Request-Id where it is 32 hex digits or a UUID; else one of our own."""
    untrusted = headers.get("x-request-id", "")
    return untrusted if _ID.fullmatch(untrusted) else f"{ids.getrandbits(128):032x}"


def _trace(headers: Headers) -> dict[str, object]:
    """Where the request belongs in its caller's trace, if it says so as W3C has it."""
    found = _TRACE.fullmatch(headers.get("traceparent", ""))
    return {} if found is None else {"trace_id": found["trace"], "span_id": found["span"]}
