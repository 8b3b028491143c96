"""Jobs: each ends with an answer or is cancelled, and none ends as if it were clean."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from hashing.extract import REFERENCE, extract
from hashing.reference import Reference
from service.callers import OWNER, Caller, Scope
from service.checking import Checker, CheckResult
from service.errors import JobNotFound, NoCage, StoreError
from service.jobs import Jobs, Wanted
from service.limits import ServiceLimits
from service.media.cage import Cage
from service.media.cancelling import Cancellable, Cancelled
from service.media.confinement import Confinement
from service.media.decoding import Decoding, Uncaged
from service.problems import Busy
from service.refusals import KeyBusy
from service.store.base import Store
from service.store.jobs import Job, JobState
from service.store.sqlite import SqliteStore
from tests import cages, hostile
from tests.memory_store import MemoryStore
from tests.service.calls import clip

KEY, OTHER = Caller("k1", Scope.CHECK), Caller("k2", Scope.CHECK)
LISTED = clip(1)
Make = Callable[..., Jobs]


@pytest.fixture
def store() -> MemoryStore:
    kept = MemoryStore(clock=lambda: 1_774_000_000_000)
    kept.add("a", [Reference("r1", None, None, extract(LISTED, REFERENCE).fingerprint)])
    return kept


@pytest.fixture
def make(store: MemoryStore) -> Iterator[Make]:
    """Makes the jobs of one process after another; all end with the test."""
    made: list[Jobs] = []

    def make(
        decoding: Decoding | None = None,
        *,
        limits: ServiceLimits | None = None,
        kept: Store | None = None,
    ) -> Jobs:
        of = kept or store
        checker = Checker(of, decoding or cages.shared())
        made.append(Jobs(of, checker, limits or ServiceLimits(), threads=1))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Wants:
    """What a job is given, and what it does with it."""

    def __init__(self, media: bytes = LISTED, caller: Caller = KEY) -> None:
        self.gone = threading.Event()
        self.results: list[CheckResult] = []
        self.wanted = Wanted(BytesIO(media), caller, let_go=self.gone.set, told=self.results.append)


def ended(jobs: Jobs, asked: Wants) -> Job:
    """The job once its media has been let go."""
    job = jobs.submit(asked.wanted)
    assert asked.gone.wait(timeout=60)
    return jobs.get(job.id, asked.wanted.caller)


def verdict(job: Job) -> tuple[str, list[str]]:
    answer = json.loads(job.answer or "null")
    return answer["verdict"], answer["problems"]


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        pytest.param(LISTED, ("match", []), id="a copy"),
        pytest.param(b"no clip", ("unscannable", ["not_media"]), id="no media"),
    ],
)
def test_a_job_ends_with_the_answer_of_a_check(
    make: Make, media: bytes, expected: tuple[str, list[str]]
) -> None:
    asked = Wants(media)
    done = ended(make(), asked)

    assert (done.state, verdict(done)) == ("done", expected)
    assert [one.verdict for one in asked.results] == [expected[0]]


@pytest.mark.parametrize(
    ("error", "code"), [(NoCage, "no_cage"), (StoreError, "store_error")], ids=str
)
def test_a_job_that_fails_is_not_checked(make: Make, error: type[NoCage], code: str) -> None:
    asked = Wants()
    done = ended(make(cages.Dying(error)), asked)

    assert (done.state, verdict(done)) == ("done", ("unscannable", [code]))
    assert asked.results == []


def test_a_defect_ends_no_other_job(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = make()
    with monkeypatch.context() as patch:
        patch.setattr(Checker, "check", lambda *_, **__: 1 / 0)
        broken = ended(jobs, Wants())
    whole = ended(jobs, Wants())

    assert verdict(broken) == ("unscannable", ["internal_error"])
    assert verdict(whole)[0] == "match"


def test_only_who_made_a_job_and_administrators_see_it(make: Make) -> None:
    jobs = make()
    job = ended(jobs, Wants())

    assert jobs.get(job.id, OWNER) == jobs.get(job.id, KEY)
    for look in (jobs.get, jobs.cancel):
        with pytest.raises(JobNotFound):
            look(job.id, OTHER)
        with pytest.raises(JobNotFound):
            look(job.id, Caller("k3", Scope.CURATE))
        with pytest.raises(JobNotFound):
            look("nosuch", OWNER)


@pytest.fixture
def patient() -> Iterator[Cage]:
    """A cage in which a clip may sleep for longer than any test."""
    cage = Cage(Confinement(wall_s=3600), hostile.as_root)
    yield cage
    cage.close()


def running(jobs: Jobs, asked: Wants) -> Job:
    """The job while its child sleeps."""
    job = jobs.submit(asked.wanted)
    while jobs.get(job.id, OWNER).state is not JobState.RUNNING:
        threading.Event().wait(0.005)
    return job


def test_cancelling_kills_the_child_and_frees_its_thread(make: Make, patient: Cage) -> None:
    jobs = make(patient)
    asked, waiting = Wants(hostile.clip("asleep")), Wants(hostile.clip("asleep"))
    first, second = running(jobs, asked), jobs.submit(waiting.wanted)
    assert jobs.cancel(second.id, KEY).state == "cancelled"  # and the first still sleeps
    assert waiting.gone.wait(timeout=60)
    assert not asked.gone.is_set()

    cancelled = jobs.cancel(first.id, KEY)
    assert (cancelled.state, cancelled.answer) == ("cancelled", None)
    assert asked.gone.wait(timeout=60)
    assert jobs.get(first.id, KEY).state == "cancelled"
    assert (asked.results, waiting.results) == ([], [])
    assert verdict(ended(jobs, Wants(b"no clip")))[0] == "unscannable"


def test_what_another_process_cancelled_ends_here(make: Make, patient: Cage) -> None:
    here, there = make(patient), make(patient)
    asked = Wants(hostile.clip("asleep"))
    job = running(here, asked)
    there.cancel(job.id, KEY)
    assert not asked.gone.is_set()

    here.tidy()
    assert asked.gone.wait(timeout=60)


def test_one_that_is_done_is_not_cancelled(make: Make) -> None:
    jobs = make()
    job = ended(jobs, Wants())

    assert jobs.cancel(job.id, KEY) == job


def test_a_cancelled_clip_is_not_begun() -> None:
    decoding = Cancellable(Uncaged())
    decoding.cancel()
    with (
        pytest.raises(Cancelled),
        decoding.opened(LISTED, REFERENCE),
    ):
        pass


def test_without_a_cage_a_clip_ends_with_its_answer() -> None:
    decoding = Cancellable(Uncaged())
    with decoding.opened(LISTED, REFERENCE) as taking:
        decoding.cancel()
        taking.whole()
    assert (decoding.level, decoding.notices) == (Uncaged.level, Uncaged.notices)


def test_a_process_s_jobs_end_with_it_as_not_checked(make: Make, patient: Cage) -> None:
    gone, next_one = make(patient), make(patient)
    asked, waiting = Wants(hostile.clip("asleep")), Wants()
    jobs = [running(gone, asked), gone.submit(waiting.wanted)]
    gone.close()

    for job in jobs:
        lost = next_one.get(job.id, KEY)
        assert (lost.state, verdict(lost)) == ("done", ("unscannable", ["interrupted"]))
    assert asked.gone.is_set()
    assert waiting.gone.is_set()


def test_jobs_of_a_process_that_is_killed_are_found_by_the_next(
    make: Make, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    dead = store.boots.begin()
    store.jobs.create("j1", key="k1", scope="check", boot=dead.id, callback=None)
    jobs = make()
    jobs.tidy()
    assert jobs.get("j1", KEY).state == "queued"  # it is still there
    dead.end()
    jobs.tidy()

    assert verdict(jobs.get("j1", KEY)) == ("unscannable", ["interrupted"])
    assert "1 jobs ended with the process" in caplog.text


def test_one_process_leaves_another_s_jobs_alone(tmp_path: Path, make: Make, patient: Cage) -> None:
    """Two services on one database, with the real files between them."""
    path = tmp_path / "lists.sqlite3"
    first, second = SqliteStore(path), SqliteStore(path)
    here, there = make(patient, kept=first), make(patient, kept=second)
    asked = Wants(hostile.clip("asleep"))
    job = running(here, asked)
    for _ in range(3):
        there.tidy()
        here.tidy()
    assert there.get(job.id, KEY).state == "running"

    here.close()
    there.tidy()
    assert verdict(there.get(job.id, KEY)) == ("unscannable", ["interrupted"])


def test_an_answer_that_cannot_be_written_is_interrupted(
    make: Make,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object, **__: object) -> bool:
        raise StoreError("the disk is full")

    jobs = make()
    with monkeypatch.context() as patch:
        patch.setattr(store.jobs, "finish", full)
        job = ended(jobs, Wants())
    assert job.state == "running"
    jobs.tidy()

    assert verdict(jobs.get(job.id, KEY)) == ("unscannable", ["interrupted"])
    assert "the disk is full" in caplog.text


def test_jobs_are_bounded_in_all_and_for_each_key(make: Make, patient: Cage) -> None:
    jobs = make(patient, limits=ServiceLimits(jobs=3, key_jobs=2))
    asleep = [Wants(hostile.clip("asleep")) for _ in range(3)]
    first = jobs.submit(asleep[0].wanted)
    jobs.submit(asleep[1].wanted)
    refused = Wants()
    with pytest.raises(KeyBusy):
        jobs.submit(refused.wanted)
    jobs.submit(replace(asleep[2].wanted, caller=OTHER))
    with pytest.raises(Busy):
        jobs.submit(replace(refused.wanted, caller=Caller("k3", Scope.CHECK)))
    assert not refused.gone.is_set()

    jobs.cancel(first.id, KEY)
    assert asleep[0].gone.wait(timeout=60)
    jobs.submit(refused.wanted)


def test_a_job_that_the_store_refuses_takes_no_room(
    make: Make, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make(limits=ServiceLimits(jobs=1))

    def fail(*_: object, **__: object) -> Job:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store.jobs, "create", fail)
        with pytest.raises(StoreError):
            jobs.submit(Wants().wanted)
    assert verdict(ended(jobs, Wants()))[0] == "match"


def test_one_that_waited_for_too_long_is_dropped(make: Make, patient: Cage) -> None:
    now_ms = [1000]
    kept = MemoryStore(clock=lambda: now_ms[0])
    jobs = make(patient, limits=ServiceLimits(job_wait_s=60), kept=kept)
    asked = Wants(hostile.clip("asleep"))
    first, waiting = running(jobs, asked), Wants()
    second = jobs.submit(waiting.wanted)
    now_ms[0] += 60_000
    jobs.tidy()

    assert waiting.gone.wait(timeout=60)
    states = [jobs.get(job.id, KEY).state for job in (first, second)]
    assert states == ["running", "expired"]


def test_the_keeper_goes_on_after_any_failure(
    make: Make, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    over = threading.Event()

    def fail() -> None:
        raise KeyError("private")

    def refuse() -> None:
        raise StoreError("locked")

    def last() -> None:
        done.append("x")
        over.set()

    jobs = Jobs(
        store, Checker(store, Uncaged()), ServiceLimits(), threads=1, chores=(fail, refuse, last)
    )
    jobs.start()
    assert over.wait(timeout=60)
    jobs.close()

    assert done
    assert "store_error: locked" in caplog.text
    assert "KeyError in" in caplog.text
    assert "private" not in caplog.text
