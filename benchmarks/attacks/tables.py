"""The tables and figures of the detection benchmark."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from benchmarks.attacks import catalogue, scores
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.scores import Outcome
from benchmarks.report import Report
from hashing.verdict import Verdict

_MIB: Final = 1024 * 1024
_LENGTHS: Final = ("f1", "f1s")
_FOUND_SHARE: Final = 0.9  # of copies of a length, to call it detectable

# Rows of the target table: name, which (edit, severity) they mean, least recall.
_Chosen = Callable[[str, Severity], bool]
_MILD_MEDIUM: Final = (Severity.MILD, Severity.MEDIUM)


def _keys(*keys: str, only: tuple[Severity, ...] = tuple(Severity)) -> _Chosen:
    return lambda key, severity: key in keys and severity in only


def _picture_edits(*only: Severity) -> _Chosen:
    return lambda key, severity: key[0] in "abc" and key != "c4n" and severity in only


TARGETS: Final[tuple[tuple[str, _Chosen, float], ...]] = (
    ("re-encode, resolution, colour: mild, medium", _picture_edits(*_MILD_MEDIUM), 0.995),
    ("the same, severe", _picture_edits(Severity.SEVERE), 0.95),
    ("negative, mirror, turned", _keys("c4n", "e5", "e6", "e6a", "e6b", "e6c"), 0.99),
    ("borders, fill, meme format", _keys("e3", "e3p", "e4", "e4p", "e4f", "e10"), 0.98),
    ("logo, text, sticker up to 6 %", _keys("d1", "d4", only=(Severity.MILD,)), 0.97),
    ("crop 3 % a side, zoom 1.05", _keys("e1", "e8", only=(Severity.MILD,)), 0.99),
    ("length 20, 8, 3 s", _keys("f1"), 0.99),
    ("length 2 s", _keys("f1s", only=(Severity.MEDIUM,)), 0.90),
    ("speed, rate, drops, opening, shuffle", _keys("f2", "f2s", "f3", "f4", "f5", "f6"), 0.98),
    ("slideshow 1 s", _keys("f7", only=(Severity.MILD,)), 0.98),
    ("reverse", _keys("f8"), 0.95),
    ("3 s in 60 s", _keys("h3", only=(Severity.SEVERE,)), 0.95),
    ("screen recording, copy of 45 % and more", _keys("g1"), 0.90),
)


def percent(share: float | None) -> str:
    """For people; a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.3g}"


def _slug(peer: str) -> str:
    """A peer's name in keys: "vpdq", "imagehash"."""
    return peer.split(maxsplit=1)[0].strip(",").lower()


def by_edit(report: Report, outcomes: Sequence[Outcome], peers: Sequence[str]) -> None:
    """Recall by edit and severity, with ``near_match`` in brackets where it adds."""
    report.text("Recall in percent of copies that are a `match`; in brackets with `near_match`.")
    rows = []
    for edit in catalogue.edits():
        mine = [one for one in outcomes if one.edit == edit.key and one.expected]
        if mine:
            cells = [_cell(report, edit.key, severity, mine) for severity in Severity]
            beside = [percent(scores.peer_recall(mine, peer)) for peer in peers]
            where = scores.localisation(mine, "clip")
            rows.append(
                [edit.name, len(mine), *cells, f"{where.f1:.2f}" if where else "–", *beside]
            )
    report.table(["edit", "copies", *Severity, "F1", *peers], rows)


def _cell(report: Report, key: str, severity: Severity, outcomes: Sequence[Outcome]) -> str:
    mine = [one for one in outcomes if one.severity is severity]
    found, near = scores.recall(mine), scores.recall(mine, near=True)
    if found is None:
        return ""
    report.figure(f"recall_{key}_{severity}", found)
    return percent(found) + (f" ({percent(near)})" if near != found else "")


def by_family(report: Report, outcomes: Sequence[Outcome], peers: Sequence[str]) -> None:
    """Recall by family and severity, and over all."""
    rows = []
    for family, name in [*catalogue.FAMILIES.items(), ("", "all")]:
        mine = [one for one in outcomes if one.edit and one.edit.upper().startswith(family)]
        copies = [one for one in mine if one.expected]
        if copies:
            cells = []
            for severity in Severity:
                share = scores.recall([one for one in copies if one.severity is severity])
                cells.append(percent(share))
                if share is not None:
                    report.figure(f"recall_{family or 'all'}_{severity}", share)
            report.figure(f"recall_{family or 'all'}", scores.recall(copies) or 0.0)
            near = scores.recall(copies, near=True)
            beside = [percent(scores.peer_recall(copies, peer)) for peer in peers]
            row = [f"{family} {name}".strip(), len(copies), *cells]
            rows.append([*row, percent(scores.recall(copies)), percent(near), *beside])
            for peer in peers:
                share = scores.peer_recall(copies, peer) or 0.0
                report.figure(f"{_slug(peer)}_recall_{family or 'all'}", share)
    report.table(["family", "copies", *Severity, "all", "with near", *peers], rows)


def targets(report: Report, outcomes: Sequence[Outcome]) -> None:
    """The target table: reached or not, as far as this run measured it."""
    rows = []
    for name, chosen, least in TARGETS:
        mine = [
            one
            for one in outcomes
            if one.expected and one.edit and one.severity and chosen(one.edit, one.severity)
        ]
        share = scores.recall(mine)
        if share is not None:
            reached = "yes" if share >= least else "**no**"
            rows.append([name, len(mine), percent(least), percent(share), reached])
    report.table(["target", "copies", "least", "measured", "reached"], rows)
    report.figure("targets_reached", sum(row[-1] == "yes" for row in rows))
    report.figure("targets_measured", len(rows))


