"""The guard around all routes: from where to call, what every answer carries, what defects show.

Until there are keys, whoever reaches the port may do anything. So the service listens on loopback
only, and the guard keeps out the one stranger who reaches loopback: a web page in a browser on the
same machine, directly (the header Origin) or by DNS rebinding (the header Host).
"""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.problems import CrossOrigin, RequestError, WrongHost

_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:/@?#]+)(:[0-9]{1,5})?")
_HEADERS: Final = {
    "Cache-Control": "no-store",  # verdicts and lists are nobody's cache's business
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware; ``hosts``: the names, without ports, that requests may be for; None: any."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = problems.request_id(scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            self._require_own(Headers(scope=scope))
            await self._app(scope, receive, send_with_headers)
        except RequestError as error:
            await problems.respond(scope, error)(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # the client went away while sending: there is nobody to answer
        except Exception as error:  # noqa: BLE001  # the outermost loop of HTTP
            if started:
                # Returning early makes the server cut the connection, so the client sees that
                # the answer is not whole.
                problems.log_unexpected(scope, error)
                return
            response = problems.respond_unexpected(scope, error)
            await response(scope, receive, send_with_headers)

    def _require_own(self, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        parsed = _HOST.fullmatch(host)
        if parsed is None or not (self._hosts is None or parsed["name"].strip("[]") in self._hosts):
            raise WrongHost("use http://127.0.0.1 or http://localhost as the address")
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host:
            raise CrossOrigin("pages of other origins may not use this service")


def _netloc(untrusted_url: str) -> str | None:
    try:
        return urlsplit(untrusted_url).netloc or None
    except ValueError:
        return None
