"""Turns: so many at a time, and no key's many keep out another key's one.

Whoever has the most is served last: among those that wait, the key comes first that has the fewest
turns now. And where all are taken a key that has none may have one of a few more, so that it need
not wait for others' long work. One key alone has what there is, and no more.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

NOBODY: Final = ""  # the key of what is done for no caller


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One in line. ``turn``: done once it is its own."""

    key: str
    turn: asyncio.Future[None]


class Turns:
    """``most`` turns, and ``spare`` more for keys that have none. On one event loop."""

    def __init__(self, most: int, *, spare: int) -> None:
        self._most = most
        self._spare = spare
        self._held: Counter[str] = Counter()
        self._line: list[_Waiting] = []  # who has waited longest first

    @property
    def held(self) -> int:
        """Turns that are taken."""
        return self._held.total()

    def try_take(self, key: str) -> bool:
        """Whether this key has a turn now; without waiting for one."""
        if not self._has_room(key):
            return False
        self._held[key] += 1
        return True

    async def take(self, key: str) -> None:
        """A turn for this key, in its time."""
        if self.try_take(key):
            return
        waiting = _Waiting(key, asyncio.get_running_loop().create_future())
        self._line.append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.done() and not waiting.turn.cancelled():
                self.give(key)
            raise

    def give(self, key: str) -> None:
        """A turn of this key back, for whoever is next."""
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        self._line = [one for one in self._line if not one.turn.done()]
        while self._line:
            following = min(self._line, key=lambda one: self._held[one.key])
            if not self.try_take(following.key):
                return
            self._line.remove(following)
            following.turn.set_result(None)

    def _has_room(self, key: str) -> bool:
        more = 0 if self._held[key] else self._spare
        return self.held < self._most + more
