"""Slowing: who searches for a list's limits is answered slowly, and nobody else is."""

import asyncio
import logging
from dataclasses import dataclass, replace

import pytest

from hashing.verdict import DEFAULT_POLICY, Verdict
from service.callers import Caller, Scope
from service.checking import CheckResult, Match, unscannable
from service.limits import ServiceLimits
from service.refusals import RateLimited
from service.slowing import Slowing, is_near
from tests.findings import FINDING

KEY = Caller("k1", Scope.CHECK)
# Two near answers an hour, then an answer every two seconds.
SMALL = ServiceLimits(key_near_per_hour=2, key_slowed_per_minute=30)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def match(verdict: Verdict, chance: float) -> Match:
    finding = replace(FINDING, verdict=verdict, chance=chance)
    return Match("a list", "a reference", "a label", "an incident", finding, DEFAULT_POLICY)


def result(*matches: Match) -> CheckResult:
    return replace(unscannable("x", ()), matches=matches)


CLEAR = match(Verdict.MATCH, 1e-12)
WEAK = match(Verdict.NEAR_MATCH, 2e-4)
JUST = match(Verdict.MATCH, 5e-7)  # its limit is 1e-6
FAR, NEAR = result(CLEAR), result(WEAK)


@pytest.mark.parametrize(
    ("matches", "near"),
    [
        pytest.param((), False, id="nothing"),
        pytest.param((WEAK,), True, id="a near match"),
        pytest.param((JUST,), True, id="a match by a hair"),
        pytest.param((CLEAR,), False, id="a clear match"),
        pytest.param((CLEAR, WEAK), False, id="a clear match and another one"),
        pytest.param((JUST, WEAK), True, id="two weak ones"),
    ],
)
def test_near_is_what_is_no_more_than_just_strong_enough(
    matches: tuple[Match, ...], *, near: bool
) -> None:
    assert is_near(result(*matches)) is near


def test_beyond_the_budget_answers_leave_one_by_one() -> None:
    slowing = Slowing(SMALL, Clock())
    delays_s = []
    for _ in range(6):
        slowing.note(KEY, NEAR)
        delays_s.append(slowing.delay_s(KEY))

    assert delays_s == [0, 0, 0, 2, 4, 6]


def test_all_answers_are_slowed_then_so_that_slowness_tells_nothing() -> None:
    slowing = Slowing(SMALL, Clock())
    for _ in range(4):
        slowing.note(KEY, NEAR)
    slowing.delay_s(KEY)
    slowing.note(KEY, FAR)

    assert slowing.delay_s(KEY) == 2


def test_who_has_too_many_answers_coming_is_told_to_wait() -> None:
    clock = Clock()
    slowing = Slowing(SMALL, clock)
    for _ in range(3):
        slowing.note(KEY, NEAR)
    for _ in range(6):
        slowing.delay_s(KEY)

    with pytest.raises(RateLimited) as refused:
        slowing.delay_s(KEY)
    assert refused.value.retry_after_s == 12
    clock.now_s += refused.value.retry_after_s
    assert slowing.delay_s(KEY) == 0


def test_after_an_hour_it_is_forgotten() -> None:
    clock = Clock()
    slowing = Slowing(SMALL, clock)
    for _ in range(3):
        slowing.note(KEY, NEAR)
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 2]

    clock.now_s += 3601
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 0]


def test_a_key_with_much_else_to_check_may_have_more() -> None:
    """One in fifty: also in the next hour, before it has checked as much again."""
    clock = Clock()
    slowing = Slowing(SMALL, clock)
    for _ in range(200):
        slowing.note(KEY, FAR)
    for _ in range(6):
        slowing.note(KEY, NEAR)
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 0]

    clock.now_s += 3601
    for _ in range(6):
        slowing.note(KEY, NEAR)
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 0]
    slowing.note(KEY, NEAR)
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 2]


def test_no_number_of_answers_is_too_large_to_be_counted() -> None:
    """A search with a budget of 10,000, or beside half a million checks, is one all the same."""
    slowing = Slowing(replace(SMALL, key_near_per_hour=10_000), Clock())
    for _ in range(10_500):
        slowing.note(KEY, NEAR)

    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 2]


def test_answers_are_forgotten_by_the_minute() -> None:
    clock = Clock()
    slowing = Slowing(SMALL, clock)
    for _ in range(3):
        slowing.note(KEY, NEAR)
        clock.now_s += 1200
    assert slowing.delay_s(KEY) == 0  # the first one was an hour ago

    slowing.note(KEY, NEAR)
    assert [slowing.delay_s(KEY) for _ in range(2)] == [0, 2]


@pytest.mark.parametrize(
    ("limits", "caller"),
    [
        pytest.param(replace(SMALL, key_near_per_hour=0), KEY, id="no budget"),
        pytest.param(SMALL, Caller("k1", Scope.ANALYST), id="a key that sees distances"),
        pytest.param(SMALL, Caller("k2", Scope.CHECK), id="another key"),
    ],
)
def test_others_are_not_slowed(limits: ServiceLimits, caller: Caller) -> None:
    slowing = Slowing(limits, Clock())
    for _ in range(9):
        slowing.note(KEY, NEAR)

    assert [slowing.delay_s(caller) for _ in range(3)] == [0, 0, 0]


def test_the_log_names_the_key_once_an_hour_and_nothing_of_the_clip(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    slowing = Slowing(SMALL, clock)
    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            slowing.note(KEY, NEAR)
            slowing.delay_s(KEY)
        clock.now_s += 3601
        for _ in range(5):
            slowing.note(KEY, NEAR)
            slowing.delay_s(KEY)

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "key k1: 3 of its answers" in caplog.text
    assert not any(
        word in caplog.text for word in ("a label", "a reference", "a list ", "incident")
    )


def test_waiting_is_on_the_loop_and_others_go_on() -> None:
    slowing = Slowing(replace(SMALL, key_slowed_per_minute=3000), Clock())
    for _ in range(3):
        slowing.note(KEY, NEAR)
    order: list[str] = []

    async def asked(caller: Caller) -> None:
        await slowing.wait(caller)
        order.append(caller.key)

    async def both() -> None:
        await slowing.wait(KEY)
        await asyncio.gather(asked(KEY), asked(Caller("k2", Scope.CHECK)))

    asyncio.run(both())
    assert order == ["k2", "k1"]
