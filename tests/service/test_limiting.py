"""Limiting: each key within its rate and its number at a time, and told how much is left."""

import asyncio
import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from service.app import body_limits
from service.callers import OWNER, STRANGER, Caller
from service.callers import Scope as Allowed
from service.limiting import Limiter, Limiting
from service.limits import ServiceLimits
from service.refusals import KeyBusy, RateLimited
from tests.service.calls import calling, settings


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


# One token a second, three at once.
SMALL = ServiceLimits(key_requests_per_minute=60, key_burst=3, key_concurrency=2)


def ask(limiter: Limiter, key: str = "a") -> None:
    with limiter.admitted(key):
        pass


def test_a_burst_is_let_through_and_no_more() -> None:
    limiter = Limiter(SMALL, Clock())
    for _ in range(3):
        ask(limiter)

    with pytest.raises(RateLimited) as refused:
        ask(limiter)

    assert refused.value.retry_after_s == 1


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    clock = Clock()
    limiter = Limiter(SMALL, clock)
    for later_s, granted in [(0.0, 3), (1.0, 1), (0.5, 0), (0.5, 1), (1000.0, 3)]:
        clock.now_s += later_s
        for _ in range(granted):
            ask(limiter)
        with pytest.raises(RateLimited):
            ask(limiter)


def test_who_waits_as_long_as_told_is_let_through() -> None:
    clock = Clock()
    limiter = Limiter(replace(SMALL, key_requests_per_minute=7, key_burst=1), clock)
    ask(limiter)
    with pytest.raises(RateLimited) as refused:
        ask(limiter)

    clock.now_s += refused.value.retry_after_s
    ask(limiter)


@given(
    waits_s=st.lists(st.floats(0, 5), max_size=60),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 20),
)
def test_never_more_than_the_burst_and_the_rate_together(
    waits_s: list[float], per_minute: int, burst: int
) -> None:
    clock = Clock()
    limits = replace(SMALL, key_requests_per_minute=per_minute, key_burst=burst)
    limiter = Limiter(limits, clock)
    granted = 0
    for wait_s in waits_s:
        clock.now_s += wait_s
        try:
            ask(limiter)
        except RateLimited:
            continue
        granted += 1

    assert granted <= burst + sum(waits_s) * per_minute / 60 + 1e-6


def test_one_key_s_requests_are_no_other_s() -> None:
    limiter = Limiter(SMALL, Clock())
    for _ in range(3):
        ask(limiter, "a")

    ask(limiter, "b")


def test_so_many_at_a_time_and_the_next_when_one_is_answered() -> None:
    limiter = Limiter(SMALL, Clock())
    with limiter.admitted("a"):
        with limiter.admitted("a"), pytest.raises(KeyBusy):
            ask(limiter, "a")
        with pytest.raises(KeyError), limiter.admitted("a"):
            raise KeyError
    assert limiter.headers("a")["RateLimit"].endswith('"concurrency";r=2')


def test_keys_with_nothing_to_remember_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.limiting._MOST_KEYS", 2)
    clock = Clock()
    limiter = Limiter(SMALL, clock)
    ask(limiter, "spent")
    with limiter.admitted("running"):
        clock.now_s += 0.5
        for _ in range(3):
            ask(limiter, "new")
        with pytest.raises(RateLimited):  # it was remembered, although there is no room
            ask(limiter, "new")
        clock.now_s += 1000
        ask(limiter, "next")
        assert limiter.headers("running")["RateLimit"].endswith('"concurrency";r=1')
    assert limiter.headers("spent")["RateLimit"].startswith('"requests";r=3')


