"""Keys: what every store keeps of API keys, and how they change."""

from collections.abc import Mapping
from typing import Protocol

from service.callers import Scope
from service.keys import KeyInfo, StoredKey


class Keys(Protocol):
    """The keys of one store. Usable from several threads.

    No key is ever deleted: a revoked one says who it was, and a service that had a key once asks
    for keys for ever. Any method raises StoreError when the store itself fails.
    """

    def create(
        self, key_id: str, digest: bytes, *, name: str, scope: Scope, lifetime_ms: int | None
    ) -> KeyInfo:
        """Keep a new key under an id that no key has. Raises BadName for the name."""
        ...

    def rotate(
        self, key_id: str, digest: bytes, *, overlap_ms: int, lifetime_ms: int | None = None
    ) -> KeyInfo:
        """Give a key a new secret; the one it had stays good for ``overlap_ms``, those before not.

        ``lifetime_ms``: it expires then, from now; None leaves that. Raises KeyNotFound, and
        KeyEnded where it is revoked or has expired.
        """
        ...

    def revoke(self, key_id: str) -> KeyInfo:
        """End a key now, for every process. Again changes nothing. Raises KeyNotFound."""
        ...

    def find(self, key_id: str) -> StoredKey | None:
        """What is kept of a key; None where there is none."""
        ...

    def all(self) -> list[KeyInfo]:
        """All keys, also those that have ended, in order of their making."""
        ...

    def any(self) -> bool:
        """Whether a key was ever made."""
        ...

    def note_uses(self, last_ms: Mapping[str, int]) -> None:
        """Note when keys were last used; an earlier time than the one there changes nothing."""
        ...
