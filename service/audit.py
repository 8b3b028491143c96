"""Audit: a record of every change to lists and keys that shows when it was tampered with.

An entry says who did what to which list, when, and what version the list had before and after. Its
hash is the SHA-256 of its canonical JSON (RFC 8785), which holds the hash of the entry before it:
no entry can be changed, removed, moved or put in between without all hashes after it being wrong.
Who can write the database can make all of them anew, so the last hash, the head, is to be kept
elsewhere as well: a head that was printed once must be in the record for ever.

Entries are never deleted, so nothing goes in that may have to be: of people, the id of a key or the
number of a system's account; of labels, incidents, sources and the names of keys, only that they
changed; and no hashes of footage. Numbers that are no whole ones are text, because their JSON is
not the same everywhere.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from service.errors import AuditBroken

NOTHING: Final = "0" * 64  # the hash before the first entry
ITSELF: Final = "recirc"  # who changes things without being asked
CHANGED: Final = "changed"  # of a text that is not told
_MOST_IDS: Final = 20  # that an entry names; of more, their number and what proves them
Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]
Change = Mapping[str, Value]


class What(StrEnum):
    """What was done."""

    BEGIN = "record.begin"
    LIST_CREATE = "list.create"
    LIST_UPDATE = "list.update"
    LIST_DELETE = "list.delete"
    LIST_IMPORT = "list.import"
    REFERENCES_ADD = "references.add"
    REFERENCES_REMOVE = "references.remove"
    REFERENCES_STANDING = "references.standing"
    REFERENCE_UPDATE = "reference.update"
    KEY_CREATE = "key.create"
    KEY_ROTATE = "key.rotate"
    KEY_REVOKE = "key.revoke"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. ``change``: the rest of what there is to tell, as canonical JSON.

    ``who``: ``key:<id>``, ``local`` (a caller over HTTP before there were keys), ``cli:<uid>`` or
    ``recirc`` itself. ``version_before`` and ``version_after`` are the list's.
    """

    sequence: int
    time_ms: int
    who: str
    what: str
    list: str | None
    version_before: int | None
    version_after: int | None
    change: str
    previous: str
    hash: str = ""

    @property
    def versions(self) -> tuple[int | None, int | None]:
        """The list's, before and after."""
        return self.version_before, self.version_after

    def plain(self) -> dict[str, object]:
        """As plain values: for the command line and for HTTP alike."""
        try:
            change = json.loads(self.change)
        except (TypeError, ValueError):
            change = {"unreadable": True}  # somebody wrote there; ``verify`` says so
        return asdict(self) | {"change": change}


@dataclass(frozen=True, slots=True)
class Head:
    """Where the record ends: the number and the hash of its last entry."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the record and the store have to agree on about a key.

    ``secrets_sha256``: as ``proof`` has it; None where the record does not say.
    """

    scope: str
    expires_at_ms: int | None
    revoked: bool
    secrets_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A record and what it is about, at one moment. ``entries`` can be read once, in order."""

    entries: Iterator[Entry]
    head: Head
    versions: Mapping[str, int]
    keys: Mapping[str, KeyFacts]


def canonical(value: Value) -> str:
    """A value as JSON that is the same everywhere (RFC 8785, of what ``Value`` allows)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def seal(entry: Entry) -> Entry:
    """The entry with its hash."""
    return replace(entry, hash=_hash(entry))


def named(ids: Sequence[str]) -> Change:
    """Ids in an entry: few by name; of many their number, and the SHA-256 of their sorted lines."""
    if len(ids) <= _MOST_IDS:
        return {"count": len(ids), "ids": list(ids)}
    lines = "".join(f"{one}\n" for one in sorted(ids))
    return {"count": len(ids), "ids_sha256": hashlib.sha256(lines.encode()).hexdigest()}


def proof(digest: bytes, previous: bytes = b"", overlap_until_ms: int | None = None) -> str:
    """What proves which secrets opened a key, the one before until when; it tells none of them."""
    until = canonical(overlap_until_ms).encode()
    return hashlib.sha256(digest + previous + until).hexdigest()


def beginning(versions: Mapping[str, int], keys: Mapping[str, KeyFacts], token: str) -> Change:
    """What a record's first entry tells: what there was, and a token that no other record has."""
    facts = {
        key_id: [one.scope, one.expires_at_ms, one.revoked, one.secrets_sha256]
        for key_id, one in keys.items()
    }
    return {"format": 1, "token": token, "lists": dict(versions), "keys": facts}


