"""Lists: add, import, export, remove, over every store."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing.errors import BadList, IncompatibleHash
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint
from hashing.formats import listfile
from hashing.reference import BadName, Policy, Reference
from service import lists
from service.errors import ListNotFound, NothingToCompare, PolicyConflict, ReferenceConflict
from service.lists import Added, ImportReport
from service.store.base import AddResult, RemoveResult, Store
from service.store.sqlite import SqliteStore
from tests.fingerprints import FINGERPRINTS, FOREIGN, of, random_hashes, track, video
from tests.memory_store import MemoryStore


@pytest.fixture(params=[lambda _: MemoryStore(), SqliteStore], ids=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    make: Callable[[Path], Store] = request.param
    made = make(tmp_path / "lists.sqlite3")
    yield made
    made.close()


@pytest.fixture
def other() -> Store:
    return MemoryStore()


def exported(store: Store, name: str = "a") -> list[bytes]:
    return [line.encode() for line in lists.export(store, name)]


OLD = Algorithm(PHASH.name, (("hash_size", 16), ("plane_px", 32)))


def test_a_fingerprint_gets_its_digest_as_id(store: Store) -> None:
    added = lists.add_fingerprint(store, "a", video(1), label="a label", incident="an incident")

    assert added == Added(video(1).reference_id, new=True)
    assert store.get_reference("a", added.reference_id) == Reference(
        added.reference_id, "a label", "an incident", video(1)
    )
    assert store.get_list("a").policy is Policy.BLOCK


def test_a_second_add_of_the_same_clip_tells_the_id_and_changes_nothing(store: Store) -> None:
    lists.add_fingerprint(store, "a", video(1), reference_id="mine")

    again = lists.add_fingerprint(store, "a", video(1), label="other")

    assert again == Added("mine", new=False)
    assert store.get_list("a").version == 2
    assert store.get_summary("a", "mine").label is None


def test_another_clip_under_the_same_id_is_a_conflict(store: Store) -> None:
    lists.add_fingerprint(store, "a", video(1), reference_id="mine")

    with pytest.raises(ReferenceConflict, match="mine of another clip"):
        lists.add_fingerprint(store, "a", video(2), reference_id="mine")


@pytest.mark.parametrize(
    ("fingerprint", "error"),
    [
        pytest.param(of([]), NothingToCompare, id="no tracks"),
        pytest.param(of([track(random_hashes(1, 0))]), NothingToCompare, id="no frames"),
        pytest.param(video(1, algorithm=FOREIGN), NothingToCompare, id="unknown algorithm"),
        pytest.param(video(1, algorithm=OLD), IncompatibleHash, id="other parameters"),
    ],
)
def test_what_could_never_match_is_not_added(
    store: Store, fingerprint: Fingerprint, error: type[Exception]
) -> None:
    with pytest.raises(error):
        lists.add_fingerprint(store, "a", fingerprint)

    assert store.lists() == []


@pytest.mark.parametrize("reference_id", ["", "..", "-r", "a b", "a" * 65, "é", "a\n"])
def test_a_bad_id_is_refused(store: Store, reference_id: str) -> None:
    with pytest.raises(BadName):
        lists.add_fingerprint(store, "a", video(1), reference_id=reference_id)


def test_pdq_alone_and_unknown_tracks_beside_ours_are_added(store: Store) -> None:
    beside = of([track(random_hashes(1, 1)), track(random_hashes(2, 1), algorithm=FOREIGN)])

    assert lists.add_fingerprint(store, "a", video(1, algorithm=PDQ)).new
    assert lists.add_fingerprint(store, "a", beside).new


COMPARABLE = FINGERPRINTS.filter(lambda made: any(map(len, made.of(PHASH) + made.of(PDQ))))


@settings(deadline=None)
@given(
    st.lists(COMPARABLE, max_size=4, unique_by=lambda made: made.digest),
    st.sampled_from(Policy),
)
def test_export_then_import_gives_equal_references_and_again_changes_nothing(
    fingerprints: list[Fingerprint], policy: Policy
) -> None:
    left, right = MemoryStore(), MemoryStore()
    left.create_list("a", policy=policy, source="the office")
    left.add("a", [Reference(f"r{n}", None, "i", made) for n, made in enumerate(fingerprints)])

    first = lists.import_file(right, "b", exported(left))
    info = right.get_list("b")
    second = lists.import_file(right, "b", exported(left))

    assert first == ImportReport(len(fingerprints), 0, ())
    assert second == ImportReport(0, len(fingerprints), ())
    assert list(right.fingerprints("b")) == list(left.fingerprints("a"))
    assert (info.policy, info.source) == (policy, "the office")
    assert right.get_list("b") == info


def test_export_then_import_in_every_store(store: Store, other: Store) -> None:
    store.add("a", [Reference(f"r{seed}", "ü", None, video(seed, 30)) for seed in range(20)])

    assert lists.import_file(other, "a", exported(store)) == ImportReport(20, 0, ())
    assert exported(other) == exported(store)
    assert lists.import_file(store, "b", exported(other)) == ImportReport(20, 0, ())
    assert list(store.fingerprints("b")) == list(store.fingerprints("a"))


def test_the_header_of_an_export_is_true(store: Store) -> None:
    store.create_list("a", policy=Policy.ALLOW, source="them")
    store.add("a", [Reference("1", None, None, video(1)), Reference("2", None, None, video(2))])
    store.add("a", [Reference("3", None, None, video(3, algorithm=PDQ))])

    header, items = listfile.read(exported(store))

    assert header == listfile.Header("a", Policy.ALLOW, "them", (PDQ, PHASH), 3)
    assert len(list(items)) == 3


def test_an_unknown_list_is_not_exported(store: Store) -> None:
    """It raises before the first line is asked for: an answer's status is sent before that."""
    with pytest.raises(ListNotFound):
        lists.export(store, "a")


