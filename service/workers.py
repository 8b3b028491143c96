"""Workers: the threads that decode and compare, so that the event loop goes on answering.

Decoding and searching release the interpreter's lock for most of their time, so threads are as
good as processes here.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeVar

from service.problems import Busy
from service.turns import NOBODY, Turns

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
        self._pool = ThreadPoolExecutor(threads + _SPARE_THREADS, thread_name_prefix="recirc")
        self._working_turns = Turns(threads, spare=_SPARE_THREADS)
        self._place_turns = Turns(places, spare=places)

    @contextmanager
    def place(self, key: str = NOBODY) -> Iterator["Place"]:
        """Room for one request of this key, on the event loop. Raises Busy."""
        if not self._place_turns.try_take(key):
            raise Busy("all places are taken; try again soon")
        taken = Place(self._place_turns, key)
        try:
            yield taken
        finally:
            if taken.held:
                self._place_turns.give(key)

    async def run(self, work: Callable[[], Result], key: str = NOBODY) -> Result:
        """What ``work`` returns or raises, from one of the threads."""
        await self._working_turns.take(key)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._working_turns.give(key)

    def close(self) -> None:
        """End the threads once their work is done; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Place:
    """One request's room."""

    def __init__(self, turns: Turns, key: str) -> None:
        self._turns = turns
        self._key = key
        self.held = True

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Let others have it meanwhile; it is taken again at the end, unless that is an error.

        It waits in line then, and is not refused. Those in line are bounded by connections and by
        the bytes of their bodies.
        """
        self.held = False
        self._turns.give(self._key)
        yield
        await self._turns.take(self._key)
        self.held = True
