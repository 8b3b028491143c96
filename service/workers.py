"""Workers: the threads that decode and compare, so that the event loop goes on answering.

Decoding and searching release the interpreter's lock for most of their time, so threads are as
good as processes here.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeVar

from service.problems import Busy
from service.threads import Threads
from service.turns import NOBODY, Line, Turns

Result = TypeVar("Result")
_SPARE_THREADS: Final = 1  # decoders are processes: the system shares processors among one more


def processors() -> int:
    """Processors of this machine, at least one."""
    return os.cpu_count() or 1


class Workers:
    """``threads`` requests are worked on at a time; up to ``places`` wait or are worked on.

    A request takes its place before its body is read: refusing it then costs nothing. While its
    client sends, the place is lent: slow clients keep no one out. Nor do the requests of one key
    keep out those of another (``service.turns``): a key that has none may have one thread more, and
    there are as many places more for such keys.
    """

    def __init__(self, *, threads: int, places: int) -> None:
        self._threads = Threads(threads, spare=_SPARE_THREADS)
        self._places = Line(Turns(places, spare=places))

    @contextmanager
    def place(self, key: str = NOBODY) -> Iterator["Place"]:
        """Room for one request of this key, on the event loop. Raises Busy."""
        if not self._places.try_take(key):
            raise Busy("all places are taken; try again soon")
        taken = Place(self._places, key)
        try:
            yield taken
        finally:
            if taken.held:
                self._places.give(key)

    async def run(self, work: Callable[[], Result], key: str = NOBODY) -> Result:
        """What ``work`` returns or raises, from one of the threads."""
        return await self._threads.run(work, key)

    def close(self) -> None:
        """End the threads once their work is done; what waits is dropped."""
        self._threads.close()


class Place:
    """One request's room."""

    def __init__(self, places: Line, key: str) -> None:
        self._places = places
        self._key = key
        self.held = True

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Let others have it meanwhile; it is taken again at the end, unless that is an error.

        It waits in line then, and is not refused. Those in line are bounded by connections and by
        the bytes of their bodies.
        """
        self.held = False
        self._places.give(self._key)
        yield
        await self._places.take(self._key)
        self.held = True
