"""The audit record in the file: what it stands, and what of tampering is seen."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from hashing.reference import Policy, Reference
from service import audit, issuing
from service.audit import Head
from service.callers import Scope
from service.errors import AuditBroken
from service.store.migrations import STEPS
from service.store.sqlite import SqliteStore
from tests.fingerprints import video

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a record of eight entries."""
    made = tmp_path / "lists.sqlite3"
    with closing(SqliteStore(made, clock=lambda: 5000)) as store:
        store.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in (1, 2)])
        store.remove("a", ["r1"])
        store.create_list("b", policy=Policy.ALLOW)
        issued = issuing.create(store, "a name", Scope.CHECK)
        issuing.rotate(store, issued.info.id)
        issuing.revoke(store, issued.info.id)
    return made


def verified(path: Path, known_head: str | None = None) -> Head:
    with closing(SqliteStore(path)) as store, store.audit.whole() as whole:
        return audit.verify(whole, known_head=known_head)


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file past recirc; what is done is committed at once."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_it_is_whole_after_opening_again(path: Path) -> None:
    assert verified(path).sequence == 8


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE audit SET who = 'somebody' WHERE sequence = 3",
        "UPDATE audit SET hash = hash",
        "DELETE FROM audit WHERE sequence = 8",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT 3, time_ms, who, what, list, version_before, version_after, "
        "change, previous, hash FROM audit WHERE sequence = 3",
        "INSERT OR REPLACE INTO audit SELECT 3, time_ms, 'somebody', what, list, version_before, "
        "version_after, change, previous, hash FROM audit WHERE sequence = 3",
        "INSERT INTO audit SELECT 10, time_ms, who, what, list, version_before, version_after, "
        "change, previous, hash FROM audit WHERE sequence = 3",
    ],
)
def test_nobody_changes_it_by_mistake(raw: sqlite3.Connection, path: Path, deed: str) -> None:
    before = verified(path)

    with pytest.raises(sqlite3.IntegrityError, match=r"only added to|UNIQUE"):
        raw.execute(deed)

    assert verified(path) == before


_SWAP = """
UPDATE audit SET sequence = -1 WHERE sequence = 3;
UPDATE audit SET sequence = 3 WHERE sequence = 4;
UPDATE audit SET sequence = 4 WHERE sequence = -1;
"""
TAMPERING = {
    "an edited entry": ("UPDATE audit SET who = 'somebody' WHERE sequence = 4", "entry 4 was"),
    "an edited time": ("UPDATE audit SET time_ms = time_ms + 1 WHERE sequence = 2", "entry 2 was"),
    "a change of another type": (
        "UPDATE audit SET change = CAST(change AS BLOB) WHERE sequence = 5",
        "entry 5 was",
    ),
    "a change that is no JSON": ("UPDATE audit SET change = '{' WHERE sequence = 5", "entry 5 was"),
    "nothing in a column": ("UPDATE audit SET list = NULL WHERE sequence = 2", "entry 2 was"),
    "a deleted entry": ("DELETE FROM audit WHERE sequence = 5", "entry 5 is missing"),
    "a deleted beginning": ("DELETE FROM audit WHERE sequence = 1", "entry 1 is missing"),
    "all deleted": ("DELETE FROM audit", "entry 1 is missing"),
    "all deleted, the head too": (
        "DELETE FROM audit; DELETE FROM audit_head",
        "entry 1 is missing",
    ),
    "cut off": ("DELETE FROM audit WHERE sequence > 6", "ends at entry 6, and its head says 8"),
    "cut off, the head after it": (
        "DELETE FROM audit WHERE sequence > 6; UPDATE audit_head SET sequence = 6, "
        "hash = (SELECT hash FROM audit WHERE sequence = 6)",
        "key ",
    ),
    "two entries swapped": (_SWAP, "entry 3 was changed|entry 3 does not follow"),
    "an entry put in": (
        "UPDATE audit SET sequence = -sequence WHERE sequence > 4;"
        "INSERT INTO audit SELECT 5, time_ms, who, what, list, version_before, version_after, "
        "change, previous, hash FROM audit WHERE sequence = 4;"
        "UPDATE audit SET sequence = 1 - sequence WHERE sequence < 0",
        "entry 5 ",
    ),
    "the head removed": ("DELETE FROM audit_head", "its head says 0"),
    "a list changed past it": ("UPDATE lists SET version = 9 WHERE name = 'a'", "list a is not"),
    "a list deleted past it": ("DELETE FROM lists WHERE name = 'b'", "list b is not"),
    "a key not revoked": ("UPDATE keys SET revoked_at_ms = NULL", "key [0-9a-f]{12} is not"),
    "a key raised": ("UPDATE keys SET scope = 'admin'", "key [0-9a-f]{12} is not"),
    "a key's secret replaced": ("UPDATE keys SET digest = randomblob(32)", "key [0-9a-f]{12} is"),
    "a second secret put in": ("UPDATE keys SET previous = randomblob(32)", "key [0-9a-f]{12} is"),
    "an old secret good for longer": (
        "UPDATE keys SET overlap_until_ms = 9999999999999",
        "key [0-9a-f]{12} is",
    ),
    "a key of one's own": (
        "INSERT INTO keys (id, name, scope, created_at_ms, digest) VALUES ('x', '', 'admin', 0, 0)",
        "key x is not",
    ),
}


