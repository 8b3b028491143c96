"""What the store in a file must stand: other processes, kill -9, a full disk, other files."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from hashing.fingerprint import Fingerprint, Kind
from hashing.reference import Policy, Reference
from service import audit
from service.errors import StoreError
from service.store import rows
from service.store.base import ListInfo
from service.store.migrations import STEPS
from service.store.sqlite import SqliteStore, now_ms
from tests.fingerprints import video

R1, R2 = (Reference(f"r{seed}", f"label of r{seed}", None, video(seed)) for seed in (1, 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "down" / "lists.sqlite3"


def test_what_was_added_is_there_after_opening_again(path: Path) -> None:
    first = SqliteStore(path)
    first.add("a", [R1, R2])
    first.close()
    second = SqliteStore(path)

    assert list(second.fingerprints("a")) == [R1, R2]
    assert second.versions() == {"a": 2}
    second.close()


def test_the_files_are_for_their_owner_alone(path: Path) -> None:
    store = SqliteStore(path)
    store.add("a", [R1])

    modes = {each.name: oct(each.stat().st_mode & 0o777) for each in path.parent.iterdir()}
    store.close()

    assert modes == {
        "lists.sqlite3": "0o600",
        "lists.sqlite3-wal": "0o600",
        "lists.sqlite3-shm": "0o600",
    }
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


@pytest.mark.skipif(sys.platform != "linux", reason="open files are seen in /proc")
@pytest.mark.parametrize("from_start", [True, False], ids=["all", "what changed"])
def test_fingerprints_that_are_read_go_to_no_temporary_file(
    path: Path, *, from_start: bool
) -> None:
    """SQLite sorts more than a few megabytes in a file of its own."""
    with closing(SqliteStore(path)) as store:
        empty = store.create_list("a", policy=Policy.BLOCK)
        with store.changes("a", None) as changes:
            mark = changes.mark if changes else None
        store.add("a", (Reference(f"r{seed}", None, None, video(seed, 2000)) for seed in range(80)))
        with store.changes("a", None if from_start else mark) as changes:
            assert changes is not None
            first = next(changes.added)
            opened = [
                os.readlink(one.path) for one in os.scandir("/proc/self/fd") if one.is_symlink()
            ]
            left = sum(1 for _ in changes.added)

    assert (first.id, left, empty.references) == ("r0", 79, 0)
    assert not [one for one in opened if "etilqs" in one]


def test_the_connection_keeps_what_it_promises(path: Path) -> None:
    store = SqliteStore(path)
    with store._connections.reading() as database:
        found = {
            name: database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "trusted_schema",
                "secure_delete",
                "busy_timeout",
            )
        }
    store.close()

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "secure_delete": 1,
        "busy_timeout": 10_000,
    }


def test_removed_hashes_do_not_stay_in_the_file(path: Path) -> None:
    store = SqliteStore(path)
    secret = Reference("r1", "a label to be forgotten", None, video(1, 200))
    store.add("a", [secret, R2])
    store.remove("a", ["r1"])
    store.close()  # the last one to close empties the write-ahead log into the file

    assert b"a label to be forgotten" not in path.read_bytes()


def test_the_system_clock_counts_milliseconds_since_1970() -> None:
    assert 1_700_000_000_000 < now_ms() < 4_000_000_000_000


# Light on imports, because each process pays for them: no pytest, no Hypothesis.
START = """
import resource, sys
from pathlib import Path
import numpy as np
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.reference import Reference
from hashing.views import View
from service.errors import StoreError
from service.store.sqlite import SqliteStore

def reference(seed):
    random = np.random.default_rng(seed)
    times_ms, hashes = np.arange(3) * 40, random.integers(0, 256, (3, 32), np.uint8)
    columns = (times_ms, times_ms * 0, np.full(3, 90, np.uint8), hashes)
    track = Track(PHASH, View.AS_IS, 0, *columns)
    return Reference(f"r{seed}", None, None, Fingerprint(Kind.VIDEO, 120, (track,)))
"""


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python of its own that runs START and the script."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", START + script, *map(str, arguments)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


IMPORT = """
def batch():
    for number in range(3000):
        if number == int(sys.argv[2]):
            print("here", flush=True)
            sys.stdin.read()  # for ever: the parent kills this process
        yield reference(number)
store = SqliteStore(Path(sys.argv[1]))
store.add("before", [reference(1)])
store.add("a", batch())
print("done", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("stop_at", "kept"),
    [
        pytest.param(0, 0, id="before the first"),
        pytest.param(2999, 0, id="before the last"),
        pytest.param(3000, 3000, id="after add came back"),
    ],
)
def test_kill_9_leaves_all_of_a_batch_or_nothing(path: Path, stop_at: int, kept: int) -> None:
    with run(IMPORT, path, stop_at) as process:
        assert process.stdout is not None
        assert process.stdout.readline() in {"here\n", "done\n"}
        process.kill()

    store = SqliteStore(path)
    assert store.get_list("before").references == 1
    if kept:
        assert store.get_list("a").references == kept
    else:
        assert [each.name for each in store.lists()] == ["before"]
    assert store.add("a", [R2]).added == (() if kept else ("r2",))  # and it can be written to
    with store.audit.whole() as whole:
        assert audit.verify(whole).sequence == 5  # the beginning; both lists, made and added to
    store.close()


