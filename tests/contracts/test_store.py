"""What every store promises, run over all of them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hashing.errors import BadFingerprint
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind
from hashing.patch_track import PatchTrack
from hashing.reference import BadName, Policy, Reference
from service.errors import BadPolicy, ListExists, ListNotFound, ReferenceNotFound, StoreError
from service.store.base import (
    AddResult,
    Expiry,
    Mark,
    RemoveResult,
    Standing,
    StandingResult,
    Store,
)
from service.store.sqlite import SqliteStore
from tests.fingerprints import FOREIGN, of, random_hashes, track, video
from tests.memory_store import MemoryStore
from tests.patches import random_track

Clock = Callable[[], int]


def ticking() -> Clock:
    """A clock that shows 1000, 1001, 1002 ... ms."""
    times = iter(range(1000, 10**9))
    return lambda: next(times)


def in_memory(_: Path, clock: Clock) -> Store:
    return MemoryStore(clock)


def in_sqlite(folder: Path, clock: Clock) -> Store:
    return SqliteStore(folder / "new" / "lists.sqlite3", clock=clock)


@pytest.fixture(params=[in_memory, in_sqlite], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    make: Callable[[Path, Clock], Store] = request.param
    made = make(tmp_path, ticking())
    yield made
    made.close()


class Timed:
    """A store, and the time that it takes it to be."""

    def __init__(self, make: Callable[[Path, Clock], Store], folder: Path) -> None:
        self.now_ms = 1000
        self.store = make(folder, lambda: self.now_ms)


@pytest.fixture(params=[in_memory, in_sqlite], ids=["memory", "sqlite"])
def timed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Timed]:
    made = Timed(request.param, tmp_path)
    yield made
    made.store.close()


def reference(name: str, seed: int) -> Reference:
    return Reference(name, f"label of {name}", None, video(seed))


R1, R2, R3 = reference("r1", 1), reference("r2", 2), reference("r3", 3)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.lists() == []
    assert store.versions() == {}


def test_a_created_list_is_shown(store: Store) -> None:
    made = store.create_list("b", policy=Policy.ALLOW, source="the office")
    store.create_list("a", policy=Policy.BLOCK)

    assert (made.name, made.policy, made.source) == ("b", Policy.ALLOW, "the office")
    assert (made.created_at_ms, made.version, made.references) == (1000, 1, 0)
    assert store.get_list("b") == made
    assert [each.name for each in store.lists()] == ["a", "b"]
    assert store.get_list("a").source is None


def test_a_list_is_not_created_twice(store: Store) -> None:
    store.create_list("a", policy=Policy.BLOCK)

    with pytest.raises(ListExists):
        store.create_list("a", policy=Policy.ALLOW)

    assert store.get_list("a").policy is Policy.BLOCK


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("A", id="capital"),
        pytest.param("-a", id="like an option"),
        pytest.param("a/b", id="slash"),
        pytest.param("a\n", id="line feed"),
        pytest.param("é", id="accent"),
        pytest.param("a" * 65, id="too long"),
    ],
)
def test_a_bad_list_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadName):
        store.create_list(name, policy=Policy.BLOCK)
    with pytest.raises(BadName):
        store.add(name, [R1])

    assert store.lists() == []


def test_a_bad_source_is_refused(store: Store) -> None:
    with pytest.raises(BadName):
        store.create_list("a", policy=Policy.BLOCK, source="")
    with pytest.raises(BadName):
        store.add("a", [R1], source="two\nlines")
    store.add("a", [R1])
    with pytest.raises(BadName):
        store.update_list("a", policy=Policy.BLOCK, source=" ", false_alarms_per_100k=None)

    assert store.versions() == {"a": 2}


def test_added_references_are_given_back(store: Store) -> None:
    image = Reference("p", None, "an incident", Fingerprint(Kind.IMAGE, 0, video(9).tracks))

    assert store.add("a", [R2, image, R1]) == AddResult(("r2", "p", "r1"), (), ())

    assert list(store.fingerprints("a")) == [image, R1, R2]
    assert store.get_reference("a", "p") == image
    assert store.get_list("a").references == 3


def test_a_summary_tells_all_but_the_hashes(store: Store) -> None:
    mixed = of([track(random_hashes(1, 3)), track(random_hashes(2, 2), algorithm=FOREIGN)] * 2)
    store.create_list("a", policy=Policy.BLOCK)
    store.add("a", [R1, Reference("r2", None, "an incident", mixed)])

    summary = store.get_summary("a", "r2")

    assert (summary.id, summary.label, summary.incident) == ("r2", None, "an incident")
    assert (summary.added_at_ms, summary.kind, summary.duration_ms) == (1003, Kind.VIDEO, 1000)
    assert (summary.frames, summary.digest) == (10, mixed.digest)
    assert set(summary.algorithms) == {PHASH, FOREIGN}
    assert len(summary.algorithms) == 2
    assert store.references("a") == [store.get_summary("a", "r1"), summary]


def test_references_come_in_pages(store: Store) -> None:
    names = ["A", "B-2", "_x", "a", "b.1", "b.10"]
    store.add("a", [reference(name, seed) for seed, name in enumerate(names)][::-1])

    pages = []
    page = store.references("a", limit=4)
    while page:
        pages.append([each.id for each in page])
        page = store.references("a", after_id=page[-1].id, limit=4)

    assert pages == [names[:4], names[4:]]
    assert [each.id for each in store.fingerprints("a")] == names


def test_the_same_clip_again_changes_nothing(store: Store) -> None:
    store.add("a", [R1])
    before = store.get_list("a"), store.get_summary("a", "r1")

    again = [R1, Reference("r1", "other label", None, R1.fingerprint), reference("other", 1)]
    assert store.add("a", again) == AddResult((), ("r1", "r1", "r1"), ())

    assert (store.get_list("a"), store.get_summary("a", "r1")) == before


def test_the_same_clip_twice_in_one_call_is_added_once(store: Store) -> None:
    assert store.add("a", [R1, reference("z", 1)]) == AddResult(("r1",), ("r1",), ())


def test_the_same_id_with_another_clip_is_a_conflict_and_the_rest_goes_in(store: Store) -> None:
    store.add("a", [R1])

    assert store.add("a", [reference("r1", 5), R2, reference("r2", 6)]) == AddResult(
        ("r2",), (), ("r1", "r2")
    )
    assert store.get_reference("a", "r1") == R1
    assert store.get_reference("a", "r2") == R2


def test_lists_do_not_mix(store: Store) -> None:
    store.add("a", [R1])
    store.add("b", [Reference("r1", None, None, R2.fingerprint), Reference("r9", *R1_PARTS)])
    store.remove("a", ["r1"])

    assert list(store.fingerprints("a")) == []
    assert store.get_list("b").references == 2


R1_PARTS = (R1.label, R1.incident, R1.fingerprint)


def test_an_unknown_list_is_made_only_if_wanted(store: Store) -> None:
    with pytest.raises(ListNotFound):
        store.add("a", [R1], create=False)
    assert store.lists() == []

    store.add("a", [R1], policy=Policy.ALLOW, source="them")
    store.add("a", [R2], create=False, policy=Policy.BLOCK, source="us")

    made = store.get_list("a")
    assert (made.policy, made.source, made.references) == (Policy.ALLOW, "them", 2)


def test_an_error_on_the_way_leaves_nothing(store: Store) -> None:
    def failing() -> Iterator[Reference]:
        yield R1
        yield R2
        raise BadFingerprint("the third is damaged")

    with pytest.raises(BadFingerprint):
        store.add("a", failing())
    assert store.lists() == []

    store.add("a", [R3])
    with pytest.raises(BadFingerprint):
        store.add("a", failing())
    assert list(store.fingerprints("a")) == [R3]
    assert store.versions() == {"a": 2}


def test_every_change_adds_one_to_the_version_and_nothing_else_does(store: Store) -> None:
    def version() -> int:
        assert store.versions() == {"a": store.get_list("a").version}
        return store.versions()["a"]

    store.create_list("a", policy=Policy.BLOCK)
    assert version() == 1
    store.add("a", [R1, R2])
    assert version() == 2
    store.remove("a", ["r2"])
    assert version() == 3
    store.update_list("a", policy=Policy.ALLOW, source=None, false_alarms_per_100k=None)
    assert version() == 4
    store.update_list("a", policy=Policy.ALLOW, source="x", false_alarms_per_100k=None)
    assert version() == 5
    store.update_list("a", policy=Policy.ALLOW, source="x", false_alarms_per_100k=0.01)
    assert version() == 6
    store.update_reference("a", "r1", label="new", incident=None)
    assert version() == 7

    store.add("a", [])
    store.add("a", [R1, reference("r1", 7)])
    store.remove("a", ["r2"])
    store.update_list("a", policy=Policy.ALLOW, source="x", false_alarms_per_100k=0.01)
    store.update_reference("a", "r1", label="new", incident=None)
    list(store.fingerprints("a"))
    store.references("a")
    with pytest.raises(ReferenceNotFound):
        store.update_reference("a", "r2", label="new", incident=None)
    assert version() == 7


def test_a_list_made_anew_goes_on_counting(store: Store) -> None:
    """Else an index that holds version 2 of the old list would take it for the new one."""
    for expected in (2, 4, 6):
        store.add("a", [R1])
        assert store.versions() == {"a": expected}
        store.delete_list("a")
        assert store.versions() == {}


def test_a_deleted_list_takes_its_references_with_it(store: Store) -> None:
    store.add("a", [R1])
    store.delete_list("a")
    store.create_list("a", policy=Policy.BLOCK)

    assert store.references("a") == []
    assert store.add("a", [R1]).added == ("r1",)


def test_a_references_label_can_be_changed(store: Store) -> None:
    store.add("a", [R1])

    changed = store.update_reference("a", "r1", label=None, incident="an incident")

    assert (changed.label, changed.incident) == (None, "an incident")
    assert store.get_summary("a", "r1") == changed
    assert store.get_reference("a", "r1") == Reference("r1", None, "an incident", R1.fingerprint)
    with pytest.raises(BadName):
        store.update_reference("a", "r1", label="\x1b[2J", incident=None)


def test_a_list_can_be_changed(store: Store) -> None:
    store.add("a", [R1])

    changed = store.update_list("a", policy=Policy.ALLOW, source="them", false_alarms_per_100k=0.02)

    assert (changed.policy, changed.source, changed.references) == (Policy.ALLOW, "them", 1)
    assert changed.false_alarms_per_100k == 0.02
    assert store.get_list("a") == changed
    with store.snapshot("a") as snapshot:
        assert snapshot.info == changed


def test_what_is_not_given_stays(store: Store) -> None:
    store.create_list("a", policy=Policy.BLOCK, source="us", false_alarms_per_100k=2)
    store.add("a", [R1])
    store.set_standing("a", ["r1"], enabled=False, expires=Expiry(7))
    before = store.get_list("a"), store.get_summary("a", "r1")

    assert (store.update_list("a"), store.update_reference("a", "r1")) == before
    assert store.update_list("a", source=None) == store.get_list("a")
    assert store.update_reference("a", "r1", incident="an incident", enabled=True).label == R1.label

    after, reference = store.get_list("a"), store.get_summary("a", "r1")
    assert after == replace(before[0], source=None, version=before[0].version + 3)
    assert reference == replace(
        before[1], incident="an incident", standing=Standing(expires_at_ms=7)
    )


def test_a_change_that_is_refused_is_none(store: Store) -> None:
    store.add("a", [R1])
    store.update_list("a", policy=Policy.ALLOW)
    before = store.get_list("a"), store.get_summary("a", "r1")

    with pytest.raises(BadPolicy):  # of an allow list, whatever its policy was a moment ago
        store.update_list("a", source="them", false_alarms_per_100k=1)
    with pytest.raises(BadName):
        store.update_reference("a", "r1", label="new", incident="two\nlines", enabled=False)

    assert (store.get_list("a"), store.get_summary("a", "r1")) == before


def test_of_two_changes_at_a_time_none_is_lost(store: Store) -> None:
    """Each gives another part, and leaves the other's as it is in that moment."""
    store.add("a", [R1])
    store.add("a", [R2])
    rounds, barrier = 25, threading.Barrier(4, timeout=60)
    changes: list[Callable[[str], object]] = [
        lambda text: store.update_list("a", source=text),
        lambda text: store.update_list("a", false_alarms_per_100k=int(text)),
        lambda text: store.update_reference("a", "r1", label=text),
        lambda text: store.update_reference("a", "r1", incident=text, expires=Expiry(int(text))),
    ]

    def work(change: Callable[[str], object]) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for number in range(1, rounds + 1):
            barrier.wait()
            change(str(number))
            barrier.wait()
            info, one = store.get_list("a"), store.get_summary("a", "r1")
            found.append((info.source, info.false_alarms_per_100k, one.label, one.incident))
        return found

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(work, changes))

    assert seen == [[(str(n), n, str(n), str(n)) for n in range(1, rounds + 1)]] * 4
    assert store.get_summary("a", "r1").standing.expires_at_ms == rounds
    assert store.versions() == {"a": 3 + 5 * rounds}


