"""The Store in memory: a fake for tests, held to the same contract as the real ones."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Self

from hashing.reference import Policy, Reference, require_list_name, require_text
from hashing.verdict import require_false_alarms
from service import audit
from service.audit import Change, KeyFacts, What
from service.errors import ListExists, ListNotFound, ReferenceNotFound, StoreError
from service.store import changing, deeds
from service.store.base import (
    KEEP,
    AddResult,
    Changes,
    Expiry,
    Keep,
    ListInfo,
    Mark,
    Patched,
    ReferenceSummary,
    RemoveResult,
    Snapshot,
    Standing,
    StandingResult,
)
from tests.memory_audit import MemoryAudit, MemoryTrail
from tests.memory_jobs import MemoryBoots, MemoryIdempotency, MemoryJobs
from tests.memory_keys import MemoryKeys


@dataclass
class _List:
    info: ListInfo
    references: dict[str, Reference] = field(default_factory=dict)
    added_at_ms: dict[str, int] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    changed_in: dict[str, int] = field(default_factory=dict)  # also of those that are removed
    token: str = field(default_factory=lambda: secrets.token_hex(8))  # this list's, not its name's

    def bump(self, *changed: str) -> None:
        self.info = replace(
            self.info,
            version=self.info.version + 1,
            references=len(self.references),
            patched=sum(bool(one.patches) for one in self.references.values()),
        )
        self.changed_in |= dict.fromkeys(changed, self.info.version)


class MemoryStore:
    """Lists in dictionaries. Values are immutable, so handing them out shares nothing."""

    def __init__(self, clock: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self.jobs = MemoryJobs(clock)
        self.requests = MemoryIdempotency(clock)
        self.boots = MemoryBoots()
        self._lock = threading.RLock()
        self._lists: dict[str, _List] = {}
        self._deleted: dict[str, int] = {}
        self._closed = False
        self._trail = MemoryTrail(MemoryAudit(self._facts), clock, audit.ITSELF)
        self._keys = MemoryKeys(clock, self._trail)

    @property
    def keys(self) -> MemoryKeys:
        return self._keys

    @property
    def audit(self) -> MemoryAudit:
        return self._trail.record

    def by(self, who: str) -> Self:
        bound = copy(self)
        bound._trail, bound._keys = self._trail.by(who), self._keys.by(who)
        return bound

    def create_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None = None,
        false_alarms_per_100k: float | None = None,
        patches: bool = True,
    ) -> ListInfo:
        with self._open():
            if name in self._lists:
                raise ListExists(name)
            return self._make(name, policy, source, false_alarms_per_100k, patches).info

    def lists(self) -> list[ListInfo]:
        with self._open():
            return [self._lists[name].info for name in sorted(self._lists)]

    def get_list(self, name: str) -> ListInfo:
        with self._open():
            return self._list(name).info

    def update_list(
        self,
        name: str,
        *,
        policy: Policy | None = None,
        source: str | Keep | None = KEEP,
        false_alarms_per_100k: float | Keep | None = KEEP,
        patches: bool | None = None,
    ) -> ListInfo:
        with self._open():
            listed = self._list(name)
            before = listed.info
            wanted = changing.settings(
                before,
                policy=policy,
                source=source,
                false_alarms_per_100k=false_alarms_per_100k,
                patches=patches,
            )
            if listed.info != wanted:
                listed.info = wanted
                if not wanted.patches:
                    listed.references = {
                        name: replace(one, patches=()) for name, one in listed.references.items()
                    }
                self._bump(listed, What.LIST_UPDATE, deeds.updated(before, wanted))
            return listed.info

    def delete_list(self, name: str) -> None:
        with self._open():
            info = self._list(name).info
            self._deleted[name] = info.version
            del self._lists[name]
            self._trail.add(What.LIST_DELETE, deeds.deleted(info), name, info.version, None)

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
        with self._open():
            # All are read before anything changes: an error on the way leaves nothing.
            batch = tuple(references)
            if create and list_name not in self._lists:
                self._make(list_name, policy, source, None, patches)
            listed = self._list(list_name)
            ids = {
                reference.fingerprint.digest: reference.id
                for reference in listed.references.values()
            }
            added: list[str] = []
            unchanged: list[str] = []
            conflicts: list[str] = []
            patched = sum(bool(one.patches) for one in listed.references.values())
            for given in batch:
                reference = given if listed.info.patches else replace(given, patches=())
                digest = reference.fingerprint.digest
                if digest in ids:
                    unchanged.append(ids[digest])
                    known = listed.references[ids[digest]]
                    if reference.patches and not known.patches:
                        listed.references[known.id] = replace(known, patches=reference.patches)
                elif reference.id in listed.references:
                    conflicts.append(reference.id)
                else:
                    listed.references[reference.id] = reference
                    listed.added_at_ms[reference.id] = self._clock()
                    ids[digest] = reference.id
                    added.append(reference.id)
            result = AddResult(tuple(added), tuple(unchanged), tuple(conflicts))
            now = sum(bool(one.patches) for one in listed.references.values())
            if added or now != patched:
                what = What.LIST_IMPORT if imported else What.REFERENCES_ADD
                self._bump(listed, what, deeds.added(result, patched=now - patched), *added)
            return result

    def update_reference(
        self,
        list_name: str,
        reference_id: str,
        *,
        label: str | Keep | None = KEEP,
        incident: str | Keep | None = KEEP,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> ReferenceSummary:
        with self._open():
            listed = self._list(list_name)
            before = self.get_summary(list_name, reference_id)
            reference = self.get_reference(list_name, reference_id)
            label, incident = changing.texts(before, label=label, incident=incident)
            after = replace(reference, label=label, incident=incident)
            if reference != after:
                listed.references[reference_id] = after
                told = deeds.relabelled(before, label=label, incident=incident)
                self._bump(listed, What.REFERENCE_UPDATE, told, reference_id)
            self.set_standing(list_name, [reference_id], enabled=enabled, expires=expires)
            return self.get_summary(list_name, reference_id)

    def set_standing(
        self,
        list_name: str,
        reference_ids: Iterable[str],
        *,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> StandingResult:
        with self._open():
            listed = self._list(list_name)
            changed: list[str] = []
            unchanged: list[str] = []
            missing: list[str] = []
            for name in dict.fromkeys(reference_ids):
                if name not in listed.references:
                    missing.append(name)
                    continue
                before = listed.standing.get(name, Standing())
                wanted = Standing(
                    before.enabled if enabled is None else enabled,
                    before.expires_at_ms if expires is None else expires.at_ms,
                )
                (unchanged if wanted == before else changed).append(name)
                listed.standing[name] = wanted
            result = StandingResult(tuple(changed), tuple(unchanged), tuple(missing))
            if changed:
                told = deeds.stood(result, enabled=enabled, expires=expires)
                self._bump(listed, What.REFERENCES_STANDING, told, *changed)
            return result

    def remove(self, list_name: str, reference_ids: Iterable[str]) -> RemoveResult:
        with self._open():
            listed = self._list(list_name)
            wanted = list(dict.fromkeys(reference_ids))
            removed = tuple(name for name in wanted if name in listed.references)
            for reference_id in removed:
                del listed.references[reference_id]
                listed.standing.pop(reference_id, None)
            missing = tuple(name for name in wanted if name not in removed)
            result = RemoveResult(removed, missing)
            if removed:
                self._bump(listed, What.REFERENCES_REMOVE, deeds.removed(result), *removed)
            return result

    def get_reference(self, list_name: str, reference_id: str) -> Reference:
        with self._open():
            found = self._list(list_name).references.get(reference_id)
            if found is None:
                raise ReferenceNotFound(reference_id)
            return found

    def get_summary(self, list_name: str, reference_id: str) -> ReferenceSummary:
        reference = self.get_reference(list_name, reference_id)
        fingerprint = reference.fingerprint
        return ReferenceSummary(
            id=reference.id,
            label=reference.label,
            incident=reference.incident,
            added_at_ms=self._list(list_name).added_at_ms[reference_id],
            kind=fingerprint.kind,
            duration_ms=fingerprint.duration_ms,
            frames=fingerprint.frames,
            algorithms=tuple(sorted({track.algorithm for track in fingerprint.tracks}, key=str)),
            digest=fingerprint.digest,
            standing=self._list(list_name).standing.get(reference_id, Standing()),
        )

    def references(
        self, list_name: str, *, after_id: str | None = None, limit: int = 100
    ) -> list[ReferenceSummary]:
        with self._open():
            names = sorted(self._list(list_name).references)
            later = [name for name in names if name > (after_id or "")]
            return [self.get_summary(list_name, name) for name in later[:limit]]

    @contextmanager
    def snapshot(self, list_name: str) -> Iterator[Snapshot]:
        with self._open():
            listed = self._list(list_name)
            references = [
                replace(listed.references[name], patches=())
                for name in sorted(listed.references)
                if self._holds(listed, name)
            ]
        algorithms = {
            track.algorithm for reference in references for track in reference.fingerprint.tracks
        }
        told = tuple(sorted(algorithms, key=str))
        yield Snapshot(listed.info, len(references), told, iter(references))

    @contextmanager
    def changes(self, list_name: str, since: Mark | None) -> Iterator[Changes | None]:
        with self._open():
            listed = self._list(list_name)
            mark = Mark(listed.info.version, listed.token, self._clock())
            is_known = since is None or (
                since.token == mark.token and since.version <= mark.version
            )
            after = 0 if since is None else since.version
            changed = sorted(
                name
                for name, at in listed.changed_in.items()
                if at > after or self._holds_again(listed, name, since)
            )
            now = [
                replace(listed.references[name], patches=())
                for name in changed
                if self._holds(listed, name)
            ]
            expired = {
                name
                for name, one in listed.standing.items()
                if one.expires_at_ms is not None and one.expires_at_ms <= self._clock()
            }
            gone = {name for name in changed if not self._holds(listed, name)} | expired
            removed = () if since is None else tuple(sorted(gone))
            coming = [
                one.expires_at_ms
                for one in listed.standing.values()
                if one.expires_at_ms is not None and one.holds(self._clock())
            ]
            expiry_ms = min(coming, default=None)
        yield Changes(listed.info, mark, iter(now), removed, expiry_ms) if is_known else None

    def _holds_again(self, listed: _List, name: str, since: Mark | None) -> bool:
        expires_at_ms = listed.standing.get(name, Standing()).expires_at_ms
        return (
            since is not None
            and expires_at_ms is not None
            and self._clock() < expires_at_ms <= since.read_at_ms
        )

    def _holds(self, listed: _List, name: str) -> bool:
        standing = listed.standing.get(name, Standing())
        return name in listed.references and standing.holds(self._clock())

    def fingerprints(self, list_name: str) -> Iterator[Reference]:
        with self.snapshot(list_name) as snapshot:
            yield from snapshot.references

    def patches(self, list_name: str, *, known: frozenset[str] = frozenset()) -> Iterator[Patched]:
        with self._open():
            listed = self._list(list_name)
            found = sorted(listed.references.items())
            held = {name for name, _ in found if self._holds(listed, name)}
        for name, one in found:
            if one.patches and name in held:
                digest = one.fingerprint.digest
                yield Patched(name, digest, None if digest in known else one.patches)

    def changed_ms(self, list_name: str) -> int:
        with self._open():
            listed = self._list(list_name)
            return max([listed.info.created_at_ms, *listed.added_at_ms.values()])

    def versions(self) -> dict[str, int]:
        with self._open():
            return {name: listed.info.version for name, listed in self._lists.items()}

    def close(self) -> None:
        self._closed = True

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            yield

    def _make(
        self,
        name: str,
        policy: Policy,
        source: str | None,
        false_alarms_per_100k: float | None,
        patches: bool,
    ) -> _List:
        require_list_name(name)
        require_text(source, "source")
        accepted = require_false_alarms(false_alarms_per_100k, policy)
        version = self._deleted.get(name, 0) + 1
        listed = _List(ListInfo(name, policy, source, accepted, self._clock(), version, 0, patches))
        self._lists[name] = listed
        self._trail.add(What.LIST_CREATE, deeds.created(listed.info), name, None, version)
        return listed

    def _bump(self, listed: _List, what: What, told: Change, *changed: str) -> None:
        listed.bump(*changed)
        version = listed.info.version
        self._trail.add(what, told, listed.info.name, version - 1, version)

    def _facts(self) -> tuple[dict[str, int], dict[str, KeyFacts]]:
        """What the audit record is about."""
        return {name: listed.info.version for name, listed in self._lists.items()}, {
            one.info.id: KeyFacts(
                one.info.scope.word,
                one.info.expires_at_ms,
                one.info.revoked_at_ms is not None,
                audit.proof(one.digest, one.previous or b"", one.info.overlap_until_ms),
            )
            for one in self._keys.stored()
        }

    def _list(self, name: str) -> _List:
        if name not in self._lists:
            raise ListNotFound(name)
        return self._lists[name]
