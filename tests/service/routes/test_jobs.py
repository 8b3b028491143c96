"""POST /v1/jobs, GET and DELETE /v1/jobs/{id}."""

import time
from collections.abc import Iterator

import httpx
import pytest

from hashing.extract import REFERENCE, extract
from hashing.reference import Reference
from service import issuing, schemas
from service.bodies import BodyLimits
from service.callers import Scope
from service.limits import ServiceLimits
from service.media.cage import Cage
from service.media.confinement import Confinement
from service.refusals import RateLimited
from tests import hostile
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, calling, clip

LISTED = clip(1)


@pytest.fixture
def listed(store: MemoryStore) -> MemoryStore:
    fingerprint = extract(LISTED, REFERENCE).fingerprint
    store.add("a", [Reference("r1", "main video", "an incident", fingerprint)])
    store.create_list("b", policy=store.get_list("a").policy)
    return store


def done(call: Caller, answer: httpx.Response) -> schemas.JobOut:
    """The job of this answer, once it has ended."""
    assert answer.status_code == 202, answer.text
    for _ in range(6000):
        job = schemas.JobOut.model_validate_json(call("GET", answer.headers["Location"]).content)
        if job.state not in ("queued", "running"):
            return job
        time.sleep(0.01)
    raise AssertionError("it does not end")


@pytest.mark.usefixtures("listed")
class TestJobs:
    def test_a_clip_is_taken_and_answered_later(self, call: Caller) -> None:
        taken = call("POST", "/v1/jobs", content=LISTED)
        queued = schemas.JobOut.model_validate_json(taken.content)
        assert taken.headers["Location"] == f"/v1/jobs/{queued.id}"
        assert (queued.state, queued.answer, queued.webhook) == ("queued", None, "none")

        job = done(call, taken)
        assert isinstance(job.answer, schemas.CheckAnswer)
        assert (job.state, job.answer.verdict, job.answer.matches[0].reference) == (
            "done", "match", "r1"
        )  # fmt: skip
        assert job.started_at_ms is not None
        assert job.expires_at_ms is not None

    def test_the_answer_is_that_of_a_check(self, call: Caller) -> None:
        for query in ("", "?list=b", "?thorough=true"):
            job = done(call, call("POST", f"/v1/jobs{query}", content=LISTED))
            at_once = call("POST", f"/v1/check{query}", content=LISTED).json()
            assert job.answer is not None
            assert job.answer.model_dump(mode="json") | {"elapsed_ms": 0} == at_once | {
                "elapsed_ms": 0
            }

    def test_each_sees_of_it_what_it_would_of_a_check(
        self, call: Caller, store: MemoryStore
    ) -> None:
        small, other, admin = (
            issuing.create(store, scope.word, scope).key
            for scope in (Scope.CHECK, Scope.CURATE, Scope.ADMIN)
        )
        made = call.with_key(small)("POST", "/v1/jobs", content=LISTED)
        seen = done(call.with_key(small), made).answer
        place = made.headers["Location"]
        whole = schemas.JobOut.model_validate_json(call.with_key(admin)("GET", place).content)

        assert isinstance(seen, schemas.BriefAnswer)
        assert seen.matches[0].label == "main video"
        assert isinstance(whole.answer, schemas.CheckAnswer)
        for method in ("GET", "DELETE"):
            assert call.with_key(other)(method, place).json()["code"] == "job_not_found"

    def test_a_form_works_too(self, call: Caller) -> None:
        job = done(call, call("POST", "/v1/jobs", files={"file": ("x.mp4", LISTED)}))

        assert job.answer is not None
        assert job.answer.verdict == "match"

    def test_an_unknown_list_is_refused_at_once(self, call: Caller) -> None:
        assert call("POST", "/v1/jobs?list=nosuch", content=LISTED).status_code == 404

    def test_answers_of_jobs_count_as_others_do(
        self, call: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waited: list[object] = []

        async def wait(caller: object) -> None:
            waited.append(caller)

        monkeypatch.setattr(call.context.slowing, "wait", wait)
        done(call, call("POST", "/v1/jobs", content=LISTED))

        assert len(waited) == 1

    def test_who_is_told_to_come_back_later_has_no_job(
        self, call: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else it would be done twice: once for the refusal, once for the next try."""

        async def wait(_: object) -> None:
            raise RateLimited("slowed", retry_after_s=11)

        monkeypatch.setattr(call.context.slowing, "wait", wait)
        answer = call("POST", "/v1/jobs", content=LISTED)

        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert call.context.jobs.here == 0


@pytest.fixture
def patient() -> Iterator[Cage]:
    cage = Cage(Confinement(wall_s=3600), hostile.as_root)
    yield cage
    cage.close()


def test_a_job_is_cancelled_and_says_so_from_then_on(patient: Cage) -> None:
    with calling(decoding=patient) as call:
        place = call("POST", "/v1/jobs", content=hostile.clip("asleep")).headers["Location"]
        answers = [call("DELETE", place), call("DELETE", place), call("GET", place)]
        call.context.jobs.close()

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json()["state"] for answer in answers] == ["cancelled"] * 3


def test_jobs_have_memory_of_their_own_and_more_are_refused_before_they_are_read(
    patient: Cage,
) -> None:
    limits = BodyLimits(body_bytes=100, held_bytes=100)
    chosen = ServiceLimits(job_bytes=150)
    with calling(limits=limits, decoding=patient, service_limits=chosen) as call:
        asleep = hostile.clip("asleep", length=100)
        first = call("POST", "/v1/jobs", content=asleep)
        second = call("POST", "/v1/jobs", content=asleep)
        check = call("POST", "/v1/check", content=b"x" * 100)
        call("DELETE", first.headers["Location"])
        call.context.jobs.close()

    assert (first.status_code, second.status_code, check.status_code) == (202, 503, 200)
    assert second.json()["code"] == "busy"


def test_a_full_line_of_jobs_is_refused_before_the_body_is_read(patient: Cage) -> None:
    with calling(decoding=patient, service_limits=ServiceLimits(jobs=1)) as call:
        call("POST", "/v1/jobs", content=hostile.clip("asleep"))
        refused = call("POST", "/v1/jobs", content=b"x" * 2**24)  # 413 if anybody looked
        call.context.jobs.close()

    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
