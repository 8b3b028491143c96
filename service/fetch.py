"""Fetch: the only module that opens sockets to other machines.

A host's name is resolved once, every address that it stands for has to be public, and the
connection is made to one of those very addresses: a name that stands for another one a moment later
(DNS rebinding) changes nothing. Redirects are followed by hand and checked as anew. No proxies, no
cookies, no credentials, nothing is unpacked; time and size are bounded as a whole.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from ipaddress import ip_address
from typing import Final

from service.refusals import FetchFailed, FetchRefused, FetchTooLarge
from service.targets import (
    Address,
    AllowedHost,
    NotAllowed,
    Target,
    is_public,
    require_allowed,
    target_of,
)

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 3
_MOST_ADDRESSES: Final = 4  # of a host that are tried
_CONNECT_S: Final = 10
_READ_BYTES: Final = 256 * 1024
_MOST_REPLY_BYTES: Final = 64 * 1024  # of what a webhook says, which nobody reads
_HEADERS: Final = {"User-Agent": "recirc", "Accept": "*/*", "Accept-Encoding": "identity"}
_FAILURES: Final = (OSError, http.client.HTTPException, ValueError)


def resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host, by the system. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as problem:
        raise OSError("not a name") from problem
    return list(dict.fromkeys(ip_address(str(address[0])) for *_, address in found))


def _tls() -> ssl.SSLContext:
    """As Python has it, without what is older than TLS 1.2 (RFC 8996), which not all systems rule
    out by themselves."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How other machines are reached, and which addresses are. Tests alone have another one."""

    is_open: Callable[[Address], bool] = is_public
    resolve: Callable[[str, int], list[Address]] = resolved
    tls: ssl.SSLContext = field(default_factory=_tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may be asked, and for how long in all."""

    hosts: Sequence[AllowedHost]
    whole_s: float
    reach: Reach = field(default_factory=Reach)


class Fetcher:
    """Asks the hosts that an operator has named. Usable from several threads."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._under_way: set[_Deadline] = set()
        self._closed = False

    def close(self) -> None:
        """Ask nothing more, and end what is being asked: it fails as if its time were up."""
        with self._lock:
            self._closed = True
            under_way = set(self._under_way)
        for one in under_way:
            one.end()

    @contextmanager
    def _deadline(self) -> Iterator["_Deadline"]:
        deadline = _Deadline(self._bounds.whole_s)
        with self._lock:
            if self._closed:
                raise FetchFailed("the service is about to stop")
            self._under_way.add(deadline)
        try:
            with deadline:
                yield deadline
        finally:
            with self._lock:
                self._under_way.discard(deadline)

    def require(self, url: str) -> None:
        """Raise FetchRefused for a URL that would be refused before anything is sent."""
        self._target(url)

    def get(self, url: str, most_bytes: int) -> BytesIO:
        """What is at this URL, at its start. Raises FetchRefused, FetchFailed, FetchTooLarge."""
        with self._deadline() as deadline:
            for _ in range(_MOST_REDIRECTS + 1):
                target = self._target(url)
                with self._asked(deadline, "GET", target, None, _HEADERS) as response:
                    if response.status not in _REDIRECTS:
                        body = _body(response, most_bytes)
                        deadline.require()  # else one without a length would look whole
                        return body
                    location = response.getheader("Location", "")
                    url = _absolute(target, location)
        raise FetchRefused(f"more than {_MOST_REDIRECTS} redirects")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer to a POST; a redirect is not followed.

        Raises FetchRefused, FetchFailed.
        """
        with (
            self._deadline() as deadline,
            self._asked(
                deadline, "POST", self._target(url), body, _HEADERS | dict(headers)
            ) as said,
        ):
            said.read(_MOST_REPLY_BYTES)
            return said.status

    @contextmanager
    def _asked(
        self,
        deadline: "_Deadline",
        method: str,
        target: Target,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, up to its body."""
        addresses = self._addresses(target)
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0  # it would resolve the name anew
        try:
            connection.sock = self._connected(deadline, target, addresses)
            connection.request(method, target.path, body, {"Host": target.authority, **headers})
            with connection.getresponse() as response:
                yield response
        except _FAILURES as problem:
            late = deadline.is_over or isinstance(problem, TimeoutError)
            what = "it took too long" if late else type(problem).__name__
            raise FetchFailed(
                f"{target.authority} did not answer as it should: {what}"
            ) from problem
        finally:
            deadline.watch(None)
            connection.close()

    def _target(self, url: str) -> Target:
        """Raises FetchRefused."""
        try:
            target = target_of(url)
            require_allowed(target, self._bounds.hosts)
        except NotAllowed as problem:
            raise FetchRefused(str(problem)) from problem
        return target

    def _addresses(self, target: Target) -> list[Address]:
        """The addresses to be asked, all of them checked. Raises FetchRefused, FetchFailed."""
        try:
            found = (
                [target.address]
                if target.address is not None
                else self._bounds.reach.resolve(target.host, target.port)
            )
        except OSError as problem:
            raise FetchFailed(f"{target.host} has no address") from problem
        # All of them: a host that stands for both a public and a private one is up to something.
        if not found or not all(self._bounds.reach.is_open(one) for one in found):
            raise FetchRefused(f"{target.host} does not stand for public addresses alone")
        return found[:_MOST_ADDRESSES]

    def _connected(
        self, deadline: "_Deadline", target: Target, addresses: Sequence[Address]
    ) -> socket.socket:
        last: OSError = OSError("no address")
        for address in addresses:
            family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_STREAM)
            try:
                deadline.watch(opened)
                opened.settimeout(_CONNECT_S)
                opened.connect((str(address), target.port))
                opened.settimeout(self._bounds.whole_s)
                if target.scheme == "http":
                    return opened
                secured = self._bounds.reach.tls.wrap_socket(
                    opened, server_hostname=target.host, do_handshake_on_connect=False
                )
                opened = secured  # which has the descriptor now
                deadline.watch(secured)
                secured.do_handshake()
            except OSError as problem:
                opened.close()
                last = problem
            else:
                return secured
        raise last


