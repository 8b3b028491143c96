"""Deeds: what the audit record tells of each change, whatever the store.

Texts that people wrote, which may have to be forgotten one day, are only said to have changed.
"""

from service.audit import CHANGED, Change, Value, named, proof
from service.keys import KeyInfo
from service.store.base import (
    AddResult,
    Expiry,
    ListInfo,
    ReferenceSummary,
    RemoveResult,
    StandingResult,
)


def created(info: ListInfo) -> Change:
    """A list was made."""
    return _choices(info)


def updated(before: ListInfo, after: ListInfo) -> Change:
    """A list's settings were changed: of each that was, the value before and after."""
    old, new = _choices(before), _choices(after)
    told: dict[str, Value] = {
        name: [old[name], new[name]] for name in old if old[name] != new[name]
    }
    if before.source != after.source:
        told["source"] = CHANGED
    return told


def deleted(info: ListInfo) -> Change:
    """A list was deleted."""
    return {"references": info.references}


def added(result: AddResult, *, patched: int) -> Change:
    """References were added; ``patched``: how many more have patch hashes than before."""
    return {"added": named(result.added), "patched": patched}


def removed(result: RemoveResult) -> Change:
    """References were removed."""
    return {"removed": named(result.removed)}


def relabelled(before: ReferenceSummary, *, label: str | None, incident: str | None) -> Change:
    """A reference was given this label and incident."""
    told: dict[str, Value] = {"id": before.id}
    if before.label != label:
        told["label"] = CHANGED
    if before.incident != incident:
        told["incident"] = CHANGED
    return told


def stood(result: StandingResult, *, enabled: bool | None, expires: Expiry | None) -> Change:
    """References were enabled, disabled, or given a time until which they hold."""
    told: dict[str, Value] = {"references": named(result.changed)}
    if enabled is not None:
        told["enabled"] = enabled
    if expires is not None:
        told["expires_at_ms"] = expires.at_ms
    return told


def issued(info: KeyInfo, digest: bytes) -> Change:
    """A key was made. ``digest``: of its secret."""
    return {
        "id": info.id,
        "scope": info.scope.word,
        "expires_at_ms": info.expires_at_ms,
        "secrets_sha256": proof(digest),
    }


def rotated(info: KeyInfo, digest: bytes, previous: bytes) -> Change:
    """A key was given a new secret; ``digest`` is of that, ``previous`` of the one before."""
    return {
        "id": info.id,
        "secrets_sha256": proof(digest, previous, info.overlap_until_ms),
        "overlap_until_ms": info.overlap_until_ms,
        "expires_at_ms": info.expires_at_ms,
    }


def revoked(key_id: str) -> Change:
    """A key was revoked."""
    return {"id": key_id}


def _choices(info: ListInfo) -> dict[str, Value]:
    accepted = info.false_alarms_per_100k
    return {
        "policy": info.policy.value,
        "patches": info.patches,
        "false_alarms_per_100k": None if accepted is None else f"{accepted:g}",
    }
