"""Workers: the threads that decode and compare, so that the event loop goes on answering.

Decoding and searching release the interpreter's lock for most of their time, so threads are as
good as processes here.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from service.problems import Busy

Result = TypeVar("Result")


def processors() -> int:
    """Processors of this machine, at least one."""
    return os.cpu_count() or 1


class Workers:
    """``threads`` requests are worked on at a time; up to ``places`` send, wait or are worked on.

    A request takes its place before its body is read: refusing it then costs nothing.
    """

    def __init__(self, *, threads: int, places: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="recirc")
        self._free = places

    @contextmanager
    def place(self) -> Iterator[None]:
        """Room for one request, on the event loop. Raises Busy."""
        if self._free < 1:
            raise Busy("all places are taken; try again soon")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns or raises, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the threads once their work is done; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
