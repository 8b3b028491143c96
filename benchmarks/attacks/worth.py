"""The tables of the patch benchmark: what each way of listing finds, misses and takes."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

import cv2

from benchmarks import cost, longlist
from benchmarks.attacks import catalogue, kept, product, scores, targets
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.product import Answer, Way
from benchmarks.attacks.scores import REAL_KINDS, Outcome, slug
from benchmarks.attacks.sources import Source
from benchmarks.footage import clip_480p
from benchmarks.report import Report, percent
from hashing.extract import REFERENCE, extract
from hashing.formats import packed
from hashing.reference import Policy
from hashing.verdict import Verdict
from service.checking import Checker
from service.media.decoding import Uncaged
from service.store.sqlite import SqliteStore

ByWay = dict[Way, list[Outcome]]
_UNKNOWN_LIMIT: Final = 1.5  # of a full decode, with ten hours of references
_SIZE_LIMIT: Final = 12.0  # KB a second of reference
_LIST_HOURS: Final = 10.0


def targets_table(report: Report, outcomes: ByWay, peers: Sequence[str]) -> None:
    """Issue 4's targets: recall by each way and by the peers; reached or not by the last way."""
    rows: list[list[object]] = []
    last = list(outcomes)[-1]
    reached = 0
    for row in targets.PATCHES:
        mine = {way: targets.counted(row, each) for way, each in outcomes.items()}
        shares = {way: scores.recall(each) for way, each in mine.items()}
        best = shares[last]
        if best is not None:
            beside = [percent(scores.peer_recall(mine[last], peer)) for peer in peers]
            reached += best >= row.least
            rows.append(
                [
                    row.name,
                    len(mine[last]),
                    f"≥ {percent(row.least)}",
                    *map(percent, shares.values()),
                    *beside,
                    "yes" if best >= row.least else "**no**",
                ]
            )
    hard = {way: sum(_is_false(one) for one in each) for way, each in outcomes.items()}
    rows.append(
        ["false alarms on all negatives", len(outcomes[last]), "0", *hard.values()]
        + ["" for _ in peers]
        + ["**no**" if hard[last] else "yes"]
    )
    report.text(
        "Targets: recall of `match` in percent. Every clip is a negative, too: it is checked "
        "against the list without the footage that it shows."
    )
    report.table(["target", "clips", "asked", *outcomes, *peers, "reached"], rows)
    report.figure("targets_reached", reached + (not hard[last]))
    report.figure("targets_measured", len(rows))


def _is_false(outcome: Outcome) -> bool:
    return any(one.verdict is Verdict.MATCH for one in outcome.false_alarms)


def forms(report: Report, outcomes: ByWay) -> None:
    """Recall by form of edit, with ``near_match`` in brackets where it adds."""
    rows = []
    for edit in catalogue.edits():
        for severity in Severity:
            mine = {
                way: [
                    one
                    for one in each
                    if (one.edit, one.severity) == (edit.key, severity) and one.expected
                ]
                for way, each in outcomes.items()
            }
            first = next(iter(mine.values()))
            if first:
                row = targets.row_of(edit.key, severity, targets.PATCHES)
                rows.append(
                    [
                        edit.name,
                        first[0].label,
                        len(first),
                        *(_shares(one) for one in mine.values()),
                        "beyond" if row is None else targets.PATCHES[row].name,
                    ]
                )
                for way, each in mine.items():
                    key = f"recall_{edit.key}_{severity}_{way.name.lower()}"
                    report.figure(key, scores.recall(each) or 0.0)
    report.text("Recall by form of edit; in brackets with `near_match`.")
    report.table(["edit", "form", "copies", *outcomes, "counts in"], rows)


def _shares(outcomes: Sequence[Outcome]) -> str:
    found, near = scores.recall(outcomes), scores.recall(outcomes, near=True)
    return percent(found) + (f" ({percent(near)})" if near != found else "")


def by_source(report: Report, outcomes: ByWay) -> None:
    """Which sources' copies are missed, the worst first, of the forms that count in a target."""
    last = list(outcomes)[-1]
    copies: dict[str, list[Outcome]] = defaultdict(list)
    for one in _counting(outcomes[last]):
        copies[one.source].append(one)
    rows: list[tuple[int, str, int, str]] = []
    for source, mine in copies.items():
        missed = Counter(str(one.edit) for one in mine if not one.matched)
        if missed:
            named = ", ".join(f"{key} {count}" for key, count in sorted(missed.items()))
            rows.append((missed.total(), source, len(mine), named))
    report.text(f"Missed copies by source, {last}, of the forms that count in a target:")
    report.table(["missed", "source", "copies", "edits"], sorted(rows, reverse=True))