def test_bad_lines_are_reported_in_order_and_the_rest_goes_in(store: Store, other: Store) -> None:
    other.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in range(5)])
    other.add("a", [Reference("s0", None, None, video(7, algorithm=OLD))])
    other.add("a", [Reference("s1", None, None, video(8, algorithm=FOREIGN))])
    store.add("a", [Reference("r2", None, None, video(99)), Reference("x", None, None, video(4))])
    lines = exported(other)
    lines[2] = lines[2][:50] + b"\n"

    report = lists.import_file(store, "a", lines)

    assert (report.added, report.unchanged) == (3 - 1, 1)
    assert [(bad.number, bad.code.value) for bad in report.bad_lines] == [
        (3, "bad_json"),
        (4, "reference_conflict"),
        (7, "incompatible_hash"),
        (8, "nothing_to_compare"),
    ]
    assert [each.id for each in store.references("a")] == ["r0", "r2", "r3", "x"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="empty file"),
        pytest.param([b"\x89PNG\r\n", b"\x1a\n"], id="a picture"),
        pytest.param([b'{"format": "recirc-list", "version": 2}\n'], id="newer version"),
    ],
)
def test_a_file_of_another_format_changes_nothing(store: Store, lines: list[bytes]) -> None:
    with pytest.raises(BadList):
        lists.import_file(store, "a", lines)

    assert store.lists() == []


def test_too_many_bad_lines_change_nothing(store: Store, other: Store) -> None:
    other.add("a", [Reference("r1", None, None, video(1))])

    with pytest.raises(BadList):
        lists.import_file(store, "a", exported(other) + [b"x\n"] * 1001)

    assert store.lists() == []


def test_a_file_goes_only_into_a_list_of_its_policy(store: Store, other: Store) -> None:
    """Harmless clips on a block list would be flagged."""
    other.create_list("a", policy=Policy.ALLOW)
    other.add("a", [Reference("r1", None, None, video(1))])
    store.create_list("a", policy=Policy.BLOCK)

    with pytest.raises(PolicyConflict, match="policy is allow, that of list a is block"):
        lists.import_file(store, "a", exported(other))

    assert store.get_list("a").references == 0


class MeanwhileStore(SqliteStore):
    """A store in which somebody else makes an allow list just before references are added."""

    def add(
        self,
        list_name: str,
        references: Iterable[Reference],
        *,
        create: bool = True,
        policy: Policy = Policy.BLOCK,
        source: str | None = None,
        patches: bool = True,
        imported: bool = False,
    ) -> AddResult:
        self.create_list(list_name, policy=Policy.ALLOW)
        return super().add(list_name, references, policy=policy, source=source, imported=imported)


def test_nor_into_one_that_was_made_meanwhile(tmp_path: Path, other: Store) -> None:
    """What is flagged on one list would suppress what is found by another."""
    other.add("a", [Reference("r1", None, None, video(1))])

    with closing(MeanwhileStore(tmp_path / "lists.sqlite3")) as store:
        with pytest.raises(PolicyConflict, match="policy is block, that of list a is allow"):
            lists.import_file(store, "a", exported(other))

        assert store.get_list("a").references == 0


def test_the_name_in_the_file_does_not_decide(store: Store, other: Store) -> None:
    other.add("theirs", [Reference("r1", None, None, video(1))])

    lists.import_file(store, "ours", exported(other, "theirs"))

    assert list(store.versions()) == ["ours"]


def test_importing_from_a_stream(store: Store, other: Store) -> None:
    other.add("a", [Reference("r1", None, None, video(1))])
    stream = io.BytesIO(b"".join(exported(other)))

    assert lists.import_file(store, "a", listfile.bounded_lines(stream)).added == 1


def test_removed_references_are_gone_and_missing_ones_reported(store: Store) -> None:
    store.add("a", [Reference("r1", None, None, video(1))])

    assert lists.remove(store, "a", ["r2", "r1"]) == RemoveResult(("r1",), ("r2",))
    assert store.get_list("a").references == 0


def test_an_export_holds_hashes_and_names_and_nothing_else(store: Store) -> None:
    """Added times and digests are the store's own affair."""
    store.add("a", [Reference("r1", None, None, replace(video(1), duration_ms=5))])

    assert [sorted(json.loads(line)) for line in exported(store)] == [
        ["algorithms", "format", "list", "policy", "references", "source", "version"],
        ["fingerprint", "id", "incident", "label"],
    ]


def test_what_a_list_accepts_stays_where_it_was_set(store: Store, other: Store) -> None:
    """Whoever sends a list does not decide how many people are wrongly flagged here."""
    other.create_list("a", policy=Policy.BLOCK, false_alarms_per_100k=50)
    other.add("a", [Reference("r1", None, None, video(1))])
    header, *lines = exported(other)
    loose = json.dumps(json.loads(header) | {"false_alarms_per_100k": 50}).encode() + b"\n"
    store.create_list("mine", policy=Policy.BLOCK, false_alarms_per_100k=0.01)

    for name in ("mine", "new"):
        assert lists.import_file(store, name, [loose, *lines]).added == 1

    assert store.get_list("mine").false_alarms_per_100k == 0.01
    assert store.get_list("new").false_alarms_per_100k is None
