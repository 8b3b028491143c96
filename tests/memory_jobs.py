"""Jobs, records of requests and boots in memory: held to the same contract as the real ones."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.store.idempotency import Answered, Asked, Record
from service.store.jobs import UNFINISHED, Delivery, Job, JobState


class MemoryBoot:
    """One of MemoryBoots."""

    def __init__(self, here: set[str]) -> None:
        self.id = secrets.token_hex(8)
        self._here = here
        here.add(self.id)

    def end(self) -> None:
        self._here.discard(self.id)


class MemoryBoots:
    """Processes that are only told of."""

    def __init__(self) -> None:
        self._here: set[str] = set()

    def begin(self) -> MemoryBoot:
        return MemoryBoot(self._here)

    def is_over(self, boot_id: str) -> bool:
        return boot_id not in self._here


class MemoryJobs:
    """Jobs in a dictionary."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._next_try_ms: dict[str, int] = {}

    def create(self, job_id: str, *, key: str, scope: str, boot: str, callback: str | None) -> Job:
        delivery = Delivery.NONE if callback is None else Delivery.WAITING
        with self._lock:
            job = Job(
                job_id,
                key,
                scope,
                boot,
                JobState.QUEUED,
                self._clock(),
                callback=callback,
                delivery=delivery,
            )
            self._jobs[job_id] = job
            return job

    def get(self, job_id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(job_id)

    def start(self, job_id: str) -> bool:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state is not JobState.QUEUED:
                return False
            self._jobs[job_id] = replace(job, state=JobState.RUNNING, started_at_ms=self._clock())
            return True

    def finish(self, job_id: str, answer: str, *, keep_ms: int) -> bool:
        return self._end(job_id, JobState.DONE, answer, keep_ms)

    def cancel(self, job_id: str, *, keep_ms: int) -> bool:
        return self._end(job_id, JobState.CANCELLED, None, keep_ms)

    def boots(self) -> frozenset[str]:
        with self._lock:
            return frozenset(job.boot for job in self._jobs.values() if job.state in UNFINISHED)

    def lose(self, boot: str, answer: str, *, keep_ms: int) -> int:
        with self._lock:
            lost = self.unfinished(boot)
            return sum(self._end(one, JobState.DONE, answer, keep_ms) for one in lost)

    def unfinished(self, boot: str) -> frozenset[str]:
        with self._lock:
            return frozenset(
                job.id
                for job in self._jobs.values()
                if job.boot == boot and job.state in UNFINISHED
            )

    def expire(self, *, wait_ms: int, keep_ms: int) -> None:
        now_ms = self._clock()
        with self._lock:
            for job in list(self._jobs.values()):
                ends_ms = job.expires_at_ms
                if job.state is JobState.EXPIRED:
                    if ends_ms is not None and ends_ms <= now_ms - keep_ms:
                        del self._jobs[job.id]
                    continue
                late = job.state is JobState.QUEUED and job.created_at_ms <= now_ms - wait_ms
                if late or (ends_ms is not None and ends_ms <= now_ms):
                    self._next_try_ms.pop(job.id, None)
                    unsent = job.delivery is Delivery.WAITING
                    self._jobs[job.id] = replace(
                        job,
                        state=JobState.EXPIRED,
                        answer=None,
                        ended_at_ms=job.ended_at_ms or now_ms,
                        expires_at_ms=ends_ms or now_ms,
                        delivery=Delivery.FAILED if unsent else job.delivery,
                    )

    def due(self, *, claim_ms: int, limit: int) -> list[Job]:
        now_ms = self._clock()
        with self._lock:
            due = sorted((at, one) for one, at in self._next_try_ms.items() if at <= now_ms)
            taken = []
            for _, job_id in due[:limit]:
                job = self._jobs[job_id]
                self._jobs[job_id] = replace(job, tries=job.tries + 1)
                self._next_try_ms[job_id] = now_ms + claim_ms
                taken.append(self._jobs[job_id])
            return taken

    def delivered(self, job_id: str, delivery: Delivery, *, again_in_ms: int | None = None) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or (job.delivery, job.state) != (Delivery.WAITING, JobState.DONE):
                return
            self._jobs[job_id] = replace(job, delivery=delivery)
            if again_in_ms is None:
                self._next_try_ms.pop(job_id, None)
            else:
                self._next_try_ms[job_id] = self._clock() + again_in_ms

    def _end(self, job_id: str, state: JobState, answer: str | None, keep_ms: int) -> bool:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state not in UNFINISHED:
                return False
            now_ms = self._clock()
            self._jobs[job_id] = replace(
                job, state=state, answer=answer, ended_at_ms=now_ms, expires_at_ms=now_ms + keep_ms
            )
            if state is JobState.DONE and job.delivery is Delivery.WAITING:
                self._next_try_ms[job_id] = now_ms
            return True


@dataclass
class _Kept:
    record: Record
    expires_at_ms: int


class MemoryIdempotency:
    """Records of requests in a dictionary."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, str], _Kept] = {}

    def begin(self, asked: Asked, *, salt: bytes, boot: str, keep_ms: int) -> Record | None:
        one, now_ms = (asked.key, asked.route, asked.token), self._clock()
        with self._lock:
            known = self._kept.get(one)
            if known is not None and known.expires_at_ms > now_ms:
                return known.record
            self._kept[one] = _Kept(Record(asked.parameters, salt, boot, None), now_ms + keep_ms)
            return None

    def finish(self, asked: Asked, answered: Answered) -> None:
        with self._lock:
            known = self._kept.get((asked.key, asked.route, asked.token))
            if known is not None:
                known.record = replace(known.record, answered=answered)

    def drop(self, asked: Asked) -> None:
        with self._lock:
            self._kept.pop((asked.key, asked.route, asked.token), None)

    def forget(self) -> None:
        now_ms = self._clock()
        with self._lock:
            self._kept = {
                one: kept for one, kept in self._kept.items() if kept.expires_at_ms > now_ms
            }
