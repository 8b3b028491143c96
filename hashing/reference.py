"""References: known items of a list, and the names that lists and references may have."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hashing.errors import RecircError
from hashing.fingerprint import Fingerprint
from hashing.patch_track import PatchTrack

MAX_TEXT: Final = 200  # characters of a label, an incident's name or a source
# Neither may start with "-" (a command's option) or be "." or ".." (lost in a URL's path).
_LIST_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_REFERENCE_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
# Control characters, halves of surrogate pairs, line and paragraph separators. Format characters
# stay: Persian and Hindi need the zero-width non-joiner.
_FORBIDDEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class BadName(RecircError):
    """A list's or reference's name, label, incident or source that recirc does not take."""

    code = "bad_name"


class Policy(StrEnum):
    """What a match with a list means."""

    BLOCK = "block"  # flag the clip
    ALLOW = "allow"  # known harmless: suppresses


@dataclass(frozen=True, slots=True)
class Reference:
    """One known item of a list: a fingerprint with its label, never media.

    ``patches``: its patch hashes; none where it was imported, or its list keeps none. They belong
    to no fingerprint and change no digest.

    Raises BadName for an id, label or incident that is not allowed; ``None`` where there is none.
    """

    id: str
    label: str | None
    incident: str | None
    fingerprint: Fingerprint
    patches: tuple[PatchTrack, ...] = ()

    def __post_init__(self) -> None:
        require_reference_id(self.id)
        require_text(self.label, "label")
        require_text(self.incident, "incident")


def require_list_name(untrusted: str) -> str:
    """The name of a list, or BadName: 1 to 64 of a-z, 0-9 and hyphen, not starting with one."""
    if not _LIST_NAME.fullmatch(untrusted):
        raise BadName(
            f"{untrusted[:80]!a} is no list name; take 1 to 64 of a-z, 0-9 and -, "
            "the first of them no -"
        )
    return untrusted


def require_reference_id(untrusted: str) -> str:
    """The id of a reference, or BadName: 1 to 64 of letters, digits, ``_``, ``.``, ``-``.

    It starts with a letter, a digit or ``_``.
    """
    if not _REFERENCE_ID.fullmatch(untrusted):
        raise BadName(
            f"{untrusted[:80]!a} is no reference id; take 1 to 64 of A-Z, a-z, 0-9, _, . and -, "
            "the first of them no . or -"
        )
    return untrusted


def require_text(untrusted: str | None, what: str) -> str | None:
    """A label, incident or source of 1 to 200 characters on one line, None, or BadName."""
    if untrusted is None:
        return None
    if not untrusted.strip():
        raise BadName(f"the {what} is empty; leave it out")
    if len(untrusted) > MAX_TEXT:
        raise BadName(f"the {what} has {len(untrusted)} characters; {MAX_TEXT} are allowed")
    if not is_one_line(untrusted):
        raise BadName(f"the {what} has control characters or line breaks; take them out")
    return untrusted


def is_one_line(untrusted: str) -> bool:
    """Whether it has only characters that a text may have; quickly told of a million, too."""
    return not any(unicodedata.category(character) in _FORBIDDEN for character in set(untrusted))