def test_a_list_accepts_the_default_unless_it_says_otherwise(store: Store) -> None:
    store.create_list("a", policy=Policy.BLOCK)
    store.add("b", [R1])
    made = store.create_list("c", policy=Policy.BLOCK, false_alarms_per_100k=2)

    assert [each.false_alarms_per_100k for each in store.lists()] == [None, None, 2.0]
    assert store.get_list("c") == made
    back = store.update_list("c", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None)
    assert (back.false_alarms_per_100k, back.version) == (None, 2)
    store.delete_list("c")
    assert store.create_list("c", policy=Policy.BLOCK).false_alarms_per_100k is None


@pytest.mark.parametrize(
    ("accepted", "policy"),
    [
        pytest.param(0.0, Policy.BLOCK, id="none"),
        pytest.param(101.0, Policy.BLOCK, id="too many"),
        pytest.param(float("nan"), Policy.BLOCK, id="no number"),
        pytest.param(1.0, Policy.ALLOW, id="too many for an allow list"),
    ],
)
def test_what_a_list_cannot_accept_is_refused(
    store: Store, accepted: float, policy: Policy
) -> None:
    store.create_list("a", policy=Policy.BLOCK, false_alarms_per_100k=5)

    with pytest.raises(BadPolicy):
        store.create_list("b", policy=policy, false_alarms_per_100k=accepted)
    with pytest.raises(BadPolicy):
        store.update_list("a", policy=policy, source="x", false_alarms_per_100k=accepted)

    (unchanged,) = store.lists()
    assert (unchanged.policy, unchanged.source) == (Policy.BLOCK, None)
    assert (unchanged.false_alarms_per_100k, unchanged.version) == (5.0, 1)


