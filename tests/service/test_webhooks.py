"""Webhooks: signed, tried again, told what the caller may see, and only where they may be."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service import answers, webhooks
from service.checking import unscannable
from service.errors import StoreError
from service.fetch import Fetcher
from service.refusals import WebhookOff, WebhookRefused
from service.store.jobs import Delivery, Job
from service.webhooks import PAUSES_S, Webhooks, message, signature
from tests.hosts import NAME, Asked, Host, bounds, host, reaching
from tests.memory_store import MemoryStore
from tests.service.calls import Outside, calling
from tests.service.routes.test_jobs import done

SECRET = bytes(range(32))
OLD = bytes(range(24))
ANSWER = json.dumps(answers.of_check(unscannable("not_media", ())))


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1_774_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Setting:
    """Webhooks over a store, and the host that is told."""

    told: Webhooks
    store: MemoryStore
    there: Host
    clock: Clock

    def finished(self, job_id: str = "j1", *, scope: str = "check", url: str = "") -> Job:
        """A finished job, whose webhook is due."""
        self.store.jobs.create(
            job_id, key="k1", scope=scope, boot="b", callback=url or self.there.url("/hook")
        )
        self.store.jobs.finish(job_id, ANSWER, keep_ms=10**9)
        return self.job(job_id)

    def job(self, job_id: str = "j1") -> Job:
        job = self.store.jobs.get(job_id)
        assert job is not None
        return job

    def deliver(self) -> None:
        """What is due now, to its end."""
        self.told.deliver()
        self.told._pool.submit(lambda: None).result()
        while self.told._free < webhooks._THREADS:
            threading.Event().wait(0.005)


@contextmanager
def set_up(
    answer: Callable[[Asked], None], secrets: tuple[bytes, ...] = (SECRET,)
) -> Iterator[Setting]:
    clock = Clock()
    store = MemoryStore(clock)
    with host(answer) as there:
        fetcher = Fetcher(bounds([f"http://{NAME}:{there.port}"], reaching()))
        told = Webhooks(store.jobs, fetcher, secrets, try_s=5, now_s=lambda: clock.now_ms / 1000)
        yield Setting(told, store, there, clock)
        told.close()


def says(status: int) -> Callable[[Asked], None]:
    return lambda asked: asked.say(status)


def test_the_published_example_is_signed_as_published() -> None:
    """Of the specification: any library of Standard Webhooks can know our messages."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'

    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_finished_job_is_told_once_and_signed() -> None:
    with set_up(says(204)) as at:
        at.finished()
        at.deliver()
        at.deliver()
        job = at.job()

    ((method, path, headers, body),) = at.there.asked
    assert (method, path, job.delivery, job.tries) == ("POST", "/hook", "sent", 1)
    assert headers["Content-Type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_j1", "1774000000")
    signed = hmac.new(SECRET, b"msg_j1.1774000000." + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    told = json.loads(body)
    assert (told["type"], told["timestamp"]) == ("job.done", "2026-03-20T09:46:40.000Z")
    assert (told["data"]["id"], told["data"]["state"]) == ("j1", "done")
    assert told["data"]["answer"]["problems"] == ["not_media"]


def test_each_of_two_secrets_signs() -> None:
    with set_up(says(200), (SECRET, OLD)) as at:
        at.finished()
        at.deliver()

    ((_, _, headers, body),) = at.there.asked
    assert headers["webhook-signature"].split(" ") == [
        signature(secret, "msg_j1", 1774000000, body) for secret in (SECRET, OLD)
    ]


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_it_is_told_again_with_growing_pauses_and_given_up_in_the_end(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 2)
    with set_up(says(status)) as at:
        at.finished()
        for tries, pause_s in enumerate(PAUSES_S, 1):
            at.deliver()
            assert (at.job().tries, at.job().delivery) == (tries, "waiting")
            at.clock.now_ms += pause_s * 1000 - 1
            at.deliver()
            assert at.job().tries == tries
            at.clock.now_ms += 1
        at.deliver()
        at.clock.now_ms += 10**8
        at.deliver()
        job = at.job()

    assert (job.tries, job.delivery) == (len(PAUSES_S) + 1, "failed")
    assert {headers["webhook-id"] for _, _, headers, _ in at.there.asked} == {"msg_j1"}
    assert len({headers["webhook-timestamp"] for _, _, headers, _ in at.there.asked}) == job.tries
    assert "given up after 7 tries" in caplog.text


def test_pauses_differ_from_one_another() -> None:
    """Else all that failed together comes back together."""
    with set_up(says(500)) as at:
        for number in range(12):
            at.finished(f"j{number}")
        for _ in range(3):
            at.deliver()
        when_ms = set(at.store.jobs._next_try_ms.values())

    assert len(when_ms) > 6
    assert all(4_000 <= one - at.clock.now_ms <= 6_000 for one in when_ms)


def test_who_wants_no_more_is_told_no_more() -> None:
    with set_up(says(410)) as at:
        at.finished()
        at.deliver()
        assert at.job().delivery == "failed"


def test_a_host_that_is_away_is_tried_again() -> None:
    with set_up(says(200)) as at:
        url = at.there.url("/hook")
    with set_up(says(200)) as at:
        at.finished(url=url)
        at.deliver()
        assert (at.job().delivery, at.there.asked) == ("waiting", [])


def test_a_host_that_may_no_more_be_told_is_not() -> None:
    """The operator has taken it off since; or its name stands for another address now."""
    with set_up(says(200)) as at:
        at.finished(url=f"http://other.example.test:{at.there.port}/")
        at.deliver()
        assert (at.job().delivery, at.there.asked) == ("waiting", [])


def test_one_that_hangs_leaves_others_alone() -> None:
    release = threading.Event()

    def hang(asked: Asked) -> None:
        if asked.path == "/hang":
            release.wait(60)
        asked.say(200)

    with set_up(hang) as at:
        at.finished("slow", url=at.there.url("/hang"))
        at.told.deliver()
        at.finished("quick")
        at.told.deliver()
        while at.job("quick").delivery is not Delivery.SENT:
            threading.Event().wait(0.005)
        assert at.job("slow").delivery is Delivery.WAITING
        release.set()


def test_a_try_that_the_store_does_not_learn_of_is_made_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At least once, with the same id: whoever is told knows it by that."""

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with set_up(says(200)) as at:
        at.finished()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(at.store.jobs, "delivered", full)
            at.deliver()
        at.clock.now_ms += 60_000
        at.deliver()
        assert at.job().delivery == "sent"

    assert len(at.there.asked) == 2
    assert "the disk is full" in caplog.text


def test_a_defect_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with set_up(says(200)) as at:
        at.finished(scope="private")
        at.deliver()

    assert "a webhook was not told: KeyError in" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize(("scope", "whole"), [("check", False), ("analyst", True), ("admin", True)])
def test_it_says_what_the_key_may_see(scope: str, *, whole: bool) -> None:
    match = answers.of_check(unscannable("x", ())) | {
        "matches": [
            {"reference": "r1", "verdict": "match", "list": "a", "label": None, "incident": None}
            | {"clip_ranges_ms": [], "chance": 1e-9}
        ]
    }
    store = MemoryStore()
    store.jobs.create("j1", key="k1", scope=scope, boot="b", callback="https://a.test/")
    store.jobs.finish("j1", json.dumps(match), keep_ms=1)
    job = store.jobs.get("j1")
    assert job is not None
    told = json.loads(message(job))["data"]["answer"]["matches"][0]

    assert ("reference" in told, "chance" in told) == (whole, whole)


def test_without_a_secret_or_a_host_nothing_is_taken() -> None:
    with set_up(says(200), ()) as at:
        with pytest.raises(WebhookOff):
            at.told.require(at.there.url())
        at.finished()
        at.deliver()
        assert at.there.asked == []
    with set_up(says(200)) as at:
        at.told.require(at.there.url())
        for url in ("http://127.0.0.1/", at.there.url(name="other.example.test"), "x"):
            with pytest.raises(WebhookRefused):
                at.told.require(url)
    with calling(outside=Outside(webhooks=["media.example.test"])) as call:
        answer = call("POST", "/v1/jobs?callback=https://media.example.test/", content=b"x")
        assert answer.json()["code"] == "webhook_off"


def test_a_job_s_webhook_is_told_by_the_service() -> None:
    with host(says(200)) as there:
        outside = Outside(webhooks=[there.url("")], secrets=(SECRET,))
        with calling(outside=outside) as call:
            made = call("POST", f"/v1/jobs?callback={there.url('/hook')}", content=b"x")
            assert made.json()["webhook"] == "waiting"
            job = done(call, made)
            while not there.asked:
                call.context.webhooks.deliver()
            while call("GET", made.headers["Location"]).json()["webhook"] != "sent":
                pass
            call.context.webhooks.close()

    told = json.loads(there.asked[0][3])["data"]
    assert (told["id"], told["answer"]) == (
        job.id,
        job.answer and job.answer.model_dump(mode="json"),
    )


def test_the_python_of_the_documents_knows_our_messages() -> None:
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    (code,) = (one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "hmac" in one)
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102  # our own text
    secret = f"whsec_{base64.b64encode(SECRET).decode()}"
    now_s = int(time.time())
    headers = {"webhook-id": "msg_j1", "webhook-timestamp": str(now_s)}
    signed = [signature(one, "msg_j1", now_s, b"{}") for one in (OLD, SECRET)]

    def is_genuine(body: bytes = b"{}", **other: str) -> bool:
        sent = headers | {"webhook-signature": " ".join(signed)}
        return bool(
            found["is_genuine"](
                sent | {k.replace("_", "-"): v for k, v in other.items()}, body, secret
            )
        )

    assert is_genuine()
    assert not is_genuine(b"{ }")
    assert not is_genuine(webhook_id="msg_j2")
    assert not is_genuine(webhook_signature=signed[0])
    assert not is_genuine(webhook_timestamp=str(now_s - 301))
