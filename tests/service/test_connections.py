"""Connections: slow clients of every kind are let go, and keep no other client out."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hashing.reference import Reference
from service.connections import Crowd, Patience, allow_descriptors
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service import calls
from tests.service.calls import serving
from tests.service.test_app import EndlessStore, SlowStore

LONG_S = 60.0
PATIENT = Patience(1000, LONG_S, LONG_S, LONG_S, LONG_S)
HEAD = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
REFUSED = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    place = httpx.URL(address)
    with closing(socket.create_connection((place.host, place.port or 0), timeout=60)) as one:
        yield one


def is_closed(one: socket.socket, drip: bytes) -> bool:
    """Whether the other end closes it while these bytes come again and again."""
    one.settimeout(0.02)
    until_s = time.monotonic() + calls.PATIENCE_S
    while time.monotonic() < until_s:
        try:
            one.sendall(drip)
            if not one.recv(65536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@contextmanager
def answered(address: str, sent: bytes, status: bytes) -> Iterator[socket.socket]:
    """A connection on which the first bytes of an answer with this status have come.

    Where a machine stands still for longer than the service has patience, another one is tried.
    """
    while True:
        with connected(address) as one:
            got = b""
            with suppress(ConnectionError):
                one.sendall(sent)
                got = one.recv(65536)
            if got:
                assert status in got
                yield one
                return


@pytest.mark.parametrize(
    ("sent", "drip", "patience"),
    [
        pytest.param(b"", b"", replace(PATIENT, head_s=0.1), id="nothing"),
        pytest.param(b"GET /", b"", replace(PATIENT, head_s=0.1), id="half a head"),
        pytest.param(HEAD, b"X: y\r\n", replace(PATIENT, head_s=0.1), id="a head that drips"),
    ],
)
def test_a_head_that_does_not_come_is_not_waited_for(
    sent: bytes, drip: bytes, patience: Patience, tmp_path: Path
) -> None:
    with (
        serving(tmp_path, store=MemoryStore(), patience=patience) as address,
        connected(address) as one,
    ):
        one.sendall(sent)
        assert is_closed(one, drip)


@pytest.mark.parametrize(
    ("sent", "status", "drip", "patience"),
    [
        pytest.param(
            HEAD + b"\r\n", b" 200 ", b"", replace(PATIENT, keep_alive_s=0.1), id="an idle one"
        ),
        pytest.param(
            HEAD + b"\r\n",
            b" 200 ",
            b"X",
            replace(PATIENT, keep_alive_s=0.1, head_s=0.1),
            id="a second head that drips",
        ),
        pytest.param(
            REFUSED, b" 404 ", b"x", replace(PATIENT, linger_s=0.1), id="the rest of a body"
        ),
    ],
)
def test_an_answered_connection_is_not_kept_for_ever(
    sent: bytes, status: bytes, drip: bytes, patience: Patience, tmp_path: Path
) -> None:
    with (
        serving(tmp_path, store=MemoryStore(), patience=patience) as address,
        answered(address, sent, status) as one,
    ):
        assert is_closed(one, drip)


def test_a_refused_body_may_still_be_sent_and_the_answer_read(tmp_path: Path) -> None:
    with (
        serving(tmp_path, store=MemoryStore(), patience=PATIENT) as address,
        connected(address) as one,
    ):
        one.sendall(REFUSED + b"x" * 1_000_000 + HEAD + b"Connection: close\r\n\r\n")
        got = b""
        while more := one.recv(65536):
            got += more

    assert (got.count(b" 404 "), got.count(b" 200 ")) == (1, 1)


def test_what_comes_broken_after_an_answer_ends_the_connection_and_is_no_defect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        serving(tmp_path, store=MemoryStore(), patience=PATIENT) as address,
        answered(address, head, b" 404 ") as one,
    ):
        one.sendall(b"no chunk\r\n")
        with suppress(ConnectionResetError):
            while one.recv(65536):  # the rest of that answer
                pass

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_who_does_not_read_is_let_go(tmp_path: Path) -> None:
    store = EndlessStore()
    store.add("a", [Reference("r1", None, None, video(1, count=1000))])
    patience = replace(PATIENT, unread_s=0.3)
    with (
        serving(tmp_path, store=store, patience=patience) as address,
        connected(address) as one,
    ):
        one.sendall(HEAD.replace(b"/livez", b"/v1/lists/a/export") + b"\r\n")
        assert store.let_go.wait(timeout=60)


def test_who_asks_on_and_never_reads_takes_little_and_is_let_go(tmp_path: Path) -> None:
    """The kernel is told how much to take of an answer, for who asks for many."""
    patience = replace(PATIENT, unread_s=0.3)
    with serving(tmp_path, store=MemoryStore(), patience=patience) as address:
        place = httpx.URL(address)
        with closing(socket.socket()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.settimeout(calls.PATIENCE_S)
            one.connect((place.host, place.port or 0))
            one.sendall(HEAD.replace(b"/livez", b"/openapi.json") + b"\r\n")
            ask = HEAD.replace(b"/livez", b"/openapi.json") + b"\r\n"
            with pytest.raises(ConnectionError):
                ask_on(one, ask)


def ask_on(one: socket.socket, ask: bytes) -> None:
    """Until the other end has had enough."""
    while True:
        one.sendall(ask)


def test_who_reads_slowly_but_reads_gets_it_all(tmp_path: Path) -> None:
    store = MemoryStore()
    store.add("a", [Reference(f"r{seed}", None, None, video(seed, count=400)) for seed in range(9)])
    with serving(tmp_path, store=store, patience=replace(PATIENT, unread_s=20)) as address:
        whole = calls.get(f"{address}/v1/lists/a/export").text
        with calls.stream("GET", f"{address}/v1/lists/a/export") as answer:
            read = "".join(answer.iter_text(chunk_size=999))

    assert read == whole
    assert whole.count("\n") == 10


@pytest.mark.parametrize("sent", [b"", b"GET /", HEAD + b"\r\n"], ids=["silent", "half", "idle"])
def test_a_crowd_of_slow_clients_keeps_no_one_out(sent: bytes, tmp_path: Path) -> None:
    """The longest patience in the world: room is made, not waited for."""
    patience = replace(PATIENT, connections=10)
    with serving(tmp_path, store=MemoryStore(), patience=patience) as address, ExitStack() as stack:
        crowd = [stack.enter_context(connected(address)) for _ in range(40)]
        for one in crowd:
            with suppress(OSError):  # it may have been closed by now
                one.sendall(sent)
        answers = [calls.get(f"{address}/livez").status_code for _ in range(20)]
        assert is_closed(crowd[0], b"")

    assert answers == [200] * 20


def test_slow_bodies_keep_no_one_out(tmp_path: Path) -> None:
    """More of them than connections, and far more than requests that may be worked on."""
    body = b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx"
    patience = replace(PATIENT, connections=50)
    with serving(tmp_path, store=MemoryStore(), patience=patience) as address, ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(connected(address)).sendall(body)
        answers = [calls.post(f"{address}/v1/check", content=b"x") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5


class HeldStore(MemoryStore):
    """A store that answers no look-up while ``answers`` is clear; the metrics it always does."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()
        self.answers.set()

    def versions(self) -> dict[str, int]:
        if threading.current_thread().name.startswith("recirc_"):
            assert self.answers.wait(timeout=60)
        return super().versions()