def test_removing_reports_what_was_missing(store: Store) -> None:
    store.add("a", [R1, R2, R3])

    assert store.remove("a", ["r3", "no", "r1", "r3"]) == RemoveResult(("r3", "r1"), ("no",))
    assert list(store.fingerprints("a")) == [R2]
    assert store.add("a", [R1]).added == ("r1",)


ON_A_LIST: dict[str, Callable[[Store], object]] = {
    "get_list": lambda store: store.get_list("no"),
    "update_list": lambda store: store.update_list(
        "no", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None
    ),
    "delete_list": lambda store: store.delete_list("no"),
    "add": lambda store: store.add("no", [R1], create=False),
    "update_reference": lambda store: store.update_reference("no", "r", label=None, incident=None),
    "remove": lambda store: store.remove("no", ["r"]),
    "set_standing": lambda store: store.set_standing("no", ["r"], enabled=False),
    "get_reference": lambda store: store.get_reference("no", "r"),
    "get_summary": lambda store: store.get_summary("no", "r"),
    "references": lambda store: store.references("no"),
    "fingerprints": lambda store: list(store.fingerprints("no")),
}


@pytest.mark.parametrize("call", ON_A_LIST.values(), ids=ON_A_LIST)
def test_an_unknown_list_is_not_found(store: Store, call: Callable[[Store], object]) -> None:
    store.create_list("yes", policy=Policy.BLOCK)

    with pytest.raises(ListNotFound):
        call(store)


