"""Recall, localisation and false alarms on the attack suite: every edit in three severities.

References are the original files; copies are made from their decoded frames, and each is checked
against one index of all references. ``--fast`` takes a few sources and medium severity.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import heatmap
from benchmarks.attacks import beside, catalogue, checks, clips, scores, sources, tables
from benchmarks.attacks.clips import Copy
from benchmarks.attacks.edit import Edit, Severity
from benchmarks.attacks.footage import Segment
from benchmarks.attacks.scores import Outcome
from benchmarks.attacks.sources import LEAST_S, REAL, Source, Sources
from benchmarks.peers.vpdq import PeerUnavailable
from benchmarks.report import Report

_FOLDER = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
_FAST_SOURCES, _FAST_UNLISTED = 8, 1
_FAST_MOST_S = 20.0  # longer references and sources wait for the whole run
# What procedural negatives go through, beside being checked as they are; the whole run takes all.
_FAST_NEGATIVE_EDITS = ("a1", "b4", "d1", "e3", "e5", "f2")
_VPDQ, _NAIVE = "vPDQ 0.2.5", "imagehash, naive"


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip to be checked, made or as it is, with its truth."""

    source: Source
    path: Path
    edit: str | None
    severity: Severity | None
    label: str
    segments: tuple[Segment, ...]


class _Page(Report):
    """A report with a page of its own."""

    def finish(self, *, write: bool) -> None:
        """Print all; with ``write`` put it into docs/benchmarks/detection.md."""
        super().finish(write=False)
        if write:
            lead = "# Detection\n\n![recall by edit and severity](detection.png)"
            page = "\n\n".join(
                [lead, *self._parts, "Measured by `python -m benchmarks.detection`."]
            )
            _FOLDER.mkdir(parents=True, exist_ok=True)
            (_FOLDER / "detection.md").write_text(page + "\n")


def main() -> None:
    """Measure, print, and write the page and its picture with ``--write``."""
    flags = _arguments()
    started_s = time.monotonic()
    every = sources.load()
    listed = [s for s in every.listed if not flags.fast or s.duration_s <= _FAST_MOST_S]
    chosen = _clips(every, listed, flags)
    print(f"{len(chosen)} clips ready after {time.monotonic() - started_s:.0f} s", flush=True)
    outcomes = _outcomes(chosen, listed, peers=flags.peers)
    peers = sorted(outcomes[0].peers)
    report = _Page("detection", "What was measured")
    report.text(_setting(outcomes, listed))
    tables.targets(report, outcomes)
    tables.by_family(report, outcomes, peers)
    tables.by_edit(report, outcomes, peers)
    tables.false_alarms(report, outcomes, peers)
    tables.localisation(report, outcomes)
    tables.lengths(report, outcomes)
    tables.cost(report, outcomes)
    if flags.misses:
        print("\n".join(tables.misses(outcomes)))
    report.figure("elapsed_s", round(time.monotonic() - started_s))
    if flags.write:
        _draw(outcomes, peers)
    report.finish(write=flags.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="a few sources, medium severity")
    parser.add_argument("--write", action="store_true", help="update docs/benchmarks/detection.*")
    parser.add_argument("--peers", action="store_true", help="vPDQ and imagehash on the same clips")
    parser.add_argument("--misses", action="store_true", help="every miss and false alarm")
    parser.add_argument("--edits", help="short names or families, as in e3,e5,F", default="")
    parser.add_argument("--severity", choices=[*Severity], help="this one only")
    parser.add_argument("--sources", type=int, help="how many listed sources to copy")
    return parser.parse_args()


