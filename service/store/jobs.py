"""Jobs: what every store keeps of checks that are answered later. Never their media.

A job belongs to the process that holds its media, by that process's boot id. Where the process has
ended, so has the job: ``lose`` is for the one that finds out.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"  # it has its answer, which may be `unscannable`
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # its answer was kept for as long as answers are


UNFINISHED: frozenset[JobState] = frozenset({JobState.QUEUED, JobState.RUNNING})


class Delivery(StrEnum):
    """What became of telling a job's webhook."""

    NONE = "none"  # it has none
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``key`` and ``scope`` are its caller's; ``boot``: the process that works on it.

    ``answer``: the whole answer as JSON, while it is kept. ``callback``: the webhook's URL.
    """

    id: str
    key: str
    scope: str
    boot: str
    state: JobState
    created_at_ms: int
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    expires_at_ms: int | None = None
    answer: str | None = None
    callback: str | None = None
    delivery: Delivery = Delivery.NONE
    tries: int = 0


class Jobs(Protocol):
    """The jobs of one store. Usable from several threads.

    Any method raises StoreError when the store itself fails. Each change is one transaction, and
    changes nothing where the job is not in a state for it.
    """

    def create(self, job_id: str, *, key: str, scope: str, boot: str, callback: str | None) -> Job:
        """A new job, queued, under an id that no job has."""
        ...

    def get(self, job_id: str) -> Job | None:
        """One job; None where there is none."""
        ...

    def start(self, job_id: str) -> bool:
        """Whether a queued job is running now."""
        ...

    def finish(self, job_id: str, answer: str, *, keep_ms: int) -> bool:
        """Whether an unfinished job has its answer now, which is kept for ``keep_ms``."""
        ...

    def cancel(self, job_id: str, *, keep_ms: int) -> bool:
        """Whether an unfinished job is cancelled now."""
        ...

    def boots(self) -> frozenset[str]:
        """The processes that unfinished jobs belong to."""
        ...

    def lose(self, boot: str, answer: str, *, keep_ms: int) -> int:
        """Finish all unfinished jobs of a process that has ended, with this answer; how many."""
        ...

    def unfinished(self, boot: str) -> frozenset[str]:
        """The ids of a process's jobs that are queued or running."""
        ...

    def expire(self, *, wait_ms: int, keep_ms: int) -> None:
        """End jobs that have waited for ``wait_ms``, take answers away whose time is up.

        What has expired is forgotten after another ``keep_ms``.
        """
        ...

    def due(self, *, claim_ms: int, limit: int) -> list[Job]:
        """Finished jobs whose webhook is to be told now; for ``claim_ms`` they are nobody else's.

        Each counts as tried once more.
        """
        ...

    def delivered(self, job_id: str, delivery: Delivery, *, again_in_ms: int | None = None) -> None:
        """What became of a try, and when to try again where it is still waiting."""
        ...