def in_line(address: str) -> int:
    """Look-ups that wait for a thread or are worked on."""
    text = calls.get(f"{address}/metrics").text
    counts = re.findall(
        r'^recirc_(?:queue|threads_working)\{pool="lookups"\} (\d+)', text, re.MULTILINE
    )
    return sum(int(count) for count in counts)


def test_who_has_sent_no_body_yet_takes_no_place(tmp_path: Path) -> None:
    """While lists are looked up, which comes first, more requests come than there are places."""
    store, many = HeldStore(), 48
    store.add("a", [Reference("r1", None, None, video(1))])
    with (
        serving(tmp_path, store=store) as address,
        ThreadPoolExecutor(many) as clients,
    ):
        store.answers.clear()
        asks = [clients.submit(calls.post, f"{address}/v1/check?list=a") for _ in range(many)]
        while in_line(address) < many and not any(ask.done() for ask in asks):
            pass
        store.answers.set()
        answers = {ask.result(timeout=60).status_code for ask in asks}

    assert answers == {200}


class Standing:
    """A connection that only remembers whether it was closed."""

    def __init__(self) -> None:
        self.transport = self
        self.closed = False

    def abort(self) -> None:
        self.closed = True


def test_who_waits_for_nothing_goes_before_who_sends_and_both_before_a_newcomer() -> None:
    crowd: Crowd[Standing] = Crowd(replace(PATIENT, connections=3))
    idle, sends, works, *others = (Standing() for _ in range(6))
    for one in (sends, works, idle):
        assert crowd.enter(one)
    crowd.busy(sends, sends=True)
    crowd.busy(works, sends=False)

    assert crowd.enter(others[0])
    assert [one.closed for one in (idle, sends, works)] == [True, False, False]
    crowd.busy(others[0], sends=False)
    assert crowd.enter(others[1])
    assert [one.closed for one in (sends, works, others[0])] == [True, False, False]
    crowd.busy(others[1], sends=False)
    assert not crowd.enter(others[2])
    crowd.busy(idle, sends=True)  # it was closed, and what it still says changes nothing
    crowd.idle(idle)
    crowd.idle(works)
    assert crowd.enter(others[2])
    assert works.closed


def test_where_all_are_worked_on_the_next_one_is_told_so(tmp_path: Path) -> None:
    store = SlowStore()
    patience = replace(PATIENT, connections=1)
    with serving(tmp_path, store=store, patience=patience) as address:
        while calls.get(f"{address}/readyz").json().get("code") == "loading":
            pass
        store.times_left = 1
        checking = threading.Thread(target=calls.post, args=(f"{address}/v1/check",))
        checking.start()
        try:
            assert store.asked.wait(timeout=60)
            refused = calls.get(f"{address}/livez")
        finally:
            store.told.set()
            checking.join(timeout=60)
        free = calls.get(f"{address}/livez")

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert free.status_code == 200


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "set_to", "warned"),
    [
        pytest.param(1024, 4096, 2000, 2000, False, id="raised"),
        pytest.param(1024, 1500, 2000, 1500, True, id="as far as it goes"),
        pytest.param(1024, -1, 2000, 2000, False, id="without an end"),
        pytest.param(4096, 4096, 2000, None, False, id="enough"),
        pytest.param(-1, -1, 2000, None, False, id="no limit"),
    ],
)
def test_there_are_descriptors_for_all_connections(
    soft: int,
    hard: int,
    wanted: int,
    set_to: int | None,
    *,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    chosen: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", lambda _, limits: chosen.append(limits))

    allow_descriptors(wanted)

    assert chosen == ([] if set_to is None else [(set_to, hard)])
    assert ("RECIRC_CONNECTIONS" in caplog.text) is warned
