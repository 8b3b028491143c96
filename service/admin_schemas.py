"""The shapes of requests and answers about API keys and the audit record, as OpenAPI shows them.

Times are integer milliseconds since 1970.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from service.issuing import MOST_DAYS, MOST_OVERLAP_HOURS, OVERLAP_HOURS
from service.numbers import whole
from service.schemas import LINE

# In the order of the types that they stand for; a test compares.
ScopeName = Literal["check", "analyst", "curate", "admin"]
StateName = Literal["active", "expired", "revoked"]
Milliseconds = Annotated[int, Field(ge=0)]
Days = Annotated[
    # strict: else true and "1" would pass
    Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS), BeforeValidator(whole)] | None,
    Field(description="It expires so many days from now; null: as it is, a new key never."),
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyOut(_Shape):
    """An API key without anything secret. Of a time, null is never."""

    id: Annotated[str, Field(description="Public: it names the key in logs and the audit record.")]
    name: str
    scope: ScopeName
    state: StateName
    created_at_ms: Milliseconds
    expires_at_ms: Milliseconds | None
    revoked_at_ms: Milliseconds | None
    rotated_at_ms: Milliseconds | None
    overlap_until_ms: Annotated[
        Milliseconds | None, Field(description="Until when the key before it is good as well.")
    ]
    last_used_at_ms: Annotated[Milliseconds | None, Field(description="To about a minute.")]


class KeysOut(_Shape):
    """All keys in order of their making, also those that have ended."""

    keys: list[KeyOut]


class KeyIssued(_Shape):
    """A key that was made or rotated. ``key`` is shown this once and kept nowhere."""

    key: Annotated[str, Field(description="Send it as `Authorization: Bearer <key>`.")]
    info: KeyOut


class KeyIn(_Shape):
    """A key to be made."""

    name: Annotated[
        str,
        Field(
            description="Who or what uses it; one line.",
            json_schema_extra=LINE,
        ),
    ]
    scope: ScopeName
    expires_days: Days = None


class KeyRotation(_Shape):
    """How a key is rotated; an empty body is as good as all defaults."""

    overlap_hours: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MOST_OVERLAP_HOURS,
            description="For how long the key before it stays good.",
        ),
        BeforeValidator(whole),
    ] = OVERLAP_HOURS
    expires_days: Days = None


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="A SHA-256.")]


class AuditEntry(_Shape):
    """One change. Texts that people wrote are not told, only that they changed.

    `hash` is the SHA-256 of the canonical JSON (RFC 8785) of all the other fields.
    """

    sequence: Annotated[int, Field(ge=1)]
    time_ms: Milliseconds
    who: Annotated[
        str,
        Field(
            description="`key:<id>`; `cli:<number of a system account>`; `local`, over HTTP before "
            "there was a key; `recirc` itself."
        ),
    ]
    what: str
    list: str | None
    version_before: Annotated[int | None, Field(description="Of the list; null: there was none.")]
    version_after: Annotated[int | None, Field(description="Of the list; null: there is none.")]
    change: dict[str, JsonValue]
    previous: Digest
    hash: Digest


class AuditOut(_Shape):
    """A page of the record; ask on with ``after`` until ``next_after`` is null.

    `head` is the hash of the record's last entry: keep it elsewhere.
    """

    entries: list[AuditEntry]
    next_after: int | None
    head: Digest
