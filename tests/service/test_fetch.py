"""Fetch: real hosts on loopback, which only a test's own policy lets anybody ask."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from service import fetch
from service.fetch import Bounds, Fetcher, Reach
from service.refusals import FetchFailed, FetchRefused, FetchTooLarge
from service.targets import Address, allowed_host
from tests.hosts import (
    LOOPBACK,
    NAME,
    OTHER,
    Asked,
    Host,
    bounds,
    certified,
    host,
    reaching,
    to_loopback,
)

MOST = 1000


def fetcher(of: Host, *more: str, whole_s: float = 30.0, **reached: Any) -> Fetcher:
    """One that may ask this host, by both of its names, and more."""
    scheme = "" if of.secured else "http://"
    allowed = [f"{scheme}{name}:{of.port}" for name in (NAME, OTHER)]
    return Fetcher(bounds([*allowed, *more], reaching(**reached), whole_s=whole_s))


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Asked], None]:
    return lambda asked: asked.say(status, body, **headers)


def test_what_is_there_is_fetched() -> None:
    with host(says(200, b"a clip")) as there:
        body = fetcher(there).get(there.url("/a?b=c"), MOST)

    assert body.read() == b"a clip"
    ((method, path, headers, _),) = there.asked
    assert (method, path, headers["Host"]) == ("GET", "/a?b=c", f"{NAME}:{there.port}")
    assert headers == {
        "Host": f"{NAME}:{there.port}",
        "User-Agent": "recirc",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def test_it_is_asked_at_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once: what it stands for a moment later is nobody's business."""
    asked: list[str] = []

    def once(name: str, port: int) -> list[Address]:
        asked.append(name)
        return to_loopback(name, port)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was resolved again")

    with host(says(200, b"x")) as there:
        monkeypatch.setattr(socket, "getaddrinfo", never)
        assert fetcher(there, resolve=once).get(there.url(), MOST).read() == b"x"

    assert asked == [NAME]


class TestRefused:
    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param(["127.0.0.1"], id="loopback"),
            pytest.param(["1.1.1.1", "10.0.0.1"], id="one of two"),
            pytest.param(["::ffff:127.0.0.1"], id="mapped"),
            pytest.param(["169.254.169.254"], id="metadata"),
            pytest.param([], id="none"),
        ],
    )
    def test_addresses_that_are_not_public_are_not_asked(self, answers: list[str]) -> None:
        """By the policy that services have."""
        with host(says(200)) as there:
            asking = Fetcher(
                Bounds(
                    hosts=[allowed_host(f"http://{NAME}:{there.port}")],
                    whole_s=30,
                    reach=Reach(resolve=lambda *_: [ip_address(one) for one in answers]),
                )
            )
            with pytest.raises(FetchRefused):
                asking.get(there.url(), MOST)
            with pytest.raises(FetchRefused):
                asking.post(there.url(), b"x", {})

        assert there.asked == []

    def test_nor_where_the_host_is_the_address_itself(self) -> None:
        with host(says(200)) as there:
            asking = Fetcher(
                Bounds(hosts=[allowed_host(f"http://127.0.0.1:{there.port}")], whole_s=30)
            )
            with pytest.raises(FetchRefused):
                asking.get(there.url(name="127.0.0.1"), MOST)

        assert there.asked == []

    def test_hosts_that_were_not_named_are_not_even_resolved(self) -> None:
        def never(*_: object) -> list[Address]:
            raise AssertionError("it was resolved")

        asking = Fetcher(bounds(["media.example.test"], reaching(resolve=never)))
        for url in ("https://other.example.test/", "http://media.example.test/", "file:///x"):
            with pytest.raises(FetchRefused):
                asking.get(url, MOST)
            with pytest.raises(FetchRefused):
                asking.require(url)
        asking.require("https://media.example.test/x")


def redirecting(*locations: str, status: int = 302) -> Callable[[Asked], None]:
    """To these in turn, and then a good answer."""
    waiting = list(locations)

    def answer(asked: Asked) -> None:
        if waiting:
            asked.say(status, Location=waiting.pop(0))
        else:
            asked.say(200, b"at last")

    return answer


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_they_are_followed(self, status: int) -> None:
        with host(redirecting("/next?x", status=status)) as there:
            assert fetcher(there).get(there.url("/first"), MOST).read() == b"at last"

        assert [path for _, path, _, _ in there.asked] == ["/first", "/next?x"]

    def test_to_another_host_that_was_named(self) -> None:
        with host(says(200, b"there")) as there, host(redirecting(there.url(name=OTHER))) as here:
            asking = fetcher(here, f"http://{OTHER}:{there.port}")
            assert asking.get(here.url(), MOST).read() == b"there"

    @pytest.mark.parametrize(
        "location",
        [
            pytest.param("http://not-named.example.test/", id="a host that was not named"),
            pytest.param("//media.example.test/", id="without a scheme"),
            pytest.param("file:///etc/passwd", id="a file"),
            pytest.param("http://127.0.0.1/", id="an address"),
            pytest.param("http://media.example.test:22/", id="another port"),
            pytest.param("", id="nowhere"),
            pytest.param("next", id="a relative one"),
            pytest.param("/a b", id="not plain"),
        ],
    )
    def test_each_is_checked_anew(self, location: str) -> None:
        with host(redirecting(location)) as there, pytest.raises(FetchRefused):
            fetcher(there).get(there.url(), MOST)

        assert len(there.asked) == 1

    def test_addresses_are_checked_anew_as_well(self) -> None:
        def moving(name: str, port: int) -> list[Address]:
            return to_loopback(name, port) if name == NAME else [ip_address("10.0.0.1")]

        with host(says(200)) as there:
            there.answer = redirecting(there.url(name=OTHER))
            with pytest.raises(FetchRefused, match="public"):
                fetcher(there, resolve=moving).get(there.url(), MOST)

        assert len(there.asked) == 1

    def test_there_is_an_end_to_them(self) -> None:
        with host(redirecting("/1", "/2", "/3")) as there:
            assert fetcher(there).get(there.url(), MOST).read() == b"at last"
        with host(redirecting("/1", "/2", "/3", "/4")) as there:
            with pytest.raises(FetchRefused, match="3 redirects"):
                fetcher(there).get(there.url(), MOST)
            assert len(there.asked) == 4

    def test_a_post_is_not_sent_on(self) -> None:
        with host(redirecting("/next")) as there:
            assert fetcher(there).post(there.url(), b"x", {}) == 302

        assert len(there.asked) == 1


class TestAnswers:
    @pytest.mark.parametrize("status", [204, 206, 304, 400, 404, 500])
    def test_only_a_good_one_is_a_clip(self, status: int) -> None:
        with host(says(status)) as there, pytest.raises(FetchFailed, match=str(status)):
            fetcher(there).get(there.url(), MOST)

    def test_one_that_is_packed_is_not_unpacked(self) -> None:
        with (
            host(says(200, b"x", Content_Encoding="gzip")) as there,
            pytest.raises(FetchFailed, match="Encoding"),
        ):
            fetcher(there).get(there.url(), MOST)

    def test_one_may_be_as_long_as_the_limit(self) -> None:
        with host(says(200, b"x" * MOST)) as there:
            assert len(fetcher(there).get(there.url(), MOST).read()) == MOST

    @pytest.mark.parametrize("announced", [True, False], ids=["announced", "without an end"])
    def test_one_that_is_longer_is_not_read_to_its_end(self, *, announced: bool) -> None:
        def endless(asked: Asked) -> None:
            asked.send_response(200)
            if announced:
                asked.send_header("Content-Length", str(10**15))
            asked.end_headers()
            while True:
                asked.wfile.write(b"x" * 65536)

        with host(endless) as there, pytest.raises(FetchTooLarge):
            fetcher(there).get(there.url(), MOST)

    def test_one_that_ends_too_soon_is_none(self) -> None:
        def short(asked: Asked) -> None:
            asked.send_response(200)
            asked.send_header("Content-Length", "100")
            asked.end_headers()
            asked.wfile.write(b"x" * 99)
            asked.close_connection = True

        with host(short) as there, pytest.raises(FetchFailed):
            fetcher(there).get(there.url(), MOST)

    @pytest.mark.parametrize(
        "sent",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"hello\r\n\r\n", id="no HTTP"),
            pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000, id="a thousand headers"),
            pytest.param(b"HTTP/1.1 200 " + b"x" * 100_000, id="a line without an end"),
            pytest.param(b"HTTP/1.1 2x0 OK\r\n\r\n", id="no status"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="a bad chunk"
            ),
        ],
    )
    def test_one_that_is_none_is_an_error_of_ours(self, sent: bytes) -> None:
        def broken(asked: Asked) -> None:
            asked.wfile.write(sent)
            asked.close_connection = True

        with host(broken) as there, pytest.raises(FetchFailed):
            fetcher(there).get(there.url(), MOST)

    def test_a_host_that_does_not_listen(self) -> None:
        with host(says(200)) as there:
            url = there.url()
        with pytest.raises(FetchFailed):
            fetcher(there).get(url, MOST)

    def test_a_host_without_an_address(self) -> None:
        def none(*_: object) -> list[Address]:
            raise socket.gaierror("no such name")

        with host(says(200)) as there, pytest.raises(FetchFailed, match="no address"):
            fetcher(there, resolve=none).get(there.url(), MOST)

    def test_the_next_address_is_tried(self) -> None:
        """Nobody listens at the first one."""
        first = ip_address("127.0.0.2")
        with host(says(200, b"x")) as there:
            asking = fetcher(
                there,
                resolve=lambda *_: [first, LOOPBACK],
                is_open=lambda address: address.is_loopback,
            )
            assert asking.get(there.url(), MOST).read() == b"x"


