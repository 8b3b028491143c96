"""Idempotency: what is sent twice is done once, and what is not the same is never taken for it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Receive, Send
from starlette.types import Scope as StarletteScope

from hashing.reference import Policy
from service import issuing
from service.callers import OWNER, Scope
from service.idempotency import Idempotency, honours
from service.store.base import ListInfo
from service.store.idempotency import Asked
from service.store.sqlite import SqliteStore
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, calling, clip, serving

LISTED = clip(1)
A = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
B = {"Idempotency-Key": '"another"'}


@pytest.fixture
def now_ms() -> list[int]:
    return [1_774_000_000_000]


@pytest.fixture
def store(now_ms: list[int]) -> MemoryStore:
    return MemoryStore(clock=lambda: now_ms[0])


@pytest.fixture
def call(store: MemoryStore) -> Iterator[Caller]:
    with calling(store) as caller:
        yield caller


def make(call: Caller, name: str = "a", headers: dict[str, str] = A) -> httpx.Response:
    return call("POST", "/v1/lists", json={"name": name}, headers=headers)


def replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    call: Caller, store: MemoryStore
) -> None:
    first = make(call)
    store.delete_list("a")
    again = make(call)

    assert (first.status_code, replayed(first)) == (201, False)
    assert (again.status_code, replayed(again)) == (201, True)
    assert (again.content, again.headers["Location"]) == (first.content, "/v1/lists/a")
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert store.lists() == []


def test_another_key_is_another_request(call: Caller) -> None:
    make(call)

    assert make(call, headers=B).json()["code"] == "list_exists"
    assert call("POST", "/v1/lists", json={"name": "a"}).json()["code"] == "list_exists"


def test_media_may_be_sent_again(call: Caller, store: MemoryStore) -> None:
    make(call, headers={})
    path = "/v1/lists/a/references?id=r1"
    first = call("POST", path, content=LISTED, headers=A)
    again = call("POST", path, content=LISTED, headers=A)

    assert [first.status_code, again.status_code] == [201, 201]  # 200 where it is added again
    assert first.json() == again.json()
    assert store.get_list("a").references == 1


def test_a_job_is_made_once(call: Caller, store: MemoryStore) -> None:
    places = {
        call("POST", "/v1/jobs", content=b"x", headers=A).headers["Location"] for _ in range(3)
    }

    assert len(places) == 1


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("/v1/lists/a/references?id=r1", LISTED + b"x", id="another body"),
        pytest.param("/v1/lists/a/references?id=r1", LISTED[:-1], id="a shorter body"),
        pytest.param("/v1/lists/a/references?id=r2", LISTED, id="another query"),
    ],
)
def test_what_is_not_the_same_is_refused(call: Caller, path: str, content: bytes) -> None:
    make(call, headers={})
    call("POST", "/v1/lists/a/references?id=r1", content=LISTED, headers=A)
    other = call("POST", path, content=content, headers=A)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


def test_routes_and_keys_of_callers_are_apart(store: MemoryStore) -> None:
    first, second = (issuing.create(store, name, Scope.CURATE).key for name in "ab")
    with calling(store) as call:
        answers = [
            make(call.with_key(first)),
            make(call.with_key(second), "b"),
            call.with_key(first)("POST", "/v1/jobs", content=b"x", headers=A),
        ]

    assert [answer.status_code for answer in answers] == [201, 201, 202]


def test_what_failed_is_tried_again(call: Caller, store: MemoryStore) -> None:
    failed = [make(call, "../a"), call("POST", "/v1/lists", content=b"{", headers=A)]
    store.create_list("a", policy=Policy.BLOCK)
    exists = make(call)
    store.delete_list("a")
    made = make(call)

    assert [answer.status_code for answer in (*failed, exists, made)] == [422, 422, 409, 201]


def test_what_broke_is_tried_again(
    call: Caller, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "create_list", lambda *_, **__: 1 / 0)
        assert make(call).status_code == 500

    assert make(call).status_code == 201


def test_a_request_that_is_refused_unread_is_not_kept(call: Caller) -> None:
    too_long = call("POST", "/v1/jobs", content=b"x" * 2**24, headers=A)

    assert too_long.status_code == 413
    assert call("POST", "/v1/jobs", content=b"x", headers=A).status_code == 202


def test_while_the_first_is_worked_on_the_second_is_told_to_wait(
    call: Caller, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Event(), threading.Event()
    create = store.create_list

    def slowly(name: str, **more: object) -> object:
        entered.set()
        assert release.wait(timeout=60)
        return create(name, **more)  # type: ignore[arg-type]

    answers: list[httpx.Response] = []
    monkeypatch.setattr(store, "create_list", slowly)
    first = threading.Thread(target=lambda: answers.append(make(call)))
    first.start()
    assert entered.wait(timeout=60)
    meanwhile = make(call)
    release.set()
    first.join(timeout=60)

    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "idempotency_running")
    assert meanwhile.headers["Retry-After"]
    assert (answers[0].status_code, replayed(make(call))) == (201, True)


def test_one_whose_process_has_ended_is_done_anew(call: Caller, store: MemoryStore) -> None:
    """It was not answered, so nobody knows whether it was done; doing it again is safe."""
    dead = store.boots.begin()
    make(call)
    for asked in list(store.requests._kept):  # what a dead one leaves behind
        kept = store.requests._kept[asked]
        again = Asked(*asked, kept.record.parameters)
        store.requests.drop(again)
        store.requests.begin(again, salt=b"", boot=dead.id, keep_ms=10**6)
    store.delete_list("a")
    assert make(call).json()["code"] == "idempotency_running"
    dead.end()

    assert (make(call).status_code, store.get_list("a").name) == (201, "a")


def test_after_a_day_it_is_another_request(
    call: Caller, store: MemoryStore, now_ms: list[int]
) -> None:
    make(call)
    store.delete_list("a")
    now_ms[0] += 24 * 3600 * 1000 - 1
    assert replayed(make(call))
    now_ms[0] += 1

    assert (make(call).status_code, store.get_list("a").name) == (201, "a")


def test_what_was_answered_without_its_body_is_not_kept(call: Caller, store: MemoryStore) -> None:
    """Nobody knows then whether the next body is the same."""
    asked: list[str] = []

    async def answers(scope: StarletteScope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(_: Message) -> None:
        """Nobody listens."""

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/jobs",
        "query_string": b"",
        "headers": [(b"idempotency-key", b"x")],
        "state": {"caller": OWNER},
    }
    context = call.context
    once = Idempotency(answers, store, context.bodies, context.jobs, context.changes)
    for _ in range(2):
        asyncio.run(once(scope, receive, send))

    assert len(asked) == 2


@pytest.mark.parametrize(
    "value",
    ["", '""', '"', '"a', "a b", 'a"b', '"\t"', "x" * 256, f'"{"x" * 256}"', "é", '"a", "b"'],
)
def test_a_key_that_is_none_is_refused(call: Caller, value: str) -> None:
    answer = call(
        "POST",
        "/v1/lists",
        json={"name": "a"},
        headers={"Idempotency-Key": value.encode()},  # type: ignore[dict-item]
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


def test_quotes_are_not_part_of_it(call: Caller) -> None:
    make(call, headers={"Idempotency-Key": "x-1"})

    assert replayed(make(call, headers={"Idempotency-Key": '"x-1"'}))


@pytest.mark.parametrize(
    ("method", "path", "honoured"),
    [
        ("POST", "/v1/jobs", True),
        ("POST", "/v1/lists", True),
        ("POST", "/v1/lists/a/import", True),
        ("POST", "/v1/check", False),
        ("POST", "/v1/keys", False),
        ("POST", "/v1/jobs2", False),
        ("PATCH", "/v1/lists/a", False),
    ],
)
def test_it_is_for_what_changes_something(method: str, path: str, *, honoured: bool) -> None:
    assert honours(method, path) is honoured


def test_a_check_is_never_answered_from_before(call: Caller, store: MemoryStore) -> None:
    """What was listed in between would be missed."""
    before = call("POST", "/v1/check", content=LISTED, headers=A).json()
    make(call, headers={})
    call("POST", "/v1/lists/a/references", content=LISTED)
    after = call("POST", "/v1/check", content=LISTED, headers=A).json()

    assert (before["verdict"], after["verdict"]) == ("unscannable", "match")


def test_the_database_has_neither_the_body_nor_the_key(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "lists.sqlite3")
    body = b'{"name": "a", "source": null}' + b" " * 100
    with closing(store), calling(store) as call:
        headers = {"Idempotency-Key": '"a very private key"', "Content-Type": "application/json"}
        for _ in range(2):
            assert call("POST", "/v1/lists", content=body, headers=headers).status_code == 201
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())

    assert b"very private" not in kept
    assert body not in kept


class Hold:
    """Another process that writes to the database, and lets nobody else."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def begin(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._database.execute("ROLLBACK")

    def close(self) -> None:
        self._database.close()


