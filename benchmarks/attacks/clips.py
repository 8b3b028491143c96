"""Copies: made by two processes, kept by source, edit, severity and the code that made them."""

import hashlib
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.attacks import catalogue, sources
from benchmarks.attacks.edit import Edit, Material, Severity
from benchmarks.attacks.encoding import encoded
from benchmarks.attacks.footage import Footage, NotApplicable, Segment, segments
from benchmarks.attacks.sources import Source

PROCESSES = 2
_KNOWN = 7  # other listed clips for the largest compilation
_KNOWN_S, _KNOWN_PX = 4.5, 426


@dataclass(frozen=True, slots=True)
class Task:
    """One copy to be made: which source, which edit, how far."""

    source: Source
    edit: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Copy:
    """A made copy and the truth about it; ``segments`` of unlisted footage name no reference."""

    task: Task
    label: str
    path: Path
    duration_ms: int
    segments: tuple[Segment, ...]


def by_key() -> dict[str, Edit]:
    """Every edit by its short name."""
    return {edit.key: edit for edit in catalogue.edits()}


def ready(
    tasks: Sequence[Task], known: tuple[Source, ...], unlisted: tuple[Source, ...]
) -> Iterator[Copy]:
    """The copies of these tasks, made where they are missing; those that do not apply left out.

    ``known``: listed clips that compilations draw from; ``unlisted``: where other footage is from.
    """
    missing: dict[Source, list[Task]] = defaultdict(list)
    for task in tasks:
        if not _sidecar(task).exists():
            missing[task.source].append(task)
    if missing:
        jobs = [(part, known, unlisted) for part in missing.values()]
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            for done, source in enumerate(pool.imap_unordered(make, jobs), 1):
                print(f"made the copies of {source} ({done} of {len(jobs)})", flush=True)
    for task in tasks:
        copy = _loaded(task)
        if copy is not None:
            yield copy


def make(job: tuple[list[Task], tuple[Source, ...], tuple[Source, ...]]) -> str:
    """Make the copies of one source; returns its name. Runs in a process of its own."""
    tasks, known, unlisted = job
    footage = sources.read(tasks[0].source)
    others = tuple(one for one in unlisted if one.group != tasks[0].source.group)
    other = _elsewhere(others)
    for task in tasks:
        _make_one(task, footage, _material(task, other, known))
    return tasks[0].source.name


def _material(task: Task, other: Footage, known: tuple[Source, ...]) -> Material:
    name = f"{task.source.name}|{task.edit}|{task.severity}"
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    random = np.random.default_rng(seed)
    chosen: tuple[Footage, ...] = ()
    if task.edit == "h4":
        others = [one for one in known if one.group != task.source.group]
        places = np.random.default_rng(seed).permutation(len(others))[:_KNOWN]
        chosen = tuple(_excerpt(others[place]) for place in places)
    return Material(random, other, chosen)


@cache
def _elsewhere(unlisted: tuple[Source, ...]) -> Footage:
    return sources.elsewhere(unlisted)


@cache
def _excerpt(source: Source) -> Footage:
    return sources.read(source, longest_px=_KNOWN_PX, most_s=_KNOWN_S)


def _make_one(task: Task, footage: Footage, material: Material) -> None:
    recipe = by_key()[task.edit].recipes[task.severity]
    try:
        copy = recipe.apply(footage, material)
    except NotApplicable as reason:
        sources.write(_sidecar(task), json.dumps({"reason": str(reason)}).encode())
        return
    sidecar = _sidecar(task)
    media = sidecar.with_suffix(recipe.encoding.suffix)
    sources.write(media, encoded(copy, recipe.encoding))
    truth = {
        "label": recipe.label,
        "media": media.name,
        "duration_ms": round(copy.duration_s * 1000),
        "segments": [asdict(segment) for segment in segments(copy)],
    }
    sources.write(sidecar, json.dumps(truth).encode())


def _sidecar(task: Task) -> Path:
    version = catalogue.version(by_key()[task.edit].family)
    name = f"{task.edit}-{task.severity}-{version}.json"
    return sources.CACHE / "copies" / task.source.name / name


def _loaded(task: Task) -> Copy | None:
    """The copy; None where the edit does not apply to its source."""
    sidecar = _sidecar(task)
    truth = json.loads(sidecar.read_bytes())
    if "reason" in truth:
        return None
    return Copy(
        task,
        truth["label"],
        sidecar.with_name(truth["media"]),
        truth["duration_ms"],
        tuple(Segment(**segment) for segment in truth["segments"]),
    )


def tasks_of(
    chosen: Sequence[Source], edits: Sequence[Edit], severities: Sequence[Severity]
) -> list[Task]:
    """Every edit of every source; an edit with one form only counts whatever the severities."""
    return [
        Task(source, edit.key, severity)
        for source in chosen
        for edit in edits
        for severity in edit.recipes
        if severity in severities or len(edit.recipes) == 1
    ]


def spread(chosen: Sequence[Source], count: int) -> list[Source]:
    """So many of them by lot, the same on every run; the first few stay when more are asked."""
    lot = sorted(chosen, key=lambda one: hashlib.sha256(f"lot {one.name}".encode()).digest())
    return list(islice(lot, count))
