"""What every store promises about API keys, run over all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashing.reference import BadName
from service.callers import OF_KEYS, Scope
from service.errors import KeyEnded, KeyNotFound
from service.keys import KeyInfo, State, StoredKey
from service.store.base import Store
from service.store.sqlite import SqliteStore
from tests.memory_store import MemoryStore


class Clock:
    """A clock that stands until it is set."""

    now_ms = 1000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[MemoryStore, SqliteStore], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    made: Store = (
        MemoryStore(clock)
        if request.param is MemoryStore
        else SqliteStore(tmp_path / "lists.sqlite3", clock=clock)
    )
    yield made
    made.close()


ID, OTHER = "0123456789ab", "ba9876543210"
OLD, NEW, NEWEST = (bytes([number]) * 32 for number in (1, 2, 3))


def made(store: Store, key_id: str = ID, lifetime_ms: int | None = None) -> KeyInfo:
    return store.keys.create(key_id, OLD, name="a name", scope=Scope.CHECK, lifetime_ms=lifetime_ms)


def test_a_new_store_has_no_keys(store: Store) -> None:
    assert not store.keys.any()
    assert store.keys.all() == []
    assert store.keys.find(ID) is None


@pytest.mark.parametrize("scope", OF_KEYS.values())
def test_a_key_is_kept_as_it_was_made(store: Store, scope: Scope) -> None:
    info = store.keys.create(ID, OLD, name="the bot's", scope=scope, lifetime_ms=500)

    assert info == KeyInfo(ID, "the bot's", scope, created_at_ms=1000, expires_at_ms=1500)
    assert store.keys.find(ID) == StoredKey(info, OLD)
    assert store.keys.any()


def test_keys_come_in_order_of_their_making(store: Store, clock: Clock) -> None:
    first = made(store, OTHER)
    clock.now_ms += 1
    second = made(store, ID)

    assert store.keys.all() == [first, second]
    assert second.expires_at_ms is None


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadName):
        store.keys.create(ID, OLD, name=name, scope=Scope.CHECK, lifetime_ms=None)

    assert not store.keys.any()


def test_a_rotated_key_has_two_secrets_for_a_while(store: Store, clock: Clock) -> None:
    made(store)
    clock.now_ms = 2000

    info = store.keys.rotate(ID, NEW, overlap_ms=300)

    assert (info.rotated_at_ms, info.overlap_until_ms) == (2000, 2300)
    assert store.keys.find(ID) == StoredKey(info, NEW, OLD)


def test_rotated_again_the_oldest_secret_is_forgotten(store: Store) -> None:
    made(store)
    store.keys.rotate(ID, NEW, overlap_ms=300)
    info = store.keys.rotate(ID, NEWEST, overlap_ms=0)

    assert store.keys.find(ID) == StoredKey(info, NEWEST, NEW)
    assert info.overlap_until_ms == 1000


@pytest.mark.parametrize(
    ("lifetime_ms", "expires_at_ms"), [(None, 1500), (900, 2300)], ids=["left", "set anew"]
)
def test_a_rotated_key_expires_as_it_did_or_as_is_said(
    store: Store, clock: Clock, lifetime_ms: int | None, expires_at_ms: int
) -> None:
    made(store, lifetime_ms=500)
    clock.now_ms = 1400

    info = store.keys.rotate(ID, NEW, overlap_ms=0, lifetime_ms=lifetime_ms)

    assert info.expires_at_ms == expires_at_ms


def test_a_key_is_revoked_once(store: Store, clock: Clock) -> None:
    made(store)
    clock.now_ms = 2000
    first = store.keys.revoke(ID)
    clock.now_ms = 3000

    assert store.keys.revoke(ID) == first
    assert first.revoked_at_ms == 2000
    assert first.state(2000) is State.REVOKED
    assert store.keys.any()


def test_a_key_that_has_ended_is_not_rotated(store: Store, clock: Clock) -> None:
    made(store)
    made(store, OTHER, lifetime_ms=10)
    store.keys.revoke(ID)
    clock.now_ms += 10

    for key_id in (ID, OTHER):
        with pytest.raises(KeyEnded):
            store.keys.rotate(key_id, NEW, overlap_ms=0)
        found = store.keys.find(key_id)
        assert found is not None
        assert (found.digest, found.previous) == (OLD, None)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda keys: keys.rotate(ID, NEW, overlap_ms=0), id="rotate"),
        pytest.param(lambda keys: keys.revoke(ID), id="revoke"),
    ],
)
def test_an_unknown_key_is_not_found(store: Store, change: Callable[[object], object]) -> None:
    made(store, OTHER)

    with pytest.raises(KeyNotFound):
        change(store.keys)


def test_uses_are_noted_and_never_go_back(store: Store) -> None:
    made(store)
    made(store, OTHER)
    store.keys.note_uses({ID: 5000, OTHER: 4000})
    store.keys.note_uses({ID: 4500})

    assert {info.id: info.last_used_at_ms for info in store.keys.all()} == {ID: 5000, OTHER: 4000}
