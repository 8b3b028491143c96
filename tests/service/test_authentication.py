"""Who gets in: with which key, from where, and until when."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from service import issuing, keys
from service.callers import OF_KEYS, OWNER, Scope
from service.errors import StoreError
from service.store.sqlite import SqliteStore
from tests.memory_store import MemoryStore
from tests.service import calls
from tests.service.calls import Caller, calling, serving

HOUR_MS = 3600 * 1000


class Clock:
    """A clock that stands until it is set."""

    now_ms = 1_774_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def call(store: MemoryStore, clock: Clock) -> Iterator[Caller]:
    with calling(store, clock=clock) as caller:
        yield caller


@pytest.fixture
def key(store: MemoryStore) -> str:
    """An analyst's key."""
    return issuing.create(store, "the bot's", Scope.ANALYST).key


def test_while_there_is_no_key_whoever_is_on_this_machine_is_the_owner(call: Caller) -> None:
    assert call("GET", "/v1/lists").status_code == 200
    assert call.with_key("not even a key")("POST", "/v1/lists", json={"name": "a"}).is_success


def test_while_there_is_no_key_nobody_else_gets_in(call: Caller) -> None:
    """As where a host name stands for another address than it did."""
    assert call.with_key(None, peer="192.0.2.7")("GET", "/v1/lists").status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_while_there_is_no_key_a_proxy_on_this_machine_is_not_the_owner(
    call: Caller, header: str
) -> None:
    """It asks for others, who may be anybody."""
    answer = call("POST", "/v1/lists", json={"name": "a"}, headers={header: "192.0.2.7"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_beyond_loopback_there_is_no_owner(host: str) -> None:
    with calling(host=host) as call:
        assert call("GET", "/v1/lists").status_code == 401


def test_from_the_first_key_on_every_call_needs_one(call: Caller, store: MemoryStore) -> None:
    assert call("GET", "/v1/lists").status_code == 200
    made = issuing.create(store, "first", Scope.ANALYST)

    assert call("GET", "/v1/lists").status_code == 401
    assert call.with_key(made.key)("GET", "/v1/lists").status_code == 200


@pytest.mark.usefixtures("key")
def test_when_the_last_key_is_revoked_nobody_is_the_owner_again(
    call: Caller, store: MemoryStore, key: str
) -> None:
    store.keys.revoke(keys.id_of(key) or "")
    assert call("GET", "/v1/lists").status_code == 401

    # As when the database is put back to an earlier state.
    call.context.authenticator._keys = MemoryStore().keys

    assert call("GET", "/v1/lists").status_code == 401


WRONG = keys.new_key("0123456789ab")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no key"),
        pytest.param("Bearer ", id="an empty key"),
        pytest.param(f"Bearer {WRONG}", id="unknown"),
        pytest.param(f"Bearer {WRONG[:-1]}", id="damaged"),
        pytest.param("Bearer {id}_wrong", id="the id alone"),
        pytest.param("Bearer {other}", id="another secret"),
        pytest.param("Basic {key}", id="another scheme"),
        pytest.param("{key}", id="no scheme"),
        pytest.param("Bearer {key} {key}", id="two keys"),
        pytest.param("Bearer {key},", id="a comma"),
    ],
)
def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(
    call: Caller, key: str, header: str
) -> None:
    key_id = keys.id_of(key) or ""
    sent = header.format(key=key, id=f"recirc_{key_id}", other=keys.new_key(key_id))

    answer = call("GET", "/v1/lists", headers={"Authorization": sent})

    assert problem_of(answer) == REFUSED
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="recirc", error="invalid_token"'


REFUSED = {
    "status": 401,
    "code": "unauthorized",
    "type": "urn:recirc:problem:unauthorized",
    "title": "No API key, or none that is good",
    "detail": "the API key is not good: unknown, wrong, expired or revoked",
}


