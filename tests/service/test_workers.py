"""Workers: really at once, and no more than there is room for."""

import asyncio
import threading

import pytest

from service.problems import Busy
from service.workers import Workers, processors


def test_two_are_worked_on_at_once() -> None:
    """Each waits for the other, so one after the other would break the barrier."""
    workers = Workers(threads=2, places=2)
    barrier = threading.Barrier(2, timeout=10)

    async def both() -> tuple[int, int]:
        return await asyncio.gather(workers.run(barrier.wait), workers.run(barrier.wait))

    assert sorted(asyncio.run(both())) == [0, 1]
    workers.close()


def test_the_loop_goes_on_while_a_thread_works() -> None:
    workers = Workers(threads=1, places=1)
    told = threading.Event()

    async def tell() -> bool:
        waiting = asyncio.ensure_future(workers.run(lambda: told.wait(timeout=10)))
        await asyncio.sleep(0)
        told.set()
        return await waiting

    assert asyncio.run(tell())
    workers.close()


def test_places_are_bounded_and_come_back() -> None:
    workers = Workers(threads=1, places=2)
    for _ in range(3):
        with workers.place(), workers.place(), pytest.raises(Busy), workers.place():
            pass
        with pytest.raises(KeyError), workers.place():
            raise KeyError
    workers.close()


def test_what_work_raises_comes_out() -> None:
    workers = Workers(threads=1, places=1)

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(workers.run(fail))
    workers.close()


def test_there_is_a_processor() -> None:
    assert processors() >= 1
