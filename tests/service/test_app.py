"""The service as a whole, over real sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import httpx
import pytest

from hashing.extract import CLIP, REFERENCE, extract
from hashing.formats.document import to_document
from hashing.reference import Reference
from service import issuing
from service.app import listen
from service.bodies import BodyLimits
from service.callers import OWNER, Scope
from service.errors import BadSetting, StoreError
from service.media import landlock
from service.problems import Busy
from service.schemas import Problem
from service.store.base import Snapshot
from service.store.sqlite import SqliteStore
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service import calls
from tests.service.calls import LIMITS, calling, clip, padded, serving, settings

LISTED = clip(1)
ROOT = Path(__file__).parents[2]
# A process that may make and change no file but those beside its database (landlock(7)).
_WITHOUT_FILES = """
import ctypes, os, struct, sys, tempfile
from pathlib import Path
from service import caging
from service.media import kernel
from service.app import create_app, listen, server
from service.settings import from_environment

limit = {"RECIRC_BODY_LIMIT_BYTES": str(2**24)}
settings = from_environment(limit, database=Path(sys.argv[1]), port=0)
with listen(settings) as listening, caging.for_service(settings) as decoding:
    app = create_app(settings, decoding)
    writing = 0b111111111110010  # write, remove, make anything, refer, truncate
    handled = ctypes.create_string_buffer(struct.pack("@Q", writing))
    ruleset = kernel.syscall(444, ctypes.addressof(handled), 8, 0)
    folder = os.open(Path(sys.argv[1]).parent, os.O_PATH)
    beneath = ctypes.create_string_buffer(struct.pack("=Qi", writing, folder))
    kernel.syscall(445, ruleset, 1, ctypes.addressof(beneath), 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.syscall(446, ruleset, 0)
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(b"x")
    except OSError:
        print("listening on http://127.0.0.1:%d;" % listening.getsockname()[1], file=sys.stderr)
        server(app).run(sockets=[listening])
    else:
        sys.exit("the limit does not hold")
"""
_SERVE = """
import sys
from pathlib import Path
from service.app import serve
from service.settings import from_environment

limit = {"RECIRC_BODY_LIMIT_BYTES": str(2**24)}
serve(from_environment(limit, database=Path(sys.argv[1]), port=0))
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that has LISTED as reference r1 of list a."""
    path = tmp_path / "lists.sqlite3"
    store = SqliteStore(path)
    store.add("a", [Reference("r1", None, None, extract(LISTED, REFERENCE).fingerprint)])
    store.close()
    return path


@contextmanager
def process(script: str, database: Path, temporary: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a service in a process of its own, and what it logs, whole at the end."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(  # noqa: S603  # this interpreter with a script from this file
        [sys.executable, "-W", "error", "-c", script, str(database)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=temporary,
    )
    assert running.stderr is not None
    with running.stderr as errors:
        logged = [errors.readline()]
        assert "listening on http://" in logged[0], errors.read()
        try:
            yield logged[0].split("listening on ")[1].split(";")[0], logged
        finally:
            running.send_signal(signal.SIGTERM)
            logged += errors.readlines()
            running.wait(timeout=60)


def test_a_reference_that_was_added_is_matchable_in_the_next_request(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "new.sqlite3") as address,
        httpx.Client(base_url=address, timeout=calls.PATIENCE_S) as http,
    ):
        http.post("/v1/lists", json={"name": "a"}).raise_for_status()
        before = http.post("/v1/check", content=LISTED).json()
        http.post("/v1/lists/a/references?id=r1", content=LISTED).raise_for_status()
        after = http.post("/v1/check", content=LISTED).json()
        http.delete("/v1/lists/a/references/r1").raise_for_status()
        last = http.post("/v1/check", content=LISTED).json()

    found = [answer["verdict"] for answer in (before, after, last)]
    assert found == ["unscannable", "match", "unscannable"]


def test_several_checks_at_once_each_get_their_own_answer(database: Path) -> None:
    clips = {"match": LISTED, "no_match": clip(2), "unscannable": b"no clip"}
    found: dict[str, list[str]] = {verdict: [] for verdict in clips}

    def check(address: str, verdict: str) -> None:
        for _ in range(3):
            answer = calls.post(f"{address}/v1/check", content=clips[verdict]).json()
            found[verdict].append(answer["verdict"])

    with serving(database) as address:
        threads = [threading.Thread(target=check, args=(address, verdict)) for verdict in clips]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)

    assert found == {verdict: [verdict] * 3 for verdict in clips}


@pytest.mark.skipif(landlock.version() < 3, reason="this kernel has no such Landlock")
def test_an_upload_of_several_megabytes_is_never_in_a_file(database: Path, tmp_path: Path) -> None:
    """The kernel refuses to make a file elsewhere: Starlette's UploadFile would fail here."""
    temporary = tmp_path.with_name(f"{tmp_path.name}-temporary")
    temporary.mkdir()
    media = padded(LISTED, 3 * 2**20)
    with process(_WITHOUT_FILES, database, temporary) as (address, _):
        sent = calls.post(f"{address}/v1/check", files={"file": ("a.mp4", media)})
        raw = calls.post(f"{address}/v1/check", content=media)
        kept = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]

    assert [answer.json()["verdict"] for answer in (sent, raw)] == ["match", "match"]
    assert list(temporary.iterdir()) == []
    assert kept
    assert not any(b"PADDING!" in content for content in kept)