def test_an_unknown_reference_is_not_found(store: Store) -> None:
    store.add("a", [R1])

    for call in (store.get_reference, store.get_summary):
        with pytest.raises(ReferenceNotFound):
            call("a", "r2")


def test_a_snapshot_does_not_move(store: Store) -> None:
    both = Reference("r2", None, None, of([track(random_hashes(2, 1), algorithm=PDQ)]))
    store.add("a", [R1, both])

    with store.snapshot("a") as snapshot:
        store.add("a", [R3])
        store.remove("a", ["r1"])
        assert (snapshot.info.version, snapshot.info.references) == (2, 2)
        assert snapshot.algorithms == (PDQ, PHASH)
        assert list(snapshot.references) == [R1, both]

    assert list(store.fingerprints("a")) == [both, R3]


def test_a_list_changes_when_it_is_made_and_when_references_come(store: Store) -> None:
    made_ms = store.create_list("a", policy=Policy.BLOCK).created_at_ms
    assert store.changed_ms("a") == made_ms

    store.add("a", [R1])
    first_ms = store.get_summary("a", "r1").added_at_ms
    assert store.changed_ms("a") == first_ms > made_ms

    store.add("a", [R2])
    store.update_reference("a", "r1", label="another", incident=None)
    assert store.changed_ms("a") == store.get_summary("a", "r2").added_at_ms > first_ms

    with pytest.raises(ListNotFound):
        store.changed_ms("b")


