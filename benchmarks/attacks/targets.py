"""The targets of the suite: the rows of two tables that the attack suite can measure.

``WHOLE_FRAMES`` (issue 3) is what whole-frame hashes are asked for, by ``benchmarks.detection``;
``PATCHES`` (issue 4) what patch hashes are, by ``benchmarks.patches``. The rows on the peer's
sample set and on the processor time of a check are measured by ``benchmarks.sample_set`` and
``benchmarks.cost``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Row:
    """A target: which forms of edits it means, and the least share of their copies to be found."""

    name: str
    chosen: Chosen
    least: float


# Logos, text and stickers of up to 6 % of the area: d2's lower thirds are larger; d3's one line of
# captions is a box of 1/18 of the height.
WHOLE_FRAMES: Final[tuple[Row, ...]] = (
    Row("re-encode, resolution, colour: mild and medium", _picture_edits(_MILD, _MEDIUM), 0.995),
    Row("re-encode, resolution, colour: severe", _picture_edits(_SEVERE), 0.95),
    Row(
        "negative (inverted) colours; mirror; turned by 90 or 180",
        _keys("c4n", "e5", "e6", "e6a", "e6b", "e6c"),
        0.99,
    ),
    Row(
        "letterbox, pillarbox, coloured or blurred fill, meme format",
        _keys("e3", "e3p", "e4", "e4p", "e4f", "e10"),
        0.98,
    ),
    Row(
        "logo, text, sticker ≤ 6 % of the area",
        _any_of(
            _keys("d1", only=(_MILD, _MEDIUM)),
            _keys("d3", "d4", only=(_MILD,)),
            _keys("d2s", "d4s"),
        ),
        0.97,
    ),
    Row("crop 3 % a side; zoom 1.05", _keys("e1", "e8", only=(_MILD,)), 0.99),
    Row("length 20 s, 8 s, 3 s", _keys("f1"), 0.99),
    Row("length 2 s", _keys("f1s", only=(_MEDIUM,)), 0.90),
    Row(
        "speed 0.5–2×, frame rate, drops, new opening, shuffle, slideshow 1 s",
        _any_of(_keys("f2", "f2s", "f3", "f4", "f5", "f6"), _keys("f7", only=(_MILD,))),
        0.98,
    ),
    Row("reverse", _keys("f8"), 0.95),
    Row(
        "3 s of copy in 60 s of other footage, right segment",
        _keys(_EMBEDDED, only=(_SEVERE,)),
        0.95,
    ),
    Row(
        "player chrome, screen recording with a still surround, copy ≥ 45 % of the area",
        _keys("g1", "g1c"),
        0.90,
    ),
)
# Forms that the suite has in several drawings count alike: the share of the frame that is left, or
# covered, or the screen's part of it, is the issue's. What is beyond the words (a crop to a
# tall screen, 15 % of keystone, a sticker over 40 %) is in no row.
PATCHES: Final[tuple[Row, ...]] = (
    Row("crop 20 % a side", _keys("e1", only=(_SEVERE,)), 0.99),
    Row("half the frame", _keys("k2"), 0.97),
    Row("off-centre crop to 65 %", _keys("k1"), 0.98),
    Row("any rotation", _keys("e7", "k3", "k3a", "k4", "k4a"), 0.98),
    Row("perspective 8 %", _keys("e9", "k5", only=(_MEDIUM,)), 0.98),
    Row("caption", _keys("d2", "d3", "l4"), 0.98),
    Row("ticker", _keys("l3"), 0.98),
    Row("meme", _keys("e10", "l5"), 0.98),
    Row("30 % sticker", _any_of(_keys("l1", only=(_MEDIUM,)), _keys("l1m")), 0.98),
    Row("tiled watermark", _keys("l2"), 0.98),
    Row(
        "screen recording",
        _any_of(_keys("g1", "g1c", "g3"), _keys("m3", only=(_MILD, _MEDIUM))),
        0.98,
    ),
    Row("split screen", _keys("h2", "m1"), 0.97),
    Row(
        "picture in picture, 35 % of the area",
        _any_of(_keys("h1", only=(_MEDIUM,)), _keys("m2", only=(_MILD,))),
        0.97,
    ),
    Row("picture in picture, 15 % of the area", _keys("h1", "m2", only=(_SEVERE,)), 0.85),
    Row("re-filmed screen, mild", _keys("g2", "n1", "n2", only=(_MILD,)), 0.98),
    Row("re-filmed screen, hard", _keys("g2", "n1", "n2", only=(_SEVERE,)), 0.93),
    Row(
        "attack mix: mirror, crop, logo, speed 1.1, strong compression, new intro",
        _any_of(_keys("j4"), _keys("o1", only=(_MILD, _MEDIUM))),
        0.95,
    ),
)


def row_of(key: str, severity: Severity, rows: Sequence[Row] = WHOLE_FRAMES) -> int | None:
    """The number of the row that this form of an edit counts in, None where there is none."""
    for number, row in enumerate(rows):
        if row.chosen(key, severity):
            return number
    return None


def table(
    report: Report, outcomes: Sequence[Outcome], again: Sequence[Outcome] | None = None
) -> None:
    """The table of whole frames: reached or not, as far as this run measured it.

    ``again``: the same clips where those that were missed were checked with patch hashes as well.
    """
    rows = _rows(outcomes)
    report.text(
        "Targets: recall of `match` in percent, by the default policy. Every clip is a negative, "
        "too: it is checked against the list without the footage that it shows."
    )
    header = ["target", "clips", "asked", "measured", "reached"]
    if again is None:
        report.table(header, rows)
    else:
        both = [[*one, *other[-2:]] for one, other in zip(rows, _rows(again), strict=True)]
        report.table([*header, "with patch hashes", "reached so"], both)
        report.figure("targets_reached_with_patches", sum(row[-1] == "yes" for row in both))
    report.figure("targets_reached", sum(row[-1] == "yes" for row in rows))
    report.figure("targets_measured", len(rows))


def _rows(outcomes: Sequence[Outcome]) -> list[list[object]]:
    rows = [line for row in WHOLE_FRAMES for line in _recall_row(row, outcomes)]
    for axis in ("clip", "reference"):
        where = scores.localisation(outcomes, axis)
        if where is not None:
            found = sum(bool(one.expected) and one.matched for one in outcomes)
            name = f"localisation F1 over all copies found, time of the {axis}"
            rows.append(_row(name, found, _LEAST_F1, where.f1))
    alarms = sum(any(f.verdict is Verdict.MATCH for f in one.false_alarms) for one in outcomes)
    reached = "yes" if not alarms else "**no**"
    rows.append(["false alarms on all negatives", len(outcomes), "0", alarms, reached])
    return rows


def counted(row: Row, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The copies that a row is about."""
    return [
        one
        for one in outcomes
        if one.expected and one.edit and one.severity and row.chosen(one.edit, one.severity)
    ]


def _recall_row(row: Row, outcomes: Sequence[Outcome]) -> list[list[object]]:
    """One row, or none where this run has no such copies."""
    mine = counted(row, outcomes)
    if not mine:
        return []
    located = any(one.edit == _EMBEDDED for one in mine)
    found = [one.matched and (not located or scores.right_segment(one)) for one in mine]
    return [_row(row.name, len(mine), row.least, sum(found) / len(mine))]


def _row(name: str, clips: int, least: float, measured: float) -> list[object]:
    reached = "yes" if measured >= least else "**no**"
    return [name, clips, f"≥ {percent(least)}", percent(measured), reached]
