"""Threads: each takes up the next piece of work itself, of the key that has the fewest."""

import asyncio
import threading
from functools import partial

import pytest

from service.threads import Threads


async def settled() -> None:
    """Everybody who can be has been put in line."""
    for _ in range(3):
        await asyncio.sleep(0)


def done_while_one_is_held(keys: str, *, gone: frozenset[int] = frozenset()) -> list[str]:
    """In what order one thread does these, asked for while it works for ``a``.

    ``gone``: who goes away before it is free.
    """
    threads, told = Threads(1, spare=0), threading.Event()
    order: list[str] = []

    async def ask() -> None:
        first = asyncio.ensure_future(threads.run(told.wait, "a"))
        await settled()
        asked = [
            asyncio.ensure_future(threads.run(partial(order.append, f"{key}{place}"), key))
            for place, key in enumerate(keys)
        ]
        await settled()
        for place in gone:
            asked[place].cancel()
        told.set()
        await asyncio.gather(first, *asked, return_exceptions=True)

    asyncio.run(ask())
    threads.close()
    return order


@pytest.mark.parametrize(
    ("keys", "gone", "order"),
    [
        pytest.param("aaa", frozenset(), ["a0", "a1", "a2"], id="one key"),
        pytest.param("bcb", frozenset(), ["b0", "c1", "b2"], id="among equals who came first"),
        pytest.param("abc", frozenset({1}), ["a0", "c2"], id="who has gone is left out"),
    ],
)
def test_work_is_done_in_its_order(keys: str, gone: frozenset[int], order: list[str]) -> None:
    assert done_while_one_is_held(keys, gone=gone) == order


def test_the_key_that_no_thread_works_for_is_next() -> None:
    threads, one, other = Threads(2, spare=0), threading.Event(), threading.Event()
    order: list[str] = []

    async def ask() -> None:
        held = [asyncio.ensure_future(threads.run(told.wait, "a")) for told in (one, other)]
        await settled()
        waits = [
            asyncio.ensure_future(threads.run(partial(order.append, key), key)) for key in "aab"
        ]
        await settled()
        one.set()  # the other thread is at work for ``a`` still
        await asyncio.gather(held[0], *waits)
        other.set()
        await held[1]

    asyncio.run(ask())
    threads.close()
    assert order == ["b", "a", "a"]


def test_what_waits_at_the_end_is_dropped_and_what_is_worked_on_is_not() -> None:
    threads, told, begun = Threads(1, spare=0), threading.Event(), threading.Event()
    ending = threading.Thread(target=threads.close)

    def work() -> str:
        begun.set()
        told.wait(timeout=60)
        return "done"

    async def ask() -> str:
        first = asyncio.ensure_future(threads.run(work, "a"))
        waits = asyncio.ensure_future(threads.run(lambda: "done", "b"))
        await asyncio.to_thread(begun.wait, 60)
        ending.start()
        with pytest.raises(asyncio.CancelledError):
            await waits
        told.set()
        return await first

    assert asyncio.run(ask()) == "done"
    ending.join(timeout=60)
    assert not ending.is_alive()
