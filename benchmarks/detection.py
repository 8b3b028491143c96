"""Recall, localisation and false alarms on the attack suite: every edit in three severities.

References are the original files; copies are made from their decoded frames, and each is checked
against one index of all references. All of each copy is looked at, as by ``recirc check
--thorough``; ``--product`` also checks what whole frames miss as ``recirc check`` does by default,
with patch hashes. ``--fast`` takes a few sources and medium severity; a whole run takes what
``attacks.choice`` says. Copies, fingerprints and the peers' hashes are kept in .bench, so that a
run that was stopped goes on where it was.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import heatmap
from benchmarks.attacks import (
    alarms,
    beside,
    calibration,
    cases,
    catalogue,
    checks,
    choice,
    clips,
    kept,
    product,
    scores,
    sources,
    tables,
    targets,
)
from benchmarks.attacks.cases import Case
from benchmarks.attacks.checks import Job
from benchmarks.attacks.clips import Task
from benchmarks.attacks.edit import Edit, Severity
from benchmarks.attacks.scores import Outcome
from benchmarks.attacks.sources import LEAST_S, REAL, Source, Sources
from benchmarks.peers.vpdq import PeerUnavailable
from benchmarks.report import Page

_FOLDER = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
_FAST_UNLISTED = 1
# What procedural negatives go through in a fast run, beside being checked as they are.
_FAST_NEGATIVE_EDITS = ("a1", "b4", "d1", "e3", "e5", "f2")
_VPDQ, _NAIVE = "vPDQ 0.2.5", "imagehash, naive"


def main() -> None:
    """Measure, print, and write the page and its picture with ``--write``."""
    flags = _arguments()
    started_s = time.monotonic()
    every = sources.load()
    listed = [s for s in every.listed if not flags.fast or s.duration_s <= cases.FAST_MOST_S]
    chosen = _clips(every, listed, flags)
    print(f"{len(chosen)} clips ready after {time.monotonic() - started_s:.0f} s", flush=True)
    if flags.prepare:
        return
    outcomes = _outcomes(chosen, listed, peers=flags.peers)
    peers = sorted(outcomes[0].peers)
    curves = calibration.curves(outcomes)
    lead = "# Detection\n\n![recall by edit and severity](detection.png)"
    report = Page("detection", "What was measured", lead)
    report.text(_setting(outcomes, listed))
    if _VPDQ in peers:
        unread = beside.vpdq_unread(listed)
        report.text(
            f"{_VPDQ} with its shipped settings has no usable hash of {len(unread)} of the "
            f"{len(listed)} references, and finds no copy of these."
        )
    again = _by_product(chosen, listed, outcomes) if flags.product else None
    targets.table(report, outcomes, again)
    tables.by_family(report, outcomes, peers)
    tables.by_edit(report, outcomes, peers)
    alarms.table(report, outcomes, peers)
    calibration.table(report, curves)
    tables.localisation(report, outcomes)
    tables.lengths(report, outcomes)
    tables.cost(report, outcomes)
    if flags.misses:
        print("\n".join(tables.misses(outcomes)))
    report.figure("elapsed_s", round(time.monotonic() - started_s))
    if flags.write:
        _draw(outcomes, peers)
        calibration.draw(_FOLDER / calibration.PICTURE, curves)
    report.finish(write=flags.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="a few sources, medium severity")
    parser.add_argument("--write", action="store_true", help="update docs/benchmarks/detection.*")
    parser.add_argument("--peers", action="store_true", help="vPDQ and imagehash on the same clips")
    parser.add_argument("--prepare", action="store_true", help="make the copies, check none")
    parser.add_argument("--misses", action="store_true", help="every miss and false alarm")
    parser.add_argument("--product", action="store_true", help="with patch hashes what is missed")
    parser.add_argument("--edits", help="short names or families, as in e3,e5,F", default="")
    parser.add_argument("--severity", type=Severity, choices=[*Severity], help="this one only")
    parser.add_argument("--sources", type=int, help="how many listed sources to copy")
    return parser.parse_args()


def _clips(every: Sources, listed: Sequence[Source], flags: argparse.Namespace) -> list[Case]:
    """All clips of this run: copies, copies of unlisted footage, transcodes, negatives."""
    edits = _edits(flags.edits)
    tasks = [
        task
        for task in dict.fromkeys(_tasks(every, listed, edits, flags))
        if flags.severity in (None, task.severity)
    ]
    copies = list(clips.ready(tasks, cases.known(every), every.unlisted))
    groups = {one.group for one in listed}
    plain = [one for one in every.extra if one.group in groups] if not flags.edits else []
    return [
        *map(cases.of_copy, copies),
        *(cases.as_it_is(one) for one in [*plain, *every.unlisted, *every.negatives]),
    ]


def _tasks(
    every: Sources, listed: Sequence[Source], edits: Sequence[Edit], flags: argparse.Namespace
) -> list[Task]:
    """The copies to be checked; of every edit of some sources where these are asked for."""
    real = [s for s in listed if s.kind == REAL and s.duration_s >= LEAST_S]
    short = [s for s in real if s.duration_s <= cases.FAST_MOST_S]
    first = clips.spread(short, flags.sources or choice.FAST_SOURCES)
    if flags.fast or flags.sources:
        unlisted = clips.spread(every.unlisted, _FAST_UNLISTED)
        few = [edit for edit in edits if edit.key in _FAST_NEGATIVE_EDITS]
        chosen = [*first, *unlisted]
        tasks = (
            choice.fast(chosen, edits) if flags.fast else clips.tasks_of(chosen, edits, [*Severity])
        )
        return tasks + clips.tasks_of(every.negatives, few, [Severity.MEDIUM])
    return [
        *choice.whole(real, edits, first),
        *choice.negatives([*every.unlisted, *every.negatives], edits),
    ]


def _edits(names: str) -> list[Edit]:
    """Edits by short name or by family's capital; where none is named, all but those that no
    whole frame survives, which ``benchmarks.patches`` measures."""
    if not names:
        return list(catalogue.edits(catalogue.WHOLE_FRAME))
    wanted = names.split(",")
    found = [one for one in catalogue.edits() if one.key in wanted or one.family in wanted]
    if not found:
        raise SystemExit(f"no edit is called {names}; try e3 or E")
    return found


def _outcomes(chosen: Sequence[Case], listed: Sequence[Source], *, peers: bool) -> list[Outcome]:
    paths = [clip.path for clip in chosen]
    beside_it: dict[str, beside.Groups] = {}
    if peers:
        beside_it[_NAIVE] = beside.naive_found(paths, listed)
        try:
            beside_it[_VPDQ] = beside.vpdq_found(paths, listed)
        except PeerUnavailable as error:
            print(f"vPDQ was not measured: {error}")
    groups = frozenset(source.group for source in listed)
    jobs = [Job(clip.path, clip.shown & groups) for clip in chosen]
    return [
        cases.outcome(
            clip, checked, listed, {name: each[place] for name, each in beside_it.items()}
        )
        for place, (clip, checked) in enumerate(
            zip(chosen, checks.check_all(jobs, listed), strict=True)
        )
    ]


def _by_product(
    chosen: Sequence[Case], listed: Sequence[Source], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """The outcomes, where each missed copy is checked once more through the product's own door."""
    missed = [place for place, one in enumerate(outcomes) if one.expected and not one.matched]
    groups = frozenset(source.group for source in listed)
    jobs = [Job(chosen[place].path, chosen[place].shown & groups) for place in missed]
    answers = product.check_all(jobs, listed, product.Way.PATCHES, thorough=False)
    again = list(outcomes)
    for place, answer in zip(missed, answers, strict=True):
        again[place] = cases.outcome(chosen[place], answer.checked, listed, outcomes[place].peers)
    return again


