"""Targets: what the service is held to, and what was measured, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report import Figure, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One row. ``limit``: what it is held to, in words; none where it stands for comparison."""

    key: str
    what: str
    measured: str
    value: Figure
    limit: str = ""
    held: bool = True


def table(report: Report, rows: Sequence[Target]) -> None:
    """The rows as a table, and each one's figure."""
    report.table(
        ["measured", "is", "has to be", "held"],
        [
            [one.what, one.measured, one.limit, ("yes" if one.held else "**no**") * bool(one.limit)]
            for one in rows
        ],
    )
    for one in rows:
        report.figure(one.key, one.value)
