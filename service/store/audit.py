"""The audit record: what every store promises of it."""

from contextlib import AbstractContextManager
from typing import Protocol

from service.audit import Entry, Head, Whole


class Audit(Protocol):
    """The record of one store. It is written by the changes themselves, in their transactions.

    Any method raises StoreError when the store itself fails.
    """

    def entries(
        self, *, after: int = 0, limit: int = 100, list_name: str | None = None
    ) -> list[Entry]:
        """At most ``limit`` entries in order, from the first after number ``after``.

        With ``list_name`` those of this list alone, also of one that is deleted.
        """
        ...

    def head(self) -> Head:
        """Where the record ends."""
        ...

    def whole(self) -> AbstractContextManager[Whole]:
        """All entries and what they are about as they are now, while others may change it."""
        ...
