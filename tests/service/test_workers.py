"""Workers: really at once, and no more than there is room for."""

import asyncio
import threading

import pytest

from service.problems import Busy
from service.workers import Workers, processors


def test_two_are_worked_on_at_once() -> None:
    """Each waits for the other, so one after the other would break the barrier."""
    workers = Workers(threads=2, places=2)
    barrier = threading.Barrier(2, timeout=60)

    async def both() -> tuple[int, int]:
        return await asyncio.gather(workers.run(barrier.wait), workers.run(barrier.wait))

    assert sorted(asyncio.run(both())) == [0, 1]
    workers.close()


def test_the_loop_goes_on_while_a_thread_works() -> None:
    workers = Workers(threads=1, places=1)
    told = threading.Event()

    async def tell() -> bool:
        waiting = asyncio.ensure_future(workers.run(lambda: told.wait(timeout=60)))
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


def test_a_lent_place_is_for_others_and_is_waited_for() -> None:
    """A slow client keeps nobody out, and is not refused once it has sent everything."""
    workers = Workers(threads=1, places=1)
    order: list[str] = []

    async def slow(sent: asyncio.Event, begun: asyncio.Event) -> None:
        with workers.place() as place:
            async with place.lent():
                begun.set()
                await sent.wait()
            order.append("slow")
            with pytest.raises(Busy), workers.place():
                pass

    async def both() -> None:
        sent, begun = asyncio.Event(), asyncio.Event()
        waiting = asyncio.ensure_future(slow(sent, begun))
        await begun.wait()
        with workers.place():
            sent.set()
            for _ in range(5):
                await asyncio.sleep(0)
            with pytest.raises(Busy), workers.place():
                pass
            order.append("quick")
        await waiting
        with workers.place():
            order.append("free again")

    asyncio.run(both())
    workers.close()
    assert order == ["quick", "slow", "free again"]


def test_who_goes_away_while_sending_or_in_line_leaves_the_place_to_others() -> None:
    workers = Workers(threads=1, places=1)

    async def send(sent: asyncio.Event) -> None:
        with workers.place() as place:
            async with place.lent():
                await sent.wait()

    async def leave() -> None:
        for has_sent in (False, True):
            sent = asyncio.Event()
            going = asyncio.ensure_future(send(sent))
            await asyncio.sleep(0)
            with workers.place():
                if has_sent:
                    sent.set()
                    await asyncio.sleep(0)
                going.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await going
            for _ in range(2):
                with workers.place(), pytest.raises(Busy), workers.place():
                    pass

    asyncio.run(leave())
    workers.close()


def test_a_place_that_comes_to_who_has_just_gone_is_passed_on() -> None:
    workers = Workers(threads=1, places=1)

    async def send(sent: asyncio.Event) -> None:
        with workers.place() as place:
            async with place.lent():
                await sent.wait()

    async def leave() -> None:
        sent = asyncio.Event()
        going = asyncio.ensure_future(send(sent))
        await asyncio.sleep(0)
        with workers.place():
            sent.set()
            await asyncio.sleep(0)
        going.cancel()  # the place is its own by now, and it does not know yet
        with pytest.raises(asyncio.CancelledError):
            await going
        with workers.place():
            pass

    asyncio.run(leave())
    workers.close()


def test_one_key_s_long_work_keeps_no_other_key_waiting() -> None:
    workers = Workers(threads=1, places=2)
    told = threading.Event()

    async def both() -> str:
        with workers.place("a"), workers.place("a"), pytest.raises(Busy), workers.place("a"):
            pass
        with workers.place("a"), workers.place("a"), workers.place("b"):
            waits = [asyncio.ensure_future(workers.run(told.wait, "a")) for _ in range(2)]
            await asyncio.sleep(0)
            answer = await asyncio.wait_for(workers.run(lambda: "done", "b"), timeout=60)
            told.set()
            await asyncio.gather(*waits)
        return answer

    assert asyncio.run(both()) == "done"
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
