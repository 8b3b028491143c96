"""Lists in memory: they follow the store without a new index, and begin from a file."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing import buckets, segments
from hashing.fingerprint import Fingerprint
from hashing.reference import Policy, Reference
from hashing.verdict import DEFAULT_POLICY
from service import locks, snapshots
from service.loading import LoadedList, Loader
from service.store.base import Expiry
from tests.fingerprints import of, track, walk
from tests.memory_store import MemoryStore

FRAMES = 20
Work = Callable[[], None]


def footage(seed: int) -> Fingerprint:
    """Moving pictures, others for each seed."""
    return of([track(walk(seed, FRAMES, 20), step_ms=250)])


def reference(seed: int, label: str | None = None) -> Reference:
    return Reference(f"r{seed}", label, None, footage(seed))


def at_once(work: Work) -> None:
    work()


def load(loader: Loader, store: MemoryStore, name: str = "a") -> LoadedList:
    return loader.load(name, store.versions()[name])


def found(loaded: LoadedList, seed: int) -> list[tuple[str, str | None]]:
    """Ids and labels of the references in which a clip is found."""
    clip = footage(seed)
    return [
        loaded.references[one.reference][:2]
        for one in loaded.index.match(clip, 1e4, DEFAULT_POLICY)
    ]


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.add("a", [reference(1), reference(2)])
    return made


def test_what_is_added_goes_beside_what_is_there(store: MemoryStore) -> None:
    loader = Loader(store, None)
    before = load(loader, store)
    store.add("a", [reference(3)])
    after = load(loader, store)

    assert after.held[0].shelf is before.held[0].shelf
    assert [len(one.shelf.entries) for one in after.held] == [2, 1]
    assert [found(after, seed) for seed in (1, 2, 3)] == [[(f"r{n}", None)] for n in (1, 2, 3)]
    assert found(before, 3) == []  # who searches goes on with what it has
    assert after.index.frames == 3 * FRAMES


def test_what_is_removed_is_not_found(store: MemoryStore) -> None:
    loader = Loader(store, None)
    before = load(loader, store)
    store.remove("a", ["r1"])
    after = load(loader, store)

    assert after.held[0].shelf is before.held[0].shelf
    assert (found(after, 1), found(after, 2)) == ([], [("r2", None)])
    assert found(before, 1) == [("r1", None)]
    assert after.index.frames == FRAMES


@pytest.mark.parametrize("from_file", [False, True], ids=["running", "from a file"])
def test_what_is_removed_takes_no_room_from_what_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, from_file: bool
) -> None:
    """A dozen copies of one video, of which all but the last are removed."""
    monkeypatch.setattr(segments, "FLAT_FRAMES", 0)
    monkeypatch.setattr(buckets, "MOST_ROWS_A_QUERY", 8)
    store = MemoryStore()
    copies = [replace(footage(1), duration_ms=number) for number in range(12)]
    store.add("a", [Reference(f"r{n}", None, None, one) for n, one in enumerate(copies, 10)])
    loader = kept(store, tmp_path)
    load(loader, store)
    store.remove("a", [f"r{number}" for number in range(10, 21)])

    assert found(load(kept(store, tmp_path) if from_file else loader, store), 1) == [("r21", None)]


def test_what_is_disabled_is_not_found_until_it_is_enabled(store: MemoryStore) -> None:
    loader = Loader(store, None)
    load(loader, store)
    store.set_standing("a", ["r1"], enabled=False)
    assert (found(load(loader, store), 1), found(load(loader, store), 2)) == ([], [("r2", None)])

    store.set_standing("a", ["r1"], enabled=True)
    assert found(load(loader, store), 1) == [("r1", None)]


@pytest.mark.parametrize("with_file", [False, True], ids=["in memory", "from a file"])
def test_what_expires_is_not_found_from_then_on(tmp_path: Path, *, with_file: bool) -> None:
    """Without any change in the store: its version stays."""
    now_ms = [0]
    store = MemoryStore(lambda: now_ms[0])
    store.add("a", [reference(1), reference(2)])
    store.set_standing("a", ["r1"], expires=Expiry(50))
    folder = tmp_path if with_file else None

    def loader() -> Loader:
        return Loader(store, folder, snapshot_frames=1, clock=lambda: now_ms[0])

    running = loader()
    for used in (running, loader()):
        assert found(load(used, store), 1) == [("r1", None)]
    now_ms[0] = 50
    for used in (running, loader()):
        assert found(load(used, store), 1) == []
        assert found(load(used, store), 2) == [("r2", None)]
    now_ms[0] = 49  # somebody puts the clock right
    for used in (running, loader()):
        assert found(load(used, store), 1) == [("r1", None)]
        assert found(load(used, store), 2) == [("r2", None)]


def test_labels_and_policies_are_followed(store: MemoryStore) -> None:
    loader = Loader(store, None)
    load(loader, store)
    store.update_reference("a", "r1", label="told", incident=None)
    store.update_list("a", policy=Policy.ALLOW, source=None, false_alarms_per_100k=None)
    after = load(loader, store)

    assert found(after, 1) == [("r1", "told")]
    assert after.info.policy is Policy.ALLOW
    assert after.index.frames == 2 * FRAMES


def test_a_list_that_was_deleted_and_made_anew_is_another(store: MemoryStore) -> None:
    loader = Loader(store, None)
    load(loader, store)
    store.delete_list("a")
    store.add("a", [reference(2)])
    after = load(loader, store)

    assert (found(after, 1), found(after, 2)) == ([], [("r2", None)])


def test_nothing_is_read_again_while_nothing_changes(store: MemoryStore) -> None:
    loader = Loader(store, None)
    first = load(loader, store)
    version = store.versions()["a"]
    store.close()

    assert loader.load("a", version) is first


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=24))
def test_following_gives_what_a_new_index_gives(steps: list[tuple[bool, int]]) -> None:
    """Whatever is added and removed, and however often shelves are joined on the way."""
    store = MemoryStore()
    store.create_list("a", policy=Policy.BLOCK)
    loader = Loader(store, None, run=at_once)
    for is_added, seed in steps:
        if is_added:
            store.add("a", [reference(seed)])
        else:
            store.remove("a", [f"r{seed}"])
        load(loader, store)
    followed, anew = load(loader, store), load(Loader(store, None), store)

    assert followed.index.frames == anew.index.frames
    for seed in range(1, 5):
        assert found(followed, seed) == found(anew, seed)


def test_shelves_are_joined_beside_the_checks_and_nothing_is_lost(store: MemoryStore) -> None:
    """What is added and removed while they are being joined counts at once, and after."""
    waiting: list[Work] = []
    loader = Loader(store, None, run=waiting.append)
    for seed in range(3, 12):
        store.add("a", [reference(seed)])
        many = load(loader, store)
    assert len(many.held) > 8
    assert waiting

    store.remove("a", ["r1", "r5"])
    store.add("a", [reference(20)])
    meanwhile = load(loader, store)
    before = [found(meanwhile, seed) for seed in (1, 2, 5, 6, 20, 21)]
    assert len(waiting) == 1  # what comes meanwhile begins no second one
    waiting.pop()()
    joined = load(loader, store)

    assert len(joined.held) < len(meanwhile.held)
    assert [found(joined, seed) for seed in (1, 2, 5, 6, 20, 21)] == before
    assert found(joined, 5) == []
    assert found(joined, 20) == [("r20", None)]


def test_a_list_of_which_much_is_removed_is_made_anew(store: MemoryStore, tmp_path: Path) -> None:
    """Its hashes go from memory and file; a file of a list that is short by now goes itself."""
    store.add("a", [reference(seed) for seed in range(3, 11)])
    loader = Loader(store, tmp_path, snapshot_frames=5 * FRAMES, run=at_once)
    load(loader, store)
    removed = footage(3).tracks[0].hashes.tobytes()
    (file,) = tmp_path.iterdir()
    assert removed in file.read_bytes()

    store.remove("a", ["r3", "r4"])
    load(loader, store)  # a fifth
    assert removed in file.read_bytes()
    store.remove("a", ["r5"])
    load(loader, store)

    after = load(loader, store)
    assert [len(one.shelf.entries) for one in after.held] == [7]
    assert [found(after, seed) for seed in (3, 5, 6)] == [[], [], [("r6", None)]]
    assert removed not in file.read_bytes()

    store.remove("a", ["r6", "r7", "r8"])
    load(Loader(store, tmp_path, snapshot_frames=5 * FRAMES), store)
    assert not file.exists()


def kept(store: MemoryStore, folder: Path) -> Loader:
    """A loader of a new process that keeps every list in a file."""
    return Loader(store, folder, snapshot_frames=1, run=at_once)


def test_a_new_process_begins_from_the_file_and_reads_what_came_since(
    store: MemoryStore, tmp_path: Path
) -> None:
    for seed in range(30, 40):
        store.add("a", [reference(seed)])
    load(kept(store, tmp_path), store)
    store.add("a", [reference(3)])
    store.remove("a", ["r1"])
    loaded = load(kept(store, tmp_path), store)

    assert [len(one.shelf.entries) for one in loaded.held] == [12, 1]
    assert not loaded.held[0].shelf.part.segments[0].columns.hashes.flags.writeable  # mapped
    assert [found(loaded, seed) for seed in (1, 2, 3)] == [[], [("r2", None)], [("r3", None)]]


def test_where_much_came_since_the_file_is_written_anew(store: MemoryStore, tmp_path: Path) -> None:
    load(kept(store, tmp_path), store)
    store.add("a", [reference(3)])
    load(kept(store, tmp_path), store)
    shelf, mark = snapshots.read(snapshots.path_of(tmp_path, "a"))

    assert [name for name, *_ in shelf.entries] == ["r1", "r2", "r3"]
    assert mark.version == store.versions()["a"]


def test_a_short_list_is_not_kept_in_a_file(store: MemoryStore, tmp_path: Path) -> None:
    load(Loader(store, tmp_path, snapshot_frames=2 * FRAMES + 1), store)

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_told_and_made_anew(
    store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(kept(store, tmp_path), store)
    path = snapshots.path_of(tmp_path, "a")
    sound = path.read_bytes()
    hashes = footage(1).tracks[0].hashes.tobytes()
    path.write_bytes(sound.replace(hashes, bytes(len(hashes))))
    with caplog.at_level(logging.WARNING):
        loaded = load(kept(store, tmp_path), store)

    assert "list a" in caplog.text
    assert "checksum" in caplog.text
    assert found(loaded, 1) == [("r1", None)]
    assert path.read_bytes() == sound


def test_a_file_of_another_state_is_told_and_made_anew(
    store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a database was restored from a copy: same name, same version, other content."""
    load(kept(store, tmp_path), store)
    other = MemoryStore()
    other.add("a", [reference(2)])
    with caplog.at_level(logging.WARNING):
        loaded = load(kept(other, tmp_path), other)

    assert "another state" in caplog.text
    assert (found(loaded, 1), found(loaded, 2)) == ([], [("r2", None)])


