"""Turns: so many at a time, and no key's many keep out another key's one.

Whoever has the most is served last: among those that wait, the key comes first that has the fewest
turns now. And where all are taken a key that has none may have one of a few more, so that it need
not wait for others' long work. One key alone has what there is, and no more.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

NOBODY: Final = ""  # the key of what is done for no caller


class Waiting(Protocol):
    """One in line."""

    @property
    def key(self) -> str:
        """Whose turn it will be."""


One = TypeVar("One", bound=Waiting)


class Turns:
    """``most`` turns, and ``spare`` more for keys that have none."""

    def __init__(self, most: int, *, spare: int) -> None:
        self._most = most
        self._spare = spare
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Turns that are taken."""
        return self._held.total()

    def try_take(self, key: str) -> bool:
        """Whether this key has a turn now; without waiting for one."""
        more = 0 if self._held[key] else self._spare
        if self.held >= self._most + more:
            return False
        self._held[key] += 1
        return True

    def try_next(self, line: list[One]) -> One | None:
        """Who of this line, longest in it first, has a turn now; it is in line no more."""
        following = min(line, key=lambda one: self._held[one.key], default=None)
        if following is None or not self.try_take(following.key):
            return None
        line.remove(following)
        return following

    def give(self, key: str) -> None:
        """A turn of this key back."""
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """``turn``: done once it is its own."""

    key: str
    turn: asyncio.Future[None]


class Line:
    """Turns that are waited for on one event loop."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._waiting: list[_Waiting] = []

    @property
    def held(self) -> int:
        """Turns that are taken."""
        return self._turns.held

    def try_take(self, key: str) -> bool:
        """See ``Turns.try_take``."""
        return self._turns.try_take(key)

    async def take(self, key: str) -> None:
        """A turn for this key, in its time."""
        if self._turns.try_take(key):
            return
        waiting = _Waiting(key, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.done() and not waiting.turn.cancelled():
                self.give(key)
            raise

    def give(self, key: str) -> None:
        """A turn of this key back, for whoever is next."""
        self._turns.give(key)
        self._waiting = [one for one in self._waiting if not one.turn.done()]
        while (following := self._turns.try_next(self._waiting)) is not None:
            following.turn.set_result(None)
