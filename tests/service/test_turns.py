"""Turns: so many at a time, and a fair share of them for each key."""

import asyncio
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.turns import Line, Turns

KEYS = st.sampled_from("abc")


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        pytest.param("aaa", [True, True, False], id="one key has what there is, and no more"),
        pytest.param("aab", [True, True, True], id="another one has one of its own"),
        pytest.param("aabb", [True, True, True, False], id="which is one, not two"),
        pytest.param("aabc", [True, True, True, False], id="as many as are spare"),
        pytest.param("abc", [True, True, True], id="one each"),
    ],
)
def test_no_key_s_many_keep_out_another_key_s_one(asked: str, granted: list[bool]) -> None:
    turns = Turns(2, spare=1)

    assert [turns.try_take(key) for key in asked] == granted


@given(st.lists(st.tuples(KEYS, st.booleans())), st.integers(1, 4), st.integers(0, 3))
def test_they_are_bounded_and_none_is_lost(
    steps: list[tuple[str, bool]], most: int, spare: int
) -> None:
    turns, held = Turns(most, spare=spare), Counter[str]()
    for key, takes in steps:
        if takes:
            held[key] += turns.try_take(key)
        elif held[key]:
            turns.give(key)
            held[key] -= 1
        assert turns.held == held.total() <= most + spare
        assert max(held.values(), default=0) <= most

    for key in held.elements():
        turns.give(key)
    assert turns.held == 0
    assert [turns.try_take("a") for _ in range(most + 1)] == [True] * most + [False]


def served(waiting: str) -> str:
    """The order in which these have their turns, two at a time, after two of ``a``'s own."""
    holding = deque("aa")

    async def one(line: Line, key: str) -> None:
        await line.take(key)
        holding.append(key)

    async def all_of_them() -> str:
        line = Line(Turns(2, spare=0))
        for key in holding:
            assert line.try_take(key)
        tasks = [asyncio.ensure_future(one(line, key)) for key in waiting]
        order = ""
        for _ in waiting:
            await asyncio.sleep(0)
            line.give(holding.popleft())  # who has had one for longest
            await asyncio.sleep(0)
            order += holding[-1]
        await asyncio.gather(*tasks)
        return order

    return asyncio.run(all_of_them())


@pytest.mark.parametrize(
    ("waiting", "order"),
    [
        pytest.param("aaa", "aaa", id="one key"),
        pytest.param("aaab", "baaa", id="who has none goes first"),
        pytest.param("aaabb", "babaa", id="then by turns"),
        pytest.param("bcb", "bcb", id="among equals who came first"),
    ],
)
def test_among_those_that_wait_who_has_the_fewest_is_next(waiting: str, order: str) -> None:
    assert served(waiting) == order
