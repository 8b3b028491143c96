"""Idempotency: what every store keeps of requests that may be sent twice and count once.

Of a request's body only a keyed digest is kept, with a key of its own in the same record: two
records never say whether two bodies were the same.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: whose, for which route, and under which name.

    ``token``: a digest of the header's text, which may say things about people. ``parameters``: a
    digest of all but the body.
    """

    key: str
    route: str
    token: str
    parameters: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What it is known by, whatever its parameters."""
        return self.key, self.route, self.token


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered. ``body_digest``: of the request's body, by the record's salt."""

    body_digest: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a request. ``answered``: None while ``boot`` works on it."""

    parameters: str
    salt: bytes
    boot: str
    answered: Answered | None


class Idempotency(Protocol):
    """The records of one store. Usable from several threads.

    Any method raises StoreError when the store itself fails. Each change is one transaction.
    """

    def begin(self, asked: Asked, *, salt: bytes, boot: str, keep_ms: int) -> Record | None:
        """None where the request is new, and recorded now; else what is known of it.

        What was recorded longer than its ``keep_ms`` ago is not known any more.
        """
        ...

    def finish(self, asked: Asked, answered: Answered) -> None:
        """Keep what a request was answered."""
        ...

    def drop(self, asked: Asked) -> None:
        """Forget a request: it may be sent anew."""
        ...

    def forget(self) -> None:
        """Forget what was recorded too long ago."""
        ...