def problem_of(answer: httpx.Response) -> Mapping[str, object]:
    """The problem without its request id."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {key: value for key, value in answer.json().items() if key != "request_id"}


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda store, key_id, _: store.keys.revoke(key_id), id="revoked"),
        pytest.param(lambda _, __, clock: setattr(clock, "now_ms", 2**60), id="expired"),
    ],
)
def test_a_key_that_has_ended_is_answered_as_one_that_never_was(
    call: Caller,
    store: MemoryStore,
    clock: Clock,
    end: Callable[[MemoryStore, str, Clock], None],
) -> None:
    made = issuing.create(store, "a name", Scope.ADMIN, days=1)
    assert call.with_key(made.key)("GET", "/v1/lists").status_code == 200

    end(store, made.info.id, clock)

    assert problem_of(call.with_key(made.key)("GET", "/v1/lists")) == REFUSED


@pytest.mark.usefixtures("key")
def test_without_a_key_the_answer_says_how_to_send_one(call: Caller) -> None:
    answer = call("GET", "/v1/lists")

    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="recirc"'
    assert "Authorization: Bearer" in answer.json()["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(call: Caller, key: str, scheme: str) -> None:
    answer = call("GET", "/v1/lists", headers={"Authorization": f"{scheme} {key}"})

    assert answer.status_code == 200


def test_a_rotated_key_overlaps_with_the_one_before_it(
    call: Caller, store: MemoryStore, clock: Clock, key: str
) -> None:
    rotated = issuing.rotate(store, keys.id_of(key) or "", overlap_hours=2)

    def answers() -> list[int]:
        return [call.with_key(one)("GET", "/v1/lists").status_code for one in (key, rotated.key)]

    assert answers() == [200, 200]
    clock.now_ms += 2 * HOUR_MS - 1
    assert answers() == [200, 200]
    clock.now_ms += 1
    assert answers() == [401, 200]


@pytest.mark.parametrize("held", OF_KEYS.values())
@pytest.mark.parametrize(
    ("needed", "method", "path", "passed"),
    [
        (Scope.CHECK, "POST", "/v1/check/fingerprint", 422),
        (Scope.ANALYST, "GET", "/v1/lists", 200),
        (Scope.CURATE, "DELETE", "/v1/lists/nosuch", 404),
    ],
)
def test_each_scope_allows_what_those_before_it_do(  # noqa: PLR0917  # a table's columns
    call: Caller,
    store: MemoryStore,
    held: Scope,
    needed: Scope,
    method: str,
    path: str,
    passed: int,
) -> None:
    made = issuing.create(store, "a name", held)

    answer = call.with_key(made.key)(method, path)

    assert answer.status_code == (passed if held >= needed else 403)
    if held < needed:
        found = answer.json()
        assert found["code"] == "forbidden"
        assert f"scope {needed.word};" in found["detail"]
        assert f'scope="{needed.word}"' in answer.headers["WWW-Authenticate"]


def test_last_uses_are_written_once_a_minute(
    call: Caller, store: MemoryStore, clock: Clock, key: str
) -> None:
    written: list[Mapping[str, int]] = []
    note = store.keys.note_uses

    def recording(last_ms: Mapping[str, int]) -> None:
        written.append(dict(last_ms))
        note(last_ms)

    store.keys.note_uses = recording  # type: ignore[method-assign]
    started_ms, key_id = clock.now_ms, keys.id_of(key) or ""
    for after_ms in (0, 1000, 59_999, 60_000, 60_001):
        clock.now_ms = started_ms + after_ms
        assert call.with_key(key)("GET", "/v1/lists").status_code == 200
        call.context.authenticator._uses._thread.submit(int).result(timeout=60)  # all is written

    assert written == [{key_id: started_ms}, {key_id: started_ms + 60_000}]
    assert [info.last_used_at_ms for info in store.keys.all()] == [started_ms + 60_000]


def test_last_uses_are_written_beside_the_requests(
    call: Caller, store: MemoryStore, clock: Clock, key: str
) -> None:
    """While one is being written, others wait for it, together."""
    other = issuing.create(store, "another", Scope.ANALYST)
    written: list[Mapping[str, int]] = []
    began, may_end = threading.Event(), threading.Event()

    def slow(last_ms: Mapping[str, int]) -> None:
        began.set()
        assert may_end.wait(timeout=60)
        written.append(dict(last_ms))

    store.keys.note_uses = slow  # type: ignore[method-assign]
    call.with_key(key)("GET", "/v1/lists")
    assert began.wait(timeout=60)
    clock.now_ms += 60_000
    answers = [call.with_key(one)("GET", "/v1/lists") for one in (key, other.key)]
    assert written == []
    may_end.set()
    call.context.authenticator.close()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [sorted(one) for one in written] == [
        [keys.id_of(key)],
        sorted([keys.id_of(key) or "", other.info.id]),
    ]


def test_a_last_use_that_cannot_be_written_fails_no_request(
    call: Caller, store: MemoryStore, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(last_ms: Mapping[str, int]) -> None:
        raise StoreError(f"locked: {len(last_ms)}")

    store.keys.note_uses = failing  # type: ignore[method-assign]
    assert call.with_key(key)("GET", "/v1/lists").status_code == 200
    call.context.authenticator.close()

    assert "the last use of 1 keys was not noted: store_error" in caplog.text


def test_a_database_that_cannot_be_read_lets_nobody_in(
    call: Caller, store: MemoryStore, key: str
) -> None:
    def failing(key_id: str) -> None:
        raise StoreError(f"gone: {key_id}")

    store.keys.find = failing  # type: ignore[method-assign]

    answer = call.with_key(key)("GET", "/v1/lists")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_error")
    assert call("GET", "/livez").status_code == 200


@pytest.mark.usefixtures("key")
def test_readiness_says_more_to_an_analyst(call: Caller, key: str) -> None:
    short, full = call("GET", "/readyz"), call.with_key(key)("GET", "/readyz")

    assert short.json() == {"status": "ready"}
    assert full.json() == {"status": "ready", "sandbox": "full", "lists": 0, "references": 0}


def test_the_owner_is_no_key() -> None:
    """No key can have the name under which the owner's changes are recorded."""
    assert OWNER.key not in {keys.new_id() for _ in range(10)}
    assert len(OWNER.key) != len(keys.new_id())


