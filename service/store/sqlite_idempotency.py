"""Records of requests in the SQLite file."""

import json
from collections.abc import Callable
from typing import Final

from service.store.connections import Connections
from service.store.idempotency import Answered, Asked, Record

_ONE: Final = " WHERE key = ? AND route = ? AND token = ?"
_RECORD: Final = "SELECT parameters, salt, boot, status, headers, body, body_digest FROM requests"
_DROP: Final = "DELETE FROM requests"
_ANSWER: Final = "UPDATE requests SET status = ?, headers = ?, body = ?, body_digest = ?"
_Row = tuple[str, bytes, str, int | None, str | None, bytes | None, bytes | None]


class SqliteIdempotency:
    """The Idempotency of an SQLite store."""

    def __init__(self, connections: Connections, clock: Callable[[], int]) -> None:
        self._connections = connections
        self._clock = clock

    def begin(self, asked: Asked, *, salt: bytes, boot: str, keep_ms: int) -> Record | None:
        """As ``Idempotency.begin``."""
        now_ms, one = self._clock(), (asked.key, asked.route, asked.token)
        with self._connections.writing() as database:
            database.execute(_DROP + _ONE + " AND expires_at_ms <= ?", (*one, now_ms))
            row: _Row | None = database.execute(_RECORD + _ONE, one).fetchone()
            if row is not None:
                return _record(row)
            database.execute(
                "INSERT INTO requests (key, route, token, parameters, salt, boot, expires_at_ms) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*one, asked.parameters, salt, boot, now_ms + keep_ms),
            )
            return None

    def finish(self, asked: Asked, answered: Answered) -> None:
        """As ``Idempotency.finish``."""
        headers = json.dumps(answered.headers)
        with self._connections.writing() as database:
            database.execute(
                _ANSWER + _ONE,
                (
                    answered.status,
                    headers,
                    answered.body,
                    answered.body_digest,
                    asked.key,
                    asked.route,
                    asked.token,
                ),
            )

    def drop(self, asked: Asked) -> None:
        """As ``Idempotency.drop``."""
        with self._connections.writing() as database:
            database.execute(
                _DROP + _ONE,
                (asked.key, asked.route, asked.token),
            )

    def forget(self) -> None:
        """As ``Idempotency.forget``."""
        old = " FROM requests WHERE expires_at_ms <= ?"
        with self._connections.reading() as database:
            if not database.execute(f"SELECT 1{old} LIMIT 1", (self._clock(),)).fetchone():
                return  # writing costs a sync of the disk
        with self._connections.writing() as database:
            database.execute(f"DELETE{old}", (self._clock(),))


def _record(row: _Row) -> Record:
    parameters, salt, boot, status, headers, body, body_digest = row
    if status is None or headers is None or body is None or body_digest is None:
        return Record(parameters, salt, boot, None)
    pairs = tuple((name, value) for name, value in json.loads(headers))
    return Record(parameters, salt, boot, Answered(body_digest, status, pairs, body))
