"""Sends a load and gives what came of it."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from typing import Self

from benchmarks.serving import load
from benchmarks.serving.load import Plan


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. ``due_s``: when it was asked for, by this machine's monotonic clock; ``status``
    is 0 where the connection broke; ``told``: the verdict, or an error's code."""

    due_s: float
    taken_ms: float
    status: int
    told: str
    problems: tuple[str, ...]
    body: int


@dataclass(frozen=True, slots=True)
class Sent:
    """All answers to one load, and what sending took."""

    wall_s: float
    cpu_s: float
    answers: tuple[Answered, ...]

    @property
    def good(self) -> list[Answered]:
        """Answers with a verdict."""
        return [one for one in self.answers if one.status == 200]

    @property
    def refused(self) -> list[Answered]:
        """Answers that there is no room now."""
        return [one for one in self.answers if one.status in (429, 503)]

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return len(self.good) / self.wall_s

    @property
    def cpu_share(self) -> float:
        """Of one core, what sending took."""
        return self.cpu_s / self.wall_s

    def told(self) -> dict[str, int]:
        """How many answers of each kind there were."""
        return dict(Counter(f"{one.status} {one.told}".strip() for one in self.answers))


class Sending:
    """A load under way."""

    def __init__(self, plan: Plan) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed at the end; a pipe would fill
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serving.load"],
            stdin=subprocess.PIPE,
            stdout=self._said,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(load.as_json(plan))
        self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._said.close()

    @property
    def is_going(self) -> bool:
        """Whether it is still sending."""
        return self._process.poll() is None

    def finished(self) -> Sent:
        """What came of it, once it is through."""
        code = self._process.wait()
        assert code == 0, f"the load ended with {code}"
        self._said.seek(0)
        said = json.load(self._said)
        answers = tuple(
            Answered(
                due_s, taken_ms, status, told, tuple(problems.split(",")) if problems else (), body
            )
            for due_s, taken_ms, status, told, problems, body in said["answers"]
        )
        return Sent(said["wall_s"], said["cpu_s"], answers)


def sent(plan: Plan) -> Sent:
    """Send all of it, and wait."""
    with Sending(plan) as sending:
        return sending.finished()


def percentile_ms(answers: list[Answered], share: float) -> float:
    """The time within which this share of answers came; 0 of none."""
    taken_ms = sorted(one.taken_ms for one in answers)
    return taken_ms[min(len(taken_ms) - 1, int(share * len(taken_ms)))] if taken_ms else 0.0
