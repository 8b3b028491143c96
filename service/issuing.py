"""Issuing: API keys made, rotated and revoked, for the command line and the routes."""

import re
from dataclasses import dataclass, field
from typing import Final

from service import keys
from service.callers import Scope
from service.errors import KeyNotFound
from service.keys import KeyInfo
from service.store.base import Store

MOST_DAYS: Final = 3650  # ten years: what is longer is a slip of the finger
OVERLAP_HOURS: Final = 24  # a day to bring the new key to every caller
MOST_OVERLAP_HOURS: Final = 30 * 24  # with longer ones nothing is rotated
_HOUR_MS: Final = 3600 * 1000
_ID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Issued:
    """A key that was made or rotated. ``key`` is shown once and kept nowhere."""

    info: KeyInfo
    key: str = field(repr=False)


def create(store: Store, name: str, scope: Scope, *, days: int | None = None) -> Issued:
    """A new key; it expires after ``days``, or never. Raises BadName."""
    key_id = keys.new_id()
    key = keys.new_key(key_id)
    info = store.keys.create(
        key_id, keys.digest_of(key), name=name, scope=scope, lifetime_ms=_lifetime_ms(days)
    )
    return Issued(info, key)


def rotate(
    store: Store, key_id: str, *, overlap_hours: int = OVERLAP_HOURS, days: int | None = None
) -> Issued:
    """A new key under the same id; the one before it stays good for ``overlap_hours``.

    ``days``: it expires then, from now; None leaves that. Raises KeyNotFound, KeyEnded.
    """
    key = keys.new_key(_require_id(key_id))
    info = store.keys.rotate(
        key_id,
        keys.digest_of(key),
        overlap_ms=overlap_hours * _HOUR_MS,
        lifetime_ms=_lifetime_ms(days),
    )
    return Issued(info, key)


def revoke(store: Store, key_id: str) -> KeyInfo:
    """End a key from the next request on. Again changes nothing. Raises KeyNotFound."""
    return store.keys.revoke(_require_id(key_id))


def _require_id(untrusted: str) -> str:
    if not _ID.fullmatch(untrusted):
        raise KeyNotFound(f"{untrusted[:80]!a} is no key's id, which has 12 of 0-9 and a-f")
    return untrusted


def _lifetime_ms(days: int | None) -> int | None:
    return None if days is None else days * 24 * _HOUR_MS
