"""The embedded store: one SQLite file, by sqlite-utils. A fingerprint is one packed blob."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from hashing.fingerprint import Algorithm
from hashing.reference import Policy, Reference, require_list_name, require_text
from hashing.verdict import require_false_alarms
from service.errors import ListExists, ListNotFound, ReferenceNotFound
from service.store import rows
from service.store.base import (
    AddResult,
    Changes,
    ListInfo,
    Mark,
    ReferenceSummary,
    RemoveResult,
    Snapshot,
)
from service.store.connections import Connections

_ONE: Final = " WHERE list_id = ? AND id = ?"
_MARKS_KEPT: Final = 10_000  # an index that is further behind reads the whole list


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class SqliteStore:
    """The Store in the file ``path``, made with its folder on first use.

    Threads and processes may share the file: readers never wait, writers wait for each other.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = now_ms, busy_timeout_ms: int = 10_000
    ) -> None:
        self._clock = clock
        self._connections = Connections(path, busy_timeout_ms=busy_timeout_ms)

    def create_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None = None,
        false_alarms_per_100k: float | None = None,
    ) -> ListInfo:
        """As ``Store.create_list``."""
        with self._connections.writing() as database:
            if _find_list(database, name) is not None:
                raise ListExists(f"there is a list {name} already; choose another name")
            self._insert_list(database, name, policy, source, false_alarms_per_100k)
            return _info(database, name)

    def lists(self) -> list[ListInfo]:
        """As ``Store.lists``."""
        with self._connections.reading() as database:
            found = database.execute(rows.INFO + " ORDER BY name").fetchall()
            return [rows.info(row) for row in found]

    def get_list(self, name: str) -> ListInfo:
        """As ``Store.get_list``."""
        with self._connections.reading() as database:
            return _info(database, name)

    def update_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None,
        false_alarms_per_100k: float | None,
    ) -> ListInfo:
        """As ``Store.update_list``."""
        require_text(source, "source")
        accepted = require_false_alarms(false_alarms_per_100k, policy)
        wanted = (policy, source, accepted)
        with self._connections.writing() as database:
            before = _info(database, name)
            if (before.policy, before.source, before.false_alarms_per_100k) != wanted:
                database.execute(
                    """
                    UPDATE lists SET policy = ?, source = ?, false_alarms_per_100k = ?
                    WHERE name = ?
                    """,
                    (policy.value, source, accepted, name),
                )
                _bump(database, _list_id(database, name))
            return _info(database, name)

    def delete_list(self, name: str) -> None:
        """As ``Store.delete_list``."""
        with self._connections.writing() as database:
            version = _info(database, name).version
            database.execute("INSERT OR REPLACE INTO deleted_lists VALUES (?, ?)", (name, version))
            database.execute("DELETE FROM lists WHERE name = ?", (name,))

    def add(
        self,
        list_name: str,
        references: Iterable[Reference],
        *,
        create: bool = True,
        policy: Policy = Policy.BLOCK,
        source: str | None = None,
    ) -> AddResult:
        """As ``Store.add``."""
        with self._connections.writing() as database:
            if create and _find_list(database, list_name) is None:
                self._insert_list(database, list_name, policy, source, None)
            list_id = _list_id(database, list_name)
            result = self._insert(database, list_id, references)
            if result.added:
                _bump(database, list_id)
            return result

    def update_reference(
        self, list_name: str, reference_id: str, *, label: str | None, incident: str | None
    ) -> ReferenceSummary:
        """As ``Store.update_reference``."""
        require_text(label, "label")
        require_text(incident, "incident")
        with self._connections.writing() as database:
            list_id = _list_id(database, list_name)
            before = _summary(database, list_name, list_id, reference_id)
            if (before.label, before.incident) != (label, incident):
                database.execute(
                    """
                    UPDATE "references" SET label = ?, incident = ?,
                        version = (SELECT version + 1 FROM lists WHERE lists.id = list_id)
                    WHERE list_id = ? AND id = ?
                    """,
                    (label, incident, list_id, reference_id),
                )
                _bump(database, list_id)
            return _summary(database, list_name, list_id, reference_id)

    def remove(self, list_name: str, reference_ids: Iterable[str]) -> RemoveResult:
        """As ``Store.remove``."""
        removed: list[str] = []
        missing: list[str] = []
        with self._connections.writing() as database:
            list_id = _list_id(database, list_name)
            for reference_id in dict.fromkeys(reference_ids):
                cursor = database.execute(
                    'DELETE FROM "references" WHERE list_id = ? AND id = ?', (list_id, reference_id)
                )
                if not cursor.rowcount:
                    missing.append(reference_id)
                    continue
                removed.append(reference_id)
                database.execute(
                    "INSERT OR REPLACE INTO removals SELECT id, ?, version + 1 FROM lists "
                    "WHERE id = ?",
                    (reference_id, list_id),
                )
            if removed:
                _bump(database, list_id)
        return RemoveResult(tuple(removed), tuple(missing))

    def get_reference(self, list_name: str, reference_id: str) -> Reference:
        """As ``Store.get_reference``."""
        with self._connections.reading() as database:
            list_id = _list_id(database, list_name)
            row: rows.ReferenceRow | None = database.execute(
                rows.REFERENCE + _ONE, (list_id, reference_id)
            ).fetchone()
        if row is None:
            raise _no_reference(list_name, reference_id)
        return rows.reference(row)

    def get_summary(self, list_name: str, reference_id: str) -> ReferenceSummary:
        """As ``Store.get_summary``."""
        with self._connections.reading() as database:
            list_id = _list_id(database, list_name)
            return _summary(database, list_name, list_id, reference_id)

    def references(
        self, list_name: str, *, after_id: str | None = None, limit: int = 100
    ) -> list[ReferenceSummary]:
        """As ``Store.references``."""
        with self._connections.reading() as database:
            found = database.execute(
                rows.SUMMARY + " WHERE list_id = ? AND id > ? ORDER BY id LIMIT ?",
                (_list_id(database, list_name), after_id or "", limit),
            ).fetchall()
            return [rows.summary(row) for row in found]

    @contextmanager
    def snapshot(self, list_name: str) -> Iterator[Snapshot]:
        """As ``Store.snapshot``."""
        with self._connections.reading() as database:
            list_id = _list_id(database, list_name)
            found = database.execute(rows.REFERENCE + " WHERE list_id = ? ORDER BY id", (list_id,))
            yield Snapshot(
                _info(database, list_name),
                _algorithms(database, list_id),
                (rows.reference(row) for row in found),
            )

    @contextmanager
    def changes(self, list_name: str, since: Mark | None) -> Iterator[Changes | None]:
        """As ``Store.changes``."""
        with self._connections.reading() as database:
            list_id = _list_id(database, list_name)
            if since is not None and not _is_past(database, list_id, since):
                yield None
                return
            after = (list_id, 0 if since is None else since.version)
            # Version 0: from before versions were kept, and so never newer than a mark.
            newer = " WHERE list_id = ?" + ("" if since is None else " AND version > ?")
            found = database.execute(
                rows.REFERENCE + newer + " ORDER BY id", after if since else after[:1]
            )
            removed = database.execute(
                "SELECT id FROM removals WHERE list_id = ? AND version > ? ORDER BY id", after
            ).fetchall()
            yield Changes(
                _info(database, list_name),
                _mark(database, list_id),
                (rows.reference(row) for row in found),
                tuple(name for (name,) in removed),
            )

    def fingerprints(self, list_name: str) -> Iterator[Reference]:
        """As ``Store.fingerprints``."""
        with self.snapshot(list_name) as snapshot:
            yield from snapshot.references

    def versions(self) -> dict[str, int]:
        """As ``Store.versions``."""
        with self._connections.reading() as database:
            return dict(database.execute("SELECT name, version FROM lists").fetchall())

    def close(self) -> None:
        """As ``Store.close``."""
        self._connections.close()

    def _insert_list(
        self,
        database: Database,
        name: str,
        policy: Policy,
        source: str | None,
        false_alarms_per_100k: float | None,
    ) -> None:
        database.execute(
            """
            INSERT INTO lists (name, policy, source, false_alarms_per_100k, created_at_ms, version)
            VALUES (?, ?, ?, ?, ?,
                1 + coalesce((SELECT version FROM deleted_lists WHERE name = ?), 0))
            """,
            (
                require_list_name(name),
                policy.value,
                require_text(source, "source"),
                require_false_alarms(false_alarms_per_100k, policy),
                self._clock(),
                name,
            ),
        )
        _set_mark(database, _list_id(database, name))

    def _insert(
        self, database: Database, list_id: int, references: Iterable[Reference]
    ) -> AddResult:
        added: list[str] = []
        unchanged: list[str] = []
        conflicts: list[str] = []
        for reference in references:
            same = database.execute(
                'SELECT id FROM "references" WHERE list_id = ? AND digest = ?',
                (list_id, reference.fingerprint.digest),
            ).fetchone()
            if same is not None:
                unchanged.append(same[0])
            elif database.execute(
                'SELECT 1 FROM "references" WHERE list_id = ? AND id = ?', (list_id, reference.id)
            ).fetchone():
                conflicts.append(reference.id)
            else:
                database.execute(rows.INSERT, rows.insert(list_id, reference, self._clock()))
                database.execute(
                    "DELETE FROM removals WHERE list_id = ? AND id = ?", (list_id, reference.id)
                )
                added.append(reference.id)
        return AddResult(tuple(added), tuple(unchanged), tuple(conflicts))