class HeldStore(SqliteStore):
    """A store that another process takes as soon as a list was made."""

    hold: Hold

    def create_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None = None,
        false_alarms_per_100k: float | None = None,
        patches: bool = True,
    ) -> ListInfo:
        made = super().create_list(name, policy=policy, source=source)
        self.hold.begin()
        return made


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[HeldStore, Hold]]:
    path = tmp_path / "lists.sqlite3"
    with closing(HeldStore(path, busy_timeout_ms=1)) as store, closing(Hold(path)) as hold:
        store.hold = hold
        yield store, hold


def test_a_database_that_cannot_be_written_is_no_defect(held: tuple[HeldStore, Hold]) -> None:
    store, hold = held
    with calling(store) as call:
        hold.begin()
        answer = make(call)
        hold.end()

        assert (answer.status_code, answer.json()["code"]) == (503, "store_error")
        assert make(call).status_code == 201


def test_what_failed_can_be_tried_again_where_the_failure_could_not_be_noted(
    held: tuple[HeldStore, Hold],
) -> None:
    store, hold = held

    async def body() -> AsyncIterator[bytes]:
        hold.begin()  # the request is recorded by now
        yield b'{"name": "a"}'

    with calling(store) as call:
        failed = call("POST", "/v1/lists", content=body(), headers=A)
        hold.end()

        assert (failed.status_code, failed.json()["code"]) == (503, "store_error")
        assert make(call).status_code == 201


