"""Callers: who sends a request, and what they may do."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Scope(IntEnum):
    """What a caller may do; each scope allows what those before it do."""

    PUBLIC = 0  # ask whether the service is up; no key has this one
    CHECK = 1  # check clips: verdict, label, incident, list and ranges in the caller's own clip
    ANALYST = 2  # and see distances, references and their times, lists
    CURATE = 3  # and change lists and references, export them
    ADMIN = 4  # and keys, and read the audit record

    @property
    def word(self) -> str:
        """As people write it: ``check``."""
        return self.name.lower()


# What a key may have, by the word for it.
OF_KEYS: Final = {scope.word: scope for scope in Scope if scope is not Scope.PUBLIC}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sends a request. ``key``: the id of their key, which is no secret."""

    key: str
    scope: Scope

    @property
    def who(self) -> str:
        """As the audit record has them."""
        return self.key if self is OWNER else f"key:{self.key}"

    def may(self, scope: Scope) -> bool:
        """Whether ``scope`` is allowed to them."""
        return self.scope >= scope


# While no key was ever made the service is on loopback only, where every caller is the owner.
OWNER: Final = Caller(key="local", scope=Scope.ADMIN)
STRANGER: Final = Caller(key="", scope=Scope.PUBLIC)
