"""The answers about API keys and the audit record that OpenAPI shows as examples."""

from typing import Final

from service.examples import Example

# One that went through everything: FastAPI leaves nulls out of its document.
KEY: Final[Example] = {
    "id": "3f9a0c1b2d4e",
    "name": "upload queue",
    "scope": "check",
    "state": "revoked",
    "created_at_ms": 1774000000000,
    "expires_at_ms": 1805536000000,
    "revoked_at_ms": 1790000000000,
    "rotated_at_ms": 1780000000000,
    "overlap_until_ms": 1780086400000,
    "last_used_at_ms": 1789999980000,
}
KEYS: Final[Example] = {"keys": [KEY]}
# No real key: its check is wrong, so that no scanner for leaked secrets takes it for one.
ISSUED: Final[Example] = {"key": f"recirc_{KEY['id']}_{'x' * 43}000000", "info": KEY}
KEY_IN: Final[Example] = {"name": "upload queue", "scope": "check", "expires_days": 365}
ROTATION: Final[Example] = {"overlap_hours": 24}
ENTRY: Final[Example] = {
    "sequence": 7,
    "time_ms": 1774000000000,
    "who": f"key:{KEY['id']}",
    "what": "references.remove",
    "list": "incident-x",
    "version_before": 6,
    "version_after": 7,
    "change": {"removed": {"count": 1, "ids": ["r1"]}},
    "previous": "5f0e" * 16,
    "hash": "c1a7" * 16,
}
AUDIT: Final[Example] = {"entries": [ENTRY], "next_after": 7, "head": "0b3d" * 16}
