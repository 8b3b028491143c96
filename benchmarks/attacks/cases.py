"""Clips of a run with their truth, and what a check of each is worth: an outcome."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.attacks import generated, scores
from benchmarks.attacks.checks import Checked
from benchmarks.attacks.clips import Copy
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.footage import Segment
from benchmarks.attacks.scores import COPIES, UNLISTED, Outcome
from benchmarks.attacks.screens import SCREENS
from benchmarks.attacks.sources import REAL, Source, Sources
from benchmarks.attacks.templates import TEMPLATES
from benchmarks.footage import dev_rows

FAST_MOST_S = 20.0  # longer references and sources wait for the whole run


@dataclass(frozen=True, slots=True)
class Case:
    """One clip to be checked, made or as it is, with its truth."""

    source: Source
    path: Path
    edit: str | None
    severity: Severity | None
    label: str
    segments: tuple[Segment, ...]

    @property
    def shown(self) -> frozenset[str]:
        """The groups of footage that it shows, listed or not."""
        return frozenset(one.owner for one in self.segments)


def of_copy(copy: Copy) -> Case:
    """A made copy."""
    task = copy.task
    return Case(task.source, copy.path, task.edit, task.severity, copy.label, copy.segments)


def as_it_is(source: Source) -> Case:
    """A source's own file."""
    length_ms = round(source.duration_s * 1000)
    whole = Segment(source.group, 0, length_ms, 0, length_ms, 1.0)
    return Case(source, source.path, None, None, "as it is", (whole,))


def known(every: Sources) -> tuple[Source, ...]:
    """What compilations draw from: always the same, whichever sources a run copies."""
    return tuple(
        one for one in every.listed if one.kind == REAL and 5 <= one.duration_s <= FAST_MOST_S
    )


def outcome(
    case: Case, checked: Checked, listed: Sequence[Source], peers: dict[str, frozenset[str]]
) -> Outcome:
    """A check of this clip against these references with its truth; ``peers``: what they found."""
    groups, scenes = _listed(tuple(listed))
    return Outcome(
        source=case.source.name,
        kind=_kind(case, groups),
        edit=case.edit,
        severity=case.severity,
        label=case.label,
        expected=scores.expected_of(case.segments, groups),
        shown=case.shown,
        takes=scenes.get(_scene(case.source), frozenset()) - case.shown,
        segments=case.segments,
        checked=checked,
        peers=peers,
    )


@cache
def _listed(listed: tuple[Source, ...]) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """Listed groups: all, and by what they have in common, a real scene or a made template."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in listed:
        found[_scene(source)].add(source.group)
    scenes = {scene: frozenset(groups) for scene, groups in found.items()}
    return frozenset(source.group for source in listed), scenes


def _scene(source: Source) -> str:
    if source.kind == REAL:
        return _real_scenes().get(source.group, source.group)
    return generated.template(source.kind)


@cache
def _real_scenes() -> dict[str, str]:
    return {row["group"]: row["scene"] for row in dev_rows()}


def _kind(case: Case, listed: frozenset[str]) -> str:
    """The row of the false alarm table that a clip belongs to."""
    if case.shown & listed:
        return COPIES
    form = "as it is" if case.edit is None else "edited"
    return f"{_sort(case.source.kind)}, {form}"


def _sort(kind: str) -> str:
    """Decoys of all kinds have two rows: each kind alone has few clips."""
    if kind in TEMPLATES:
        return "templates around other footage"
    if kind in SCREENS:
        return "drawn screens of one layout"
    return UNLISTED if kind == REAL else kind