def test_the_log_says_where_it_listens_and_of_requests_only_how_they_ended(
    database: Path, tmp_path: Path
) -> None:
    """Whatever a caller may put where, none of it, nor of what is listed, is in any line."""
    fingerprint = extract(clip(7), CLIP).fingerprint
    sent = to_document(fingerprint, None)
    hashes = [frame[3] for track in sent["tracks"] for frame in track["frames"]]
    known = {"X-Request-Id": "0123456789abcdef" * 2, "traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01"}
    private = {"X-Request-Id": "PRIVATE", "traceparent": "PRIVATE", "User-Agent": "PRIVATE"}
    with (
        process(_SERVE, database, tmp_path) as (address, logged),
        httpx.Client(base_url=address, timeout=calls.PATIENCE_S) as http,
    ):
        answers = [
            http.post("/v1/check?list=a&PRIVATE", files={"f": ("PRIVATE.mp4", LISTED)}),
            http.post("/v1/check", content=b"PRIVATE"),
            http.post(
                "/v1/check",
                content=b"PRIVATE",
                headers={"Content-Type": "multipart/form-data; boundary=X"},
            ),
            http.post("/v1/lists/a/references?label=PRIVATE&id=p", content=clip(2)),
            http.post("/v1/lists/PRIVATE/references", content=b"PRIVATE"),
            http.get("/PRIVATE?PRIVATE"),
            http.request("PRIVATE", "/v1/lists", headers=private),
            http.post("/v1/check/fingerprint", json=sent, headers=known),
            http.post("/v1/lists", json={"name": "private-list", "source": "PRIVATE"}),
            http.delete("/v1/lists/private-list"),
            http.get("/v1/lists/a/references/PRIVATE"),
            http.get("/v1/lists", headers={"Host": "private.example"}),
            http.get("/v1/lists", headers={"Origin": "https://private.example"}),
            http.post("/v1/check/fingerprint", content=b'{"PRIVATE": "PRIVATE"}'),
            http.get("/metrics"),
        ]

    statuses = [200, 200, 400, 201, 404, 404, 405, 200, 201, 204, 404, 421, 403, 422, 200]
    assert [answer.status_code for answer in answers] == statuses
    first, *lines = [json.loads(line) for line in logged]
    assert "no API key is configured, so on this machine only" in first["message"]
    assert [line["status"] for line in lines] == statuses
    assert [line["request_id"] for line in lines] == [
        one.headers["X-Request-Id"] for one in answers
    ]
    whole = "".join(logged[1:])
    for word in ("private", "127.0.0.1", str(tmp_path), "a.mp4", "r1", "PADDING", *hashes):
        assert word.lower() not in whole.lower(), word
    assert "private" not in logged[0].lower()
    checked = lines[7]
    assert (checked["verdict"], checked["problems"]) == ("no_match", [])
    assert checked["request_id"] == known["X-Request-Id"]
    assert (checked["trace_id"], checked["span_id"]) == ("a1" * 16, "b2" * 8)
    assert {line["route"] for line in lines} == {
        "/v1/check",
        "/v1/check/fingerprint",
        "/v1/lists",
        "/v1/lists/{list}",
        "/v1/lists/{list}/references",
        "/v1/lists/{list}/references/{id}",
        "/metrics",
        "other",
    }
    assert "private" not in answers[-1].text.lower()


