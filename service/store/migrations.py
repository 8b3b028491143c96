"""The SQLite store's schema, step by step. A released step is never changed: add another.

Names of steps start with a number. A database with a step that is not here was made by a newer
recirc and is refused, because writing by an older schema's rules could break what the newer relies
on.
"""

from typing import Final

from sqlite_utils import Database, Migrations

from service.errors import StoreError
from service.store import trail

STEPS: Final = Migrations("recirc")


@STEPS(name="0001_lists_and_references")
def _lists_and_references(database: Database) -> None:
    """Lists, their references, and what version a deleted list had."""
    database.execute(
        """
        CREATE TABLE lists (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            policy TEXT NOT NULL CHECK (policy IN ('block', 'allow')),
            source TEXT,
            created_at_ms INTEGER NOT NULL,
            version INTEGER NOT NULL
        )
        """
    )
    # The blob is last, so that reading the other columns does not walk its pages.
    database.execute(
        """
        CREATE TABLE "references" (
            list_id INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
            id TEXT NOT NULL,
            label TEXT,
            incident TEXT,
            added_at_ms INTEGER NOT NULL,
            kind TEXT NOT NULL,
            duration_ms INTEGER NOT NULL,
            frames INTEGER NOT NULL,
            algorithms TEXT NOT NULL,
            digest TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            PRIMARY KEY (list_id, id),
            UNIQUE (list_id, digest)
        )
        """
    )
    database.execute("CREATE TABLE deleted_lists (name TEXT PRIMARY KEY, version INTEGER NOT NULL)")


@STEPS(name="0002_false_alarms")
def _false_alarms(database: Database) -> None:
    """How many false alarms in 100,000 clips a list accepts; NULL is the default."""
    database.execute("ALTER TABLE lists ADD COLUMN false_alarms_per_100k REAL")


@STEPS(name="0003_changes")
def _changes(database: Database) -> None:
    """What changed in which version, so that an index reads only that: see ``Store.changes``."""
    database.execute('ALTER TABLE "references" ADD COLUMN version INTEGER NOT NULL DEFAULT 0')
    database.execute('CREATE INDEX references_by_version ON "references" (list_id, version)')
    database.execute(
        """
        CREATE TABLE marks (
            list_id INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            token TEXT NOT NULL,
            PRIMARY KEY (list_id, version)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE removals (
            list_id INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            PRIMARY KEY (list_id, id)
        ) WITHOUT ROWID
        """
    )
    database.execute("INSERT INTO marks SELECT id, version, lower(hex(randomblob(16))) FROM lists")


@STEPS(name="0004_patches")
def _patches(database: Database) -> None:
    """Patch hashes in a table of their own: ten times a fingerprint, and read only when needed."""
    database.execute("ALTER TABLE lists ADD COLUMN patches INTEGER NOT NULL DEFAULT 1")
    database.execute(
        """
        CREATE TABLE patches (
            list_id INTEGER NOT NULL,
            id TEXT NOT NULL,
            packed BLOB NOT NULL,
            PRIMARY KEY (list_id, id),
            FOREIGN KEY (list_id, id) REFERENCES "references" (list_id, id) ON DELETE CASCADE
        )
        """
    )