@pytest.mark.parametrize(
    ("script", "said"), [pytest.param(*row, id=name) for name, row in TAMPERING.items()]
)
def test_tampering_past_the_triggers_is_seen(
    raw: sqlite3.Connection, path: Path, script: str, said: str
) -> None:
    for (trigger,) in raw.execute(TRIGGERS).fetchall():
        raw.execute(f"DROP TRIGGER {trigger}")
    raw.executescript(script)

    with pytest.raises(AuditBroken, match=said):
        verified(path)


def test_an_earlier_copy_of_the_database_is_seen_by_a_head_that_was_kept(
    path: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copy.sqlite3"
    shutil.copy(path, copied)
    with closing(SqliteStore(path)) as store:
        store.delete_list("b")
    head = verified(path)

    assert verified(path, head.hash) == head
    assert verified(copied).sequence == 8
    with pytest.raises(AuditBroken, match="the hash that you kept"):
        verified(copied, head.hash)


def test_a_database_from_before_begins_its_record_with_what_it_has(tmp_path: Path) -> None:
    """As a database of step 4 and one of step 5, which had keys and no record."""
    path = tmp_path / "old.sqlite3"
    with closing(SqliteStore(path)) as store:
        store.add("a", [Reference("r1", None, None, video(1))])
        key_id = issuing.create(store, "a name", Scope.CURATE).info.id
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.executescript("DROP TABLE audit; DROP TABLE audit_head")
        raw.execute("DELETE FROM _sqlite_migrations WHERE name = '0006_audit'")

    with closing(SqliteStore(path)) as store:
        (entry,) = store.audit.entries()
        store.keys.revoke(key_id)
        store.delete_list("a")

    change = json.loads(entry.change)
    (*facts, proof), *others = change["keys"].values()
    assert (change["lists"], [*change["keys"]], others) == ({"a": 2}, [key_id], [])
    assert (facts, len(proof)) == (["curate", None, False], 64)
    assert verified(path).sequence == 3


def test_no_two_records_begin_alike(tmp_path: Path) -> None:
    beginnings = set()
    for name in ("a", "b"):
        with closing(SqliteStore(tmp_path / name, clock=lambda: 5000)) as store:
            beginnings.add(store.audit.head().hash)

    assert len(beginnings) == 2


def test_the_steps_are_in_order_of_their_numbers() -> None:
    with Database(memory=True, execute_plugins=False) as nothing:
        names = [step.name for step in STEPS.pending(nothing)]

    assert names == sorted(names)
    assert {"0005_keys", "0006_audit"} <= set(names)


_WRITER = """
import sys
from pathlib import Path
from hashing.reference import Policy
from service.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]), busy_timeout_ms=60_000).by(f"cli:{sys.argv[2]}")
for number in range(25):
    store.create_list(f"l{sys.argv[2]}-{number}", policy=Policy.BLOCK)
"""


def test_processes_write_one_record(tmp_path: Path) -> None:
    path = tmp_path / "lists.sqlite3"
    root = Path(__file__).parents[3]
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(name)], cwd=root)  # noqa: S603
        for name in range(3)
    ]

    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert verified(path).sequence == 76