FULL = """
path, limit_bytes = Path(sys.argv[1]), int(sys.argv[2])
store = SqliteStore(path)
store.add("a", [reference(1)])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
try:
    store.add("b", (reference(number) for number in range(3000)))
except StoreError as problem:
    print(problem.line())
"""


def test_a_full_disk_is_a_store_error_and_changes_nothing(path: Path) -> None:
    with run(FULL, path, 200_000) as process:
        output, errors = process.communicate(timeout=60)

    assert output.startswith("store_error: "), errors
    assert "nothing was changed" in output
    assert output.count("\n") == 1
    store = SqliteStore(path)
    assert [(each.name, each.references) for each in store.lists()] == [("a", 1)]
    store.close()


def test_processes_may_make_the_file_at_once(path: Path) -> None:
    script = """
store = SqliteStore(Path(sys.argv[1]), busy_timeout_ms=60_000)  # one of them may stand still
seed = int(sys.argv[2])
store.add("a", [reference(seed)])
"""
    processes = [run(script, path, seed) for seed in range(4)]
    for process in processes:
        with process:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors

    store = SqliteStore(path)
    assert (store.get_list("a").references, store.versions()) == (4, {"a": 5})
    store.close()


def test_a_writer_waits_only_for_so_long(path: Path) -> None:
    store = SqliteStore(path, busy_timeout_ms=50)
    store.create_list("b", policy=Policy.BLOCK)

    def slow() -> Iterator[Reference]:
        assert store.lists()  # readers do not wait
        with pytest.raises(StoreError, match="locked; another process is writing; try again"):
            store.add("b", [R2])
        yield R1

    assert store.add("a", slow()).added == ("r1",)
    assert store.versions() == {"a": 2, "b": 1}
    store.close()


def test_a_file_of_the_first_schema_is_brought_up_to_date(path: Path) -> None:
    """Lists, references and versions stay; no list gets limits that nobody set."""
    path.parent.mkdir(parents=True)
    with closing(Database(path)) as database:
        STEPS.apply(database, stop_before="0002_false_alarms")
        database.execute("INSERT INTO lists VALUES (1, 'a', 'allow', 'them', 1000, 7)")
        first = rows.INSERT.replace(", version)", ")").partition(", (SELECT version")[0] + ")"
        database.execute(first, rows.insert(1, R1, 1001)[:-1])
        database.conn.commit()

    store = SqliteStore(path)
    with store.changes("a", None) as changes:
        assert changes is not None
        assert (changes.mark.version, list(changes.added)) == (7, [R1])
    assert store.lists() == [ListInfo("a", Policy.ALLOW, "them", None, 1000, 7, 1)]
    assert list(store.fingerprints("a")) == [R1]
    changed = store.update_list("a", policy=Policy.BLOCK, source="them", false_alarms_per_100k=0.5)
    store.close()

    again = SqliteStore(path)
    assert again.lists() == [changed]
    assert (changed.false_alarms_per_100k, changed.version) == (0.5, 8)
    again.close()


def broken_file(path: Path) -> None:
    path.write_bytes(b"this is no database " * 500)


def other_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.close()


def newer_schema(path: Path) -> None:
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('recirc', '9999_tomorrow', '')"
    )
    connection.commit()
    connection.close()


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(broken_file, "file is not a database; choose another", id="no database"),
        pytest.param(other_program, "database of another program", id="another program's"),
        pytest.param(newer_schema, "newer recirc (it has 9999_tomorrow)", id="newer schema"),
        pytest.param(folder, "Is a directory", id="a folder"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(
    path: Path, make: Callable[[Path], None], why: str
) -> None:
    path.parent.mkdir(parents=True)
    make(path)

    with pytest.raises(StoreError) as raised:
        SqliteStore(path)

    assert why in str(raised.value)


def test_a_file_of_another_program_is_left_as_it_was(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other_program(path)
    before = path.read_bytes()

    with pytest.raises(StoreError):
        SqliteStore(path)

    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_store_error(path: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file where a folder should be")

    with pytest.raises(StoreError, match="check the folder's permissions"):
        SqliteStore(path)


def test_a_damaged_blob_is_an_error_and_not_a_miss(path: Path) -> None:
    store = SqliteStore(path)
    store.add("a", [R1, R2])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE \"references\" SET fingerprint = x'00' WHERE id = 'r2'")
    connection.commit()
    connection.close()

    with pytest.raises(StoreError, match="reference r2 is damaged"):
        list(store.fingerprints("a"))
    with pytest.raises(StoreError, match="reference r2 is damaged"):
        store.get_reference("a", "r2")

    assert store.get_reference("a", "r1") == R1
    store.close()


def test_ten_thousand_references_take_seconds(path: Path) -> None:
    """A limit that only another kind of algorithm breaks: one transaction each takes minutes."""
    store = SqliteStore(path)
    made = video(0, 1)
    many = (
        Reference(f"r{n}", None, None, Fingerprint(Kind.VIDEO, n, made.tracks))
        for n in range(10_000)
    )

    assert len(store.add("a", many).added) == 10_000
    store.close()
