"""The table of false alarms: what checks found of footage that a clip does not show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.attacks import scores
from benchmarks.attacks.checks import Found
from benchmarks.attacks.scores import COPIES, Outcome, slug
from benchmarks.report import Report
from hashing.verdict import Verdict


@dataclass(frozen=True, slots=True)
class _Row:
    """Some negatives. ``false``: findings that are false alarms of this row; ``counted``: which of
    the groups that a peer found and the clip does not show are."""

    name: str
    outcomes: list[Outcome]
    false: Callable[[Outcome], Sequence[Found]]
    counted: Callable[[Outcome, frozenset[str]], frozenset[str]]

    def alarmed(self, *verdicts: Verdict) -> int:
        """Clips with a false alarm of these verdicts."""
        return sum(any(f.verdict in verdicts for f in self.false(one)) for one in self.outcomes)

    def peer_alarmed(self, peer: str) -> int:
        """Clips for which the peer gives a false alarm."""
        return sum(bool(self.counted(one, one.peers[peer] - one.shown)) for one in self.outcomes)


def table(report: Report, outcomes: Sequence[Outcome], peers: Sequence[str]) -> None:
    """A row for each sort of negative, and one for all; the figures are those of all."""
    report.text(
        "False alarms: clips with a finding of footage that they do not show. Bounds at 95 %: 0 "
        "of N is at most 3/N. Each copy is also checked against the list without the footage that "
        "it shows: then every finding is false. Other takes are other recordings of one scene; "
        "for each kind of made footage the list has the same template with other content. Peers "
        "compare with each reference alone, so that leaving some out changes nothing for them."
    )
    rows = [*_copies(outcomes), *_by_kind(outcomes), _all(outcomes)]
    report.table(
        ["clips", "checks", "match", "match or near", "rate of match", *peers],
        [
            [
                row.name,
                len(row.outcomes),
                row.alarmed(Verdict.MATCH),
                row.alarmed(Verdict.MATCH, Verdict.NEAR_MATCH),
                f"≤ {scores.bound(row.alarmed(Verdict.MATCH), len(row.outcomes)):.1e}",
                *(row.peer_alarmed(peer) for peer in peers),
            ]
            for row in rows
            if row.outcomes
        ],
    )
    every = rows[-1]
    hard = every.alarmed(Verdict.MATCH)
    report.figure("checks", len(every.outcomes))
    report.figure("false_match", hard)
    report.figure("false_match_or_near", every.alarmed(Verdict.MATCH, Verdict.NEAR_MATCH))
    report.figure("false_match_bound", scores.bound(hard, len(every.outcomes)))
    for peer in peers:
        report.figure(f"{slug(peer)}_false", every.peer_alarmed(peer))


def _copies(outcomes: Sequence[Outcome]) -> list[_Row]:
    copies = [one for one in outcomes if one.kind == COPIES]
    with_takes = [one for one in copies if one.takes]
    return [
        _Row(f"{COPIES}, their footage on the list", copies, lambda one: one.false_beside, _any),
        _Row(
            f"{COPIES}, their footage left out: other takes",
            with_takes,
            lambda one: [f for f in one.checked.alarms if f.group in one.takes],
            lambda one, groups: groups & one.takes,
        ),
        _Row(
            f"{COPIES}, their footage left out: other footage",
            copies,
            lambda one: [f for f in one.checked.alarms if f.group not in one.takes],
            lambda one, groups: groups - one.takes,
        ),
    ]


def _by_kind(outcomes: Sequence[Outcome]) -> list[_Row]:
    return [
        _Row(kind, [o for o in outcomes if o.kind == kind], lambda one: one.checked.alarms, _any)
        for kind in sorted({one.kind for one in outcomes} - {COPIES})
    ]


def _all(outcomes: Sequence[Outcome]) -> _Row:
    return _Row("all", list(outcomes), lambda one: one.false_alarms, _any)


def _any(outcome: Outcome, groups: frozenset[str]) -> frozenset[str]:
    del outcome
    return groups
