"""The audit record's table: read by the store's Audit, written in the transactions of changes."""

import secrets
import time
from collections.abc import Callable
from dataclasses import astuple
from typing import Final

from sqlite_utils import Database

from service import audit
from service.audit import Change, Entry, Head, KeyFacts, What

_COLUMNS: Final = (
    "sequence, time_ms, who, what, list, version_before, version_after, change, previous, hash"
)
ENTRIES: Final = f"SELECT {_COLUMNS} FROM audit"  # noqa: S608  # of constants
_INSERT: Final = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


class Trail:
    """Writes entries of one who changes things. ``who``: as ``audit.Entry`` has it."""

    def __init__(self, clock: Callable[[], int], who: str) -> None:
        self._clock = clock
        self._who = who

    def add(
        self,
        database: Database,
        what: What,
        change: Change,
        *,
        list_name: str | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> None:
        """Write an entry, in the transaction of its change.

        ``before``, ``after``: the versions of the list; None where it is not, or no list's.
        """
        last = head(database)
        entry = Entry(
            sequence=last.sequence + 1,
            time_ms=self._clock(),
            who=self._who,
            what=what.value,
            list=list_name,
            version_before=before,
            version_after=after,
            change=audit.canonical(change),
            previous=last.hash,
        )
        database.execute(_INSERT, astuple(audit.seal(entry)))


def begin(database: Database) -> None:
    """Write the record's first entry: what there is, as yet without a record."""
    text = audit.beginning(versions(database), key_facts(database), secrets.token_hex(16))
    Trail(lambda: time.time_ns() // 1_000_000, audit.ITSELF).add(database, What.BEGIN, text)


def head(database: Database) -> Head:
    """Where the record ends, by the row that says so."""
    row: tuple[int, str] | None = database.execute(
        "SELECT sequence, hash FROM audit_head"
    ).fetchone()
    return Head(0, audit.NOTHING) if row is None else Head(*row)


def versions(database: Database) -> dict[str, int]:
    """Each list's version by its name."""
    return dict(database.execute("SELECT name, version FROM lists").fetchall())


def key_facts(database: Database) -> dict[str, KeyFacts]:
    """What the record has to agree on with the keys, by their ids."""
    # As bytes, whatever somebody may have put there.
    found = database.execute(
        """
        SELECT id, scope, expires_at_ms, revoked_at_ms IS NOT NULL,
            CAST(digest AS BLOB), CAST(coalesce(previous, '') AS BLOB), overlap_until_ms
        FROM keys
        """
    )
    return {
        key_id: KeyFacts(scope, expires_at_ms, bool(revoked), audit.proof(*opens))
        for key_id, scope, expires_at_ms, revoked, *opens in found.fetchall()
    }