def _counting(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [one for row in targets.PATCHES for one in targets.counted(row, outcomes)]


def prices(
    report: Report, outcomes: ByWay, answers: dict[Way, list[Answer]], listed: Sequence[Source]
) -> None:
    """What a way finds, stores and takes; and what each further one buys for what it adds."""
    fingerprints = [kept.reference(source) for source in listed]
    seconds = sum(one.duration_ms for one in fingerprints) / 1000
    frames_kb = sum(len(packed.pack(one)) for one in fingerprints) / 1000 / seconds
    patches_kb = sum(map(product.patch_bytes, listed)) / 1000 / seconds
    rows: list[list[object]] = []
    before: tuple[float, float, float] | None = None
    for way, mine in outcomes.items():
        recall = scores.recall(_counting(mine)) or 0.0
        stored_kb = frames_kb + (patches_kb if way is Way.PATCHES else 0.0)
        minutes = sum(one.duration_ms for one in answers[way]) / 60_000
        cpu_s = sum(one.cpu_s for one in answers[way]) / max(1e-9, minutes)
        bought = ["–", "–"]
        if before is not None:
            more = 100 * (recall - before[0])
            added = stored_kb - before[1], cpu_s - before[2]
            bought = [f"{more / one:.1f}" if one > 0 else "–" for one in added]
        before = recall, stored_kb, cpu_s
        rows.append([way, percent(recall), f"{stored_kb:.2f}", f"{cpu_s:.2f}", *bought])
        name = way.name.lower()
        report.figure(f"recall_{name}", recall)
        report.figure(f"stored_kb_a_second_{name}", stored_kb)
        report.figure(f"cpu_s_a_minute_{name}", cpu_s)
    report.text(
        "What is found of all copies that count in a target, what a second of reference takes "
        f"(limit of patches: {_SIZE_LIMIT:g} KB), and processor time a minute of clip, over all "
        "clips of this run. Bought: points of recall for each KB a second, and for each second of "
        "processor time a minute, that a way adds to the one before."
    )
    header = ["way", "recall", "KB a second", "CPU s a minute", "bought a KB", "bought a CPU s"]
    report.table(header, rows)
    _ratios(report, outcomes, answers)


def _ratios(report: Report, outcomes: ByWay, answers: dict[Way, list[Answer]]) -> None:
    """Processor time over that of a full decode: of what is known by whole frames, of what is found
    by patches alone, and of real footage that is on no list."""
    known = [one.matched and bool(one.expected) for one in outcomes[Way.FRAMES]]
    rows = []
    for way, mine in outcomes.items():
        kinds = {
            "known by whole frames": known,
            "other copies found": [
                one.matched and bool(one.expected) and not was
                for one, was in zip(mine, known, strict=True)
            ],
            "copies not found": [bool(one.expected) and not one.matched for one in mine],
            "real footage on no list": [
                not one.expected and one.kind in REAL_KINDS and not one.checked.found
                for one in mine
            ],
        }
        for name, chosen in kinds.items():
            ratios = [
                answer.cpu_s / max(1e-3, answer.decode_cpu_s)
                for answer, one in zip(answers[way], chosen, strict=True)
                if one
            ]
            if ratios:
                rows.append([name, way, len(ratios), f"{median(ratios):.2f}"])
                report.figure(f"ratio_{slug(name)}_{way.name.lower()}", median(ratios))
    report.text(
        "Processor time of a check over that of a full decode of the same clip, medians. The "
        "suite's copies are quickly encoded, which makes a decode far cheaper than that of a real "
        "clip: compare the ways; for the ratio itself see the next table."
    )
    report.table(["clips", "listed with", "count", "ratio"], rows)


def ten_hours(report: Report, *, runs: int) -> None:
    """A clip that matches nothing against ten hours of references, in one process."""
    cv2.setNumThreads(1)
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteStore(Path(folder, "long.sqlite3"))) as store,
    ):
        taken = extract(clip_480p(300).read_bytes(), replace(REFERENCE, patches=True))
        listed = longlist.references(_LIST_HOURS, taken.fingerprint, taken.patches)
        store.add("long", list(listed), policy=Policy.BLOCK)
        checker = Checker(store, Uncaged())
        for skip in cost.UNKNOWN_SKIPS:
            path = clip_480p(60, skip=skip)
            checks = [cost.decode_ratio(checker, path) for _ in range(runs + 1)][
                1:
            ]  # the first warms up
            assert checks[0][1].verdict is Verdict.NO_MATCH
            middle = median(one for one, _ in checks)
            report.figure(f"unknown_{skip}_ratio", middle)
            reached = "yes" if middle <= _UNKNOWN_LIMIT else "**no**"
            rows.append([f"60 s, sources from {skip} on", f"{middle:.2f}", _UNKNOWN_LIMIT, reached])
    report.text(
        f"A clip of 60 s at 480p that matches nothing, with {_LIST_HOURS:.0f} hours of references "
        f"({product.WAYS[-1]}) on the list; as in `benchmarks.cost`:"
    )
    report.table(["clip", "ratio to decode", "limit", "reached"], rows)
