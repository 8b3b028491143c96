"""What every store promises of its audit record, run over all of them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashing.reference import Policy, Reference
from service import audit
from service.audit import Entry, What
from service.callers import Scope
from service.errors import ServiceError
from service.store.base import Expiry, Store
from service.store.sqlite import SqliteStore
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.patches import random_track

KEY, OTHER = "0123456789ab", "ba9876543210"
ONE = hashlib.sha256(bytes(32) + b"null").hexdigest()
TWO = hashlib.sha256(bytes(64) + b"5010").hexdigest()
R1, R2, R3 = (Reference(f"r{seed}", "a label", None, video(seed)) for seed in (1, 2, 3))


@pytest.fixture(params=[MemoryStore, SqliteStore], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = (
        MemoryStore(lambda: 5000)
        if request.param is MemoryStore
        else SqliteStore(tmp_path / "lists.sqlite3", clock=lambda: 5000)
    )
    yield made
    made.close()


def last(store: Store) -> Entry:
    """The last entry; the record has to be whole."""
    with store.audit.whole() as whole:
        head = audit.verify(whole)
    (entry,) = store.audit.entries(after=head.sequence - 1)
    assert entry.hash == head.hash == store.audit.head().hash
    return entry


def test_a_new_record_begins_with_what_there_is(store: Store) -> None:
    (entry,) = store.audit.entries()

    assert (entry.sequence, entry.what, entry.who) == (1, What.BEGIN, "recirc")
    change = json.loads(entry.change)
    assert (change["lists"], change["keys"], change["format"]) == ({}, {}, 1)
    assert last(store) == entry


def update(store: Store, **changes: object) -> None:
    given = {"policy": Policy.BLOCK, "source": None, "false_alarms_per_100k": None}
    store.update_list("a", **given | changes)  # type: ignore[arg-type]


# A store with list a (block, version 2, with r1) and the key KEY.
DEEDS: Mapping[str, tuple[Callable[[Store], object], What, str | None, object, object]] = {
    "a list is made": (
        lambda store: store.create_list("b", policy=Policy.ALLOW, source="PRIVATE"),
        What.LIST_CREATE,
        "b",
        (None, 1),
        {"policy": "allow", "patches": True, "false_alarms_per_100k": None},
    ),
    "its policy is changed": (
        lambda store: update(store, policy=Policy.ALLOW),
        What.LIST_UPDATE,
        "a",
        (2, 3),
        {"policy": ["block", "allow"]},
    ),
    "its source is changed": (
        lambda store: update(store, source="PRIVATE"),
        What.LIST_UPDATE,
        "a",
        (2, 3),
        {"source": "changed"},
    ),
    "what it accepts is changed": (
        lambda store: update(store, false_alarms_per_100k=0.5, patches=False),
        What.LIST_UPDATE,
        "a",
        (2, 3),
        {"false_alarms_per_100k": [None, "0.5"], "patches": [True, False]},
    ),
    "it is deleted": (
        lambda store: store.delete_list("a"),
        What.LIST_DELETE,
        "a",
        (2, None),
        {"references": 1},
    ),
    "references are added": (
        lambda store: store.add("a", [R1, R2, R3]),
        What.REFERENCES_ADD,
        "a",
        (2, 3),
        {"added": {"count": 2, "ids": ["r2", "r3"]}, "patched": 0},
    ),
    "a reference is given patch hashes": (
        lambda store: store.add("a", [replace(R1, patches=(random_track(1, 2),))]),
        What.REFERENCES_ADD,
        "a",
        (2, 3),
        {"added": {"count": 0, "ids": []}, "patched": 1},
    ),
    "a list is imported": (
        lambda store: store.add("a", [R2], imported=True),
        What.LIST_IMPORT,
        "a",
        (2, 3),
        {"added": {"count": 1, "ids": ["r2"]}, "patched": 0},
    ),
    "a reference is removed": (
        lambda store: store.remove("a", ["r1", "r9"]),
        What.REFERENCES_REMOVE,
        "a",
        (2, 3),
        {"removed": {"count": 1, "ids": ["r1"]}},
    ),
    "a reference is disabled": (
        lambda store: store.set_standing("a", ["r1", "r9"], enabled=False),
        What.REFERENCES_STANDING,
        "a",
        (2, 3),
        {"references": {"count": 1, "ids": ["r1"]}, "enabled": False},
    ),
    "a reference is to expire": (
        lambda store: store.set_standing("a", ["r1"], expires=Expiry(7)),
        What.REFERENCES_STANDING,
        "a",
        (2, 3),
        {"references": {"count": 1, "ids": ["r1"]}, "expires_at_ms": 7},
    ),
    "a reference is relabelled": (
        lambda store: store.update_reference("a", "r1", label="PRIVATE", incident="PRIVATE"),
        What.REFERENCE_UPDATE,
        "a",
        (2, 3),
        {"id": "r1", "label": "changed", "incident": "changed"},
    ),
    "a label alone": (
        lambda store: store.update_reference("a", "r1", label=None, incident=None),
        What.REFERENCE_UPDATE,
        "a",
        (2, 3),
        {"id": "r1", "label": "changed"},
    ),
    "a key is made": (
        lambda store: store.keys.create(
            OTHER, bytes(32), name="PRIVATE", scope=Scope.CHECK, lifetime_ms=10
        ),
        What.KEY_CREATE,
        None,
        (None, None),
        {"id": OTHER, "scope": "check", "expires_at_ms": 5010, "secrets_sha256": ONE},
    ),
    "a key is rotated": (
        lambda store: store.keys.rotate(KEY, bytes(32), overlap_ms=10),
        What.KEY_ROTATE,
        None,
        (None, None),
        {"id": KEY, "overlap_until_ms": 5010, "expires_at_ms": None, "secrets_sha256": TWO},
    ),
    "a key is revoked": (
        lambda store: store.keys.revoke(KEY),
        What.KEY_REVOKE,
        None,
        (None, None),
        {"id": KEY},
    ),
}


@pytest.fixture
def stocked(store: Store) -> Store:
    store.add("a", [R1])
    store.keys.create(KEY, bytes(32), name="PRIVATE", scope=Scope.ADMIN, lifetime_ms=None)
    return store


@pytest.mark.parametrize(
    ("deed", "what", "name", "versions", "change"),
    [pytest.param(*row, id=name) for name, row in DEEDS.items()],
)
def test_each_change_is_one_entry(  # noqa: PLR0917  # a table's columns
    stocked: Store,
    deed: Callable[[Store], object],
    what: What,
    name: str | None,
    versions: object,
    change: object,
) -> None:
    before = stocked.audit.head()

    deed(stocked.by("key:someone"))

    entry = last(stocked)
    assert entry.sequence == before.sequence + 1
    assert (entry.who, entry.what, entry.list, entry.time_ms) == ("key:someone", what, name, 5000)
    assert entry.versions == versions
    assert json.loads(entry.change) == change
    assert "PRIVATE" not in str(entry)


def test_every_kind_of_deed_is_tried() -> None:
    assert {row[1] for row in DEEDS.values()} == set(What) - {What.BEGIN}


def test_a_list_that_an_addition_makes_has_an_entry_of_its_own(store: Store) -> None:
    store.add("a", [R1], imported=True)

    assert [(one.what, one.versions) for one in store.audit.entries(after=1)] == [
        (What.LIST_CREATE, (None, 1)),
        (What.LIST_IMPORT, (1, 2)),
    ]


UNCHANGED: Mapping[str, Callable[[Store], object]] = {
    "known references": lambda store: store.add("a", [R1]),
    "a conflict": lambda store: store.add("a", [Reference("r1", None, None, video(9))]),
    "no references": lambda store: store.add("a", []),
    "the same settings": update,
    "the same label": lambda store: store.update_reference(
        "a", "r1", label="a label", incident=None
    ),
    "removing what is not there": lambda store: store.remove("a", ["r9"]),
    "a use": lambda store: store.keys.note_uses({KEY: 9000}),
    "an unknown list": lambda store: store.delete_list("nosuch"),
    "a list that is there": lambda store: store.create_list("a", policy=Policy.BLOCK),
    "a key that is not there": lambda store: store.keys.revoke(OTHER),
}


@pytest.mark.parametrize("deed", [pytest.param(deed, id=name) for name, deed in UNCHANGED.items()])
def test_what_changes_nothing_leaves_no_entry(
    stocked: Store, deed: Callable[[Store], object]
) -> None:
    before = last(stocked)

    with suppress(ServiceError):
        deed(stocked)

    assert last(stocked) == before


def test_a_second_revocation_leaves_no_entry(stocked: Store) -> None:
    stocked.keys.revoke(KEY)
    before = last(stocked)
    stocked.keys.revoke(KEY)

    assert last(stocked) == before


def test_a_change_that_is_undone_leaves_no_entry(stocked: Store) -> None:
    def torn() -> Iterator[Reference]:
        yield R2
        raise RuntimeError("torn")

    before = last(stocked)
    with pytest.raises(RuntimeError, match="torn"):
        stocked.add("b", torn())

    assert last(stocked) == before


def test_an_import_is_one_entry_however_long(store: Store) -> None:
    store.add("a", (Reference(f"r{seed}", None, None, video(seed)) for seed in range(60)))

    added, entry = store.audit.entries(after=1)
    assert added.what == What.LIST_CREATE
    assert json.loads(entry.change)["added"]["count"] == 60
    assert "ids_sha256" in json.loads(entry.change)["added"]
    assert len(entry.change) < 200


def test_entries_come_in_pages_and_by_list(stocked: Store) -> None:
    for name in ("b", "c"):
        stocked.add(name, [R2])
    stocked.delete_list("b")
    everything = stocked.audit.entries()

    pages, after = [], 0
    while page := stocked.audit.entries(after=after, limit=3):
        pages += page
        after = page[-1].sequence

    assert pages == everything
    assert [one.what for one in stocked.audit.entries(list_name="b")] == [
        What.LIST_CREATE,
        What.REFERENCES_ADD,
        What.LIST_DELETE,
    ]
    assert stocked.audit.entries(list_name="nosuch") == []


def test_a_store_for_someone_shares_all_but_who(store: Store) -> None:
    someone = store.by("key:someone")
    someone.add("a", [R1])
    store.add("a", [R2])
    someone.keys.create(KEY, bytes(32), name="a name", scope=Scope.CHECK, lifetime_ms=None)

    assert store.versions() == someone.versions() == {"a": 3}
    assert store.keys.all() == someone.keys.all()
    assert [one.who for one in store.audit.entries()] == [
        "recirc",
        "key:someone",
        "key:someone",
        "recirc",
        "key:someone",
    ]


_DEED = st.sampled_from([*(row[0] for row in DEEDS.values()), *UNCHANGED.values()])


@given(st.lists(_DEED, max_size=12))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_after_any_changes_the_record_is_whole(
    tmp_path: Path, deeds: list[Callable[[Store], object]]
) -> None:
    """And agrees between the stores."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite3"
    both: list[Store] = [MemoryStore(lambda: 5000), SqliteStore(path, clock=lambda: 5000)]
    told = []
    for store in both:
        store.add("a", [R1])
        store.keys.create(KEY, bytes(32), name="a name", scope=Scope.ADMIN, lifetime_ms=None)
        for deed in deeds:
            # A key that a deed makes again is refused by one store and replaced by the other.
            if deed is DEEDS["a key is made"][0] and store.keys.find(OTHER) is not None:
                continue
            with suppress(ServiceError):
                deed(store)
        last(store)
        entries = store.audit.entries(after=1)
        told.append([(one.what, one.list, one.versions, one.change) for one in entries])
        store.close()

    assert told[0] == told[1]
