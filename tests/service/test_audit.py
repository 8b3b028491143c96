"""The record shows every way of tampering with it; the hashes are anybody's to compute."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import audit
from service.audit import Entry, Head, KeyFacts, What, Whole
from service.errors import AuditBroken

NO_KEYS: Mapping[str, KeyFacts] = {}


def chained(*deeds: tuple[What, str | None, int | None, audit.Change]) -> list[Entry]:
    """A record: its beginning, and these deeds after it."""
    begin = (What.BEGIN, None, None, audit.beginning({"old": 3}, NO_KEYS, "a token"))
    made: list[Entry] = []
    for number, (what, name, after, change) in enumerate((begin, *deeds), start=1):
        before = None if after in (None, 1) else after - 1
        previous = made[-1].hash if made else audit.NOTHING
        text = audit.canonical(change)
        entry = Entry(
            number, 1000 + number, "cli:1000", what.value, name, before, after, text, previous
        )
        made.append(audit.seal(entry))
    return made


RECORD = chained(
    (What.LIST_CREATE, "a", 1, {"policy": "block"}),
    (What.REFERENCES_ADD, "a", 2, {"added": audit.named(["r1", "r2"]), "patched": 0}),
    (What.LIST_CREATE, "b", 1, {"policy": "allow"}),
    (What.REFERENCES_REMOVE, "a", 3, {"removed": audit.named(["r1"])}),
    (What.LIST_DELETE, "b", None, {"references": 0}),
    (
        What.KEY_CREATE,
        None,
        None,
        {"id": "k", "scope": "check", "expires_at_ms": None, "secrets_sha256": "first"},
    ),
    (
        What.KEY_ROTATE,
        None,
        None,
        {"id": "k", "overlap_until_ms": 1, "expires_at_ms": 9, "secrets_sha256": "second"},
    ),
    (What.KEY_REVOKE, None, None, {"id": "k"}),
)
VERSIONS = {"a": 3, "old": 3}
KEYS = {"k": KeyFacts("check", 9, True, "second")}
HEAD = Head(len(RECORD), RECORD[-1].hash)


def whole(
    entries: Sequence[Entry],
    head: Head = HEAD,
    versions: Mapping[str, int] = VERSIONS,
    keys: Mapping[str, KeyFacts] = KEYS,
) -> Whole:
    return Whole(iter(entries), head, versions, keys)


def test_a_record_that_nobody_touched_is_whole() -> None:
    assert audit.verify(whole(RECORD)) == HEAD


@pytest.mark.parametrize("entry", RECORD, ids=lambda entry: str(entry.sequence))
def test_every_head_that_there_was_is_in_it(entry: Entry) -> None:
    assert audit.verify(whole(RECORD), known_head=entry.hash) == HEAD


def test_a_record_from_before_secrets_were_proved_is_whole() -> None:
    entries = chained(
        (What.KEY_CREATE, None, None, {"id": "k", "scope": "check", "expires_at_ms": 9})
    )
    head = Head(len(entries), entries[-1].hash)
    keys = {"k": KeyFacts("check", 9, False, "whichever")}

    assert audit.verify(whole(entries, head, {"old": 3}, keys)) == head


def test_a_hash_is_what_the_documents_say() -> None:
    """SHA-256 of the JSON of all other fields, sorted and without blanks."""
    fields = RECORD[2].plain()
    told = fields.pop("hash")

    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert told == hashlib.sha256(text.encode()).hexdigest()
    assert fields["previous"] == RECORD[1].hash


def tampered(number: int, **changes: object) -> list[Entry]:
    """The record with one entry changed, its hash left as it is."""
    return [
        replace(one, **changes) if one.sequence == number else one  # type: ignore[arg-type]
        for one in RECORD
    ]


def resealed(entries: Sequence[Entry], start: int) -> list[Entry]:
    """The entries numbered and sealed anew from the one at ``start``: all that a forger can do."""
    made = list(entries[:start])
    for number, entry in enumerate(entries[start:], start=start + 1):
        previous = made[-1].hash if made else audit.NOTHING
        made.append(audit.seal(replace(entry, sequence=number, previous=previous)))
    return made


OTHERS: Mapping[str, Sequence[object]] = {
    "time_ms": [999, -1, "1003", None],
    "who": ["cli:1001", "", "cli:1000\0", None],
    "what": [What.LIST_CREATE.value, "nonsense"],
    "list": ["c", None],
    "version_before": [7, None, "1"],
    "version_after": [7, None],
    "change": ["{}", "", "nonsense", '{"removed": {"count":1,"ids":["r1"]}}', None, b"{}"],
    "previous": [audit.NOTHING, "", None],
    "hash": [audit.NOTHING, "", None, RECORD[0].hash],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(name, value, id=f"{name} {value!r}")
        for name in OTHERS
        for value in OTHERS[name]
    ],
)
def test_an_edited_entry_is_found(field: str, value: object) -> None:
    with pytest.raises(AuditBroken, match=r"entry 5 was changed|entry 5 does not follow"):
        audit.verify(whole(tampered(5, **{field: value})))


@pytest.mark.parametrize("number", range(1, len(RECORD) + 1))
def test_every_entry_is_held(number: int) -> None:
    with pytest.raises(AuditBroken, match=f"entry {number} was changed"):
        audit.verify(whole(tampered(number, who="somebody")))


@given(st.integers(0, len(RECORD) - 1), st.sampled_from(list(OTHERS)), st.data())
def test_an_edit_that_seals_its_entry_anew_is_found_in_the_next(
    place: int, field: str, data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from([*OTHERS[field], "something else"]))
    entries = list(RECORD)
    try:
        entries[place] = audit.seal(replace(entries[place], **{field: value}))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return  # no JSON: not even a forger can seal it
    if entries[place] == RECORD[place]:
        return

    with pytest.raises(AuditBroken):
        audit.verify(whole(entries))


@pytest.mark.parametrize("place", range(len(RECORD)))
def test_a_deleted_entry_is_found(place: int) -> None:
    entries = [*RECORD[:place], *RECORD[place + 1 :]]

    with pytest.raises(AuditBroken, match=f"entry {place + 1} is missing|ends at entry"):
        audit.verify(whole(entries))


@pytest.mark.parametrize("place", range(len(RECORD) - 1))
def test_a_deleted_entry_is_found_when_the_others_are_numbered_anew(place: int) -> None:
    entries = [
        replace(one, sequence=number)
        for number, one in enumerate([*RECORD[:place], *RECORD[place + 1 :]], start=1)
    ]

    with pytest.raises(AuditBroken, match=f"entry {place + 1} does not follow"):
        audit.verify(whole(entries, Head(len(entries), entries[-1].hash)))


@given(st.permutations(RECORD))
def test_a_reordered_record_is_found(entries: list[Entry]) -> None:
    if entries == RECORD:
        return
    with pytest.raises(AuditBroken):
        audit.verify(whole(entries))
    numbered = [replace(one, sequence=number) for number, one in enumerate(entries, start=1)]
    with pytest.raises(AuditBroken):
        audit.verify(whole(numbered, Head(len(numbered), numbered[-1].hash)))


@pytest.mark.parametrize("place", range(1, len(RECORD)))
def test_an_inserted_entry_is_found(place: int) -> None:
    forged = audit.seal(replace(RECORD[place], who="somebody", previous=RECORD[place - 1].hash))
    entries = [*RECORD[:place], forged, *RECORD[place:]]
    numbered = [replace(one, sequence=number) for number, one in enumerate(entries, start=1)]

    for tried in (entries, numbered):
        with pytest.raises(AuditBroken):
            audit.verify(whole(tried, Head(len(tried), tried[-1].hash)))


@pytest.mark.parametrize("kept", range(1, len(RECORD)))
def test_a_record_that_was_cut_off_is_found_by_its_head(kept: int) -> None:
    with pytest.raises(AuditBroken, match=f"ends at entry {kept}, and its head says {len(RECORD)}"):
        audit.verify(whole(RECORD[:kept]))


@pytest.mark.parametrize("kept", range(1, len(RECORD)))
def test_cut_off_with_its_head_it_is_found_by_one_that_was_kept(kept: int) -> None:
    """Nothing in the database is wrong then, where the change was undone as well."""
    entries = RECORD[:kept]
    head = Head(kept, entries[-1].hash)

    with pytest.raises(AuditBroken, match="no entry has the hash that you kept"):
        audit.verify(whole(entries, head), known_head=HEAD.hash)


@pytest.mark.parametrize("place", range(len(RECORD)))
def test_a_record_made_anew_is_found_by_a_head_that_was_kept(place: int) -> None:
    entries = list(RECORD)
    entries[place] = replace(entries[place], who="somebody")
    made = resealed(entries, place)

    head = Head(len(made), made[-1].hash)
    assert audit.verify(whole(made, head)) == head
    with pytest.raises(AuditBroken, match="no entry has the hash that you kept"):
        audit.verify(whole(made, head), known_head=HEAD.hash)


@pytest.mark.parametrize("head", [Head(len(RECORD), audit.NOTHING), Head(99, HEAD.hash)])
def test_a_head_that_was_changed_is_found(head: Head) -> None:
    with pytest.raises(AuditBroken, match="its head was changed"):
        audit.verify(whole(RECORD, head))


@pytest.mark.parametrize(
    ("versions", "keys", "named"),
    [
        pytest.param({"a": 4, "old": 3}, KEYS, "list a", id="a list changed past it"),
        pytest.param({"a": 3}, KEYS, "list old", id="a list deleted"),
        pytest.param({**VERSIONS, "b": 1}, KEYS, "list b", id="a deleted list come back"),
        pytest.param({**VERSIONS, "c": 1}, KEYS, "list c", id="a list put in"),
        pytest.param(VERSIONS, {}, "key k", id="a key deleted"),
        pytest.param(
            VERSIONS, {**KEYS, "x": KeyFacts("admin", None, False)}, "key x", id="a key put in"
        ),
        pytest.param(
            VERSIONS, {"k": KeyFacts("admin", 9, True, "second")}, "key k", id="a scope raised"
        ),
        pytest.param(
            VERSIONS, {"k": KeyFacts("check", 9, False, "second")}, "key k", id="not revoked"
        ),
        pytest.param(
            VERSIONS, {"k": KeyFacts("check", None, True, "second")}, "key k", id="no end"
        ),
        pytest.param(
            VERSIONS, {"k": KeyFacts("check", 9, True, "another")}, "key k", id="a secret replaced"
        ),
    ],
)
def test_what_was_changed_past_the_record_is_found(
    versions: Mapping[str, int], keys: Mapping[str, KeyFacts], named: str
) -> None:
    with pytest.raises(AuditBroken, match=f"^{named} is not as the record says"):
        audit.verify(whole(RECORD, versions=versions, keys=keys))


@pytest.mark.parametrize("head", [Head(0, audit.NOTHING), HEAD])
def test_an_empty_record_is_no_record(head: Head) -> None:
    """Every store's begins with an entry; without one all has been taken away."""
    with pytest.raises(AuditBroken, match="entry 1 is missing"):
        audit.verify(whole([], head, {}, {}))