def test_threads_share_a_store(store: Store) -> None:
    def work(seed: int) -> int:
        added = store.add("a", [reference(f"r{seed}", seed)]).added
        assert store.get_reference("a", f"r{seed}").fingerprint == video(seed)
        store.versions()
        return len(added)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(40))) == 40

    assert store.get_list("a").references == 40
    assert store.versions() == {"a": 41}


def test_one_clip_from_many_threads_is_added_once(store: Store) -> None:
    barrier = threading.Barrier(4)

    def work(_: int) -> int:
        barrier.wait()
        return len(store.add("a", [R1]).added)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1

    assert store.versions() == {"a": 2}


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        store.lists()


def test_many_may_read_at_once(store: Store) -> None:
    store.add("a", [R1, R2])

    with ExitStack() as stack:
        open_ones = [stack.enter_context(store.snapshot("a")) for _ in range(12)]
        assert [next(each.references) for each in open_ones] == [R1] * 12

    assert store.versions() == {"a": 2}


def test_an_abandoned_iteration_is_in_nobodys_way(store: Store) -> None:
    store.add("a", [R1, R2])

    next(store.fingerprints("a"))

    assert store.add("a", [R3]).added == ("r3",)


def test_closing_waits_for_those_who_read(store: Store) -> None:
    store.add("a", [R1, R2])

    with store.snapshot("a") as snapshot:
        store.close()
        assert list(snapshot.references) == [R1, R2]


def changes(store: Store, since: Mark | None) -> tuple[Mark, list[Reference], tuple[str, ...]]:
    """Mark, added and removed of list "a" since a mark that it went through."""
    with store.changes("a", since) as found:
        assert found is not None
        assert found.mark.version == found.info.version == store.versions()["a"]
        return found.mark, list(found.added), found.removed


