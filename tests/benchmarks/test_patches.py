"""The patch benchmark's bookkeeping: forms of a run, kept answers, tables of what is found."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks import patch_background, patches
from benchmarks.attacks import cases, catalogue, choice, product, targets, worth
from benchmarks.attacks.checks import Found
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.footage import Segment
from benchmarks.attacks.product import Answer, Way
from benchmarks.attacks.scores import COPIES, Outcome
from benchmarks.attacks.sources import REAL, Source
from benchmarks.report import Report
from hashing.patches import evidence
from hashing.verdict import Verdict

_SOURCES = [Source(f"s{n:02}", Path(f"s{n}.mp4"), f"g{n}", REAL, 10.0) for n in range(60)]
_FOUND = Found("own", Verdict.MATCH, 1e-9, "phash256, as is", 1.0, ((0, 8000),), ((0, 8000),))
_ANSWER = Answer((_FOUND,), (), (), early=False, duration_ms=8000, cpu_s=0.5, decode_cpu_s=0.4)


def _outcome(answer: Answer = _ANSWER, edit: str = "k1", kind: str = COPIES) -> Outcome:
    return Outcome(
        source="s",
        kind=kind,
        edit=edit,
        severity=Severity.MEDIUM,
        label="65 %",
        expected=frozenset({"own"}),
        shown=frozenset({"own"}),
        takes=frozenset(),
        segments=(Segment("own", 0, 8000, 0, 8000, 1.0),),
        checked=answer.checked,
        peers={"vPDQ": frozenset()},
    )


def _lines(report: Report) -> dict[str, list[str]]:
    """A report's table lines by their first cell."""
    lines = [line for part in report._parts for line in part.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {line[0]: line[1:] for line in cells}


@pytest.mark.parametrize(
    ("key", "severity", "row"),
    [
        pytest.param("e1", "severe", "crop 20 % a side", id="crop 20 %"),
        pytest.param("e1", "medium", None, id="crop 10 %"),
        pytest.param("k2", "severe", "half the frame", id="half of each side"),
        pytest.param("e7", "mild", "any rotation", id="2°"),
        pytest.param("k5", "severe", None, id="keystone 15 %"),
        pytest.param("l1", "medium", "30 % sticker", id="30 % sticker"),
        pytest.param("l1", "severe", None, id="40 % sticker"),
        pytest.param("m2", "mild", "picture in picture, 35 % of the area", id="inset 35 %"),
        pytest.param("m2", "medium", None, id="inset 25 %"),
        pytest.param("n1", "severe", "re-filmed screen, hard", id="filmed, hard"),
        pytest.param("p1", "mild", None, id="beyond"),
    ],
)
def test_a_form_counts_in_its_row(key: str, severity: str, row: str | None) -> None:
    number = targets.row_of(key, Severity(severity), targets.PATCHES)

    assert (None if number is None else targets.PATCHES[number].name) == row


def test_no_form_counts_twice() -> None:
    for edit in catalogue.edits():
        for severity in edit.recipes:
            counting = [row for row in targets.PATCHES if row.chosen(edit.key, severity)]
            assert len(counting) <= 1


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in targets.PATCHES])
def test_a_fast_run_fills_every_row_with_every_edit(row: targets.Row) -> None:
    edits = patches._edits("")

    tasks = choice.fast_of(_SOURCES[:8], edits, targets.PATCHES)

    counting = {task.edit for task in tasks if row.chosen(task.edit, task.severity)}
    assert counting == {e.key for e in edits for how in e.recipes if row.chosen(e.key, how)}
    assert len(set(tasks)) == len(tasks)


def test_a_whole_run_has_enough_copies_of_every_row() -> None:
    tasks = choice.whole(_SOURCES, patches._edits(""), _SOURCES[:8], targets.PATCHES)

    for row in targets.PATCHES:
        counting = [task for task in tasks if row.chosen(task.edit, task.severity)]
        # Sixty sources are fewer than a row of one form asks for.
        assert len(counting) >= min(120, 60 * len({(t.edit, t.severity) for t in counting}))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_ANSWER, id="found"),
        pytest.param(
            replace(_ANSWER, found=(), problems=("too_dark",)), id="not looked at in full"
        ),
        pytest.param(replace(_ANSWER, early=True, alarms=(_FOUND, _FOUND)), id="alarms"),
    ],
)
def test_answers_are_kept_as_they_are(answer: Answer) -> None:
    assert product._loaded(json.loads(json.dumps(asdict(answer)))) == answer


def test_targets_say_what_each_way_finds() -> None:
    nothing = replace(_ANSWER, found=())
    outcomes = {Way.FRAMES: [_outcome(nothing)] * 2, Way.PATCHES: [_outcome(), _outcome(nothing)]}
    report = Report("t", "t")

    worth.targets_table(report, outcomes, ["vPDQ"])

    line = _lines(report)["off-centre crop to 65 %"]
    assert line == ["2", "≥ 98", "0", "50", "0", "**no**"]
    assert _lines(report)["false alarms on all negatives"][1:4] == ["0", "0", "0"]


def test_misses_are_told_by_source_the_worst_first() -> None:
    missed = _outcome(replace(_ANSWER, found=()))
    worse = [replace(missed, source="worse", edit=key) for key in ("k1", "k3", "k3")]
    report = Report("t", "t")

    worth.by_source(report, {Way.FRAMES: [missed, _outcome(), *worse]})

    table = next(part for part in report._parts if part.startswith("| missed"))
    assert table.splitlines()[2:] == ["| 3 | worse | 3 | k1 1, k3 2 |", "| 1 | s | 2 | k1 1 |"]


@pytest.mark.parametrize(
    ("kind", "edit", "row"),
    [
        pytest.param("news studio", None, "templates around other footage, as it is", id="studio"),
        pytest.param("map", "k1", "drawn screens of one layout, edited", id="map"),
        pytest.param("slides", None, "slides, as it is", id="made footage of the suite"),
        pytest.param(REAL, "k1", "unlisted footage, edited", id="real footage"),
    ],
)
def test_decoys_have_two_rows_of_the_false_alarm_table(
    kind: str, edit: str | None, row: str
) -> None:
    source = replace(_SOURCES[0], kind=kind)
    case = replace(cases.as_it_is(source), edit=edit)

    assert cases.outcome(case, _ANSWER.checked, _SOURCES[1:], {}).kind == row


def test_a_part_of_the_suite_may_be_named() -> None:
    assert {edit.key for edit in patches._edits("k1,N")} == {"k1", "n1", "n2"}
    with pytest.raises(SystemExit, match="z9"):
        patches._edits("z9")


def test_a_hit_is_priced_by_the_pairs_that_the_background_measures() -> None:
    """None of them had so many cells: the most by 95 % is three in all of them."""
    pairs = sum(patch_background._PAIRS.values())

    assert pytest.approx(3 / pairs, rel=0.01) == evidence.HIT_SHARE