GET = b"GET /v1/lists HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    b"Authorization: Bearer %s\r\nExpect: 100-continue\r\n\r\n"
)


def first_line(address: str, sent: bytes) -> bytes:
    """The first line that comes back."""
    place = httpx.URL(address)
    with closing(socket.create_connection((place.host, place.port or 0), 20)) as connection:
        connection.sendall(sent)
        return connection.recv(65536).split(b"\r\n")[0]


class TestOverSockets:
    def test_two_headers_are_one_too_many(self, tmp_path: Path) -> None:
        """Which of them a proxy in front has looked at is not known."""
        database = tmp_path / "lists.sqlite3"
        with closing(SqliteStore(database)) as store:
            key = issuing.create(store, "a name", Scope.ANALYST).key

        header = f"Authorization: Bearer {key}\r\n".encode()
        with serving(database) as address:
            found = [first_line(address, GET + header * count + b"\r\n") for count in (1, 2)]

        assert found == [b"HTTP/1.1 200 OK", b"HTTP/1.1 401 Unauthorized"]

    def test_who_is_refused_is_not_asked_for_the_body(self, tmp_path: Path) -> None:
        database = tmp_path / "lists.sqlite3"
        with closing(SqliteStore(database)) as store:
            made = issuing.create(store, "a name", Scope.CHECK)

            low = issuing.create(store, "another", Scope.CHECK)

        with serving(database) as address:
            found = [
                first_line(address, HEAD % (path, key.encode()))
                for path, key in [
                    (b"/v1/check", made.key),
                    (b"/v1/check", WRONG),
                    (b"/v1/lists/a/import", low.key),
                ]
            ]

        assert found == [
            b"HTTP/1.1 100 Continue",
            b"HTTP/1.1 401 Unauthorized",
            b"HTTP/1.1 403 Forbidden",
        ]

    def test_a_key_that_another_process_revokes_is_not_good_for_the_next_request(
        self, tmp_path: Path
    ) -> None:
        database = tmp_path / "lists.sqlite3"
        with closing(SqliteStore(database)) as other, serving(database) as address:
            assert calls.get(f"{address}/v1/lists").status_code == 200
            made = issuing.create(other, "a name", Scope.ANALYST)
            headers = {"Authorization": f"Bearer {made.key}"}
            before = calls.get(f"{address}/v1/lists", headers=headers)
            issuing.revoke(other, made.info.id)
            after = calls.get(f"{address}/v1/lists", headers=headers)

        assert (before.status_code, after.status_code) == (200, 401)