@pytest.mark.parametrize(
    ("place", "what", "change"),
    [
        pytest.param(0, What.LIST_CREATE.value, "{}", id="another beginning"),
        pytest.param(4, What.BEGIN.value, RECORD[0].change, id="a second beginning"),
        pytest.param(0, What.BEGIN.value, "{}", id="a beginning that says nothing"),
        pytest.param(6, What.KEY_CREATE.value, "[]", id="a key that is none"),
        pytest.param(6, What.KEY_REVOKE.value, '{"id":"x"}', id="a key that never was"),
    ],
)
def test_a_record_made_anew_has_to_make_sense(place: int, what: str, change: str) -> None:
    entries = list(RECORD)
    entries[place] = replace(entries[place], what=what, change=change)
    made = resealed(entries, place)

    with pytest.raises(AuditBroken, match=f"entry {place + 1} says what recirc never does"):
        audit.verify(whole(made, Head(len(made), made[-1].hash)))


@pytest.mark.parametrize(
    ("count", "key"),
    [(0, "ids"), (1, "ids"), (20, "ids"), (21, "ids_sha256"), (10**5, "ids_sha256")],
)
def test_ids_are_named_as_far_as_they_are_few(count: int, key: str) -> None:
    ids = [f"r{number}" for number in range(count)]

    told = audit.named(ids)

    assert set(told) == {"count", key}
    assert told["count"] == count
    assert len(audit.canonical(told)) < 300
    assert told == audit.named(ids) if key == "ids" else told == audit.named(ids[::-1])


_TEXTS = st.text(st.characters(codec="utf-8"))
_VALUES: st.SearchStrategy[audit.Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
)


@given(_VALUES)
def test_canonical_json_comes_back_and_has_one_form(value: audit.Value) -> None:
    text = audit.canonical(value)

    assert json.loads(text) == value
    assert audit.canonical(json.loads(text)) == text
    text.encode()


def test_unreadable_changes_can_be_shown() -> None:
    assert tampered(5, change="nonsense")[4].plain()["change"] == {"unreadable": True}


def test_a_verifier_of_one_s_own_agrees() -> None:
    def verified(entries: Sequence[Entry]) -> bool:
        previous = "0" * 64
        for number, entry in enumerate(entries, start=1):
            fields = entry.plain()
            told = fields.pop("hash")
            text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if (fields["sequence"], fields["previous"]) != (number, previous):
                return False
            if hashlib.sha256(text.encode()).hexdigest() != told:
                return False
            previous = str(told)
        return True

    assert verified(RECORD)
    assert not verified(tampered(5, who="somebody"))
