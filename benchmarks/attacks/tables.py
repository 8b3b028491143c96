"""The tables and figures of the detection benchmark."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.attacks import catalogue, scores
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.scores import Outcome, slug
from benchmarks.report import Report, percent

_MIB: Final = 1024 * 1024
_LENGTHS: Final = ("f1", "f1s")
_FOUND_SHARE: Final = 0.9  # of copies of a length, to call it detectable


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
                report.figure(f"{slug(peer)}_recall_{family or 'all'}", share)
    report.table(["family", "copies", *Severity, "all", "with near", *peers], rows)


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