def verify(whole: Whole, *, known_head: str | None = None) -> Head:
    """The record's head; ``known_head`` is a hash that was printed once.

    Raises AuditBroken, naming the first entry that is wrong.
    """
    last, was_known = Head(0, NOTHING), known_head is None
    account = _Account()
    for entry in whole.entries:
        _require_follows(entry, last)
        account.take(entry)
        last = Head(entry.sequence, entry.hash)
        was_known = was_known or entry.hash == known_head
    if not last.sequence:
        raise AuditBroken("entry 1 is missing: a record begins with one that says what there was")
    if last != whole.head:
        raise AuditBroken(
            f"the record ends at entry {last.sequence}, and its head says {whole.head.sequence}: "
            "entries at its end are missing, or its head was changed"
        )
    if not was_known:
        raise AuditBroken(
            "no entry has the hash that you kept: the record was cut off and went on, was made "
            "anew, or is another database's"
        )
    account.require_agrees(whole)
    return last


def _require_follows(entry: Entry, last: Head) -> None:
    number = last.sequence + 1
    if entry.sequence != number:
        raise AuditBroken(
            f"entry {number} is missing: after {last.sequence} comes {entry.sequence}"
        )
    if entry.previous != last.hash:
        raise AuditBroken(
            f"entry {number} does not follow the one before it: something was removed, put in or "
            "moved there"
        )
    try:
        is_sound = _hash(entry) == entry.hash
    except (TypeError, ValueError):
        is_sound = False
    if not is_sound:
        raise AuditBroken(f"entry {number} was changed after it was written")


def _hash(entry: Entry) -> str:
    fields = entry.plain()
    del fields["hash"]
    if canonical(fields["change"]) != entry.change:  # type: ignore[arg-type]  # JSON was read
        raise ValueError("not canonical")
    return hashlib.sha256(canonical(fields).encode()).hexdigest()  # type: ignore[arg-type]


class _Account:
    """What lists and keys there should be, by what the entries say."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._keys: dict[str, KeyFacts] = {}

    def take(self, entry: Entry) -> None:
        """Follow one entry, whose hash is right. Raises AuditBroken where it makes no sense."""
        try:
            self._follow(entry)
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise AuditBroken(f"entry {entry.sequence} says what recirc never does") from problem

    def _follow(self, entry: Entry) -> None:
        change = json.loads(entry.change)
        if (entry.what == What.BEGIN) != (entry.sequence == 1):
            raise ValueError("a record begins once")
        if entry.what == What.BEGIN:
            self._versions = dict(change["lists"])
            self._keys = {key_id: KeyFacts(*facts) for key_id, facts in change["keys"].items()}
        elif entry.what == What.LIST_DELETE and entry.list is not None:
            self._versions.pop(entry.list, None)
        elif entry.list is not None and entry.version_after is not None:
            self._versions[entry.list] = entry.version_after
        elif entry.what == What.KEY_CREATE:
            self._keys[change["id"]] = KeyFacts(
                change["scope"], change["expires_at_ms"], False, change.get("secrets_sha256")
            )
        elif entry.what == What.KEY_ROTATE:
            before = self._keys[change["id"]]
            self._keys[change["id"]] = replace(
                before,
                expires_at_ms=change["expires_at_ms"],
                secrets_sha256=change.get("secrets_sha256"),
            )
        elif entry.what == What.KEY_REVOKE:
            self._keys[change["id"]] = replace(self._keys[change["id"]], revoked=True)

    def require_agrees(self, whole: Whole) -> None:
        """Raise AuditBroken where the store has what no entry tells of."""
        known = {
            key_id: one
            if (told := self._keys.get(key_id)) is None or told.secrets_sha256 is not None
            else replace(one, secrets_sha256=None)
            for key_id, one in whole.keys.items()
        }
        wrong = [
            *(f"list {name}" for name in _differences(self._versions, whole.versions)),
            *(f"key {key_id}" for key_id in _differences(self._keys, known)),
        ]
        if wrong:
            raise AuditBroken(
                f"{wrong[0]} is not as the record says ({len(wrong)} in all): it was changed past "
                "recirc"
            )


def _differences(left: Mapping[str, object], right: Mapping[str, object]) -> Iterable[str]:
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
