"""Whether ``chance`` is honest: claimed against measured false alarms, as a table and a picture.

The claim of a check is the smallest chance among all lines that it found on a list without the
footage that the clip shows; not cut off at 1, it is an expected number of alarms. Of honest claims
at most a share of c is c or less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks import scores
from benchmarks.attacks.scores import REAL_KINDS, Outcome
from benchmarks.report import Report
from hashing.verdict import DEFAULT_POLICY

mpl.use("Agg")  # no display where benchmarks run

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_LEVELS: Final = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6)  # the default policy's two among them
_DECADES: Final = (-12, 6)  # of claims in the picture
_NOTHING: Final = float("inf")  # the claim of a check that found no line
_COLOURS: Final = ("#1f6fb4", "#c8781e", "#7a3fa0")
PICTURE: Final = "calibration.png"


@dataclass(frozen=True, slots=True)
class Curve:
    """Claims of one sort of negatives: float64 (n,), one a check, in order."""

    name: str
    claims: NDArray[np.float64]

    def measured(self, level: float) -> tuple[int, int]:
        """Checks with a claim of at most this, and all checks."""
        return int(np.searchsorted(self.claims, level, side="right")), len(self.claims)


def curves(outcomes: Sequence[Outcome]) -> list[Curve]:
    """Different footage; other takes of the scene; made footage in one template."""
    with_takes = [one for one in outcomes if one.takes]
    real = [one for one in with_takes if one.kind in REAL_KINDS]
    made = [one for one in with_takes if one.kind not in REAL_KINDS]
    found = [
        Curve("different footage", _claims(outcomes, lambda one, group: group not in one.takes)),
        Curve("other takes of one scene", _claims(real, lambda one, group: group in one.takes)),
        Curve("one template, other content", _claims(made, lambda one, group: group in one.takes)),
    ]
    return [one for one in found if len(one.claims)]


def _claims(
    outcomes: Sequence[Outcome], counted: Callable[[Outcome, str], bool]
) -> NDArray[np.float64]:
    """Each check's smallest claim about these groups; infinite where it found no line of them."""
    claims = [
        [chance for group, chance in one.checked.claims if counted(one, group)] for one in outcomes
    ]
    return np.sort([min(mine, default=_NOTHING) for mine in claims])


def table(report: Report, found: Sequence[Curve]) -> None:
    """Measured shares at a few claimed levels, with their 95 % intervals, and what they show."""
    report.text(
        "Calibration: how many negative checks claim a chance of c or less; in brackets Clopper "
        "and Pearson's 95 % interval of their share, in percent. A claim is honest where the share "
        "is c or less: right of the broken line in the picture. Claims above 1 are expected "
        "numbers of alarms, and no alarms. A `match` needs "
        f"{DEFAULT_POLICY.match_chance:g}, a `near_match` {DEFAULT_POLICY.near_chance:g}. Edits of "
        "one clip are no independent checks, so that true intervals are wider. `chance` is about "
        "unrelated footage: other takes of a scene and made footage in one template are not, and "
        "show how far it holds beyond that."
    )
    rows = []
    for curve in found:
        cells = [_cell(*curve.measured(level)) for level in _LEVELS]
        rows.append([curve.name, f"{len(curve.claims):,}", *cells, f"{curve.claims[0]:.1g}"])
        for level in (DEFAULT_POLICY.near_chance, DEFAULT_POLICY.match_chance):
            hits, count = curve.measured(level)
            key = curve.name.replace(",", "").replace(" ", "_")
            report.figure(f"claims_{key}_{level:g}", hits / count)
    report.table(["claims about", "checks", *(f"c = {one:g}" for one in _LEVELS), "smallest"], rows)
    report.text(f"![claimed and measured false alarms]({PICTURE})")
    report.text(" ".join(_said(curve) for curve in found))


def _cell(hits: int, count: int) -> str:
    low, high = scores.interval(hits, count)
    return f"{hits} ({100 * low:.2g}–{100 * high:.2g})"


def _said(curve: Curve) -> str:
    """What a curve shows, in words."""
    over = [level for level in _LEVELS if scores.interval(*curve.measured(level))[0] > level]
    name, count = curve.name.capitalize(), len(curve.claims)
    if over:
        return f"{name}: claims too little at {', '.join(f'{level:g}' for level in over)}."
    judged = f"{name}: honest as far as {count:,} checks tell"
    if curve.claims[0] == _NOTHING:
        return f"{judged}, of which none found any line."
    ratio = curve.claims[0] * count
    times = f"{ratio:,.0f}" if ratio >= 1 else f"{ratio:.1g}"
    return f"{judged}; the smallest claim is {times} times what exact claims would give (1/N)."


def draw(path: Path, found: Sequence[Curve]) -> None:
    """Write the picture: measured share over claimed chance, both logarithmic, with 95 % bands; a
    dotted line is the upper bound where no check claims so little."""
    figure = Figure(figsize=(6.8, 4.8), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    levels = np.logspace(*_DECADES, 361)
    honest = levels[levels <= 1]
    axes.plot(honest, honest, "--", color="0.4", linewidth=1, label="claimed = measured")
    for curve, colour in zip(found, _COLOURS, strict=False):
        counted = [curve.measured(float(level)) for level in levels]
        seen = np.array([hits > 0 for hits, _ in counted])
        shares = np.array([hits / count for hits, count in counted])
        low, high = np.array([scores.interval(*one) for one in counted]).T
        label = f"{curve.name} ({len(curve.claims):,} checks)"
        axes.plot(levels, np.where(seen, shares, np.nan), color=colour, lw=1.6, label=label)
        axes.plot(levels, np.where(seen, np.nan, high), ":", color=colour, linewidth=1.2)
        axes.fill_between(levels, low, high, where=seen, color=colour, alpha=0.18, lw=0)
    for chance, name in (
        (DEFAULT_POLICY.match_chance, "match"),
        (DEFAULT_POLICY.near_chance, "near_match"),
    ):
        axes.axvline(chance, color="0.75", linewidth=0.8, zorder=0)
        axes.text(chance, 0.6, f" {name}", fontsize=8, color="0.35")
    axes.set(xscale="log", yscale="log", xlim=(levels[0], levels[-1]), ylim=(1e-4, 1.3))
    axes.set_xlabel("claimed: chance, above 1 an expected number", fontsize=9)
    axes.set_ylabel("share of negative checks that claim so little", fontsize=9)
    axes.legend(fontsize=7.5, loc="lower left")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
