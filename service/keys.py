"""API keys: what one looks like, what is kept of it, and whether it is good now.

``recirc_<id>_<secret><check>``: the id (12 hex digits) is public and names the key in lists, logs
and the audit record; the secret is 43 letters and digits, 256 bits of chance; the check is the
CRC-32 of all before it in 6 letters and digits, so that a scanner for leaked secrets (or the
service, without asking its database) tells a key from a text that looks like one. Its regular
expression is ``recirc_[0-9a-f]{12}_[0-9A-Za-z]{49}``.

Of a key the SHA-256 is kept, never the key. No slow hash: those are for passwords, which can be
guessed; 2^256 secrets cannot, and a slow one would cost every request its time.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from service.callers import Scope

_ID_BYTES: Final = 6
_SECRET_LETTERS: Final = 43  # 62^43 > 2^256
_CHECK_LETTERS: Final = 6  # 62^6 > 2^32
_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY: Final = re.compile(r"recirc_(?P<id>[0-9a-f]{12})_[0-9A-Za-z]{43}(?P<check>[0-9A-Za-z]{6})")
# Compared with where there is nothing to compare with, so that both take the same time.
_NOTHING: Final = bytes(hashlib.sha256().digest_size)


class State(StrEnum):
    """Whether a key is good."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key without anything secret. Times are milliseconds since 1970; None is never.

    ``rotated_at_ms``: when it got the secret that it has; ``overlap_until_ms``: until when the
    secret before that one is good as well. ``last_used_at_ms`` is true to about a minute.
    """

    id: str
    name: str
    scope: Scope
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    rotated_at_ms: int | None = None
    overlap_until_ms: int | None = None
    last_used_at_ms: int | None = None

    def state(self, now_ms: int) -> State:
        """Whether it is good now. A revoked key stays that, whether it expires or not."""
        if self.revoked_at_ms is not None:
            return State.REVOKED
        if self.expires_at_ms is not None and now_ms >= self.expires_at_ms:
            return State.EXPIRED
        return State.ACTIVE

    def plain(self, now_ms: int) -> dict[str, object]:
        """As plain values, with its state: for the command line and for HTTP alike."""
        return asdict(self) | {"scope": self.scope.word, "state": self.state(now_ms).value}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as the store has it: ``digest`` of its secret, ``previous`` of the one before."""

    info: KeyInfo
    digest: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)


def new_id() -> str:
    """A public id for a new key."""
    return secrets.token_hex(_ID_BYTES)


def new_key(key_id: str) -> str:
    """A new key with this id; it is shown once and kept nowhere."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LETTERS))
    body = f"recirc_{key_id}_{secret}"
    return body + _check(body)


def id_of(untrusted_key: str) -> str | None:
    """The id in a key; None for a text that is no key, which no database need be asked about."""
    found = _KEY.fullmatch(untrusted_key)
    if found is None or _check(untrusted_key[:-_CHECK_LETTERS]) != found["check"]:
        return None
    return found["id"]


def digest_of(key: str) -> bytes:
    """What is kept of a key: its SHA-256."""
    return hashlib.sha256(key.encode("ascii")).digest()


def opens(stored: StoredKey | None, untrusted_key: str, now_ms: int) -> bool:
    """Whether the key is this one and good now.

    The same work whether there is no such key, or another secret, or one that has ended: how long
    the answer takes says nothing about which it was.
    """
    given = digest_of(untrusted_key)
    current = _NOTHING if stored is None else stored.digest
    before = (stored.previous if stored is not None else None) or _NOTHING
    is_current = hmac.compare_digest(given, current)
    is_before = hmac.compare_digest(given, before)
    if stored is None:
        return False
    until_ms = stored.info.overlap_until_ms
    in_overlap = until_ms is not None and now_ms < until_ms
    is_good = stored.info.state(now_ms) is State.ACTIVE
    return is_good and (is_current or (is_before and in_overlap))


def _check(body: str) -> str:
    """The CRC-32 of a text in base 62, most significant digit first."""
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECK_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits
