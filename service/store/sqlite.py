"""The embedded store: one SQLite file, by sqlite-utils. A fingerprint is one packed blob."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from hashing.formats import packed_patches
from hashing.reference import Policy, Reference, require_list_name, require_text
from hashing.verdict import require_false_alarms
from service.errors import ListExists
from service.store import queries, rows
from service.store.base import (
    AddResult,
    Changes,
    ListInfo,
    Mark,
    Patched,
    ReferenceSummary,
    RemoveResult,
    Snapshot,
)
from service.store.connections import Connections
from service.store.sqlite_keys import SqliteKeys


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

    @property
    def keys(self) -> SqliteKeys:
        """As ``Store.keys``."""
        return SqliteKeys(self._connections, self._clock)

    def create_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None = None,
        false_alarms_per_100k: float | None = None,
        patches: bool = True,
    ) -> ListInfo:
        """As ``Store.create_list``."""
        with self._connections.writing() as database:
            if queries.find_list(database, name) is not None:
                raise ListExists(f"there is a list {name} already; choose another name")
            self._insert_list(
                database, name, policy, source, false_alarms_per_100k, patches=patches
            )
            return queries.info(database, name)

    def lists(self) -> list[ListInfo]:
        """As ``Store.lists``."""
        with self._connections.reading() as database:
            found = database.execute(rows.INFO + " ORDER BY name").fetchall()
            return [rows.info(row) for row in found]

    def get_list(self, name: str) -> ListInfo:
        """As ``Store.get_list``."""
        with self._connections.reading() as database:
            return queries.info(database, name)

    def update_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None,
        false_alarms_per_100k: float | None,
        patches: bool | None = None,
    ) -> ListInfo:
        """As ``Store.update_list``."""
        require_text(source, "source")
        accepted = require_false_alarms(false_alarms_per_100k, policy)
        with self._connections.writing() as database:
            before = queries.info(database, name)
            keeps = before.patches if patches is None else patches
            settings = (before.policy, before.source, before.false_alarms_per_100k, before.patches)
            if settings != (policy, source, accepted, keeps):
                list_id = queries.list_id(database, name)
                database.execute(
                    """
                    UPDATE lists
                    SET policy = ?, source = ?, false_alarms_per_100k = ?, patches = ?
                    WHERE name = ?
                    """,
                    (policy.value, source, accepted, keeps, name),
                )
                if not keeps:
                    database.execute("DELETE FROM patches WHERE list_id = ?", (list_id,))
                queries.bump(database, list_id)
            return queries.info(database, name)

    def delete_list(self, name: str) -> None:
        """As ``Store.delete_list``."""
        with self._connections.writing() as database:
            version = queries.info(database, name).version
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
        patches: bool = True,
    ) -> AddResult:
        """As ``Store.add``."""
        with self._connections.writing() as database:
            if create and queries.find_list(database, list_name) is None:
                self._insert_list(database, list_name, policy, source, None, patches=patches)
            info = queries.info(database, list_name)
            list_id = queries.list_id(database, list_name)
            result = self._insert(database, list_id, references, patches=info.patches)
            if result.added or queries.info(database, list_name).patched != info.patched:
                queries.bump(database, list_id)
            return result

    def update_reference(
        self, list_name: str, reference_id: str, *, label: str | None, incident: str | None
    ) -> ReferenceSummary:
        """As ``Store.update_reference``."""
        require_text(label, "label")
        require_text(incident, "incident")
        with self._connections.writing() as database:
            list_id = queries.list_id(database, list_name)
            before = queries.summary(database, list_name, list_id, reference_id)
            if (before.label, before.incident) != (label, incident):
                database.execute(
                    """
                    UPDATE "references" SET label = ?, incident = ?,
                        version = (SELECT version + 1 FROM lists WHERE lists.id = list_id)
                    WHERE list_id = ? AND id = ?
                    """,
                    (label, incident, list_id, reference_id),
                )
                queries.bump(database, list_id)
            return queries.summary(database, list_name, list_id, reference_id)

    def remove(self, list_name: str, reference_ids: Iterable[str]) -> RemoveResult:
        """As ``Store.remove``."""
        removed: list[str] = []
        missing: list[str] = []
        with self._connections.writing() as database:
            list_id = queries.list_id(database, list_name)
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
                queries.bump(database, list_id)
        return RemoveResult(tuple(removed), tuple(missing))

    def get_reference(self, list_name: str, reference_id: str) -> Reference:
        """As ``Store.get_reference``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            row: rows.ReferenceRow | None = database.execute(
                rows.REFERENCE + queries.ONE, (list_id, reference_id)
            ).fetchone()
            packed = database.execute(
                rows.PATCHES_OF + queries.ONE, (list_id, reference_id)
            ).fetchone()
        if row is None:
            raise queries.no_reference(list_name, reference_id)
        found = rows.reference(row)
        return replace(found, patches=rows.patches(reference_id, packed[0])) if packed else found

    def get_summary(self, list_name: str, reference_id: str) -> ReferenceSummary:
        """As ``Store.get_summary``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            return queries.summary(database, list_name, list_id, reference_id)

    def references(
        self, list_name: str, *, after_id: str | None = None, limit: int = 100
    ) -> list[ReferenceSummary]:
        """As ``Store.references``."""
        with self._connections.reading() as database:
            found = database.execute(
                rows.SUMMARY + " WHERE list_id = ? AND id > ? ORDER BY id LIMIT ?",
                (queries.list_id(database, list_name), after_id or "", limit),
            ).fetchall()
            return [rows.summary(row) for row in found]

    @contextmanager
    def snapshot(self, list_name: str) -> Iterator[Snapshot]:
        """As ``Store.snapshot``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            found = database.execute(rows.REFERENCE + " WHERE list_id = ? ORDER BY id", (list_id,))
            yield Snapshot(
                queries.info(database, list_name),
                queries.algorithms(database, list_id),
                (rows.reference(row) for row in found),
            )

    @contextmanager
    def changes(self, list_name: str, since: Mark | None) -> Iterator[Changes | None]:
        """As ``Store.changes``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            if since is not None and not queries.is_past(database, list_id, since):
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
                queries.info(database, list_name),
                queries.mark(database, list_id),
                (rows.reference(row) for row in found),
                tuple(name for (name,) in removed),
            )

    def fingerprints(self, list_name: str) -> Iterator[Reference]:
        """As ``Store.fingerprints``."""
        with self.snapshot(list_name) as snapshot:
            yield from snapshot.references

    def patches(self, list_name: str, *, known: frozenset[str] = frozenset()) -> Iterator[Patched]:
        """As ``Store.patches``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            for reference_id, digest in database.execute(rows.PATCHED, (list_id,)).fetchall():
                tracks = None
                if digest not in known:
                    one = (list_id, reference_id)
                    (packed,) = database.execute(rows.PATCHES_OF + queries.ONE, one).fetchone()
                    tracks = rows.patches(reference_id, packed)
                yield Patched(reference_id, digest, tracks)

    def changed_ms(self, list_name: str) -> int:
        """As ``Store.changed_ms``."""
        with self._connections.reading() as database:
            return queries.changed_ms(database, queries.list_id(database, list_name))

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
        *,
        patches: bool,
    ) -> None:
        database.execute(
            """
            INSERT INTO lists (name, policy, source, false_alarms_per_100k, created_at_ms, patches,
                version)
            VALUES (?, ?, ?, ?, ?, ?,
                1 + coalesce((SELECT version FROM deleted_lists WHERE name = ?), 0))
            """,
            (
                require_list_name(name),
                policy.value,
                require_text(source, "source"),
                require_false_alarms(false_alarms_per_100k, policy),
                self._clock(),
                patches,
                name,
            ),
        )
        queries.set_mark(database, queries.list_id(database, name))

    def _insert(
        self,
        database: Database,
        list_id: int,
        references: Iterable[Reference],
        *,
        patches: bool,
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
                continue
            else:
                database.execute(rows.INSERT, rows.insert(list_id, reference, self._clock()))
                database.execute(
                    "DELETE FROM removals WHERE list_id = ? AND id = ?", (list_id, reference.id)
                )
                added.append(reference.id)
            if patches and reference.patches:
                here = reference.id if same is None else same[0]
                packed = packed_patches.pack(reference.patches)
                database.execute(rows.INSERT_PATCHES, (list_id, here, packed))
        return AddResult(tuple(added), tuple(unchanged), tuple(conflicts))
