"""What every store promises of jobs, requests that count once, and the processes there are."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.errors import StoreError
from service.store.base import Store
from service.store.boots import FileBoots
from service.store.idempotency import Answered, Asked
from service.store.jobs import Delivery, Job, JobState
from service.store.sqlite import SqliteStore
from tests.memory_store import MemoryStore

ROOT = Path(__file__).parents[2]
ANSWER = '{"verdict":"no_match"}'


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_memory(_: Path, clock: Clock) -> Store:
    return MemoryStore(clock)


def in_sqlite(folder: Path, clock: Clock) -> Store:
    return SqliteStore(folder / "lists.sqlite3", clock=clock)


@pytest.fixture(params=[in_memory, in_sqlite], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    make: Callable[[Path, Clock], Store] = request.param
    made = make(tmp_path, clock)
    yield made
    made.close()


def create(store: Store, job_id: str, *, boot: str = "b1", callback: str | None = None) -> Job:
    return store.jobs.create(job_id, key="k1", scope="check", boot=boot, callback=callback)


def state(store: Store, job_id: str) -> JobState:
    return got(store, job_id).state


def got(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


class TestJobs:
    def test_a_job_goes_from_queued_to_done(self, store: Store, clock: Clock) -> None:
        made = create(store, "j1")
        assert made == got(store, "j1")
        assert (made.state, made.created_at_ms, made.delivery) == ("queued", 1000, "none")
        assert (made.key, made.scope, made.boot, made.answer) == ("k1", "check", "b1", None)

        clock.now_ms = 2000
        assert store.jobs.start("j1")
        assert (state(store, "j1"), got(store, "j1").started_at_ms) == ("running", 2000)
        clock.now_ms = 3000
        assert store.jobs.finish("j1", ANSWER, keep_ms=500)
        done = got(store, "j1")
        assert (done.state, done.answer) == ("done", ANSWER)
        assert (done.ended_at_ms, done.expires_at_ms) == (3000, 3500)

    def test_an_unknown_job_is_none_and_nothing_changes_it(self, store: Store) -> None:
        assert store.jobs.get("j1") is None
        assert not store.jobs.start("j1")
        assert not store.jobs.finish("j1", ANSWER, keep_ms=1)
        assert not store.jobs.cancel("j1", keep_ms=1)
        store.jobs.delivered("j1", Delivery.SENT)

    def test_a_job_is_started_once(self, store: Store) -> None:
        create(store, "j1")
        with ThreadPoolExecutor(4) as threads:
            started = list(threads.map(lambda _: store.jobs.start("j1"), range(8)))

        assert sum(started) == 1

    @pytest.mark.parametrize("running", [False, True], ids=["queued", "running"])
    def test_what_is_cancelled_stays_so(self, store: Store, *, running: bool) -> None:
        """Its answer comes too late: whoever cancelled it has been told that there is none."""
        create(store, "j1", callback="https://a.example/")
        if running:
            store.jobs.start("j1")

        assert store.jobs.cancel("j1", keep_ms=1)
        assert not store.jobs.start("j1")
        assert not store.jobs.finish("j1", ANSWER, keep_ms=1)
        assert not store.jobs.cancel("j1", keep_ms=1)
        assert (state(store, "j1"), got(store, "j1").answer) == ("cancelled", None)
        assert store.jobs.due(claim_ms=1, limit=9) == []

    def test_what_is_done_is_not_cancelled(self, store: Store) -> None:
        create(store, "j1")
        store.jobs.finish("j1", ANSWER, keep_ms=1)

        assert not store.jobs.cancel("j1", keep_ms=1)
        assert state(store, "j1") == "done"

    def test_a_process_s_jobs_end_with_it_and_no_other_s(self, store: Store) -> None:
        for job_id, boot in [("a", "b1"), ("b", "b1"), ("c", "b1"), ("d", "b2")]:
            create(store, job_id, boot=boot)
        store.jobs.start("b")
        store.jobs.finish("c", ANSWER, keep_ms=1)
        assert store.jobs.boots() == {"b1", "b2"}
        assert store.jobs.unfinished("b1") == {"a", "b"}

        assert store.jobs.lose("b1", "lost", keep_ms=10) == 2
        assert store.jobs.lose("b1", "lost", keep_ms=10) == 0

        found = {one: (state(store, one), got(store, one).answer) for one in "abcd"}
        assert found == {
            "a": ("done", "lost"),
            "b": ("done", "lost"),
            "c": ("done", ANSWER),
            "d": ("queued", None),
        }
        assert store.jobs.boots() == {"b2"}

    def test_answers_expire_and_are_forgotten_after_as_long_again(
        self, store: Store, clock: Clock
    ) -> None:
        create(store, "j1")
        store.jobs.finish("j1", ANSWER, keep_ms=100)
        create(store, "j2")
        store.jobs.cancel("j2", keep_ms=100)
        for now_ms, expected in [(1099, ["done", "cancelled"]), (1100, ["expired", "expired"])]:
            clock.now_ms = now_ms
            store.jobs.expire(wait_ms=10_000, keep_ms=100)
            assert [state(store, one) for one in ("j1", "j2")] == expected
        assert got(store, "j1").answer is None

        clock.now_ms = 1199
        store.jobs.expire(wait_ms=10_000, keep_ms=100)
        assert state(store, "j1") == "expired"
        clock.now_ms = 1200
        store.jobs.expire(wait_ms=10_000, keep_ms=100)
        assert store.jobs.get("j1") is None

    def test_a_job_that_waits_for_too_long_expires_and_is_not_started(
        self, store: Store, clock: Clock
    ) -> None:
        create(store, "waits")
        create(store, "runs")
        store.jobs.start("runs")
        clock.now_ms = 1100
        store.jobs.expire(wait_ms=100, keep_ms=100)

        assert (state(store, "waits"), state(store, "runs")) == ("expired", "running")
        assert not store.jobs.start("waits")
        assert got(store, "waits").ended_at_ms == 1100

    def test_a_webhook_is_due_once_its_job_is_done(self, store: Store, clock: Clock) -> None:
        create(store, "j1", callback="https://a.example/")
        assert store.jobs.due(claim_ms=50, limit=9) == []
        store.jobs.finish("j1", ANSWER, keep_ms=10_000)

        (due,) = store.jobs.due(claim_ms=50, limit=9)
        assert (due.id, due.tries, due.answer, due.callback) == (
            "j1", 1, ANSWER, "https://a.example/"
        )  # fmt: skip
        assert store.jobs.due(claim_ms=50, limit=9) == []  # somebody has it in hand
        clock.now_ms += 50  # and was never heard of again
        assert [one.tries for one in store.jobs.due(claim_ms=50, limit=9)] == [2]

    def test_a_webhook_is_tried_again_when_told_and_no_more_once_sent(
        self, store: Store, clock: Clock
    ) -> None:
        create(store, "j1", callback="https://a.example/")
        store.jobs.finish("j1", ANSWER, keep_ms=10_000)
        store.jobs.due(claim_ms=50, limit=9)
        store.jobs.delivered("j1", Delivery.WAITING, again_in_ms=500)
        clock.now_ms += 499
        assert store.jobs.due(claim_ms=50, limit=9) == []
        clock.now_ms += 1
        assert [one.tries for one in store.jobs.due(claim_ms=50, limit=9)] == [2]

        store.jobs.delivered("j1", Delivery.SENT)
        clock.now_ms += 5000
        assert store.jobs.due(claim_ms=50, limit=9) == []
        assert got(store, "j1").delivery == "sent"

    def test_several_take_different_webhooks(self, store: Store) -> None:
        names = {f"j{number}" for number in range(6)}
        for name in names:
            create(store, name, callback="https://a.example/")
            store.jobs.finish(name, ANSWER, keep_ms=10_000)
        with ThreadPoolExecutor(3) as threads:
            taken = list(threads.map(lambda _: store.jobs.due(claim_ms=50, limit=2), range(3)))

        assert sorted(job.id for some in taken for job in some) == sorted(names)

    def test_a_webhook_of_an_expired_answer_has_failed(self, store: Store, clock: Clock) -> None:
        create(store, "j1", callback="https://a.example/")
        store.jobs.finish("j1", ANSWER, keep_ms=100)
        clock.now_ms += 100
        store.jobs.expire(wait_ms=10_000, keep_ms=100)

        assert store.jobs.due(claim_ms=1, limit=9) == []
        assert got(store, "j1").delivery == "failed"


ASKED = Asked("k1", "POST /v1/lists", "token", "parameters")
ANSWERED = Answered(b"digest", 201, (("location", "/v1/lists/a"),), b"{}")


class TestRequests:
    def begin(self, store: Store, asked: Asked = ASKED) -> object:
        return store.requests.begin(asked, salt=b"salt", boot="b1", keep_ms=100)

    def test_a_new_one_is_recorded_and_then_known(self, store: Store) -> None:
        assert self.begin(store) is None
        known = store.requests.begin(ASKED, salt=b"other", boot="b2", keep_ms=100)
        assert known is not None
        assert (known.parameters, known.salt, known.boot) == ("parameters", b"salt", "b1")
        assert known.answered is None

        store.requests.finish(ASKED, ANSWERED)
        known = store.requests.begin(ASKED, salt=b"other", boot="b2", keep_ms=100)
        assert known is not None
        assert known.answered == ANSWERED

    @pytest.mark.parametrize(
        "other",
        [
            Asked("k2", "POST /v1/lists", "token", "parameters"),
            Asked("k1", "POST /v1/jobs", "token", "parameters"),
            Asked("k1", "POST /v1/lists", "another", "parameters"),
        ],
        ids=["key", "route", "token"],
    )
    def test_others_are_new(self, store: Store, other: Asked) -> None:
        self.begin(store)

        assert self.begin(store, other) is None

    def test_one_of_many_at_once_is_new(self, store: Store) -> None:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: self.begin(store), range(8)))

        assert found.count(None) == 1

    def test_what_is_dropped_may_be_sent_anew(self, store: Store) -> None:
        self.begin(store)
        store.requests.drop(ASKED)

        assert self.begin(store) is None

    def test_records_end(self, store: Store, clock: Clock) -> None:
        self.begin(store)
        clock.now_ms += 99
        store.requests.forget()
        assert self.begin(store) is not None
        clock.now_ms += 1
        assert self.begin(store) is None

        clock.now_ms += 100
        store.requests.forget()
        store.requests.finish(ASKED, ANSWERED)  # too late: it is not known
        assert self.begin(store) is None


class TestBoots:
    def test_a_process_is_there_until_it_ends(self, store: Store) -> None:
        first, second = store.boots.begin(), store.boots.begin()
        assert first.id != second.id
        assert not store.boots.is_over(first.id)
        first.end()
        first.end()

        assert store.boots.is_over(first.id)
        assert not store.boots.is_over(second.id)
        assert store.boots.is_over("0123456789abcdef")
        second.end()


_PROCESS = """
import sys
from pathlib import Path
from service.store.boots import FileBoots