def called(limiting: Limiting, path: str, caller: Caller) -> dict[str, str]:
    """The headers of the answer to one request, with its status as ``status``."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("a body was read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "method": "POST", "path": path, "headers": [], "state": {"caller": caller}
    }  # fmt: skip
    asyncio.run(limiting(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers | {"status": str(sent[0]["status"])}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers and reads nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


KEY = Caller("k1", Allowed.CHECK)


def test_answers_say_what_is_left_and_refusals_when_to_come_back() -> None:
    limiting = Limiting(app, Limiter(SMALL, Clock()))
    answers = [called(limiting, "/v1/check", KEY) for _ in range(4)]

    assert [answer["status"] for answer in answers] == ["200", "200", "200", "429"]
    assert answers[0]["ratelimit-policy"] == (
        '"requests";q=3;w=3, "concurrency";q=2;qu="concurrent-requests"'
    )
    assert [answer["ratelimit"].partition(",")[0] for answer in answers] == [
        '"requests";r=2;t=1', '"requests";r=1;t=2', '"requests";r=0;t=3', '"requests";r=0;t=3'
    ]  # fmt: skip
    assert answers[3]["retry-after"] == "1"


def test_probes_and_strangers_are_not_counted() -> None:
    limiting = Limiting(app, Limiter(SMALL, Clock()))
    for path, caller in [("/livez", KEY), ("/v1/check", STRANGER)] * 5:
        assert "ratelimit" not in called(limiting, path, caller)
    assert called(limiting, "/v1/check", KEY)["status"] == "200"


def test_a_request_too_many_is_refused_before_its_body_is_read() -> None:
    with calling(service_limits=ServiceLimits(key_requests_per_minute=1, key_burst=1)) as call:
        first = call("GET", "/v1/lists")
        second = call("POST", "/v1/check", content=b"x" * 2**24)  # 413 if anybody looked

    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["code"] == "rate_limited"
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    assert re.fullmatch(r'"requests";q=1;w=60, .*', second.headers["RateLimit-Policy"])


def test_a_key_with_as_many_requests_as_it_may_have_is_refused_one_more() -> None:
    release = threading.Event()
    with calling(service_limits=ServiceLimits(key_concurrency=1)) as call, ExitStack() as stack:
        asking = threading.Thread(target=call, args=("GET", "/v1/lists"), daemon=True)
        lists = call.context.store.lists
        entered = threading.Event()

        def slowly() -> object:
            entered.set()
            assert release.wait(timeout=60)
            return lists()

        stack.callback(asking.join, 60)
        stack.callback(release.set)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(call.context.store, "lists", slowly)
            asking.start()
            assert entered.wait(timeout=60)
            refused = call("POST", "/v1/check", content=b"x" * 2**24)
            probe = call("GET", "/livez")
            release.set()
            asking.join(60)
        free = call("GET", "/v1/lists")

    assert (refused.status_code, refused.json()["code"]) == (429, "key_busy")
    assert (probe.status_code, free.status_code) == (200, 200)


def test_slow_bodies_of_a_key_keep_out_no_other_request_of_it() -> None:
    limiter = Limiter(SMALL, Clock())
    with limiter.admitted("a") as first, limiter.admitted("a") as second:
        with first.sending(), second.sending(), limiter.admitted("a"):
            pass
        with pytest.raises(KeyBusy):
            ask(limiter, "a")


def test_there_are_never_less_than_no_requests_left() -> None:
    """Slow bodies that came at the same time are worked on at the same time."""
    limiter = Limiter(SMALL, Clock())
    with limiter.admitted("a") as first, ExitStack() as stack:
        with first.sending():
            for _ in range(2):
                stack.enter_context(limiter.admitted("a"))

        assert limiter.headers("a")["RateLimit"] == '"requests";r=0;t=3, "concurrency";r=0'


def test_one_key_has_half_of_the_memory_for_bodies_or_one_body(tmp_path: Path) -> None:
    chosen = replace(settings(tmp_path), body_limit_bytes=1000)
    cases = [(0, 2, 4000, 2000), (0, 1, 4000, 4000), (1500, 2, 1500, 1000), (9000, 3, 9000, 3000)]
    for held, ratio, held_bytes, key_bytes in cases:
        limits = body_limits(
            replace(chosen, limits=ServiceLimits(held_bytes=held, key_bytes_ratio=ratio))
        )
        assert (limits.held_bytes, limits.key_held_bytes) == (held_bytes, key_bytes)


def test_the_owner_is_a_key_like_others() -> None:
    limiter = Limiter(SMALL, Clock())
    for _ in range(3):
        ask(limiter, OWNER.key)
    with pytest.raises(RateLimited):
        ask(limiter, OWNER.key)