def test_what_changed_since_a_mark_is_told_and_nothing_else(store: Store) -> None:
    store.add("a", [R1, R2])
    first, added, removed = changes(store, None)
    assert (added, removed) == ([R1, R2], ())

    store.add("a", [R3])
    store.remove("a", ["r1"])
    second, added, removed = changes(store, first)
    assert (added, removed) == ([R3], ("r1",))
    assert changes(store, second) == (second, [], ())

    store.update_reference("a", "r2", label="new", incident=None)
    _, (relabelled,), removed = changes(store, second)
    assert (relabelled.id, relabelled.label, removed) == ("r2", "new", ())


def test_a_reference_that_was_removed_and_added_again_is_added(store: Store) -> None:
    store.add("a", [R1])
    before, _, _ = changes(store, None)
    store.remove("a", ["r1"])
    other = Reference("r1", None, None, video(9))
    store.add("a", [other])

    assert changes(store, before)[1:] == ([other], ())


def test_what_is_disabled_is_not_looked_at(store: Store) -> None:
    store.add("a", [R1, R2])
    before, *_ = changes(store, None)

    result = store.set_standing("a", ["r1", "r9"], enabled=False)

    assert result == StandingResult(("r1",), (), ("r9",))
    assert store.get_summary("a", "r1").standing == Standing(enabled=False)
    disabled, added, removed = changes(store, before)
    assert (added, removed) == ([], ("r1",))
    assert changes(store, None)[1:] == ([R2], ())
    assert list(store.fingerprints("a")) == [R2]
    assert [one.id for one in store.references("a")] == ["r1", "r2"]
    assert store.set_standing("a", ["r1"], enabled=False) == StandingResult((), ("r1",), ())
    assert store.versions() == {"a": disabled.version}

    store.set_standing("a", ["r1"], enabled=True)
    assert changes(store, disabled)[1:] == ([R1], ())


def test_what_expires_is_not_looked_at_from_then_on(timed: Timed) -> None:
    store = timed.store
    store.add("a", [R1, R2])
    store.set_standing("a", ["r1"], expires=Expiry(timed.now_ms + 10))
    marked, added, removed = changes(store, None)
    with store.changes("a", marked) as found:
        assert found is not None
        assert found.next_expiry_ms == timed.now_ms + 10
    assert (added, removed) == ([R1, R2], ())

    timed.now_ms += 10

    assert changes(store, None)[1] == [R2]
    assert changes(store, marked)[1:] == ([], ("r1",))
    with store.changes("a", marked) as found:
        assert found is not None
        assert found.next_expiry_ms is None
    store.set_standing("a", ["r1"], expires=Expiry(None))
    assert changes(store, marked)[1] == [R1]
    assert store.get_summary("a", "r1").standing == Standing()


def test_what_had_expired_by_a_clock_that_is_put_back_is_looked_at(timed: Timed) -> None:
    store = timed.store
    store.add("a", [R1, R2, R3])
    store.set_standing("a", ["r1", "r3"], expires=Expiry(timed.now_ms + 10))
    store.set_standing("a", ["r3"], enabled=False)
    timed.now_ms += 10
    late, added, _ = changes(store, None)
    assert added == [R2]

    timed.now_ms -= 1

    assert changes(store, late)[1] == [R1]


def test_what_is_removed_and_added_again_is_looked_at(store: Store) -> None:
    store.add("a", [R1])
    store.set_standing("a", ["r1"], enabled=False, expires=Expiry(5))
    store.remove("a", ["r1"])
    store.add("a", [R1])

    assert store.get_summary("a", "r1").standing == Standing()


def test_an_empty_list_and_a_changed_policy_have_marks(store: Store) -> None:
    store.create_list("a", policy=Policy.BLOCK)
    first, added, removed = changes(store, None)
    store.update_list("a", policy=Policy.ALLOW, source=None, false_alarms_per_100k=None)
    second, *_ = changes(store, first)

    assert (added, removed) == ([], ())
    assert second != first