def test_what_was_done_is_told_also_where_the_answer_cannot_be_kept(
    held: tuple[HeldStore, Hold],
) -> None:
    store, hold = held
    with calling(store) as call:
        assert make(call).status_code == 201
        hold.end()
        store.delete_list("a")

        assert make(call).json()["code"] == "idempotency_running"  # never done twice
        assert store.lists() == []


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        pytest.param("POST", "/v1/jobs", {}, id="a job"),
        pytest.param("POST", "/v1/jobs", A, id="a job to be done once"),
        pytest.param("DELETE", "/v1/jobs/{job}", {}, id="a job that is given up"),
    ],
)
def test_who_waits_to_write_keeps_no_check_and_no_probe_waiting(
    tmp_path: Path, method: str, path: str, headers: dict[str, str]
) -> None:
    """As beside a long import: as many as may wait do, the rest is told to come back."""
    database = tmp_path / "lists.sqlite3"
    store = SqliteStore(database, busy_timeout_ms=30_000)
    with (
        serving(database, store=store) as address,
        closing(Hold(database)) as hold,
        httpx.Client(base_url=address, timeout=60) as http,
        ThreadPoolExecutor(40) as threads,
    ):
        job = http.post("/v1/jobs", content=b"x").json()["id"]
        ask = partial(http.request, method, path.format(job=job), content=b"x", headers=headers)
        hold.begin()
        try:
            asked = [threads.submit(ask) for _ in range(40)]
            refused = next(as_completed(asked, timeout=60)).result()
            check, ready = http.post("/v1/check", content=b"x"), http.get("/readyz")
            waiting = sum(not one.done() for one in asked)
        finally:
            hold.end()

    assert (check.status_code, ready.status_code) == (200, 200)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert waiting
