"""The audit record in the SQLite file, for its readers."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.audit import Entry, Head, Whole
from service.store import trail
from service.store.connections import Connections


class SqliteAudit:
    """The Audit of an SQLite store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def entries(
        self, *, after: int = 0, limit: int = 100, list_name: str | None = None
    ) -> list[Entry]:
        """As ``Audit.entries``."""
        with self._connections.reading() as database:
            found = database.execute(
                trail.ENTRIES
                + " WHERE sequence > ? AND (? IS NULL OR list = ?) ORDER BY sequence LIMIT ?",
                (after, list_name, list_name, limit),
            )
            return [Entry(*row) for row in found.fetchall()]

    def head(self) -> Head:
        """As ``Audit.head``."""
        with self._connections.reading() as database:
            return trail.head(database)

    @contextmanager
    def whole(self) -> Iterator[Whole]:
        """As ``Audit.whole``."""
        with self._connections.reading() as database:
            found = database.execute(trail.ENTRIES + " ORDER BY sequence")
            yield Whole(
                (Entry(*row) for row in found),
                trail.head(database),
                trail.versions(database),
                trail.key_facts(database),
            )
