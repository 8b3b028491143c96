"""What patch hashes are for: copies of which half the frame is gone, turned, covered or filmed off
a screen, and the negatives that fool local features. The targets are those of issue 4.

Each clip is checked through the product's own door (``attacks.product``), as ``recirc check`` does
it: once against all references, and once without the footage that it shows. ``--fast`` takes 8
sources and one form of each edit for each target; a whole run takes every form, of as many sources
as its target needs. Copies, decoys and answers are kept in .bench, so that a run that was stopped
goes on where it was.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.attacks import (
    alarms,
    beside,
    cases,
    catalogue,
    choice,
    clips,
    decoys,
    product,
    sources,
    tables,
    targets,
    worth,
)
from benchmarks.attacks.cases import Case
from benchmarks.attacks.checks import Job
from benchmarks.attacks.clips import Task
from benchmarks.attacks.edit import Edit
from benchmarks.attacks.product import Answer, Way
from benchmarks.attacks.scores import Outcome
from benchmarks.attacks.sources import LEAST_S, REAL, Source, Sources
from benchmarks.peers.vpdq import PeerUnavailable
from benchmarks.report import Page

# What negatives are edited by: a crop, a turn, captions, an inset, a filmed screen.
_NEGATIVE_EDITS = ("k1", "k3a", "l4", "m2", "n2")
_FAST_UNLISTED = 1
_FAST_EVERY = 2  # decoy is edited as well, in a fast run, by one of these
_VPDQ, _NAIVE = "vPDQ 0.2.5", "imagehash, naive"


def main() -> None:
    """Measure, print, and write docs/benchmarks/patches.md with ``--write``."""
    flags = _arguments()
    started_s = time.monotonic()
    every = sources.load()
    decoys_listed, decoys_checked = decoys.load(every.unlisted)
    real = [s for s in every.listed if not flags.fast or s.duration_s <= cases.FAST_MOST_S]
    listed = [*real, *decoys_listed]
    chosen = [
        *_copies(every, real, decoys_checked, flags),
        *map(cases.as_it_is, (*every.unlisted, *every.negatives, *decoys_listed, *decoys_checked)),
    ]
    print(f"{len(chosen)} clips ready after {time.monotonic() - started_s:.0f} s", flush=True)
    if flags.prepare:
        return
    peers = _peers(chosen, listed) if flags.peers else {}
    answers = {way: _answers(chosen, listed, way, thorough=flags.thorough) for way in product.WAYS}
    outcomes = {
        way: [
            cases.outcome(
                case, answer.checked, listed, {name: each[place] for name, each in peers.items()}
            )
            for place, (case, answer) in enumerate(zip(chosen, mine, strict=True))
        ]
        for way, mine in answers.items()
    }
    report = Page("patches", "What was measured", "# Patch hashes")
    last = product.WAYS[-1]
    report.text(_setting(outcomes[last], listed, thorough=flags.thorough))
    worth.targets_table(report, outcomes, sorted(peers))
    worth.forms(report, outcomes)
    alarms.table(report, outcomes[last], sorted(peers))
    worth.by_source(report, outcomes)
    worth.prices(report, outcomes, answers, listed)
    if not flags.no_cost:
        worth.ten_hours(report, runs=1 if flags.fast else 3)
    if flags.misses:
        print("\n".join(tables.misses(outcomes[last])))
    report.figure("elapsed_s", round(time.monotonic() - started_s))
    report.finish(write=flags.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="8 sources, one form of each edit")
    parser.add_argument("--write", action="store_true", help="update docs/benchmarks/patches.md")
    parser.add_argument("--peers", action="store_true", help="vPDQ and imagehash on the same clips")
    parser.add_argument("--thorough", action="store_true", help="as recirc check --thorough")
    parser.add_argument("--prepare", action="store_true", help="make the copies, check none")
    parser.add_argument("--misses", action="store_true", help="every miss and false alarm")
    parser.add_argument("--no-cost", action="store_true", help="without the list of ten hours")
    parser.add_argument("--edits", help="short names or families, as in k3,n1,L", default="")
    return parser.parse_args()


def _copies(
    every: Sources, listed: Sequence[Source], negatives: Sequence[Source], flags: argparse.Namespace
) -> list[Case]:
    """Copies of listed footage, and edited negatives."""
    edits = _edits(flags.edits)
    of_negatives = [one for one in catalogue.edits() if one.key in _NEGATIVE_EDITS]
    real = [one for one in listed if one.kind == REAL and one.duration_s >= LEAST_S]
    short = [one for one in real if one.duration_s <= cases.FAST_MOST_S]
    first = clips.spread(short, choice.FAST_SOURCES)
    if flags.fast:
        few = clips.spread(every.unlisted, _FAST_UNLISTED)
        tasks = choice.fast_of([*first, *few], edits, targets.PATCHES)
        tasks += _by_turns(negatives[::_FAST_EVERY], of_negatives)
    else:
        tasks = choice.whole(real, edits, first, targets.PATCHES)
        tasks += choice.negatives(every.unlisted, edits)
        tasks += choice.negatives(negatives, of_negatives)
    if flags.edits:
        tasks = [task for task in tasks if task.edit in {one.key for one in edits}]
    return [*map(cases.of_copy, clips.ready(tasks, cases.known(every), every.unlisted))]


def _edits(names: str) -> list[Edit]:
    """Those that a target is about, and the families beyond whole frames, in these forms only."""
    wanted = names.split(",") if names else []
    found = []
    for edit in catalogue.edits():
        recipes = {
            severity: recipe
            for severity, recipe in edit.recipes.items()
            if edit.family not in catalogue.WHOLE_FRAME
            or targets.row_of(edit.key, severity, targets.PATCHES) is not None
        }
        if recipes and (not wanted or edit.key in wanted or edit.family in wanted):
            found.append(replace(edit, recipes=recipes))
    if not found:
        raise SystemExit(f"no edit of this benchmark is called {names}; try k3 or K")
    return found


def _by_turns(chosen: Sequence[Source], edits: Sequence[Edit]) -> list[Task]:
    """Each of these by one of the edits, at its middle severity."""
    tasks = []
    for place, source in enumerate(chosen):
        edit = edits[place % len(edits)]
        severities = list(edit.recipes)
        tasks.append(Task(source, edit.key, severities[len(severities) // 2]))
    return tasks


def _answers(
    chosen: Sequence[Case], listed: Sequence[Source], way: Way, *, thorough: bool
) -> list[Answer]:
    groups = {source.group for source in listed}
    jobs = [Job(case.path, case.shown & groups) for case in chosen]
    return list(product.check_all(jobs, listed, way, thorough=thorough))


def _peers(chosen: Sequence[Case], listed: Sequence[Source]) -> dict[str, beside.Groups]:
    paths = [case.path for case in chosen]
    found = {_NAIVE: beside.naive_found(paths, listed)}
    try:
        found[_VPDQ] = beside.vpdq_found(paths, listed)
    except PeerUnavailable as error:
        print(f"vPDQ was not measured: {error}")
    return found


def _setting(outcomes: Sequence[Outcome], listed: Sequence[Source], *, thorough: bool) -> str:
    way = product.WAYS[-1]
    copied = {one.source for one in outcomes if one.edit and one.expected}
    forms = {(one.edit, one.severity) for one in outcomes if one.edit and one.expected}
    return (
        f"{len(copied)} sources in {len(forms)} forms of edit; {len(outcomes):,} clips, each "
        f"checked against one list of {len(listed)} references ({way}) and against the same list "
        "without the footage that it shows, by the default policy"
        f"{', looked at in full' if thorough else ''}; code {product.code_version(way)}."
    )


if __name__ == "__main__":
    main()