def test_where_no_file_can_be_written_lists_are_loaded_all_the_same(
    store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        loaded = load(kept(store, taken), store)

    assert "not kept in a file" in caplog.text
    assert found(loaded, 1) == [("r1", None)]


def test_the_files_of_lists_that_are_no_more_are_deleted(
    store: MemoryStore, tmp_path: Path
) -> None:
    store.add("b", [reference(3)])
    loader = kept(store, tmp_path)
    load(loader, store)
    load(loader, store, "b")
    loader.forget_all_but(frozenset({"a", "b"}))
    store.delete_list("b")
    loader.forget_all_but(frozenset(store.versions()))
    assert [path.stem for path in tmp_path.iterdir()] == ["a"]

    kept(store, tmp_path).forget_all_but(frozenset())  # of a process that never loaded it
    assert list(tmp_path.iterdir()) == []


def test_what_dead_processes_left_half_written_is_deleted(
    store: MemoryStore, tmp_path: Path
) -> None:
    dead, alive = tmp_path / "a.rcindexdead.partial", tmp_path / "gone.rcindexlive.partial"
    dead.write_bytes(b"half an index")
    with alive.open("wb") as written:
        assert locks.lock(written.fileno())
        kept(store, tmp_path).forget_all_but(frozenset(store.versions()))
        assert list(tmp_path.iterdir()) == [alive]

    kept(store, tmp_path).forget_all_but(frozenset(store.versions()))
    assert list(tmp_path.iterdir()) == []


def test_an_equal_index_is_found_from_a_file(store: MemoryStore, tmp_path: Path) -> None:
    loader = kept(store, tmp_path)
    made = load(loader, store)
    read = load(kept(store, tmp_path), store)

    assert made.references == read.references
    assert np.array_equal(made.index._durations_ms, read.index._durations_ms)
    assert np.array_equal(made.index._stills, read.index._stills)
