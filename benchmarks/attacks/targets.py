"""The targets of the suite: the rows of issue 3's table that this benchmark can measure.

The rows on the peer's sample set and on the processor time of a check are measured by
``benchmarks.sample_set`` and ``benchmarks.cost``.
"""

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.attacks import scores
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.scores import Outcome
from benchmarks.report import Report, percent
from hashing.verdict import Verdict

Chosen = Callable[[str, Severity], bool]
_MILD, _MEDIUM, _SEVERE = Severity.MILD, Severity.MEDIUM, Severity.SEVERE
_EMBEDDED: Final = "h3"
_LEAST_F1: Final = 0.95


def _any_of(*chosen: Chosen) -> Chosen:
    return lambda key, severity: any(one(key, severity) for one in chosen)


def _keys(*keys: str, only: tuple[Severity, ...] = tuple(Severity)) -> Chosen:
    return lambda key, severity: key in keys and severity in only


def _picture_edits(*only: Severity) -> Chosen:
    return lambda key, severity: key[0] in "abc" and key != "c4n" and severity in only


# Name, which (edit, severity) it means, least recall. Logos, text and stickers of up to 6 % of the
# area: d2's lower thirds are larger; d3's one line of captions is a box of 1/18 of the height.
ROWS: Final[tuple[tuple[str, Chosen, float], ...]] = (
    ("re-encode, resolution, colour: mild and medium", _picture_edits(_MILD, _MEDIUM), 0.995),
    ("re-encode, resolution, colour: severe", _picture_edits(_SEVERE), 0.95),
    (
        "negative (inverted) colours; mirror; turned by 90 or 180",
        _keys("c4n", "e5", "e6", "e6a", "e6b", "e6c"),
        0.99,
    ),
    (
        "letterbox, pillarbox, coloured or blurred fill, meme format",
        _keys("e3", "e3p", "e4", "e4p", "e4f", "e10"),
        0.98,
    ),
    (
        "logo, text, sticker ≤ 6 % of the area",
        _any_of(
            _keys("d1", only=(_MILD, _MEDIUM)),
            _keys("d3", "d4", only=(_MILD,)),
            _keys("d2s", "d4s"),
        ),
        0.97,
    ),
    ("crop 3 % a side; zoom 1.05", _keys("e1", "e8", only=(_MILD,)), 0.99),
    ("length 20 s, 8 s, 3 s", _keys("f1"), 0.99),
    ("length 2 s", _keys("f1s", only=(_MEDIUM,)), 0.90),
    (
        "speed 0.5–2×, frame rate, drops, new opening, shuffle, slideshow 1 s",
        _any_of(_keys("f2", "f2s", "f3", "f4", "f5", "f6"), _keys("f7", only=(_MILD,))),
        0.98,
    ),
    ("reverse", _keys("f8"), 0.95),
    (
        "3 s of copy in 60 s of other footage, right segment",
        _keys(_EMBEDDED, only=(_SEVERE,)),
        0.95,
    ),
    (
        "player chrome, screen recording with a still surround, copy ≥ 45 % of the area",
        _keys("g1", "g1c"),
        0.90,
    ),
)


def row_of(key: str, severity: Severity) -> int | None:
    """The number of the row that this form of an edit counts in, None where there is none."""
    for number, (_, chosen, _) in enumerate(ROWS):
        if chosen(key, severity):
            return number
    return None


def table(report: Report, outcomes: Sequence[Outcome]) -> None:
    """The target table: reached or not, as far as this run measured it."""
    rows = [row for number in range(len(ROWS)) for row in _recall_row(number, outcomes)]
    for axis in ("clip", "reference"):
        where = scores.localisation(outcomes, axis)
        if where is not None:
            found = sum(bool(one.expected) and one.matched for one in outcomes)
            name = f"localisation F1 over all copies found, time of the {axis}"
            rows.append(_row(name, found, _LEAST_F1, where.f1))
    alarms = sum(any(f.verdict is Verdict.MATCH for f in one.false_alarms) for one in outcomes)
    reached = "yes" if not alarms else "**no**"
    rows.append(["false alarms on all negatives", len(outcomes), "0", alarms, reached])
    report.text(
        "Targets: recall of `match` in percent, by the default policy. Every clip is a negative, "
        "too: it is checked against the list without the footage that it shows."
    )
    report.table(["target", "clips", "asked", "measured", "reached"], rows)
    report.figure("targets_reached", sum(row[-1] == "yes" for row in rows))
    report.figure("targets_measured", len(rows))


def _recall_row(number: int, outcomes: Sequence[Outcome]) -> list[list[object]]:
    """One row, or none where this run has no such copies."""
    name, _, least = ROWS[number]
    mine = [
        one
        for one in outcomes
        if one.expected and one.edit and one.severity and row_of(one.edit, one.severity) == number
    ]
    if not mine:
        return []
    located = any(one.edit == _EMBEDDED for one in mine)
    found = [one.matched and (not located or scores.right_segment(one)) for one in mine]
    return [_row(name, len(mine), least, sum(found) / len(mine))]


def _row(name: str, clips: int, least: float, measured: float) -> list[object]:
    reached = "yes" if measured >= least else "**no**"
    return [name, clips, f"≥ {percent(least)}", percent(measured), reached]
