"""What codes mean over HTTP: a status, a line, and what the caller does about it.

Those of API keys; ``service.problems`` has the others, and all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code's status, what it means in one short line, and what the caller does about it."""

    status: HTTPStatus
    title: str
    mend: str


OF_KEYS: Final[Mapping[str, Meaning]] = {
    "unauthorized": Meaning(
        HTTPStatus.UNAUTHORIZED,
        "No API key, or none that is good",
        "Send `Authorization: Bearer` and a key; `recirc keys create` makes one.",
    ),
    "forbidden": Meaning(
        HTTPStatus.FORBIDDEN,
        "The key's scope is not enough",
        "`detail` names the scope that is needed; use a key that has it.",
    ),
    "key_not_found": Meaning(
        HTTPStatus.NOT_FOUND, "No API key has this id", "`GET /v1/keys` gives all ids."
    ),
    "key_ended": Meaning(
        HTTPStatus.CONFLICT,
        "The API key is revoked or has expired",
        "Make another one: a key that has ended stays so.",
    ),
}