def raw(address: str, sent: bytes) -> bytes:
    """What comes back to bytes that are no whole request, until the answer is whole."""
    place = httpx.URL(address)
    with closing(socket.create_connection((place.host, place.port or 0), timeout=60)) as connection:
        connection.sendall(sent)
        answer = b""
        while b'"request_id"' not in answer:
            got = connection.recv(65536)
            assert got, answer
            answer += got
    return answer


HEAD = b"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD + b"Content-Length: 1000000000000\r\n\r\n", id="announced"),
        pytest.param(
            HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 4
            + b"2\r\nxx\r\n",
            id="chunks without an end",
        ),
    ],
)
def test_a_body_above_the_limit_is_refused_before_its_end(database: Path, sent: bytes) -> None:
    with serving(database) as address:
        answer = raw(address, sent)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in answer


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"PRIVATE\r\n\r\n", id="no request line"),
        pytest.param(b"GET / HTTP/1.1\r\nPRIVATE\r\n\r\n", id="no header"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000, id="endless header"),
        pytest.param(HEAD + b"Content-Length: PRIVATE\r\n\r\n", id="no number"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03PRIVATE\r\n", id="TLS"),
    ],
)
def test_what_is_no_request_gets_a_problem_too(
    database: Path, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(database) as address:
        answer = raw(address, sent)

    head, _, body = answer.partition(b"\r\n\r\n")
    problem = Problem.model_validate_json(body)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head.lower()
    assert b"application/problem+json" in head
    assert problem.code == "bad_request"
    assert "PRIVATE" not in caplog.text + answer.decode()


def test_a_client_that_sends_it_all_first_still_gets_the_answer(database: Path) -> None:
    with serving(database) as address:
        answer = calls.post(f"{address}/v1/check", content=bytes(16 * LIMITS.body_bytes))

    assert answer.json()["code"] == "body_too_large"


def test_a_slow_body_is_given_up_and_its_connection_closed(database: Path) -> None:
    limits = replace(LIMITS, idle_s=0.2)
    with serving(database, limits) as address:
        answer = raw(address, HEAD + b"Content-Length: 1000\r\n\r\nslowly")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()


def test_a_client_that_goes_away_while_sending_is_no_error(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(database) as address:
        place = httpx.URL(address)
        with closing(socket.create_connection((place.host, place.port or 0))) as connection:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nhalf of it")

        assert calls.post(f"{address}/v1/check", content=LISTED).json()["verdict"] == "match"

    assert [record for record in caplog.records if record.levelname != "INFO"] == []


class SlowStore(MemoryStore):
    """A store that takes long, until told, when a look-up asks for versions the n-th time.

    Others ask too, when they come to it: whoever loads the indexes, and probes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.times_left = 0
        self.asked = threading.Event()
        self.told = threading.Event()

    def versions(self) -> dict[str, int]:
        if threading.current_thread().name.startswith("recirc_"):
            self.times_left -= 1
            if self.times_left == 0:
                self.asked.set()
                assert self.told.wait(timeout=60)
        return super().versions()


@pytest.mark.parametrize("slow_time", [1, 2], ids=["while lists load", "while the clip is checked"])
def test_others_are_answered_while_a_check_works(tmp_path: Path, slow_time: int) -> None:
    store = SlowStore()
    store.add("a", [Reference("r1", None, None, video(1))])
    with serving(tmp_path, store=store) as address:
        while calls.get(f"{address}/readyz").json().get("code") == "loading":
            pass
        store.times_left = slow_time
        checking = threading.Thread(target=calls.post, args=(f"{address}/v1/check?list=a",))
        checking.start()
        try:
            assert store.asked.wait(timeout=60)
            assert calls.get(f"{address}/livez").status_code == 200
            assert calls.get(f"{address}/readyz").status_code == 200
            assert checking.is_alive()
        finally:
            store.told.set()
            checking.join(timeout=60)


class EndlessStore(MemoryStore):
    """A store whose exports never end; ``let_go`` is set when one is given up."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    @contextmanager
    def snapshot(self, list_name: str) -> Iterator[Snapshot]:
        with super().snapshot(list_name) as whole:
            try:
                yield replace(whole, references=repeat(next(whole.references)))
            finally:
                self.let_go.set()


def test_an_export_that_nobody_reads_on_lets_the_database_go(tmp_path: Path) -> None:
    store = EndlessStore()
    store.add("a", [Reference("r1", None, None, video(1, count=1000))])
    with serving(tmp_path, store=store) as address:
        with calls.stream("GET", f"{address}/v1/lists/a/export") as answer:
            parts = answer.iter_bytes()  # held: when it goes, httpx closes the connection
            next(parts)
            assert not store.let_go.wait(timeout=0.5)

        assert store.let_go.wait(timeout=60)


@pytest.mark.parametrize(
    ("holder", "status"),
    [
        pytest.param(OWNER.key, 503, id="its own"),
        # Two bytes are above the limit, so that 503 says that nobody looked.
        pytest.param("another", 413, id="another key's"),
    ],
)
def test_without_a_place_nothing_is_read(holder: str, status: int) -> None:
    with calling(limits=BodyLimits(body_bytes=1, held_bytes=1)) as call:
        workers = call.context.workers
        with ExitStack() as taken:
            with suppress(Busy):
                while True:
                    taken.enter_context(workers.place(holder))
            busy = call("POST", "/v1/check", content=b"xx")
            quick = call("POST", "/v1/check/fingerprint", content=b"xx")
            alive = call("GET", "/livez")
        free = call("POST", "/v1/check", content=b"xx")

    assert [answer.status_code for answer in (busy, alive, free)] == [status, 200, 413]
    assert quick.status_code == 413  # a look-up waits for no clip


class TornStore(MemoryStore):
    """A store that fails in the middle of an export."""

    @contextmanager
    def snapshot(self, list_name: str) -> Iterator[Snapshot]:
        def torn(references: Iterator[Reference]) -> Iterator[Reference]:
            yield next(references)
            raise StoreError("the disk is gone")

        with super().snapshot(list_name) as whole:
            yield replace(whole, references=torn(whole.references))


def test_an_export_that_breaks_off_does_not_look_whole(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    store = TornStore()
    store.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in range(2)])
    with (
        serving(tmp_path, store=store) as address,
        pytest.raises(httpx.RemoteProtocolError, match="complete message body"),
    ):
        calls.get(f"{address}/v1/lists/a/export")

    assert "store_error: the disk is gone" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "a" * 64])  # noqa: S104
def test_without_a_key_only_loopback_is_listened_on(host: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="--host"):
        listen(settings(tmp_path / "new.sqlite3", host=host))


@pytest.mark.parametrize("revoked", [False, True], ids=["active", "revoked"])
def test_with_a_key_any_address_is_listened_on(revoked: bool, tmp_path: Path) -> None:
    """Also with one that was revoked: nobody gets in, and nobody is taken for the owner."""
    database = tmp_path / "lists.sqlite3"
    with closing(SqliteStore(database)) as store:
        made = issuing.create(store, "a name", Scope.ADMIN)
        if revoked:
            issuing.revoke(store, made.info.id)

    with listen(settings(database, host="0.0.0.0")) as listening:  # noqa: S104
        assert listening.getsockname()[0] == "0.0.0.0"  # noqa: S104


def test_answers_do_not_wait_to_be_acknowledged(tmp_path: Path) -> None:
    """Head and body are two packets: the second would wait 40 ms for the first."""
    with (
        listen(settings(tmp_path)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with listen(settings(tmp_path)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(BadSetting, match=f"127.0.0.1:{port}: .*another port"):
            listen(settings(tmp_path, port=port))
