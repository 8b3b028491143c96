"""The embedded store: one SQLite file, by sqlite-utils. A fingerprint is one packed blob."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Self

from sqlite_utils import Database

from hashing.reference import Policy, Reference
from service import audit
from service.audit import Change, What
from service.errors import ListExists
from service.store import changing, deeds, inserting, queries, rows, standing
from service.store.base import (
    KEEP,
    AddResult,
    Changes,
    Expiry,
    Keep,
    ListInfo,
    Mark,
    Patched,
    ReferenceSummary,
    RemoveResult,
    Snapshot,
    StandingResult,
)
from service.store.boots import FileBoots
from service.store.connections import Connections
from service.store.sqlite_audit import SqliteAudit
from service.store.sqlite_idempotency import SqliteIdempotency
from service.store.sqlite_jobs import SqliteJobs
from service.store.sqlite_keys import SqliteKeys
from service.store.trail import Trail


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class SqliteStore:
    """The Store in the file ``path``, made with its folder on first use.

    Threads and processes may share the file: readers never wait, writers wait for each other.
    ``who`` makes its changes, as the audit record has it.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int] = now_ms,
        busy_timeout_ms: int = 10_000,
        who: str = audit.ITSELF,
    ) -> None:
        self._clock = clock
        self._trail = Trail(clock, who)
        self._connections = Connections(path, busy_timeout_ms=busy_timeout_ms)
        self.jobs = SqliteJobs(self._connections, clock)
        self.requests = SqliteIdempotency(self._connections, clock)
        self.boots = FileBoots(path)

    @property
    def keys(self) -> SqliteKeys:
        """As ``Store.keys``."""
        return SqliteKeys(self._connections, self._clock, self._trail)

    @property
    def audit(self) -> SqliteAudit:
        """As ``Store.audit``."""
        return SqliteAudit(self._connections)

    def by(self, who: str) -> Self:
        """As ``Store.by``."""
        bound = copy(self)
        bound._trail = Trail(self._clock, who)
        return bound

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
            return self._make(database, name, policy, source, false_alarms_per_100k, patches)

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
        policy: Policy | None = None,
        source: str | Keep | None = KEEP,
        false_alarms_per_100k: float | Keep | None = KEEP,
        patches: bool | None = None,
    ) -> ListInfo:
        """As ``Store.update_list``."""
        with self._connections.writing() as database:
            before = queries.info(database, name)
            wanted = changing.settings(
                before,
                policy=policy,
                source=source,
                false_alarms_per_100k=false_alarms_per_100k,
                patches=patches,
            )
            if wanted != before:
                list_id = queries.list_id(database, name)
                accepted = wanted.false_alarms_per_100k
                database.execute(
                    """
                    UPDATE lists
                    SET policy = ?, source = ?, false_alarms_per_100k = ?, patches = ?
                    WHERE name = ?
                    """,
                    (wanted.policy.value, wanted.source, accepted, wanted.patches, name),
                )
                if not wanted.patches:
                    database.execute("DELETE FROM patches WHERE list_id = ?", (list_id,))
                told = deeds.updated(before, queries.info(database, name))
                self._bump(database, list_id, What.LIST_UPDATE, told)
            return queries.info(database, name)

    def delete_list(self, name: str) -> None:
        """As ``Store.delete_list``."""
        with self._connections.writing() as database:
            before = queries.info(database, name)
            database.execute(
                "INSERT OR REPLACE INTO deleted_lists VALUES (?, ?)", (name, before.version)
            )
            database.execute("DELETE FROM lists WHERE name = ?", (name,))
            told = deeds.deleted(before)
            self._trail.add(database, What.LIST_DELETE, told, list_name=name, before=before.version)

    def add(
        self,
        list_name: str,
        references: Iterable[Reference],
        *,
        create: bool = True,
        policy: Policy = Policy.BLOCK,
        source: str | None = None,
        patches: bool = True,
        imported: bool = False,
    ) -> AddResult:
        """As ``Store.add``."""
        with self._connections.writing() as database:
            if create and queries.find_list(database, list_name) is None:
                self._make(database, list_name, policy, source, None, patches)
            before = queries.info(database, list_name)
            list_id = queries.list_id(database, list_name)
            result = inserting.insert_references(
                database, list_id, references, patches=before.patches, clock=self._clock
            )
            patched = queries.info(database, list_name).patched - before.patched
            if result.added or patched:
                what = What.LIST_IMPORT if imported else What.REFERENCES_ADD
                self._bump(database, list_id, what, deeds.added(result, patched=patched))
            return result

    def update_reference(
        self,
        list_name: str,
        reference_id: str,
        *,
        label: str | Keep | None = KEEP,
        incident: str | Keep | None = KEEP,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> ReferenceSummary:
        """As ``Store.update_reference``."""
        with self._connections.writing() as database:
            list_id = queries.list_id(database, list_name)
            before = queries.summary(database, list_name, list_id, reference_id)
            label, incident = changing.texts(before, label=label, incident=incident)
            if (before.label, before.incident) != (label, incident):
                database.execute(
                    """
                    UPDATE "references" SET label = ?, incident = ?,
                        version = (SELECT version + 1 FROM lists WHERE lists.id = list_id)
                    WHERE list_id = ? AND id = ?
                    """,
                    (label, incident, list_id, reference_id),
                )
                told = deeds.relabelled(before, label=label, incident=incident)
                self._bump(database, list_id, What.REFERENCE_UPDATE, told)
            self._stand(database, list_id, [reference_id], enabled=enabled, expires=expires)
            return queries.summary(database, list_name, list_id, reference_id)

    def set_standing(
        self,
        list_name: str,
        reference_ids: Iterable[str],
        *,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> StandingResult:
        """As ``Store.set_standing``."""
        with self._connections.writing() as database:
            list_id = queries.list_id(database, list_name)
            return self._stand(database, list_id, reference_ids, enabled=enabled, expires=expires)

    def _stand(
        self,
        database: Database,
        list_id: int,
        reference_ids: Iterable[str],
        *,
        enabled: bool | None,
        expires: Expiry | None,
    ) -> StandingResult:
        result = standing.change(database, list_id, reference_ids, enabled=enabled, expires=expires)
        if result.changed:
            told = deeds.stood(result, enabled=enabled, expires=expires)
            self._bump(database, list_id, What.REFERENCES_STANDING, told)
        return result

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
            result = RemoveResult(tuple(removed), tuple(missing))
            if removed:
                self._bump(database, list_id, What.REFERENCES_REMOVE, deeds.removed(result))
        return result

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
            list_id, now_ms = queries.list_id(database, list_name), self._clock()
            yield Snapshot(
                queries.info(database, list_name),
                *standing.summed_up(database, list_id, now_ms),
                standing.come(database, list_id, None, now_ms),
            )

    @contextmanager
    def changes(self, list_name: str, since: Mark | None) -> Iterator[Changes | None]:
        """As ``Store.changes``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            if since is not None and not queries.is_past(database, list_id, since):
                yield None
                return
            now_ms = self._clock()
            yield Changes(
                queries.info(database, list_name),
                queries.mark(database, list_id, now_ms),
                standing.come(database, list_id, since, now_ms),
                () if since is None else standing.gone(database, list_id, since.version, now_ms),
                standing.next_expiry_ms(database, list_id, now_ms),
            )

    def fingerprints(self, list_name: str) -> Iterator[Reference]:
        """As ``Store.fingerprints``."""
        with self.snapshot(list_name) as snapshot:
            yield from snapshot.references

    def patches(self, list_name: str, *, known: frozenset[str] = frozenset()) -> Iterator[Patched]:
        """As ``Store.patches``."""
        with self._connections.reading() as database:
            list_id = queries.list_id(database, list_name)
            found = database.execute(rows.PATCHED, (list_id, self._clock())).fetchall()
            for reference_id, digest in found:
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

    def _make(  # noqa: PLR0917  # the settings of a list, in the order of create_list
        self,
        database: Database,
        name: str,
        policy: Policy,
        source: str | None,
        false_alarms_per_100k: float | None,
        patches: bool,
    ) -> ListInfo:
        inserting.insert_list(
            database,
            name,
            policy,
            source=source,
            false_alarms_per_100k=false_alarms_per_100k,
            patches=patches,
            now_ms=self._clock(),
        )
        made = queries.info(database, name)
        told = deeds.created(made)
        self._trail.add(database, What.LIST_CREATE, told, list_name=name, after=made.version)
        return made

    def _bump(self, database: Database, list_id: int, what: What, told: Change) -> None:
        """Add one to a list's version, and say in the record what for."""
        name, version = queries.bump(database, list_id)
        self._trail.add(database, what, told, list_name=name, before=version - 1, after=version)