@STEPS(name="0005_keys")
def _keys(database: Database) -> None:
    """API keys; of each the SHA-256, and that of the secret before it. None is ever deleted."""
    database.execute(
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            scope TEXT NOT NULL CHECK (scope IN ('check', 'analyst', 'curate', 'admin')),
            created_at_ms INTEGER NOT NULL,
            expires_at_ms INTEGER,
            revoked_at_ms INTEGER,
            rotated_at_ms INTEGER,
            overlap_until_ms INTEGER,
            last_used_at_ms INTEGER,
            digest BLOB NOT NULL,
            previous BLOB
        )
        """
    )


_AUDIT_TRIGGERS: Final = (
    # Also against INSERT OR REPLACE, which is no DELETE to a trigger.
    """
    CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
    WHEN NEW.sequence IS NOT 1 + coalesce((SELECT sequence FROM audit_head), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END
    """,
    """
    CREATE TRIGGER audit_moves_its_head AFTER INSERT ON audit
    BEGIN INSERT OR REPLACE INTO audit_head VALUES (1, NEW.sequence, NEW.hash); END
    """,
    """
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END
    """,
    """
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END
    """,
)


@STEPS(name="0006_audit")
def _audit(database: Database) -> None:
    """The audit record, which begins with what there is; nobody changes it by mistake.

    Whoever means to can drop these triggers: against that there are the hashes.
    """
    database.execute(
        """
        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY,
            time_ms INTEGER NOT NULL,
            who TEXT NOT NULL,
            what TEXT NOT NULL,
            list TEXT,
            version_before INTEGER,
            version_after INTEGER,
            change TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL
        )
        """
    )
    database.execute(
        """
        CREATE TABLE audit_head (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            sequence INTEGER NOT NULL,
            hash TEXT NOT NULL
        )
        """
    )
    for trigger in _AUDIT_TRIGGERS:
        database.execute(trigger)
    trail.begin(database)


@STEPS(name="0007_jobs")
def _jobs(database: Database) -> None:
    """Checks that are answered later: see ``service.store.jobs``."""
    database.execute(
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            key TEXT NOT NULL,
            scope TEXT NOT NULL,
            boot TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'expired')),
            created_at_ms INTEGER NOT NULL,
            started_at_ms INTEGER,
            ended_at_ms INTEGER,
            expires_at_ms INTEGER,
            callback TEXT,
            delivery TEXT NOT NULL CHECK (delivery IN ('none', 'waiting', 'sent', 'failed')),
            tries INTEGER NOT NULL DEFAULT 0,
            next_try_at_ms INTEGER,
            answer TEXT
        ) WITHOUT ROWID
        """
    )
    database.execute("CREATE INDEX jobs_by_state ON jobs (state, boot)")
    database.execute(
        "CREATE INDEX jobs_by_next_try ON jobs (next_try_at_ms) WHERE next_try_at_ms IS NOT NULL"
    )


@STEPS(name="0008_idempotency")
def _idempotency(database: Database) -> None:
    """Requests that may be sent twice and count once: see ``service.store.idempotency``."""
    database.execute(
        """
        CREATE TABLE requests (
            key TEXT NOT NULL,
            route TEXT NOT NULL,
            token TEXT NOT NULL,
            parameters TEXT NOT NULL,
            salt BLOB NOT NULL,
            boot TEXT NOT NULL,
            expires_at_ms INTEGER NOT NULL,
            status INTEGER,
            headers TEXT,
            body_digest BLOB,
            body BLOB,
            PRIMARY KEY (key, route, token)
        ) WITHOUT ROWID
        """
    )
    database.execute("CREATE INDEX requests_by_end ON requests (expires_at_ms)")


@STEPS(name="0009_standing")
def _standing(database: Database) -> None:
    """Whether checks look at a reference, and until when."""
    database.execute('ALTER TABLE "references" ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1')
    database.execute('ALTER TABLE "references" ADD COLUMN expires_at_ms INTEGER')
    database.execute(
        """
        CREATE INDEX references_by_expiry ON "references" (list_id, expires_at_ms)
        WHERE expires_at_ms IS NOT NULL
        """
    )


def require_ours(database: Database) -> None:
    """Raise StoreError for a newer schema or another program's file, before writing to it."""
    # One moment for all reads: another process may be making the file.
    database.execute("BEGIN")
    applied = {step.name for step in STEPS.applied(database)}
    tables = database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    database.rollback()
    with Database(memory=True, execute_plugins=False) as nothing:
        unknown = sorted(applied - {step.name for step in STEPS.pending(nothing)})
    if unknown:
        raise StoreError(
            f"the database was made by a newer recirc (it has {unknown[0]}); "
            "update recirc, or choose another file with --db"
        )
    if tables and not applied:
        raise StoreError("the file is a database of another program; choose another file with --db")


def bring_up_to_date(database: Database) -> None:
    """Apply the steps that the database does not have, all or none."""
    if STEPS.pending(database):
        # Locked before STEPS looks again: two processes may make the file at once.
        database.execute("BEGIN IMMEDIATE")
        STEPS.apply(database)
        database.commit()
