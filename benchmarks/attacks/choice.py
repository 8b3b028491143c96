"""Which copies a run makes: a few for every day, and for releases a choice by strata.

All edits of all sources would be eleven thousand copies: hours. The whole run takes every form of
every edit, with as many sources as the form's row of the target table needs. Each edit draws its
sources by a lot of its own, the same on every run, so that all sources take part and the severities
of one edit are compared on the same footage.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.attacks import clips, targets
from benchmarks.attacks.clips import Task
from benchmarks.attacks.edit import Edit, Severity
from benchmarks.attacks.sources import Source
from benchmarks.attacks.targets import Row

FAST_SOURCES: Final = 8
# A share of 99 % is missed by one copy in 96, so that a row of the table has more than that.
_LEAST_COPIES_A_ROW: Final = 120
_LEAST_SOURCES, _OTHER_SOURCES = 16, 8  # of a form in a row of the table, of any other form
# Rows of the table that medium severity does not measure, or by one form only.
_FAST_ALSO: Final = (
    ("a1", Severity.SEVERE),
    ("b1", Severity.SEVERE),
    ("c5", Severity.SEVERE),
    ("d1", Severity.MILD),
    ("d3", Severity.MILD),
    ("d4", Severity.MILD),
    ("e1", Severity.MILD),
    ("e8", Severity.MILD),
    ("f1", Severity.SEVERE),
    ("f7", Severity.MILD),
    ("h3", Severity.SEVERE),
)


def fast(chosen: Sequence[Source], edits: Sequence[Edit]) -> list[Task]:
    """Medium severity of every edit, and what else it takes to fill the target table."""
    tasks = clips.tasks_of(chosen, edits, [Severity.MEDIUM])
    keys = {edit.key for edit in edits}
    also = [Task(one, key, how) for one in chosen for key, how in _FAST_ALSO if key in keys]
    return by_source([*tasks, *also])


def fast_of(chosen: Sequence[Source], edits: Sequence[Edit], rows: Sequence[Row]) -> list[Task]:
    """One form of each edit for each row that it counts in: medium severity or, where the row has
    none, the most severe; of edits that count in no row, medium severity."""
    forms: dict[tuple[str, int | None], list[Severity]] = defaultdict(list)
    for edit in edits:
        for severity in edit.recipes:
            forms[edit.key, targets.row_of(edit.key, severity, rows)].append(severity)
    counted = {key for key, row in forms if row is not None}
    return by_source(
        Task(source, key, Severity.MEDIUM if Severity.MEDIUM in severities else severities[-1])
        for source in chosen
        for (key, row), severities in forms.items()
        if row is not None or key not in counted
    )


def whole(
    chosen: Sequence[Source],
    edits: Sequence[Edit],
    first: Sequence[Source],
    rows: Sequence[Row] = targets.WHOLE_FRAMES,
) -> list[Task]:
    """Every form of every edit, each of as many sources as its row needs: ``first`` before others,
    since the fast run has made many of theirs."""
    forms = Counter(targets.row_of(e.key, severity, rows) for e in edits for severity in e.recipes)
    tasks = []
    for edit in edits:
        drawn = sorted(chosen, key=lambda one: (one not in first, _lot(edit.key, one.name)))
        for severity in edit.recipes:
            row = targets.row_of(edit.key, severity, rows)
            wanted = _OTHER_SOURCES
            if row is not None:
                wanted = max(_LEAST_SOURCES, -(-_LEAST_COPIES_A_ROW // forms[row]))
            tasks += [Task(source, edit.key, severity) for source in drawn[:wanted]]
    return by_source(tasks)


def negatives(chosen: Sequence[Source], edits: Sequence[Edit]) -> list[Task]:
    """Every edit of every negative, each in one severity by lot."""
    tasks = []
    for source in chosen:
        for edit in edits:
            severities = list(edit.recipes)
            place = int(_lot(edit.key, source.name)[:8], 16) % len(severities)
            tasks.append(Task(source, edit.key, severities[place]))
    return tasks


def by_source(tasks: Iterable[Task]) -> list[Task]:
    """The same, those of one source together: what a worker keeps of a source is used again."""
    return sorted(tasks, key=lambda task: task.source.name)


def _lot(key: str, name: str) -> str:
    return hashlib.sha256(f"{key} of {name}".encode()).hexdigest()
