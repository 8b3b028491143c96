"""The detection benchmark's bookkeeping: copies of a run, targets, false alarms, calibration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.attacks import (
    alarms,
    calibration,
    catalogue,
    choice,
    decoys,
    generated,
    scores,
    targets,
)
from benchmarks.attacks.checks import Checked, Found
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.footage import Segment
from benchmarks.attacks.scores import COPIES, Outcome
from benchmarks.attacks.screens import SCREENS
from benchmarks.attacks.sources import REAL, Source
from benchmarks.attacks.templates import TEMPLATES
from benchmarks.report import Report
from hashing.verdict import Verdict

_SOURCES = [Source(f"s{n:02}", Path(f"s{n}.mp4"), f"g{n}", REAL, 10.0) for n in range(60)]


def _found(group: str, verdict: Verdict = Verdict.MATCH) -> Found:
    return Found(group, verdict, 1e-9, "as is", 1.0, ((0, 8000),), ((0, 8000),))


_COPY = Outcome(
    source="s",
    kind=COPIES,
    edit="e5",
    severity=Severity.MEDIUM,
    label="plain",
    expected=frozenset({"own"}),
    shown=frozenset({"own"}),
    takes=frozenset({"take"}),
    segments=(Segment("own", 0, 8000, 0, 8000, 1.0),),
    checked=Checked((_found("own"),), None, 8000, 0.1, 0.1, None, 0),
    peers={"vPDQ": frozenset({"own"})},
)


def _with(outcome: Outcome, **checked: object) -> Outcome:
    return replace(outcome, checked=replace(outcome.checked, **checked))  # type: ignore[arg-type]


class _Kept(Report):
    """A report that can be read."""

    @property
    def rows(self) -> dict[str, list[str]]:
        cells = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for part in self._parts
            for line in part.splitlines()
            if line.startswith("|")
        ]
        return {line[0]: line[1:] for line in cells}

    @property
    def figures(self) -> dict[str, object]:
        return dict(self._figures)


@pytest.mark.parametrize(
    ("key", "severity", "row"),
    [
        pytest.param("b4", "mild", 0, id="blur, mild"),
        pytest.param("a3", "severe", 1, id="codec, severe"),
        pytest.param("c4n", "medium", 2, id="a negative is no colour"),
        pytest.param("e6b", "medium", 2, id="turned"),
        pytest.param("e10", "severe", 3, id="meme format"),
        pytest.param("d1", "medium", 4, id="a logo of 6 %"),
        pytest.param("d1", "severe", None, id="a logo of 15 %"),
        pytest.param("d3", "mild", 4, id="one line of captions"),
        pytest.param("d3", "medium", None, id="two lines of captions"),
        pytest.param("d4", "medium", None, id="a sticker of 12 %"),
        pytest.param("d2", "mild", None, id="a lower third of 8 %"),
        pytest.param("e1", "mild", 5, id="crop 3 %"),
        pytest.param("e1", "medium", None, id="crop 10 %"),
        pytest.param("f1s", "mild", None, id="5 s"),
        pytest.param("f1s", "medium", 7, id="2 s"),
        pytest.param("f7", "mild", 8, id="slideshow 1 s"),
        pytest.param("f7", "medium", None, id="slideshow 2.5 s"),
        pytest.param("h3", "severe", 10, id="3 s in 60 s"),
        pytest.param("g1c", "severe", 11, id="chat"),
        pytest.param("j4", "medium", None, id="chained"),
    ],
)
def test_a_form_counts_in_its_row(key: str, severity: str, row: int | None) -> None:
    assert targets.row_of(key, Severity(severity)) == row


_SEVERE_ROW = 1  # of re-encode, resolution and colour: a fast run takes one edit of each


@pytest.mark.parametrize("number", range(len(targets.WHOLE_FRAMES)))
def test_a_fast_run_fills_every_row(number: int) -> None:
    edits = catalogue.edits()
    rows = {e.key for e in edits for how in e.recipes if targets.row_of(e.key, how) == number}

    fast = choice.fast(_SOURCES[:8], edits)

    seen = {task.edit for task in fast if targets.row_of(task.edit, task.severity) == number}
    assert seen == ({"a1", "b1", "c5"} if number == _SEVERE_ROW else rows)


def test_a_whole_run_takes_every_form_and_all_sources() -> None:
    edits, first = catalogue.edits(), _SOURCES[:8]

    tasks = choice.whole(_SOURCES, edits, first)

    assert len(set(tasks)) == len(tasks) < len(edits) * len(_SOURCES)
    assert {(task.edit, task.severity) for task in tasks} == {
        (edit.key, severity) for edit in edits for severity in edit.recipes
    }
    assert {task.source for task in tasks} == set(_SOURCES)
    assert tasks == choice.whole(_SOURCES[::-1], edits, first)


@pytest.mark.parametrize(
    ("key", "severity", "least"),
    [
        pytest.param("h3", "severe", 60, id="one form in its row: all sources"),
        pytest.param("e5", "medium", 20, id="six forms"),
        pytest.param("b4", "mild", 16, id="33 forms"),
        pytest.param("e9", "mild", 8, id="in no row"),
    ],
)
def test_rows_of_few_forms_take_more_sources(key: str, severity: str, least: int) -> None:
    tasks = choice.whole(_SOURCES, catalogue.edits(), _SOURCES[:8])

    mine = [t for t in tasks if (t.edit, t.severity) == (key, Severity(severity))]

    assert len(mine) == least


def test_each_negative_goes_through_every_edit_once() -> None:
    tasks = choice.negatives(_SOURCES[:5], catalogue.edits())

    assert len({(t.source, t.edit) for t in tasks}) == len(tasks) == 5 * len(catalogue.edits())
    assert {t.severity for t in tasks} == set(Severity)


_LISTED, _TAKES, _OTHER, _ALL = (
    "copies, their footage on the list",
    "copies, their footage left out: other takes",
    "copies, their footage left out: other footage",
    "all",
)


@pytest.mark.parametrize(
    ("checked", "expected"),
    [
        pytest.param({}, (0, 0, 0, 0), id="its own footage is no false alarm"),
        pytest.param({"found": (_found("own"), _found("x"))}, (1, 0, 0, 1), id="beside its own"),
        pytest.param({"alarms": (_found("take"),)}, (0, 1, 0, 1), id="another take"),
        pytest.param({"alarms": (_found("x"),)}, (0, 0, 1, 1), id="other footage"),
        pytest.param(
            {"alarms": (_found("x", Verdict.NEAR_MATCH),)}, (0, 0, 0, 0), id="near is no match"
        ),
    ],
)
def test_false_alarms_by_row(
    checked: dict[str, object], expected: tuple[int, int, int, int]
) -> None:
    report = _Kept("t", "t")

    alarms.table(report, [_with(_COPY, **checked), _COPY], [])

    seen = tuple(int(report.rows[row][1]) for row in (_LISTED, _TAKES, _OTHER, _ALL))
    assert seen == expected
    assert report.figures["false_match"] == expected[-1]
    assert report.figures["checks"] == 2


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param("own", "0000", id="its own footage"),
        pytest.param("take", "1101", id="another take"),
        pytest.param("x", "1011", id="other footage"),
    ],
)
def test_a_peer_is_alarmed_by_footage_that_is_not_shown(group: str, expected: str) -> None:
    wrong = replace(_COPY, peers={"vPDQ": frozenset({"own", group})})
    report = _Kept("t", "t")

    alarms.table(report, [wrong, _COPY], ["vPDQ"])

    seen = [report.rows[row][-1] for row in (_LISTED, _TAKES, _OTHER, _ALL)]
    assert seen == list(expected)


def test_a_target_with_a_place_needs_the_right_place() -> None:
    placed = replace(_COPY, edit="h3", severity=Severity.SEVERE)
    elsewhere = replace(_found("own"), clip_ranges_ms=((20_000, 28_000),))
    report = _Kept("t", "t")

    targets.table(report, [placed, _with(placed, found=(elsewhere,))])

    row = report.rows["3 s of copy in 60 s of other footage, right segment"]
    assert row == ["2", "≥ 95", "50", "**no**"]


def test_one_false_match_fails_the_table() -> None:
    report = _Kept("t", "t")

    targets.table(report, [_COPY, _with(_COPY, alarms=(_found("x"),))])

    assert report.rows["false alarms on all negatives"] == ["2", "0", "1", "**no**"]


def test_claims_go_to_their_curves() -> None:
    claimed = _with(_COPY, claims=(("take", 1e-4), ("x", 1e-2), ("y", 0.5)))
    made = replace(_with(_COPY, claims=(("take", 1e-8),)), kind="slides, as it is")

    found = {one.name: one.claims.tolist() for one in calibration.curves([claimed, _COPY, made])}

    assert found == {
        "different footage": [1e-2, float("inf"), float("inf")],
        "other takes of one scene": [1e-4, float("inf")],
        "one template, other content": [1e-8],
    }


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        pytest.param((), "honest as far as 40 checks tell, of which none found", id="no lines"),
        pytest.param((("x", 0.25),), "is 10 times what exact claims", id="weak lines"),
    ],
)
def test_calibration_says_how_far_honest_claims_overstate(
    claims: tuple[tuple[str, float], ...], said: str
) -> None:
    report = _Kept("t", "t")

    calibration.table(report, calibration.curves([_with(_COPY, claims=claims), *[_COPY] * 39]))

    assert said in "".join(report._parts)


def test_calibration_says_where_a_claim_is_too_little(tmp_path: Path) -> None:
    loud = [_with(_COPY, claims=(("x", 1e-5),))] * 20
    report = _Kept("t", "t")

    found = calibration.curves([*loud, *[_COPY] * 20])
    calibration.table(report, found)
    calibration.draw(tmp_path / "c.png", found)

    assert "Different footage: claims too little at 0.1, 0.01, 0.001, 0.0001." in "".join(
        report._parts
    )
    assert report.figures["claims_different_footage_0.001"] == 0.5
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@given(count=st.integers(1, 5000), share=st.floats(0, 1))
def test_the_interval_holds_the_share(count: int, share: float) -> None:
    hits = round(share * count)

    low, high = scores.interval(hits, count)

    assert 0.0 <= low <= hits / count <= high <= 1.0


def test_the_interval_is_clopper_and_pearsons() -> None:
    """0 of n leaves 1 - (alpha / 2)^(1 / n); 5 of 10 is in tables."""
    assert scores.interval(0, 10) == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert scores.interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)


@pytest.mark.parametrize("kind", generated.KINDS)
def test_made_footage_of_other_seeds_is_other_footage(kind: str) -> None:
    first, second = (generated.KINDS[kind](seed) for seed in (1, 2))

    owners = [{owner for owner in one.owners if owner is not None} for one in (first, second)]

    assert not owners[0] & owners[1]
    assert len(owners[0]) == len(owners[1]) == 1


@pytest.mark.parametrize("kind", [*TEMPLATES, *SCREENS])
def test_decoys_share_a_layout_and_not_the_footage(kind: str) -> None:
    first, second = (decoys.footage_of(kind, seed) for seed in (1, 2))
    shown = [footage.shown(len(footage) // 2).astype(np.float32) for footage in (first, second)]

    alike = np.corrcoef(shown[0].ravel(), shown[1].ravel())[0, 1]

    assert {*first.owners} == {f"{kind} 1"}
    assert {*second.owners} == {f"{kind} 2"}
    assert shown[0].shape == shown[1].shape
    assert alike < 0.995
    if kind in TEMPLATES and kind != "watermark":  # a watermark lets the footage through
        assert (shown[0] == shown[1]).all(axis=2).mean() > 0.01  # words take a few pixels of 100
    np.testing.assert_array_equal(decoys.footage_of(kind, 1).shown(7), first.shown(7))
