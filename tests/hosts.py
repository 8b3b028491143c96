"""Other hosts, for tests: real servers on loopback, by names that stand for it here alone."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

from service.fetch import Bounds, Reach
from service.targets import Address, allowed_host

NAME, OTHER = "media.example.test", "other.example.test"
LOOPBACK = IPv4Address("127.0.0.1")
# For these two names, and good for nothing: anybody can read the private part here.
_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBijCCATCgAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA90ZXN0cyBv
ZiByZWNpcmMwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD3Rlc3RzIG9mIHJlY2lyYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BN5pfWZph1RXITh2jyxPbbDVnjpeUAYQBvbU+M3qVMk3qC5nxieqm1gHlVNblAAC
DmyBX0DIcD2EAMxxEhFTOO2jZTBjMDEGA1UdEQQqMCiCEm1lZGlhLmV4YW1wbGUu
dGVzdIISb3RoZXIuZXhhbXBsZS50ZXN0MA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0O
BBYEFHQCUbBdZoGJMNTXJc/2qWKc8ZMeMAoGCCqGSM49BAMCA0gAMEUCICkXd5vd
aBTt/kmGXAZYokMftNmLX4NI90vfa03qqbwkAiEAmxdU5sbo2CcCbDZhKSh+9WDW
lV71W1ltl8UfRN/Yc2w=
-----END CERTIFICATE-----
"""
_PRIVATE_PART = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfXrnkldQndofHbvJ
lEuKlXxQxj+nQk76hbgv4iPzRa6hRANCAATeaX1maYdUVyE4do8sT22w1Z46XlAG
EAb21PjN6lTJN6guZ8YnqptYB5VTW5QAAg5sgV9AyHA9hADMcRIRUzjt
-----END PRIVATE KEY-----
"""
Answer = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """One request to a host; what it is answered is a test's own business."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """As the host of this test does."""
        length = int(self.headers.get("Content-Length", "0"))
        self.body = self.rfile.read(length)
        assert isinstance(self.server, Host)
        self.server.asked.append((self.command, self.path, dict(self.headers), self.body))
        self.server.answer(self)

    do_GET = do_POST = answer  # noqa: N815  # their names in http.server

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; ``a_b`` is the header ``a-b``."""
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Host(ThreadingHTTPServer):
    """A host that answers as it is told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.secured = False

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def url(self, path: str = "/", *, name: str = NAME) -> str:
        """Its URL."""
        return f"{'https' if self.secured else 'http'}://{name}:{self.port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error."""


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server under these names, and for clients that trust it."""
    certificate, private = folder / "certificate.pem", folder / "private.pem"
    certificate.write_text(_CERTIFICATE)
    private.write_text(_PRIVATE_PART)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, private)
    return server, ssl.create_default_context(cafile=certificate)


@contextmanager
def host(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """A host, until the end; with ``tls`` it is asked by https."""
    running = Host(answer)
    if tls is not None:
        running.socket = tls.wrap_socket(running.socket, server_side=True)
        running.secured = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        thread.join(timeout=60)
        running.server_close()


def to_loopback(name: str, _: int) -> list[Address]:
    """Names of tests stand for this machine."""
    return [LOOPBACK] if name.endswith(".example.test") else []


def reaching(
    *,
    tls: ssl.SSLContext | None = None,
    resolve: Callable[[str, int], list[Address]] = to_loopback,
    is_open: Callable[[Address], bool] = lambda address: address == LOOPBACK,
) -> Reach:
    """A reach that ends at loopback, as in no service."""
    return Reach(resolve=resolve, is_open=is_open, tls=tls or ssl.create_default_context())


def bounds(allowed: Sequence[str], reach: Reach, *, whole_s: float = 30.0) -> Bounds:
    """Bounds for these hosts."""
    return Bounds(hosts=[allowed_host(one) for one in allowed], whole_s=whole_s, reach=reach)
