"""Every error that HTTP answers with: its status, its code, and that it gives nothing away."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

import service.errors
from hashing.errors import RecircError
from hashing.fingerprint import PHASH, Algorithm, Fingerprint
from hashing.formats.document import to_document
from hashing.reference import Policy, Reference
from service import issuing, problems, refusals
from service.bodies import BodyLimits
from service.callers import Scope
from service.errors import CageFailed, DecoderKilled, NoCage, OutOfMemory
from service.limits import ServiceLimits
from service.media.cancelling import Cancelled
from service.media.decoding import Decoding
from service.schemas import Problem
from service.store.base import ListInfo
from tests import cages, clips, hostile
from tests.fingerprints import FOREIGN, of, random_hashes, track, video
from tests.hosts import Answer, host
from tests.memory_store import MemoryStore
from tests.service.calls import LIMITS, Outside, calling, clip, sound

# Codes of what only the command line and the start of the service do.
_ELSEWHERE = {
    service.errors.AuditBroken.code,
    service.errors.BadSetting.code,
    service.errors.UnreadablePath.code,
    service.errors.WorkersFailed.code,
    Cancelled.code,  # and what nobody is told
}
# Over a socket in test_app.py, and of /readyz in test_readiness.py.
_ASKED_ELSEWHERE = {"bad_request", "draining", "loading", "stale_list"}
_PRIVATE = "a private value"
_BLOCK_FILE = (
    b'{"format":"recirc-list","version":1,"list":"x","policy":"block","source":null,'
    b'"algorithms":[],"references":0}\n'
)


class BrokenStore(MemoryStore):
    """A store with a defect whose text holds what nobody may see."""

    def lists(self) -> list[ListInfo]:
        raise RuntimeError(_PRIVATE)


class ClosedStore(MemoryStore):
    """A store that fails, as with a full disk."""

    def lists(self) -> list[ListInfo]:
        self.close()
        return super().lists()


class WorkingStore(MemoryStore):
    """A store in which no request is ever answered."""

    def __init__(self) -> None:
        super().__init__()
        self.requests.finish = lambda *_: None  # type: ignore[method-assign]


async def stalling() -> AsyncIterator[bytes]:
    """A body that starts and never goes on."""
    yield b"x"
    await asyncio.Event().wait()


def document(fingerprint: Fingerprint) -> bytes:
    return json.dumps(to_document(fingerprint, None)).encode()


def made_otherwise(algorithm: Algorithm) -> bytes:
    return document(of([track(random_hashes(1, 3), algorithm=algorithm)]))


@dataclass(frozen=True)
class Ask:
    """A request to a service with lists ``a`` (block, with reference r1) and ``b`` (allow)."""

    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: BodyLimits = LIMITS
    store: type[MemoryStore] = MemoryStore
    scope: Scope | None = None  # of its key; PUBLIC sends none; None asks where no key was made
    service_limits: ServiceLimits = field(default_factory=ServiceLimits)
    before: bytes | None = None  # sent first, in the same way; the second answer counts
    outside: Outside = field(default_factory=Outside)
    host: Answer | None = None  # what another host answers, if there is one to be asked
    stalling: bool = False
    decoding: Callable[[], Decoding] | None = None
    status: int = 422


_FORM = {"Content-Type": "multipart/form-data; boundary=X"}
_JSON = {"Content-Type": "application/json"}
_ADD = "/v1/lists/a/references"
_BY_URL = "/v1/check/url"
_OUTSIDE = Outside(
    fetch=["http://media.example.test:9"],
    webhooks=["media.example.test"],
    secrets=(bytes(range(32)),),
)
_REVOKED = "0123456789ab"


def _hostile(deed: str, decoding: Callable[[], Decoding] = cages.taken_over) -> Ask:
    return Ask("POST", _ADD, hostile.clip(deed), decoding=decoding)


def _failing(error: type[RecircError], status: int = 503) -> Ask:
    """What cannot be had at will: the machine kills a process or gives none."""
    return Ask("POST", _ADD, b"x", decoding=lambda: cages.Dying(error), status=status)


ASKED = {
    "bad_multipart": Ask("POST", "/v1/check", b"--X--\r\n", _FORM, status=400),
    "cross_origin": Ask("POST", "/v1/check", b"", {"Origin": "https://other.example"}, status=403),
    "not_found": Ask("GET", "/v2", status=404),
    "unauthorized": Ask("GET", "/v1/lists", scope=Scope.PUBLIC, status=401),
    "forbidden": Ask("GET", "/v1/lists", scope=Scope.CHECK, status=403),
    "key_not_found": Ask("DELETE", "/v1/keys/ba9876543210", scope=Scope.ADMIN, status=404),
    "key_ended": Ask("POST", f"/v1/keys/{_REVOKED}/rotate", scope=Scope.ADMIN, status=409),
    "list_not_found": Ask("POST", "/v1/check?list=nosuch", b"", status=404),
    "reference_not_found": Ask("DELETE", "/v1/lists/a/references/r2", status=404),
    "method_not_allowed": Ask("PUT", "/v1/lists", status=405),
    "body_timeout": Ask(
        "POST",
        "/v1/check",
        stalling=True,
        limits=BodyLimits(body_bytes=100, held_bytes=100, idle_s=0.05),
        status=408,
    ),
    "list_exists": Ask("POST", "/v1/lists", b'{"name":"a"}', status=409),
    "policy_conflict": Ask("POST", "/v1/lists/b/import", _BLOCK_FILE, status=409),
    "reference_conflict": Ask("POST", f"{_ADD}?id=r1", document(video(2)), _JSON, status=409),
    "body_too_large": Ask("POST", "/v1/check", b"x" * (LIMITS.body_bytes + 1), status=413),
    "encoded_body": Ask("POST", "/v1/check", b"x", {"Content-Encoding": "gzip"}, status=415),
    "wrong_host": Ask("GET", "/livez", None, {"Host": "other.example"}, status=421),
    "invalid_request": Ask("POST", "/v1/lists", b'{"nam":"a"}'),
    "bad_name": Ask("POST", "/v1/lists", b'{"name":"../a"}'),
    "bad_policy": Ask("PATCH", "/v1/lists/b", b'{"false_alarms_per_100k":1}'),
    "bad_fingerprint": Ask("POST", "/v1/check/fingerprint", b"{}"),
    "bad_list": Ask("POST", "/v1/lists/c/import", b"{}"),
    "incompatible_hash": Ask(
        "POST", "/v1/check/fingerprint", made_otherwise(Algorithm(PHASH.name, (("hash_size", 8),)))
    ),
    "nothing_to_compare": Ask("POST", _ADD, made_otherwise(FOREIGN), _JSON),
    "empty_file": Ask("POST", _ADD, b""),
    "not_media": Ask("POST", _ADD, b"Dear moderator"),
    "no_video": Ask("POST", _ADD, sound()),
    "decoder_error": Ask("POST", _ADD, clip(1, 5)[:300]),
    "too_dark": Ask("POST", _ADD, clips.encode(clips.black())),
    "internal_error": Ask("GET", "/v1/lists", store=BrokenStore, status=500),
    "bad_idempotency_key": Ask(
        "POST", "/v1/lists", b'{"name":"x"}', {"Idempotency-Key": '"'}, status=400
    ),
    "idempotency_conflict": Ask(
        "POST", "/v1/lists", b'{"name":"x"}', {"Idempotency-Key": "x"}, before=b'{"name":"y"}'
    ),
    "idempotency_running": Ask(
        "POST",
        "/v1/lists",
        b'{"name":"x"}',
        {"Idempotency-Key": "x"},
        store=WorkingStore,
        before=b'{"name":"x"}',
        status=409,
    ),
    "fetch_off": Ask("POST", _BY_URL, b'{"url":"https://media.example.test/"}', status=403),
    "fetch_refused": Ask(
        "POST", _BY_URL, b'{"url":"https://other.example.test/"}', outside=_OUTSIDE, status=403
    ),
    "fetch_failed": Ask(
        "POST", _BY_URL, b'{"url":"http://media.example.test:9/"}', outside=_OUTSIDE, status=502
    ),
    "fetch_too_large": Ask(
        "POST",
        _BY_URL,
        outside=_OUTSIDE,
        host=lambda asked: asked.say(200, bytes(2**23)),
        status=413,
    ),
    "webhook_off": Ask("POST", "/v1/jobs?callback=https://media.example.test/", b"x", status=403),
    "webhook_refused": Ask(
        "POST",
        "/v1/jobs?callback=https://other.example.test/",
        b"x",
        outside=_OUTSIDE,
        status=403,
    ),
    "job_not_found": Ask("GET", "/v1/jobs/nosuch", status=404),
    "key_busy": Ask(
        "POST",
        "/v1/check",
        b"x" * 50,
        limits=BodyLimits(body_bytes=100, held_bytes=100, key_held_bytes=49),
        status=429,
    ),
    "rate_limited": Ask(
        "GET",
        "/v1/lists",
        service_limits=ServiceLimits(key_burst=1, key_requests_per_minute=1),
        before=b"",
        status=429,
    ),
    "busy": Ask(
        "POST", "/v1/check", b"x" * 50, limits=BodyLimits(body_bytes=100, held_bytes=49), status=503
    ),
    "store_error": Ask("GET", "/v1/lists", store=ClosedStore, status=503),
    "sandbox_violation": _hostile("socket AF_INET"),
    "decoder_crashed": _hostile("segfault"),
    "bad_answer": _hostile("nonsense"),
    "limit_wall": _hostile("endless loop", cages.short),
    "limit_cpu": _hostile("endless loop", cages.busy),
    "limit_memory": _failing(OutOfMemory, 422),
    "decoder_killed": _failing(DecoderKilled),
    "cage_failed": _failing(CageFailed),
    "no_cage": _failing(NoCage),
}


def answer_to(ask: Ask) -> httpx.Response:
    store = ask.store()
    store.add("a", [Reference("r1", None, None, video(1))])
    store.create_list("b", policy=Policy.ALLOW)
    content = stalling() if ask.stalling else ask.content
    decoding = None if ask.decoding is None else ask.decoding()
    key = None if ask.scope is None else key_of(store, ask.scope)
    outside = ask.outside
    with ExitStack() as stack:
        if ask.host is not None:
            there = stack.enter_context(host(ask.host))
            outside = replace(outside, fetch=[there.url("")])
            content = json.dumps({"url": there.url()}).encode()
        call = stack.enter_context(
            calling(store, ask.limits, decoding, ask.service_limits, outside=outside)
        )
        sends = call.with_key(key)
        if ask.before is not None:
            sends(ask.method, ask.path, content=ask.before, headers=ask.headers)
        return sends(ask.method, ask.path, content=content, headers=ask.headers)


def key_of(store: MemoryStore, scope: Scope) -> str | None:
    """A key with this scope, in a store that has a revoked one as well."""
    store.keys.create(_REVOKED, b"", name="revoked", scope=Scope.ADMIN, lifetime_ms=None)
    store.keys.revoke(_REVOKED)
    return None if scope is Scope.PUBLIC else issuing.create(store, "used", scope).key


@pytest.mark.parametrize(("code", "ask"), [pytest.param(*one, id=one[0]) for one in ASKED.items()])
def test_every_code_is_a_problem_document(code: str, ask: Ask) -> None:
    answer = answer_to(ask)

    assert (answer.json()["code"], answer.status_code) == (code, ask.status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == ask.status == problems.MEANINGS[code].status
    assert problem.type == f"urn:recirc:problem:{code}"
    assert problem.request_id == answer.headers["X-Request-Id"]
    assert problem.detail
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_table_of_codes_is_whole() -> None:
    """Every code of the three trees has a status, and every status is reached by a request."""
    codes = {error.code for error in subclasses(RecircError) if not error.__subclasses__()}

    assert codes - _ELSEWHERE <= problems.MEANINGS.keys()
    assert ASKED.keys() == problems.MEANINGS.keys() - _ASKED_ELSEWHERE


def subclasses(base: type[RecircError]) -> Iterator[type[RecircError]]:
    for one in base.__subclasses__():
        yield one
        yield from subclasses(one)


def test_the_drawing_of_errors_is_whole() -> None:
    drawing = f"{problems.__doc__}{refusals.__doc__}"
    drawn = set(re.findall(r"(\w+) {2,}(\w+_\w+|busy|unauthorized|forbidden) ", drawing))

    assert drawn == {
        (error.__name__, error.code) for error in problems.RequestError.__subclasses__()
    }


def test_a_defect_shows_nothing_and_logs_no_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = answer_to(ASKED["internal_error"])

    assert _PRIVATE not in answer.text
    logged = [record for record in caplog.records if record.name == problems.__name__]
    assert len(logged) == 1
    assert answer.json()["request_id"] in logged[0].getMessage()
    assert "RuntimeError in lists:" in logged[0].getMessage()
    assert _PRIVATE not in caplog.text


def test_a_store_error_is_logged_and_not_shown(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    answer = answer_to(ASKED["store_error"])

    assert "closed" not in answer.text
    assert "store_error: the store is closed" in caplog.text


@pytest.mark.parametrize(
    ("body", "location"),
    [
        pytest.param({"name": _PRIVATE, "policy": _PRIVATE}, "body.policy", id="a wrong value"),
        pytest.param({"name": [_PRIVATE]}, "body.name", id="a wrong type"),
        pytest.param({}, "body.name", id="missing"),
        pytest.param([_PRIVATE], "body", id="no object"),
    ],
)
def test_wrong_fields_are_named_and_never_repeated(body: object, location: str) -> None:
    answer = answer_to(Ask("POST", "/v1/lists", json.dumps(body).encode()))

    assert [one["location"] for one in answer.json()["errors"]] == [location]
    assert _PRIVATE not in answer.text


def test_a_wrong_parameter_is_named() -> None:
    answer = answer_to(Ask("GET", f"{_ADD}?limit=0"))

    assert [one["location"] for one in answer.json()["errors"]] == ["query.limit"]


def test_busy_and_method_say_how_to_go_on() -> None:
    assert answer_to(ASKED["busy"]).headers["Retry-After"] == str(problems.RETRY_AFTER_S)
    assert answer_to(ASKED["method_not_allowed"]).headers["Allow"] == "GET, POST"


def test_a_very_long_name_is_not_repeated_in_full() -> None:
    answer = answer_to(Ask("POST", f"/v1/check?list={'x' * 5000}", b""))

    assert answer.status_code == 404
    assert len(answer.content) < 1500


def test_the_page_of_codes_has_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")

    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows] == [code for code, _ in problems.in_order()]
    assert [int(row[2]) for row in rows] == [one.status.value for _, one in problems.in_order()]
