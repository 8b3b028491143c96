"""Standing in the SQLite store: which references checks look at, and until when."""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlite_utils import Database

from hashing.fingerprint import Algorithm
from hashing.reference import Reference
from service.store import rows
from service.store.base import Expiry, Mark, StandingResult

_BEFORE: Final = """
    SELECT enabled, expires_at_ms FROM "references" WHERE list_id = ? AND id = ?
"""
_CHANGE: Final = """
    UPDATE "references" SET enabled = :enabled, expires_at_ms = :expires,
        version = (SELECT version + 1 FROM lists WHERE lists.id = list_id)
    WHERE list_id = :list AND id = :id
"""
# Ids are looked up and sorted before any fingerprint is read: sorted themselves, these would go to
# a temporary file.
_CHANGED: Final = 'SELECT id FROM "references" WHERE list_id = ? AND version > ?'
_EXPIRED: Final = 'SELECT id FROM "references" WHERE list_id = ? AND expires_at_ms <= ?'
_SUMMED_UP: Final = f"""
    SELECT algorithms, count(*) FROM "references" WHERE list_id = ? {rows.HOLDS} GROUP BY algorithms
"""  # noqa: S608  # of constants
# Those that were removed or came to stand no more, and those whose time came, which changes nothing
# in the database.
_GONE: Final = """
    SELECT id FROM removals WHERE list_id = :list AND version > :since
    UNION SELECT id FROM "references" WHERE list_id = :list AND version > :since AND enabled = 0
    UNION SELECT id FROM "references" WHERE list_id = :list AND expires_at_ms <= :now
    ORDER BY id
"""


def change(
    database: Database,
    list_id: int,
    reference_ids: Iterable[str],
    *,
    enabled: bool | None,
    expires: Expiry | None,
) -> StandingResult:
    """Give references this standing; None leaves what they have."""
    changed: list[str] = []
    unchanged: list[str] = []
    missing: list[str] = []
    for reference_id in dict.fromkeys(reference_ids):
        before: tuple[int, int | None] | None = database.execute(
            _BEFORE, (list_id, reference_id)
        ).fetchone()
        if before is None:
            missing.append(reference_id)
            continue
        wanted = (
            before[0] if enabled is None else int(enabled),
            before[1] if expires is None else expires.at_ms,
        )
        if wanted == before:
            unchanged.append(reference_id)
            continue
        named = {"enabled": wanted[0], "expires": wanted[1], "list": list_id, "id": reference_id}
        database.execute(_CHANGE, named)
        changed.append(reference_id)
    return StandingResult(tuple(changed), tuple(unchanged), tuple(missing))


def come(database: Database, list_id: int, since: Mark | None, now_ms: int) -> Iterator[Reference]:
    """References that are looked at and may not have been, or not as they are, in that state; with
    None all that are. In order of ids."""
    which, values = "", [list_id]
    if since is not None:
        which, values = f"AND id IN ({_CHANGED})", [list_id, list_id, since.version]
        if now_ms < since.read_at_ms:
            which = f"AND id IN ({_CHANGED} UNION {_EXPIRED})"
            values += [list_id, since.read_at_ms]
    found = database.execute(
        f"{rows.REFERENCE} WHERE list_id = ? {which} {rows.HOLDS} ORDER BY id", (*values, now_ms)
    )
    return (rows.reference(row) for row in found)


def summed_up(database: Database, list_id: int, now_ms: int) -> tuple[int, tuple[Algorithm, ...]]:
    """How many references are looked at, and all of their algorithms, in order of their texts."""
    found: list[tuple[str, int]] = database.execute(_SUMMED_UP, (list_id, now_ms)).fetchall()
    distinct = {algorithm for text, _ in found for algorithm in rows.algorithms_of(text)}
    return sum(count for _, count in found), tuple(sorted(distinct, key=str))


def gone(database: Database, list_id: int, since: int, now_ms: int) -> tuple[str, ...]:
    """Ids that may have been looked at in version ``since`` and are not now, in order."""
    found = database.execute(_GONE, {"list": list_id, "since": since, "now": now_ms})
    return tuple(name for (name,) in found.fetchall())


def next_expiry_ms(database: Database, list_id: int, now_ms: int) -> int | None:
    """When the next reference expires; None where none will."""
    found: tuple[int | None] = database.execute(
        """
        SELECT min(expires_at_ms) FROM "references"
        WHERE list_id = ? AND expires_at_ms > ? AND enabled = 1
        """,
        (list_id, now_ms),
    ).fetchone()
    return found[0]
