"""Costs of whole processes, by the operating system's own accounting."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Cost:
    """What one finished process took. ``peak_bytes``: its largest resident memory."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    exit_code: int


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end, its output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
        exit_code=process.returncode,
    )


def in_turn(commands: Sequence[Sequence[str]], runs: int) -> list[list[Cost]]:
    """Each command's costs, run A B A B … so that a machine's moods fall on all of them."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for _ in range(runs):
        for place, command in enumerate(commands):
            costs[place].append(run(command))
    return costs


def median_cpu_s(costs: Sequence[Cost]) -> float:
    """The median of the CPU seconds."""
    return median(cost.cpu_s for cost in costs)


def median_wall_s(costs: Sequence[Cost]) -> float:
    """The median of the wall-clock seconds."""
    return median(cost.wall_s for cost in costs)
