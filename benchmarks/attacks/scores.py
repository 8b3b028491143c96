"""What the answers are worth: recall, localisation and false alarms, from truth and findings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from scipy import stats

from benchmarks.attacks.checks import Checked, Found
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.footage import Segment
from hashing.ranges import Range, united
from hashing.verdict import Verdict

_LEAST_COPY_MS = 800  # a shorter stretch of a source is not asked for
_RIGHT_OVERLAP = 0.5  # of what is found and what is true together, usual for segments in time


# Kinds of clips: those that show something on the list, and real clips that do not.
COPIES: Final = "copies"
UNLISTED: Final = "unlisted footage"
REAL_KINDS: Final = frozenset({COPIES, *(f"{UNLISTED}, {form}" for form in ("as it is", "edited"))})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check with its truth.

    ``edit`` and ``severity`` are None for a clip that was checked as it is; ``expected``: the
    groups that have to be found; ``shown``: all groups that it shows at all; ``takes``: listed
    groups that are other takes of its scene, or other content in its template; ``kind``: what sort
    of footage it is; ``peers``: groups that each peer found.
    """

    source: str
    kind: str
    edit: str | None
    severity: Severity | None
    label: str
    expected: frozenset[str]
    shown: frozenset[str]
    takes: frozenset[str]
    segments: tuple[Segment, ...]
    checked: Checked
    peers: dict[str, frozenset[str]]

    @property
    def matched(self) -> bool:
        """Whether every expected reference is a ``match``."""
        return self.expected <= {f.group for f in self.checked.found if f.verdict is Verdict.MATCH}

    @property
    def noticed(self) -> bool:
        """Whether every expected reference is a ``match`` or a ``near_match``."""
        return self.expected <= {f.group for f in self.checked.found}

    @property
    def false_beside(self) -> tuple[Found, ...]:
        """Findings of footage that the clip does not show, its own on the list."""
        return tuple(f for f in self.checked.found if f.group not in self.shown)

    @property
    def false_alarms(self) -> tuple[Found, ...]:
        """All findings of footage that the clip does not show, its own on the list or not."""
        return tuple(dict.fromkeys((*self.false_beside, *self.checked.alarms)))


def slug(peer: str) -> str:
    """A peer's name in keys: "vpdq", "imagehash"."""
    return peer.split(maxsplit=1)[0].strip(",").lower()


def expected_of(segments: Iterable[Segment], listed: frozenset[str]) -> frozenset[str]:
    """The listed groups of which a clip shows long enough a stretch."""
    shown: dict[str, int] = {}
    for one in segments:
        shown[one.owner] = shown.get(one.owner, 0) + one.clip_end_ms - one.clip_start_ms
    return frozenset(g for g, ms in shown.items() if g in listed and ms >= _LEAST_COPY_MS)


def recall(outcomes: Sequence[Outcome], *, near: bool = False) -> float | None:
    """Share of copies found; None without any."""
    copies = [one for one in outcomes if one.expected]
    if not copies:
        return None
    return sum(one.noticed if near else one.matched for one in copies) / len(copies)


def peer_recall(outcomes: Sequence[Outcome], peer: str) -> float | None:
    """The same for a peer."""
    copies = [one for one in outcomes if one.expected]
    if not copies:
        return None
    return sum(one.expected <= one.peers[peer] for one in copies) / len(copies)


def right_segment(outcome: Outcome) -> bool:
    """Whether each expected reference was found in the right part of the clip and of itself."""
    found = {one.group: one for one in outcome.checked.found}
    return all(
        group in found and _overlap_share(*ranges(outcome, found[group], axis)) >= _RIGHT_OVERLAP
        for group in outcome.expected
        for axis in ("clip", "reference")
    )


def _overlap_share(left: tuple[Range, ...], right: tuple[Range, ...]) -> float:
    """Time in both over time in either."""
    both = overlap_ms(left, right)
    return both / max(1, _length_ms(left) + _length_ms(right) - both)


def interval(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's bounds of a share, of which ``hits`` of ``count`` were seen."""
    rest = (1 - confidence) / 2
    low = float(stats.beta.ppf(rest, hits, count - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1 - rest, hits + 1, count - hits)) if hits < count else 1.0
    return low, high


def bound(alarms: int, checks: int) -> float:
    """The largest false alarm rate that fits, with 95 % confidence; 3/N where there was none."""
    return min(1.0, float(stats.chi2.ppf(0.95, 2 * (alarms + 1))) / 2 / max(1, checks))


@dataclass(frozen=True, slots=True)
class Localisation:
    """Overlap of found and true ranges on one axis, summed over time; errors of outer bounds."""

    precision: float
    recall: float
    error_median_ms: float
    error_p95_ms: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def localisation(outcomes: Sequence[Outcome], axis: str) -> Localisation | None:
    """Over all copies found, on the ``clip`` or the ``reference`` axis; None without any."""
    common_ms = found_ms = true_ms = 0
    errors: list[int] = []
    for one in outcomes:
        for finding in one.checked.found:
            if finding.group in one.expected:
                truth, found = ranges(one, finding, axis)
                common_ms += overlap_ms(truth, found)
                found_ms += _length_ms(found)
                true_ms += _length_ms(truth)
                if truth and found:
                    errors += [abs(truth[0][0] - found[0][0]), abs(truth[-1][1] - found[-1][1])]
    if not errors:
        return None
    return Localisation(
        precision=common_ms / max(1, found_ms),
        recall=common_ms / max(1, true_ms),
        error_median_ms=float(median(errors)),
        error_p95_ms=float(np.percentile(errors, 95)),
    )


def ranges(
    outcome: Outcome, finding: Found, axis: str
) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """True and found ranges of one reference on one axis."""
    mine = [one for one in outcome.segments if one.owner == finding.group]
    if axis == "clip":
        truth = united([(one.clip_start_ms, one.clip_end_ms) for one in mine])
        return truth, united(list(finding.clip_ranges_ms))
    truth = united([(one.source_start_ms, one.source_end_ms) for one in mine])
    return truth, united(list(finding.reference_ranges_ms))


def overlap_ms(left: Iterable[Range], right: Sequence[Range]) -> int:
    """The time that both cover; neither may overlap itself."""
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in left for b in right)


def _length_ms(parts: Iterable[Range]) -> int:
    return sum(end - start for start, end in parts)