class _Deadline:
    """Ends whatever connection is watched when the time is up: no trickle of bytes delays it."""

    def __init__(self, whole_s: float) -> None:
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(whole_s, self.end)
        self._timer.daemon = True
        self.is_over = False

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: socket.socket | None) -> None:
        """This connection from now on. Raises TimeoutError where the time is up."""
        with self._lock:
            self._watched = connection
        if connection is not None:
            self.require()

    def require(self) -> None:
        """Raise TimeoutError where the time is up."""
        if self.is_over:
            raise TimeoutError("its time is up")

    def end(self) -> None:
        """The time is up."""
        with self._lock:
            self.is_over = True
            if self._watched is not None:
                with suppress(OSError):  # not connected yet, or no more
                    # Not ssl's own, which another thread may be in the middle of.
                    socket.socket.shutdown(self._watched, socket.SHUT_RDWR)


def _body(response: http.client.HTTPResponse, most_bytes: int) -> BytesIO:
    """The whole body of a good answer. Raises FetchFailed, FetchTooLarge, IncompleteRead."""
    if response.status != http.client.OK:
        raise FetchFailed(f"the answer has the status {response.status}")
    if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailed("the answer has a Content-Encoding")
    if (response.length or 0) > most_bytes:
        raise FetchTooLarge(f"it is longer than the {most_bytes} bytes that are taken")
    body = BytesIO()
    while chunk := response.read(min(_READ_BYTES, most_bytes + 1 - body.tell())):
        body.write(chunk)
        if body.tell() > most_bytes:
            raise FetchTooLarge(f"it is longer than the {most_bytes} bytes that are taken")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    body.seek(0)
    return body


def _absolute(target: Target, untrusted_location: str) -> str:
    """Where a redirect leads: a whole URL, or a path of the same host."""
    if untrusted_location.startswith("/") and not untrusted_location.startswith("//"):
        return f"{target.scheme}://{target.authority}{untrusted_location}"
    return untrusted_location