class TestTime:
    @pytest.mark.parametrize(
        "first",
        [
            pytest.param(b"", id="before the head"),
            pytest.param(b"HTTP/1.1 200 OK\r\nA: ", id="in the head"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", id="in the body"),
            pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="in a body without a length"),
        ],
    )
    def test_no_trickle_of_bytes_delays_its_end(self, first: bytes) -> None:
        over = threading.Event()

        def drip(asked: Asked) -> None:
            asked.wfile.write(first)
            while first and not over.wait(0.01):
                asked.wfile.write(b"x")
            over.wait(60)

        with host(drip) as there:
            with pytest.raises(FetchFailed, match="too long"):
                fetcher(there, whole_s=0.3).get(there.url(), MOST)
            over.set()

    def test_nor_does_a_handshake(self, tmp_path: Path) -> None:
        _, client = certified(tmp_path)
        with listening() as port:
            asking = Fetcher(bounds([f"{NAME}:{port}"], reaching(tls=client), whole_s=0.3))
            with pytest.raises(FetchFailed, match="too long"):
                asking.get(f"https://{NAME}:{port}/", MOST)

    def test_nor_do_redirects(self) -> None:
        def again(asked: Asked) -> None:
            threading.Event().wait(0.2)
            asked.say(302, Location="/again")

        with host(again) as there, pytest.raises(FetchFailed, match="too long"):
            fetcher(there, whole_s=0.5).get(there.url(), MOST)


@contextmanager
def listening() -> Iterator[int]:
    """The port of a host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


class TestSecure:
    def test_a_host_is_known_by_its_name(self, tmp_path: Path) -> None:
        server, client = certified(tmp_path)
        with host(says(200, b"x"), server) as there:
            assert fetcher(there, tls=client).get(there.url(), MOST).read() == b"x"

    @pytest.mark.parametrize("name", ["stranger.example.test", "127.0.0.1"])
    def test_another_name_is_another_host(self, name: str, tmp_path: Path) -> None:
        server, client = certified(tmp_path)
        with host(says(200, b"x"), server) as there:
            asking = fetcher(there, f"{name}:{there.port}", tls=client)
            with pytest.raises(FetchFailed, match="SSLCertVerificationError"):
                asking.get(there.url(name=name), MOST)

        assert there.asked == []

    def test_nobody_s_word_for_it_is_none(self, tmp_path: Path) -> None:
        """By the trust that services have."""
        server, _ = certified(tmp_path)
        with host(says(200, b"x"), server) as there, pytest.raises(FetchFailed):
            fetcher(there).get(there.url(), MOST)

    def test_services_ask_for_certificates(self) -> None:
        tls = Bounds(hosts=[], whole_s=1).reach.tls

        assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_what_is_posted_arrives() -> None:
    with host(says(204)) as there:
        status = fetcher(there).post(there.url("/hook"), b"{}", {"webhook-id": "x"})

    ((method, path, headers, body),) = there.asked
    assert (status, method, path, body) == (204, "POST", "/hook", b"{}")
    assert headers["webhook-id"] == "x"
    assert "Cookie" not in headers


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_no_proxy_of_the_environment_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with host(says(500)) as proxy, host(says(200, b"x")) as there:
        monkeypatch.setenv(name, proxy.url(name="127.0.0.1"))
        assert fetcher(there).get(there.url(), MOST).read() == b"x"

    assert proxy.asked == []


def test_the_system_s_resolver_is_asked() -> None:
    assert LOOPBACK in fetch.resolved("localhost", 80)
    for name in ("nosuch.invalid", "a" * 70 + ".test"):
        with pytest.raises(OSError):  # noqa: PT011  # whatever kind of it
            fetch.resolved(name, 80)
