"""Queries of the SQLite store that several of its methods ask."""

from typing import Final

from sqlite_utils import Database

from service.errors import ListNotFound, ReferenceNotFound
from service.store import rows
from service.store.base import ListInfo, Mark, ReferenceSummary

ONE: Final = " WHERE list_id = ? AND id = ?"
_MARKS_KEPT: Final = 10_000  # an index that is further behind reads the whole list


def find_list(database: Database, name: str) -> int | None:
    """The row id of a list; None where there is none."""
    row: tuple[int] | None = database.execute(
        "SELECT id FROM lists WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else row[0]


def list_id(database: Database, name: str) -> int:
    """The row id of a list. Raises ListNotFound."""
    found = find_list(database, name)
    if found is None:
        raise ListNotFound(f"there is no list {name!a}; `recirc lists` shows what there is")
    return found


def info(database: Database, name: str) -> ListInfo:
    """One list. Raises ListNotFound."""
    found = database.execute(rows.INFO + " WHERE id = ?", (list_id(database, name),)).fetchone()
    return rows.info(found)


def summary(
    database: Database, list_name: str, list_id: int, reference_id: str
) -> ReferenceSummary:
    """One reference without its hashes. Raises ReferenceNotFound."""
    row: rows.SummaryRow | None = database.execute(
        rows.SUMMARY + ONE, (list_id, reference_id)
    ).fetchone()
    if row is None:
        raise no_reference(list_name, reference_id)
    return rows.summary(row)


def no_reference(list_name: str, reference_id: str) -> ReferenceNotFound:
    """The error for an unknown id."""
    return ReferenceNotFound(f"list {list_name} has no reference {reference_id!a}")


def changed_ms(database: Database, list_id: int) -> int:
    """When the list was made or got its last reference; in time proportional to its references."""
    row: tuple[int] = database.execute(
        """
        SELECT max(created_at_ms, coalesce(
            (SELECT max(added_at_ms) FROM "references" WHERE list_id = lists.id), 0))
        FROM lists WHERE id = ?
        """,
        (list_id,),
    ).fetchone()
    return row[0]


def bump(database: Database, list_id: int) -> tuple[str, int]:
    """Add one to a list's version; its name and the new one."""
    database.execute("UPDATE lists SET version = version + 1 WHERE id = ?", (list_id,))
    set_mark(database, list_id)
    row: tuple[str, int] = database.execute(
        "SELECT name, version FROM lists WHERE id = ?", (list_id,)
    ).fetchone()
    return row


def set_mark(database: Database, list_id: int) -> None:
    """Mark the list's state as it is now; very old marks go."""
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


def mark(database: Database, list_id: int, now_ms: int) -> Mark:
    """The list's last mark, read now."""
    row: tuple[int, str] = database.execute(
        "SELECT version, token FROM marks WHERE list_id = ? ORDER BY version DESC LIMIT 1",
        (list_id,),
    ).fetchone()
    return Mark(*row, now_ms)


def is_past(database: Database, list_id: int, mark: Mark) -> bool:
    """Whether the list was in this state."""
    found = database.execute(
        "SELECT 1 FROM marks WHERE list_id = ? AND version = ? AND token = ?",
        (list_id, mark.version, mark.token),
    ).fetchone()
    return found is not None
