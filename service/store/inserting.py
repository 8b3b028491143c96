"""Inserting: new rows of lists and references in the SQLite store."""

from collections.abc import Callable, Iterable

from sqlite_utils import Database

from hashing.formats import packed_patches
from hashing.reference import Policy, Reference, require_list_name, require_text
from hashing.verdict import require_false_alarms
from service.store import queries, rows
from service.store.base import AddResult


def insert_list(
    database: Database,
    name: str,
    policy: Policy,
    *,
    source: str | None,
    false_alarms_per_100k: float | None,
    patches: bool,
    now_ms: int,
) -> None:
    """An empty list. Raises BadName, BadPolicy."""
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
            now_ms,
            patches,
            name,
        ),
    )
    queries.set_mark(database, queries.list_id(database, name))


def insert_references(
    database: Database,
    list_id: int,
    references: Iterable[Reference],
    *,
    patches: bool,
    clock: Callable[[], int],
) -> AddResult:
    """References that the list does not have; their patch hashes, where it keeps any."""
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
            database.execute(rows.INSERT, rows.insert(list_id, reference, clock()))
            database.execute(
                "DELETE FROM removals WHERE list_id = ? AND id = ?", (list_id, reference.id)
            )
            added.append(reference.id)
        if patches and reference.patches:
            here = reference.id if same is None else same[0]
            packed = packed_patches.pack(reference.patches)
            database.execute(rows.INSERT_PATCHES, (list_id, here, packed))
    return AddResult(tuple(added), tuple(unchanged), tuple(conflicts))
