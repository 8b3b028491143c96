"""Keys in the SQLite file."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlite_utils import Database

from hashing.reference import require_text
from service.audit import What
from service.callers import OF_KEYS, Scope
from service.errors import KeyEnded, KeyNotFound
from service.keys import KeyInfo, State, StoredKey
from service.store import deeds
from service.store.connections import Connections
from service.store.trail import Trail

_KEY: Final = """
    SELECT id, name, scope, created_at_ms, expires_at_ms, revoked_at_ms, rotated_at_ms,
        overlap_until_ms, last_used_at_ms, digest, previous
    FROM keys
"""
_Row = tuple[
    str,
    str,
    str,
    int,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    bytes,
    bytes | None,
]


class SqliteKeys:
    """The Keys of an SQLite store."""

    def __init__(self, connections: Connections, clock: Callable[[], int], trail: Trail) -> None:
        self._connections = connections
        self._clock = clock
        self._trail = trail

    def create(
        self, key_id: str, digest: bytes, *, name: str, scope: Scope, lifetime_ms: int | None
    ) -> KeyInfo:
        """As ``Keys.create``."""
        require_text(name, "name")
        now_ms = self._clock()
        expires_at_ms = None if lifetime_ms is None else now_ms + lifetime_ms
        with self._connections.writing() as database:
            database.execute(
                "INSERT INTO keys (id, name, scope, created_at_ms, expires_at_ms, digest) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (key_id, name, scope.word, now_ms, expires_at_ms, digest),
            )
            made = _require(database, key_id).info
            self._trail.add(database, What.KEY_CREATE, deeds.issued(made, digest))
            return made

    def rotate(
        self, key_id: str, digest: bytes, *, overlap_ms: int, lifetime_ms: int | None = None
    ) -> KeyInfo:
        """As ``Keys.rotate``."""
        now_ms = self._clock()
        with self._connections.writing() as database:
            stored = _require(database, key_id)
            before = stored.info
            if before.state(now_ms) is not State.ACTIVE:
                raise KeyEnded(f"key {key_id} is {before.state(now_ms)}; create another one")
            expires_at_ms = before.expires_at_ms if lifetime_ms is None else now_ms + lifetime_ms
            database.execute(
                "UPDATE keys SET previous = digest, digest = ?, rotated_at_ms = ?, "
                "overlap_until_ms = ?, expires_at_ms = ? WHERE id = ?",
                (digest, now_ms, now_ms + overlap_ms, expires_at_ms, key_id),
            )
            after = _require(database, key_id).info
            self._trail.add(database, What.KEY_ROTATE, deeds.rotated(after, digest, stored.digest))
            return after

    def revoke(self, key_id: str) -> KeyInfo:
        """As ``Keys.revoke``."""
        with self._connections.writing() as database:
            if _require(database, key_id).info.revoked_at_ms is None:
                database.execute(
                    "UPDATE keys SET revoked_at_ms = ? WHERE id = ?", (self._clock(), key_id)
                )
                self._trail.add(database, What.KEY_REVOKE, deeds.revoked(key_id))
            return _require(database, key_id).info

    def find(self, key_id: str) -> StoredKey | None:
        """As ``Keys.find``."""
        with self._connections.reading() as database:
            return _find(database, key_id)

    def all(self) -> list[KeyInfo]:
        """As ``Keys.all``."""
        with self._connections.reading() as database:
            found = database.execute(_KEY + " ORDER BY created_at_ms, id").fetchall()
            return [_stored(row).info for row in found]

    def any(self) -> bool:
        """As ``Keys.any``."""
        with self._connections.reading() as database:
            return database.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None

    def note_uses(self, last_ms: Mapping[str, int]) -> None:
        """As ``Keys.note_uses``."""
        with self._connections.writing() as database:
            for key_id, used_at_ms in last_ms.items():
                database.execute(
                    "UPDATE keys SET last_used_at_ms = max(?, coalesce(last_used_at_ms, 0)) "
                    "WHERE id = ?",
                    (used_at_ms, key_id),
                )


def _find(database: Database, key_id: str) -> StoredKey | None:
    row: _Row | None = database.execute(_KEY + " WHERE id = ?", (key_id,)).fetchone()
    return None if row is None else _stored(row)


def _require(database: Database, key_id: str) -> StoredKey:
    found = _find(database, key_id)
    if found is None:
        raise KeyNotFound(f"there is no key {key_id[:80]!a}; `recirc keys list` shows all")
    return found


def _stored(row: _Row) -> StoredKey:
    key_id, name, scope, created, expires, revoked, rotated, overlap, used, digest, previous = row
    info = KeyInfo(
        id=key_id,
        name=name,
        scope=OF_KEYS[scope],
        created_at_ms=created,
        expires_at_ms=expires,
        revoked_at_ms=revoked,
        rotated_at_ms=rotated,
        overlap_until_ms=overlap,
        last_used_at_ms=used,
    )
    return StoredKey(info, digest, previous)
