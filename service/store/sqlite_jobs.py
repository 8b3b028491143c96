"""Jobs in the SQLite file."""

from collections.abc import Callable
from typing import Final

from service.store.connections import Connections
from service.store.jobs import Delivery, Job, JobState

_JOB: Final = """
    SELECT id, key, scope, boot, state, created_at_ms, started_at_ms, ended_at_ms, expires_at_ms,
        answer, callback, delivery, tries
    FROM jobs
"""
# Told only with an answer: a job that was cancelled has nobody waiting for one.
_FINISH: Final = """
    UPDATE jobs SET state = 'done', answer = ?, ended_at_ms = ?, expires_at_ms = ?,
        next_try_at_ms = CASE delivery WHEN 'waiting' THEN ? END
    WHERE state IN ('queued', 'running')
"""
_EXPIRE: Final = """
    UPDATE jobs SET state = 'expired', answer = NULL, next_try_at_ms = NULL,
        ended_at_ms = coalesce(ended_at_ms, ?), expires_at_ms = coalesce(expires_at_ms, ?),
        delivery = CASE delivery WHEN 'waiting' THEN 'failed' ELSE delivery END
    WHERE
"""
# Each with the time up to which it holds: jobs that wait, answers, and what is left of them.
_LATE: Final = " state = 'queued' AND created_at_ms <= ?"
_OLD: Final = " state IN ('done', 'cancelled') AND expires_at_ms <= ?"
_GONE: Final = " state = 'expired' AND expires_at_ms <= ?"
_FORGET: Final = "DELETE FROM jobs WHERE"
_ANY: Final = "SELECT 1 FROM jobs WHERE"
_DUE: Final = " next_try_at_ms <= ? ORDER BY next_try_at_ms, id LIMIT ?"
_Row = tuple[
    str,
    str,
    str,
    str,
    str,
    int,
    int | None,
    int | None,
    int | None,
    str | None,
    str | None,
    str,
    int,
]


class SqliteJobs:
    """The Jobs of an SQLite store."""

    def __init__(self, connections: Connections, clock: Callable[[], int]) -> None:
        self._connections = connections
        self._clock = clock

    def create(self, job_id: str, *, key: str, scope: str, boot: str, callback: str | None) -> Job:
        """As ``Jobs.create``."""
        delivery = Delivery.NONE if callback is None else Delivery.WAITING
        job = Job(
            id=job_id,
            key=key,
            scope=scope,
            boot=boot,
            state=JobState.QUEUED,
            created_at_ms=self._clock(),
            callback=callback,
            delivery=delivery,
        )
        with self._connections.writing() as database:
            database.execute(
                "INSERT INTO jobs (id, key, scope, boot, state, created_at_ms, callback, delivery) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (job_id, key, scope, boot, job.state, job.created_at_ms, callback, delivery),
            )
        return job

    def get(self, job_id: str) -> Job | None:
        """As ``Jobs.get``."""
        with self._connections.reading() as database:
            row: _Row | None = database.execute(_JOB + " WHERE id = ?", (job_id,)).fetchone()
            return None if row is None else _job(row)

    def start(self, job_id: str) -> bool:
        """As ``Jobs.start``."""
        return self._changed(
            "UPDATE jobs SET state = 'running', started_at_ms = ? "
            "WHERE id = ? AND state = 'queued'",
            (self._clock(), job_id),
        )

    def finish(self, job_id: str, answer: str, *, keep_ms: int) -> bool:
        """As ``Jobs.finish``."""
        now_ms = self._clock()
        values = (answer, now_ms, now_ms + keep_ms, now_ms, job_id)
        return self._changed(_FINISH + " AND id = ?", values)

    def cancel(self, job_id: str, *, keep_ms: int) -> bool:
        """As ``Jobs.cancel``."""
        now_ms = self._clock()
        return self._changed(
            "UPDATE jobs SET state = 'cancelled', ended_at_ms = ?, expires_at_ms = ? "
            "WHERE id = ? AND state IN ('queued', 'running')",
            (now_ms, now_ms + keep_ms, job_id),
        )

    def boots(self) -> frozenset[str]:
        """As ``Jobs.boots``."""
        with self._connections.reading() as database:
            found = database.execute(
                "SELECT DISTINCT boot FROM jobs WHERE state IN ('queued', 'running')"
            )
            return frozenset(boot for (boot,) in found.fetchall())

    def lose(self, boot: str, answer: str, *, keep_ms: int) -> int:
        """As ``Jobs.lose``."""
        now_ms = self._clock()
        with self._connections.writing() as database:
            values = (answer, now_ms, now_ms + keep_ms, now_ms, boot)
            return database.execute(_FINISH + " AND boot = ?", values).rowcount

    def unfinished(self, boot: str) -> frozenset[str]:
        """As ``Jobs.unfinished``."""
        with self._connections.reading() as database:
            found = database.execute(
                "SELECT id FROM jobs WHERE boot = ? AND state IN ('queued', 'running')",
                (boot,),
            )
            return frozenset(job_id for (job_id,) in found.fetchall())

    def expire(self, *, wait_ms: int, keep_ms: int) -> None:
        """As ``Jobs.expire``."""
        now_ms = self._clock()
        late, old, gone = (
            (_LATE, now_ms - wait_ms),
            (_OLD, now_ms),
            (_GONE, now_ms - keep_ms),
        )
        with self._connections.reading() as database:
            # Asked first: writing costs a sync of the disk, and there is seldom anything to do.
            if not any(
                database.execute(_ANY + where + " LIMIT 1", (at_ms,)).fetchone()
                for where, at_ms in (late, old, gone)
            ):
                return
        with self._connections.writing() as database:
            database.execute(_FORGET + gone[0], gone[1:])
            for where, at_ms in (late, old):
                database.execute(_EXPIRE + where, (now_ms, now_ms, at_ms))

    def due(self, *, claim_ms: int, limit: int) -> list[Job]:
        """As ``Jobs.due``."""
        now_ms = self._clock()
        with self._connections.reading() as database:
            if not database.execute(_ANY + _DUE, (now_ms, 1)).fetchone():
                return []
        with self._connections.writing() as database:
            rows: list[_Row] = database.execute(_JOB + " WHERE" + _DUE, (now_ms, limit)).fetchall()
            for row in rows:
                database.execute(
                    "UPDATE jobs SET tries = tries + 1, next_try_at_ms = ? WHERE id = ?",
                    (now_ms + claim_ms, row[0]),
                )
            return [_job((*row[:-1], row[-1] + 1)) for row in rows]

    def delivered(self, job_id: str, delivery: Delivery, *, again_in_ms: int | None = None) -> None:
        """As ``Jobs.delivered``."""
        next_ms = None if again_in_ms is None else self._clock() + again_in_ms
        self._changed(
            "UPDATE jobs SET delivery = ?, next_try_at_ms = ? "
            "WHERE id = ? AND delivery = 'waiting' AND state = 'done'",
            (delivery, next_ms, job_id),
        )

    def _changed(self, statement: str, values: tuple[object, ...]) -> bool:
        with self._connections.writing() as database:
            return bool(database.execute(statement, values).rowcount)


def _job(row: _Row) -> Job:
    job_id, key, scope, boot, state, created, started, ended, expires, answer, url, told, tries = (
        row
    )
    return Job(
        id=job_id,
        key=key,
        scope=scope,
        boot=boot,
        state=JobState(state),
        created_at_ms=created,
        started_at_ms=started,
        ended_at_ms=ended,
        expires_at_ms=expires,
        answer=answer,
        callback=url,
        delivery=Delivery(told),
        tries=tries,
    )
