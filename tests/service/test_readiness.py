"""Readiness: what keeps the service from being ready, and that it still lives."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from hashing.reference import Reference
from service.app import create_app
from service.checking import Checker
from service.errors import Draining, Loading, NoCage, ServiceError, StaleList, StoreError
from service.media.decoding import Uncaged
from service.readiness import Readiness
from service.store.base import Changes, Mark
from tests import cages
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, settings

DAY_MS = 86_400_000


class NoDecoders(Uncaged):
    def require(self) -> None:
        raise NoCage("none")


class HeldStore(MemoryStore):
    """A store whose one list takes until told to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.told = threading.Event(), threading.Event()
        self.add("a", [Reference("r", None, None, video(1))])

    @contextmanager
    def changes(self, list_name: str, since: Mark | None) -> Iterator[Changes | None]:
        self.asked.set()
        assert self.told.wait(timeout=60)
        with super().changes(list_name, since) as found:
            yield found


class CrowdedStore(MemoryStore):
    """A store of which so many have to ask for its lists at a time, or none gets an answer."""

    def __init__(self, callers: int) -> None:
        super().__init__()
        self.together = threading.Barrier(callers)

    def versions(self) -> dict[str, int]:
        self.together.wait(timeout=60)
        return super().versions()


def readiness(
    store: MemoryStore,
    *,
    max_age_s: int | None = None,
    now_ms: int = 0,
    decoding: Uncaged | None = None,
) -> Readiness:
    decoders = decoding or Uncaged()
    return Readiness(
        store, decoders, Checker(store, decoders), max_age_s=max_age_s, now_ms=lambda: now_ms
    )


class DatedStore(MemoryStore):
    """A store in which it is the day ``today``."""

    def __init__(self) -> None:
        self.today = 1
        super().__init__(clock=lambda: self.today * DAY_MS)


def aged() -> DatedStore:
    """List ``a`` got its last reference after one day, ``b`` after two; now it is the third."""
    store = DatedStore()
    for name, seed in (("a", 1), ("b", 2)):
        store.add(name, [Reference("r", None, None, video(seed))])
        store.today += 1
    return store


def test_ready_means_that_the_indexes_are_there() -> None:
    store = aged()
    checker = Checker(store, Uncaged())
    ready = Readiness(store, Uncaged(), checker)
    assert checker.frames == 0

    assert [one.name for one in ready.require()] == ["a", "b"]

    assert checker.frames > 0


def test_while_indexes_are_loaded_it_is_not_ready_and_nobody_waits() -> None:
    store = HeldStore()
    ready = readiness(store)
    ready.begin()
    assert store.asked.wait(timeout=60)

    with pytest.raises(Loading):
        ready.load()

    store.told.set()


def test_many_may_ask_at_a_time_whether_it_is_ready() -> None:
    ready = readiness(CrowdedStore(2))

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ready.load) for _ in range(2)]

    assert [one.exception() for one in asked] == [None, None]


@pytest.mark.parametrize(
    ("max_age_s", "days", "fresh"),
    [
        pytest.param(None, 1000, True, id="no limit"),
        pytest.param(86_400, 2, True, id="just young enough"),
        pytest.param(86_400, 2.1, False, id="one is too old"),
        pytest.param(86_400, 9, False, id="all are"),
    ],
)
def test_a_list_may_be_too_old(max_age_s: int | None, days: float, fresh: bool) -> None:
    ready = readiness(aged(), max_age_s=max_age_s, now_ms=int(days * DAY_MS))

    with nullcontext() if fresh else pytest.raises(StaleList):
        ready.require()


def test_a_new_reference_makes_an_old_list_fresh() -> None:
    store = aged()
    ready = readiness(store, max_age_s=86_400, now_ms=3 * DAY_MS)
    with pytest.raises(StaleList):
        ready.require()

    for name, seed in (("a", 3), ("b", 4)):
        store.add(name, [Reference(f"r{seed}", None, None, video(seed))])

    ready.require()


def test_no_list_at_all_is_not_old() -> None:
    readiness(MemoryStore(), max_age_s=1, now_ms=DAY_MS).require()


@pytest.mark.parametrize("error", [Draining, NoCage, StoreError])
def test_each_thing_that_is_missing_has_its_code(error: type[ServiceError]) -> None:
    store = aged()
    ready = readiness(store, decoding=NoDecoders() if error is NoCage else None)
    ready.draining = error is Draining
    if error is StoreError:
        store.close()

    with pytest.raises(error):
        ready.require()


@contextmanager
def calling(store: MemoryStore) -> Iterator[Caller]:
    """Calls to a service whose lists may be a second old."""
    chosen = replace(settings(Path("unused")), list_max_age_s=1)
    caller = Caller(create_app(chosen, cages.shared(), store=store))
    yield caller
    caller.context.workers.close()
    caller.context.lookups.close()
    caller.context.changes.close()


def require_unready(call: Caller, code: str) -> None:
    """Not ready, with this code, and alive all the same."""
    answer = call("GET", "/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert call("GET", "/livez").status_code == 200


def test_over_http_who_drains_is_alive_and_still_checks() -> None:
    with calling(MemoryStore()) as call:
        assert call("GET", "/readyz").status_code == 200
        call.context.readiness.draining = True

        require_unready(call, "draining")
        assert call("POST", "/v1/check", content=b"x").status_code == 200


def test_over_http_an_old_list_is_told_without_its_name() -> None:
    with calling(aged()) as call:
        require_unready(call, "stale_list")
        assert "list a" not in call("GET", "/readyz").text
        assert call("POST", "/v1/check", content=b"x").status_code == 200


def test_over_http_who_loads_says_so_at_once() -> None:
    store = HeldStore()
    with calling(store) as call:
        call.context.readiness.begin()
        assert store.asked.wait(timeout=60)

        require_unready(call, "loading")
        store.told.set()