def localisation(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Over all copies found, and the edits in which it is worst."""
    rows = []
    for axis in ("clip", "reference"):
        where = scores.localisation(outcomes, axis)
        if where is not None:
            shares = [f"{value:.3f}" for value in (where.precision, where.recall, where.f1)]
            errors = [f"{where.error_median_ms:.0f}", f"{where.error_p95_ms:.0f}"]
            rows.append([axis, *shares, *errors])
            report.figure(f"localisation_f1_{axis}", where.f1)
    header = ["axis", "precision", "recall", "F1", "error median ms", "error 95 % ms"]
    report.table(header, rows)
    worst = []
    for edit in catalogue.edits():
        where = scores.localisation([one for one in outcomes if one.edit == edit.key], "clip")
        if where is not None:
            worst.append((where.f1, f"{edit.key} {where.f1:.2f}"))
    named = ", ".join(name for _, name in sorted(worst)[:8])
    report.text(f"Lowest F1 on the clip axis: {named or 'none'}.")


def false_alarms(report: Report, outcomes: Sequence[Outcome], peers: Sequence[str]) -> None:
    """Findings of footage that a clip does not show; every check could have had one."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        kinds[one.kind].append(one)
        kinds["all"].append(one)
    rows = []
    for kind, mine in sorted(kinds.items(), key=lambda item: (item[0] == "all", item[0])):
        hard = _alarmed(mine, (Verdict.MATCH,))
        either = _alarmed(mine, (Verdict.MATCH, Verdict.NEAR_MATCH))
        beside = [sum(bool(one.peers[peer] - one.shown) for one in mine) for peer in peers]
        limit = f"{scores.bound(hard, len(mine)):.1e}"
        rows.append([kind, len(mine), hard, either, f"≤ {limit}", *beside])
    report.text("Clips with a finding of footage that they do not show; bounds at 95 %.")
    header = ["clips", "checks", "match", "match or near", "rate of match", *peers]
    report.table(header, rows)
    every = list(outcomes)
    report.figure("checks", len(every))
    report.figure("false_match", _alarmed(every, (Verdict.MATCH,)))
    report.figure("false_match_or_near", _alarmed(every, tuple(Verdict)))
    report.figure("false_match_bound", scores.bound(_alarmed(every, (Verdict.MATCH,)), len(every)))
    for peer in peers:
        alarmed = sum(bool(one.peers[peer] - one.shown) for one in every)
        report.figure(f"{_slug(peer)}_false", alarmed)


def _alarmed(outcomes: Sequence[Outcome], verdicts: tuple[Verdict, ...]) -> int:
    return sum(any(f.verdict in verdicts for f in one.false_alarms) for one in outcomes)


def lengths(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Recall by length of the copy, and the least length that is found."""
    by_length: dict[float, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if one.edit in _LENGTHS and one.expected:
            by_length[float(one.label.split()[0])].append(one)
    if not by_length:
        return
    order = sorted(by_length)
    shares = [scores.recall(by_length[seconds]) or 0.0 for seconds in order]
    report.table(
        ["length s", *(f"{seconds:g}" for seconds in order)],
        [["recall", *map(percent, shares)], ["copies", *(len(by_length[s]) for s in order)]],
    )
    from_here = [s for place, s in enumerate(order) if min(shares[place:]) >= _FOUND_SHARE]
    if from_here:
        text = f"Minimum copy length: {from_here[0]:g} s ({percent(_FOUND_SHARE)} % and more found)"
        report.text(f"{text}, other edits none.")
        report.figure("minimum_length_s", from_here[0])


def cost(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Processor time of decode and hash against a full decode; look-up time; memory."""
    checks = [one.checked for one in outcomes]
    compared = [(c.extract_cpu_s, c.decode_cpu_s) for c in checks if c.decode_cpu_s is not None]
    full_s = sum(full for _, full in compared)
    ratio = sum(own for own, _ in compared) / full_s if full_s else None
    seconds = sum(c.duration_ms for c in checks) / 1000
    lookup_ms = [1000 * c.lookup_s for c in checks]
    peak_mib = max(c.peak_bytes for c in checks) / _MIB
    report.table(
        [
            "decode and hash, CPU of a full decode",
            "CPU s a minute of clip",
            "look-up ms, median",
            "look-up ms, most",
            "peak MiB of a worker",
        ],
        [
            [
                "–" if ratio is None else f"{ratio:.2f} ({len(compared)} clips)",
                f"{60 * sum(c.extract_cpu_s for c in checks) / max(1e-9, seconds):.2f}",
                f"{median(lookup_ms):.0f}",
                f"{max(lookup_ms):.0f}",
                f"{peak_mib:.0f}",
            ]
        ],
    )
    if ratio is not None:
        report.figure("extract_ratio", ratio)
    report.figure("lookup_median_ms", median(lookup_ms))
    report.figure("peak_mib", peak_mib)


def misses(outcomes: Sequence[Outcome]) -> list[str]:
    """One line a copy that is no ``match``, and one a false alarm."""
    lines = []
    for one in outcomes:
        name = f"{one.edit or 'as it is':6} {one.severity or '':6} {one.source:16} {one.label}"
        if one.expected and not one.matched:
            got = ", ".join(f"{f.group} {f.verdict} {f.chance:.0e}" for f in one.checked.found)
            lines.append(f"miss   {name}: {one.checked.problem or got or 'nothing'}")
        lines += [
            f"FALSE  {name}: {f.group} {f.verdict} {f.chance:.0e}, {f.view}, "
            f"clip {f.clip_ranges_ms}, reference {f.reference_ranges_ms}"
            for f in one.false_alarms
        ]
    return lines