def _setting(outcomes: Sequence[Outcome], listed: Sequence[Source]) -> str:
    frames, length_ms = checks.reference_frames(listed)
    copied = {one.source for one in outcomes if one.edit not in (None, "h4") and one.expected}
    edits = {(one.edit, one.severity) for one in outcomes if one.edit}
    return (
        f"{len(copied)} sources in {len(edits)} forms of edit; {len(outcomes):,} checks against "
        f"one list of {len(listed)} references ({length_ms / 60_000:.0f} minutes, {frames:,} frame "
        f"hashes), default policy, clips looked at in full, code {kept.code_version()}."
    )


def _draw(outcomes: Sequence[Outcome], peers: Sequence[str]) -> None:
    rows, shares = [], []
    for edit in catalogue.edits():
        mine = [one for one in outcomes if one.edit == edit.key and one.expected]
        if mine:
            rows.append(edit.name)
            by_severity = [
                scores.recall([one for one in mine if one.severity is severity])
                for severity in Severity
            ]
            shares.append([*by_severity, *(scores.peer_recall(mine, peer) for peer in peers)])
    columns = [*Severity, *(peer.split(",")[0] for peer in peers)]
    heatmap.draw(_FOLDER / "detection.png", rows, [str(one) for one in columns], shares)


if __name__ == "__main__":
    main()
