"""Costs of whole processes, by the operating system's own accounting."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one finished process took. ``peak_bytes``: its largest resident memory."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    exit_code: int


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end, its output thrown away."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), *command]
    said = subprocess.run(launcher, check=True, capture_output=True, text=True).stdout
    wall_s, cpu_s, peak_bytes, exit_code = said.split()
    return Cost(float(wall_s), float(cpu_s), int(peak_bytes), int(exit_code))


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
