"""Workers: the threads that decode and compare, so that the event loop goes on answering.

Decoding and searching release the interpreter's lock for most of their time, so threads are as
good as processes here.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from service.problems import Busy

Result = TypeVar("Result")


def processors() -> int:
    """Processors of this machine, at least one."""
    return os.cpu_count() or 1


class Workers:
    """``threads`` requests are worked on at a time; up to ``places`` wait or are worked on.

    A request takes its place before its body is read: refusing it then costs nothing. While its
    client sends, the place is lent: slow clients keep no one out.
    """

    def __init__(self, *, threads: int, places: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="recirc")
        self._free = places
        self._line: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """Room for one request, on the event loop. Raises Busy."""
        if self._free < 1:
            raise Busy("all places are taken; try again soon")
        self._free -= 1
        taken = Place(self)
        try:
            yield taken
        finally:
            if taken.held:
                self.give()

    def give(self) -> None:
        """A place back: to who has waited longest for one, or to who comes next."""
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._free += 1

    async def take(self) -> None:
        """A place again, for a request whose body has come: it waits in line, and is not refused.

        Those in line are bounded by connections and by the bytes of their bodies.
        """
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns or raises, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the threads once their work is done; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Place:
    """One request's room."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.held = True

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Let others have it meanwhile; it is taken again at the end, unless that is an error."""
        self.held = False
        self._workers.give()
        yield
        await self._workers.take()
        self.held = True
