"""The Keys in memory: a fake for tests, held to the same contract as the real ones."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Self

from hashing.reference import require_text
from service.audit import What
from service.callers import Scope
from service.errors import KeyEnded, KeyNotFound
from service.keys import KeyInfo, State, StoredKey
from service.store import deeds
from tests.memory_audit import MemoryTrail


class MemoryKeys:
    """Keys in a dictionary, in order of their making."""

    def __init__(self, clock: Callable[[], int], trail: MemoryTrail) -> None:
        self._clock = clock
        self._trail = trail
        self._kept: dict[str, StoredKey] = {}

    def by(self, who: str) -> Self:
        bound = copy(self)
        bound._trail = self._trail.by(who)
        return bound

    def create(
        self, key_id: str, digest: bytes, *, name: str, scope: Scope, lifetime_ms: int | None
    ) -> KeyInfo:
        require_text(name, "name")
        now_ms = self._clock()
        expires_at_ms = None if lifetime_ms is None else now_ms + lifetime_ms
        info = KeyInfo(key_id, name, scope, now_ms, expires_at_ms)
        self._kept[key_id] = StoredKey(info, digest)
        self._trail.add(What.KEY_CREATE, deeds.issued(info, digest))
        return info

    def rotate(
        self, key_id: str, digest: bytes, *, overlap_ms: int, lifetime_ms: int | None = None
    ) -> KeyInfo:
        before, now_ms = self._require(key_id), self._clock()
        if before.info.state(now_ms) is not State.ACTIVE:
            raise KeyEnded(key_id)
        info = replace(
            before.info,
            rotated_at_ms=now_ms,
            overlap_until_ms=now_ms + overlap_ms,
            expires_at_ms=before.info.expires_at_ms
            if lifetime_ms is None
            else now_ms + lifetime_ms,
        )
        self._kept[key_id] = StoredKey(info, digest, before.digest)
        self._trail.add(What.KEY_ROTATE, deeds.rotated(info, digest, before.digest))
        return info

    def revoke(self, key_id: str) -> KeyInfo:
        before = self._require(key_id)
        if before.info.revoked_at_ms is None:
            info = replace(before.info, revoked_at_ms=self._clock())
            self._kept[key_id] = replace(before, info=info)
            self._trail.add(What.KEY_REVOKE, deeds.revoked(key_id))
        return self._kept[key_id].info

    def find(self, key_id: str) -> StoredKey | None:
        return self._kept.get(key_id)

    def all(self) -> list[KeyInfo]:
        return [one.info for one in self._kept.values()]

    def stored(self) -> list[StoredKey]:
        return list(self._kept.values())

    def any(self) -> bool:
        return bool(self._kept)

    def note_uses(self, last_ms: Mapping[str, int]) -> None:
        for key_id, used_at_ms in last_ms.items():
            before = self._kept[key_id]
            noted_ms = before.info.last_used_at_ms or 0
            info = replace(before.info, last_used_at_ms=max(used_at_ms, noted_ms))
            self._kept[key_id] = replace(before, info=info)

    def _require(self, key_id: str) -> StoredKey:
        found = self._kept.get(key_id)
        if found is None:
            raise KeyNotFound(key_id)
        return found