def test_a_mark_of_another_list_of_that_name_is_unknown(store: Store) -> None:
    """Whoever has an index of the deleted one has to read all of the new one."""
    store.add("a", [R1])
    before, _, _ = changes(store, None)
    store.delete_list("a")
    store.add("a", [R2])
    store.add("a", [R3])

    for mark in (before, Mark(before.version + 1, before.token), Mark(2, "made up")):
        with store.changes("a", mark) as found:
            assert found is None


def test_changes_of_an_unknown_list_are_refused(store: Store) -> None:
    with pytest.raises(ListNotFound), store.changes("nowhere", None):
        pass


def patched(name: str, seed: int) -> Reference:
    return replace(reference(name, seed), patches=(random_track(seed),))


P1, P2 = patched("r1", 1), patched("r2", 2)


def held(store: Store, name: str = "a") -> dict[str, tuple[PatchTrack, ...] | None]:
    return {one.id: one.tracks for one in store.patches(name)}


def test_patch_hashes_are_kept_beside_the_fingerprint(store: Store) -> None:
    store.add("a", [P2, P1, R3])

    assert store.get_list("a").patched == 2
    assert held(store) == {"r1": P1.patches, "r2": P2.patches}
    assert store.get_reference("a", "r1") == P1
    assert list(store.fingerprints("a")) == [R1, R2, R3]
    with store.changes("a", None) as changes:
        assert changes is not None
        assert list(changes.added) == [R1, R2, R3]


def test_patch_hashes_that_are_known_are_not_read_again(store: Store) -> None:
    store.add("a", [P1, P2])

    found = list(store.patches("a", known=frozenset([P1.fingerprint.digest])))

    assert [(one.id, one.digest, one.tracks) for one in found] == [
        ("r1", P1.fingerprint.digest, None),
        ("r2", P2.fingerprint.digest, P2.patches),
    ]


def test_a_reference_without_patch_hashes_gets_those_that_come(store: Store) -> None:
    store.add("a", [R1])

    result = store.add("a", [replace(P1, id="another")])

    assert result == AddResult((), ("r1",), ())
    assert held(store) == {"r1": P1.patches}
    assert store.versions() == {"a": 3}
    store.add("a", [replace(P1, patches=P2.patches)])
    assert held(store) == {"r1": P1.patches}
    assert store.versions() == {"a": 3}


def test_a_list_that_keeps_no_patch_hashes_has_none(store: Store) -> None:
    store.add("a", [P1], patches=False)
    store.create_list("b", policy=Policy.BLOCK, patches=False)
    store.add("b", [P1])

    assert (held(store, "a"), held(store, "b")) == ({}, {})
    assert [one.patches for one in store.lists()] == [False, False]


def test_patch_hashes_go_with_their_reference_and_with_the_setting(store: Store) -> None:
    store.add("a", [P1, P2])

    store.remove("a", ["r1"])
    assert held(store) == {"r2": P2.patches}
    kept = store.update_list("a", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None)
    assert (kept.patches, kept.patched) == (True, 1)
    off = store.update_list(
        "a", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None, patches=False
    )
    assert (off.patches, off.patched, off.version) == (False, 0, kept.version + 1)
    assert held(store) == {}
    store.add("a", [P2])
    assert held(store) == {}
    on = store.update_list(
        "a", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None, patches=True
    )
    store.add("a", [P2])
    assert (on.patches, held(store)) == (True, {"r2": P2.patches})


def test_patch_hashes_of_what_is_disabled_or_expired_are_not_looked_at(timed: Timed) -> None:
    """They would take the few places of those that are compared in full."""
    store = timed.store
    store.add("a", [P1, P2])
    store.set_standing("a", ["r1"], enabled=False)
    store.set_standing("a", ["r2"], expires=Expiry(timed.now_ms + 10))
    assert held(store) == {"r2": P2.patches}

    timed.now_ms += 10
    store.set_standing("a", ["r1"], enabled=True)
    assert held(store) == {"r1": P1.patches}
    assert store.get_list("a").patched == 2


def test_patch_hashes_of_an_unknown_list_are_not_found(store: Store) -> None:
    with pytest.raises(ListNotFound):
        next(store.patches("gone"))
