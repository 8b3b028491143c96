"""POST /v1/check/url: real hosts on loopback, under names that a test alone has."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from hashing.extract import REFERENCE, extract
from hashing.reference import Reference
from service.bodies import BodyLimits
from service.fetch import Fetcher
from service.fetching import Fetching
from service.limits import ServiceLimits
from service.problems import Busy
from service.refusals import KeyBusy
from tests.hosts import NAME, Asked, Host, bounds, host, reaching
from tests.memory_store import MemoryStore
from tests.service.calls import LIMITS, Caller, Outside, calling, clip

LISTED = clip(1)
PATH = "/v1/check/url"


@contextmanager
def asking(
    answer: Callable[[Asked], None],
    store: MemoryStore | None = None,
    limits: BodyLimits = LIMITS,
    service_limits: ServiceLimits | None = None,
) -> Iterator[tuple[Caller, Host]]:
    """Calls to a service that may ask this host."""
    with (
        host(answer) as there,
        calling(
            store, limits, service_limits=service_limits, outside=Outside(fetch=[there.url("")])
        ) as call,
    ):
        yield call, there
        call.context.fetching.close()


def gives(body: bytes) -> Callable[[Asked], None]:
    return lambda asked: asked.say(200, body)


@pytest.fixture
def listed(store: MemoryStore) -> MemoryStore:
    store.add("a", [Reference("r1", None, None, extract(LISTED, REFERENCE).fingerprint)])
    return store


@pytest.mark.parametrize(
    ("media", "verdict"),
    [(LISTED, "match"), (clip(2), "no_match"), (b"no clip", "unscannable")],
    ids=["listed", "another", "no media"],
)
def test_what_is_there_is_checked(listed: MemoryStore, media: bytes, verdict: str) -> None:
    with asking(gives(media), listed) as (call, there):
        answer = call("POST", PATH, json={"url": there.url("/clip.mp4")})

    assert (answer.status_code, answer.json()["verdict"]) == (200, verdict)
    assert [path for _, path, _, _ in there.asked] == ["/clip.mp4"]


def test_it_is_off_by_default(call: Caller) -> None:
    answer = call("POST", PATH, json={"url": "https://media.example.test/"})

    assert (answer.status_code, answer.json()["code"]) == (403, "fetch_off")


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example.test/", "http://169.254.169.254/", "file:///etc/passwd", ""]
)
def test_what_may_not_be_asked_is_refused_before_anything_is(url: str) -> None:
    with asking(gives(LISTED)) as (call, there):
        answer = call("POST", PATH, json={"url": url})

    assert (answer.status_code, answer.json()["code"]) == (403, "fetch_refused")
    assert there.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        pytest.param(lambda asked: asked.say(404), 502, "fetch_failed", id="not there"),
        pytest.param(
            lambda asked: asked.say(302, Location="http://127.0.0.1/"),
            403,
            "fetch_refused",
            id="leads away",
        ),
        pytest.param(gives(bytes(101)), 413, "fetch_too_large", id="too long"),
    ],
)
def test_what_cannot_be_had_is_an_error_and_never_a_verdict(
    answer: Callable[[Asked], None], status: int, code: str
) -> None:
    limits = BodyLimits(body_bytes=100, held_bytes=400)
    with asking(answer, limits=limits) as (call, there):
        got = call("POST", PATH, json={"url": there.url()})

    assert (got.status_code, got.json()["code"]) == (status, code)


def test_an_unknown_list_is_refused_before_anything_is_asked() -> None:
    with asking(gives(LISTED)) as (call, there):
        answer = call("POST", f"{PATH}?list=nosuch", json={"url": there.url()})

    assert (answer.json()["code"], there.asked) == ("list_not_found", [])


def test_no_more_are_fetched_at_a_time_than_may_be_and_checks_go_on() -> None:
    """A host that is slow takes neither the threads that decode nor the places of others."""
    release, asked_twice = threading.Event(), threading.Semaphore(0)

    def slow(asked: Asked) -> None:
        asked_twice.release()
        release.wait(60)
        asked.say(200, b"x")

    limits = ServiceLimits(fetches=4, queue=1)
    with asking(slow, service_limits=limits) as (call, there), ExitStack() as stack:
        answers: list[int] = []

        def ask() -> None:
            answers.append(call("POST", PATH, json={"url": there.url()}).status_code)

        for _ in range(2):
            thread = threading.Thread(target=ask)
            thread.start()
            stack.callback(thread.join, 60)
            assert asked_twice.acquire(timeout=60)
        refused = call("POST", PATH, json={"url": there.url()})
        check = call("POST", "/v1/check", content=b"x")
        release.set()

    # Two are half of them: all that one key may have.
    assert (refused.status_code, refused.json()["code"]) == (429, "key_busy")
    assert (check.status_code, answers) == (200, [200, 200])


def test_all_keys_together_have_as_many_as_there_are() -> None:
    fetching = Fetching(Fetcher(bounds([], reaching())), clips=3, most_bytes=1)
    with ExitStack() as stack:
        for key in "aab":
            stack.enter_context(fetching.room(key))
        with pytest.raises(Busy), fetching.room("c"):
            pass
    with fetching.room("a"), fetching.room("a"), pytest.raises(KeyBusy), fetching.room("a"):
        pass
    fetching.close()


def test_nothing_of_the_url_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with asking(lambda asked: asked.say(500)) as (call, there):
        call("POST", PATH, json={"url": there.url("/PRIVATE?PRIVATE")})

    assert "PRIVATE" not in caplog.text
    assert NAME not in caplog.text
