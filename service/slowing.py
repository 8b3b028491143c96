"""Slowing: against who asks again and again until a copy is just no copy any more.

Whoever changes a listed clip step by step and asks after each step learns where the limits lie,
and how to get under them: all such searches go along the limits, where honest clips are rare. So
answers near a list's limits are counted for each key. Beyond its budget all of a key's answers come
slowly, none of them false, and the log says so once an hour, without saying what was asked.

Keys that see distances anyway have nothing to learn by this, and are not slowed.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hashing.verdict import Verdict
from service.callers import Caller, Scope
from service.checking import CheckResult
from service.limits import ServiceLimits
from service.refusals import RateLimited

_HOUR_S: Final = 3600.0
_MINUTE_S: Final = 60.0
# Of unrelated clips one in a thousand is a possible match by default, of a platform's own perhaps
# some more; a search along a limit has every second answer there.
_HONEST_ONE_IN: Final = 50
_NEAR_MATCH_LIMIT: Final = 10.0  # a match by chances of a tenth of its limit or more is near it
_LONGEST_LINE_S: Final = 10.0  # who has more answers coming is told to wait: clients give up
_log = logging.getLogger(__name__)


def is_near(result: CheckResult) -> bool:
    """Whether an answer is near a limit: nothing in it is more than just strong enough."""
    return bool(result.matches) and all(
        match.finding.verdict is Verdict.NEAR_MATCH
        or match.finding.chance * _NEAR_MATCH_LIMIT > match.policy.match_chance
        for match in result.matches
    )


@dataclass(slots=True)
class _Near:
    """How many near answers there were in the minute from ``since_s`` on."""

    since_s: float
    answers: int = 0


@dataclass(slots=True)
class _Asked:
    """What one key was answered. ``checks``: since ``since_s``, ``before``: in the hour before.

    ``near``: by minutes, of which an hour has sixty: each answer by itself would take memory
    without a bound, or have one beyond which none is counted. ``free_s``: when its next answer may
    leave; ``told_s``: when the log last said so.
    """

    since_s: float
    near: deque[_Near] = field(default_factory=deque)
    checks: int = 0
    before: int = 0
    free_s: float = -math.inf
    told_s: float = -math.inf

    def add_near(self, now_s: float) -> None:
        """One more near answer."""
        if not self.near or now_s - self.near[-1].since_s >= _MINUTE_S:
            self.near.append(_Near(now_s))
        self.near[-1].answers += 1

    def near_answers(self, now_s: float) -> int:
        """Near answers within the last hour; those before are forgotten, to the minute."""
        while self.near and now_s - self.near[0].since_s >= _HOUR_S:
            self.near.popleft()
        return sum(minute.answers for minute in self.near)


class Slowing:
    """Counts and slows the answers of each key, on one event loop."""

    def __init__(self, limits: ServiceLimits, now_s: Callable[[], float] = time.monotonic) -> None:
        self._budget = limits.key_near_per_hour
        self._between_s = _MINUTE_S / limits.key_slowed_per_minute
        self._now_s = now_s
        self._asked: dict[str, _Asked] = {}

    def note(self, caller: Caller, result: CheckResult) -> None:
        """An answer was found for this caller."""
        if not self._watches(caller):
            return
        now_s = self._now_s()
        asked = self._asked.setdefault(caller.key, _Asked(since_s=now_s))
        if now_s - asked.since_s >= _HOUR_S:
            asked.since_s, asked.before, asked.checks = now_s, asked.checks, 0
        asked.checks += 1
        if is_near(result):
            asked.add_near(now_s)

    async def wait(self, caller: Caller) -> None:
        """Wait until the next answer to this caller may leave. Raises RateLimited."""
        delay_s = self.delay_s(caller)
        if delay_s > 0:
            await asyncio.sleep(delay_s)

    def delay_s(self, caller: Caller) -> float:
        """For how long the next answer is held back; its time is taken. Raises RateLimited."""
        asked = self._asked.get(caller.key)
        if asked is None or not self._watches(caller):
            return 0.0
        now_s = self._now_s()
        near = asked.near_answers(now_s)
        if near <= self._budget + max(asked.before, asked.checks) // _HONEST_ONE_IN:
            return 0.0
        self._tell(caller, asked, near, now_s)
        delay_s = max(0.0, asked.free_s - now_s)
        if delay_s > _LONGEST_LINE_S:
            raise RateLimited(
                "the answers of this key are slowed; fewer at a time come as fast",
                retry_after_s=math.ceil(delay_s),
            )
        asked.free_s = now_s + delay_s + self._between_s
        return delay_s

    def _watches(self, caller: Caller) -> bool:
        return self._budget > 0 and not caller.may(Scope.ANALYST)

    def _tell(self, caller: Caller, asked: _Asked, near: int, now_s: float) -> None:
        if now_s - asked.told_s < _HOUR_S:
            return
        asked.told_s = now_s
        _log.warning(
            "key %s: %d of its answers within an hour were near a list's limits; somebody may be "
            "looking for a way around them, and its answers are slowed (RECIRC_KEY_NEAR_PER_HOUR)",
            caller.key,
            near,
        )