def _find_list(database: Database, name: str) -> int | None:
    row: tuple[int] | None = database.execute(
        "SELECT id FROM lists WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else row[0]


def _list_id(database: Database, name: str) -> int:
    list_id = _find_list(database, name)
    if list_id is None:
        raise ListNotFound(f"there is no list {name!a}; `recirc lists` shows what there is")
    return list_id


def _info(database: Database, name: str) -> ListInfo:
    list_id = _list_id(database, name)
    return rows.info(database.execute(rows.INFO + " WHERE id = ?", (list_id,)).fetchone())


def _summary(
    database: Database, list_name: str, list_id: int, reference_id: str
) -> ReferenceSummary:
    row: rows.SummaryRow | None = database.execute(
        rows.SUMMARY + _ONE, (list_id, reference_id)
    ).fetchone()
    if row is None:
        raise _no_reference(list_name, reference_id)
    return rows.summary(row)


def _no_reference(list_name: str, reference_id: str) -> ReferenceNotFound:
    return ReferenceNotFound(f"list {list_name} has no reference {reference_id!a}")


def _algorithms(database: Database, list_id: int) -> tuple[Algorithm, ...]:
    found = database.execute(
        'SELECT DISTINCT algorithms FROM "references" WHERE list_id = ?', (list_id,)
    )
    distinct = {algorithm for (text,) in found for algorithm in rows.algorithms_of(text)}
    return tuple(sorted(distinct, key=str))


def _bump(database: Database, list_id: int) -> None:
    database.execute("UPDATE lists SET version = version + 1 WHERE id = ?", (list_id,))
    _set_mark(database, list_id)


def _set_mark(database: Database, list_id: int) -> None:
    database.execute(
        """
        INSERT INTO marks SELECT id, version, lower(hex(randomblob(16))) FROM lists WHERE id = ?
        """,
        (list_id,),
    )
    database.execute(
        """
        DELETE FROM marks
        WHERE list_id = ? AND version <= (SELECT version FROM lists WHERE id = ?) - ?
        """,
        (list_id, list_id, _MARKS_KEPT),
    )


def _mark(database: Database, list_id: int) -> Mark:
    row: tuple[int, str] = database.execute(
        "SELECT version, token FROM marks WHERE list_id = ? ORDER BY version DESC LIMIT 1",
        (list_id,),
    ).fetchone()
    return Mark(*row)


def _is_past(database: Database, list_id: int, mark: Mark) -> bool:
    """Whether the list was in this state."""
    found = database.execute(
        "SELECT 1 FROM marks WHERE list_id = ? AND version = ? AND token = ?",
        (list_id, mark.version, mark.token),
    ).fetchone()
    return found is not None
