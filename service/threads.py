"""Threads: work that is done beside the event loop, a fair share of it for each key.

A thread that has done one piece of work takes up the next one itself. By way of the event loop it
would stand still until that comes to it, which costs a look-up a fifth of its rate.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service.turns import Turns

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Work(Generic[Result]):
    """A piece of work in line, and what comes of it."""

    key: str
    call: Callable[[], Result]
    outcome: Future[Result] = field(default_factory=Future)


class Threads:
    """``most`` threads, and ``spare`` more for keys that none works for (``service.turns``)."""

    def __init__(self, most: int, *, spare: int) -> None:
        self._pool = ThreadPoolExecutor(most + spare, thread_name_prefix="recirc")
        self._lock = threading.Lock()  # of both below
        self._turns = Turns(most, spare=spare)
        self._line: list[_Work[object]] = []

    async def run(self, call: Callable[[], Result], key: str) -> Result:
        """What ``call`` returns or raises, from one of the threads."""
        work = _Work(key, call)
        with self._lock:
            self._line.append(work)  # type: ignore[arg-type]  # the line looks at no result
        self._pool.submit(self._work)
        return await asyncio.wrap_future(work.outcome)

    def close(self) -> None:
        """End the threads once their work is done; what waits is dropped."""
        with self._lock:
            dropped, self._line = self._line, []
        for work in dropped:
            work.outcome.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        """All that may be done now. What may not, a thread that is at work will come to."""
        while self._did_one():
            pass

    def _did_one(self) -> bool:
        with self._lock:
            work = self._turns.try_next(self._line)
        if work is None:
            return False
        wanted = work.outcome.set_running_or_notify_cancel()
        result, failure = _tried(work.call) if wanted else (None, None)
        with self._lock:
            self._turns.give(work.key)
        if failure is not None:
            work.outcome.set_exception(failure)
        elif wanted:
            work.outcome.set_result(result)
        return True


def _tried(call: Callable[[], Result]) -> tuple[Result | None, BaseException | None]:
    try:
        return call(), None
    except BaseException as failure:  # noqa: BLE001  # it is raised to who waits for it
        return None, failure