boot = FileBoots(Path(sys.argv[1])).begin()
print(boot.id, flush=True)
sys.stdin.read()
"""


class TestOtherProcesses:
    def test_one_that_is_killed_is_over_at_once(self, tmp_path: Path) -> None:
        """Without a word, and whatever its clock said."""
        path = tmp_path / "lists.sqlite3"
        running = subprocess.Popen(  # noqa: S603  # this interpreter with a script from this file
            [sys.executable, "-c", _PROCESS, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        with running:
            assert running.stdout is not None
            boot_id = running.stdout.readline().strip()
            here = FileBoots(path)
            own = here.begin()  # which takes away what others have left, and this is none
            assert not here.is_over(boot_id)
            os.kill(running.pid, signal.SIGKILL)
            running.wait()

        assert here.is_over(boot_id)
        assert [one.name for one in tmp_path.iterdir()] == [f"lists.sqlite3.boot-{own.id}"]
        own.end()
        assert list(tmp_path.iterdir()) == []

    def test_what_dead_ones_left_is_taken_away(self, tmp_path: Path) -> None:
        (tmp_path / "lists.sqlite3.boot-0123456789abcdef").touch()
        (tmp_path / "other.sqlite3.boot-0123456789abcdef").touch()
        boot = FileBoots(tmp_path / "lists.sqlite3").begin()
        boot.end()

        assert [one.name for one in tmp_path.iterdir()] == ["other.sqlite3.boot-0123456789abcdef"]

    def test_a_folder_that_is_not_there_is_a_store_error(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="permissions"):
            FileBoots(tmp_path / "nowhere" / "lists.sqlite3").begin()