def _clips(every: Sources, listed: Sequence[Source], flags: argparse.Namespace) -> list[_Clip]:
    """All clips of this run: copies, copies of unlisted footage, transcodes, negatives."""
    edits = _edits(flags.edits)
    severities = _severities(flags)
    real = [s for s in listed if s.kind == REAL and s.duration_s >= LEAST_S]
    count = flags.sources or (_FAST_SOURCES if flags.fast else len(real))
    few = flags.fast or flags.sources
    tasks = clips.tasks_of(clips.spread(real, count), edits, severities)
    unlisted = clips.spread(every.unlisted, _FAST_UNLISTED if few else len(every.unlisted))
    tasks += clips.tasks_of(unlisted, edits, severities)
    wanted = [e for e in edits if not few or e.key in _FAST_NEGATIVE_EDITS]
    tasks += clips.tasks_of(every.negatives, wanted, [Severity.MEDIUM])
    copies = list(clips.ready(tasks, _known(every), every.unlisted))
    groups = {one.group for one in listed}
    plain = [one for one in every.extra if one.group in groups] if not flags.edits else []
    return [
        *map(_of_copy, copies),
        *(_as_it_is(one) for one in [*plain, *every.unlisted, *every.negatives]),
    ]


def _edits(names: str) -> list[Edit]:
    """Edits by short name or by family's capital; all where none is named."""
    every = list(catalogue.edits())
    if not names:
        return every
    wanted = names.split(",")
    found = [one for one in every if one.key in wanted or one.family in wanted]
    if not found:
        raise SystemExit(f"no edit is called {names}; try e3 or E")
    return found


def _severities(flags: argparse.Namespace) -> list[Severity]:
    if flags.severity:
        return [Severity(flags.severity)]
    return [Severity.MEDIUM] if flags.fast else list(Severity)


def _known(every: Sources) -> tuple[Source, ...]:
    """What compilations draw from: always the same, whichever sources a run copies."""
    return tuple(
        one for one in every.listed if one.kind == REAL and 5 <= one.duration_s <= _FAST_MOST_S
    )


def _of_copy(copy: Copy) -> _Clip:
    task = copy.task
    return _Clip(task.source, copy.path, task.edit, task.severity, copy.label, copy.segments)


def _as_it_is(source: Source) -> _Clip:
    length_ms = round(source.duration_s * 1000)
    whole = Segment(source.group, 0, length_ms, 0, length_ms, 1.0)
    return _Clip(source, source.path, None, None, "as it is", (whole,))


def _outcomes(chosen: Sequence[_Clip], listed: Sequence[Source], *, peers: bool) -> list[Outcome]:
    paths = [clip.path for clip in chosen]
    beside_it: dict[str, beside.Groups] = {}
    if peers:
        beside_it[_NAIVE] = beside.naive_found(paths, listed)
        try:
            beside_it[_VPDQ] = beside.vpdq_found(paths, listed)
        except PeerUnavailable as error:
            print(f"vPDQ was not measured: {error}")
    groups = frozenset(source.group for source in listed)
    return [
        Outcome(
            source=clip.source.name,
            kind=_kind(clip, groups),
            edit=clip.edit,
            severity=clip.severity,
            label=clip.label,
            expected=scores.expected_of(clip.segments, groups),
            shown=frozenset(one.owner for one in clip.segments),
            segments=clip.segments,
            checked=checked,
            peers={name: found[place] for name, found in beside_it.items()},
        )
        for place, (clip, checked) in enumerate(
            zip(chosen, checks.check_all(paths, listed), strict=True)
        )
    ]


def _kind(clip: _Clip, listed: frozenset[str]) -> str:
    """The row of the false alarm table that a clip belongs to."""
    if any(one.owner in listed for one in clip.segments):
        return "copies, against other footage"
    form = "as it is" if clip.edit is None else "edited"
    kind = "unlisted footage" if clip.source.kind == REAL else clip.source.kind
    return f"{kind}, {form}"


def _setting(outcomes: Sequence[Outcome], listed: Sequence[Source]) -> str:
    frames, length_ms = checks.reference_frames(listed)
    copied = {one.source for one in outcomes if one.edit not in (None, "h4") and one.expected}
    edits = {(one.edit, one.severity) for one in outcomes if one.edit}
    return (
        f"{len(copied)} sources in {len(edits)} forms of edit; {len(outcomes):,} checks against "
        f"one list of {len(listed)} references ({length_ms / 60_000:.0f} minutes, {frames:,} frame "
        f"hashes), default settings, code {checks.code_version()}."
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
