"""Weighing: which of two findings of one reference says more, and what allow lists explain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hashing import ranges
from hashing.matching import Finding
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict

# An allow reference has to explain this much of a match to suppress it: a clip may hold both.
_SUPPRESSING_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Match:
    """One reference that was found in the clip, with the evidence and its list's policy."""

    list: str
    reference: str
    label: str | None
    incident: str | None
    finding: Finding
    policy: DecisionPolicy = DEFAULT_POLICY


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was found, best first, and what of it allow lists explain."""

    matches: tuple[Match, ...]
    suppressed: tuple[Match, ...]


def weighed(blocked: Sequence[Match], allowed: Sequence[Match]) -> Weighed:
    """What was found, without what matches of allow lists explain."""
    sure = [match for match in allowed if match.finding.verdict is Verdict.MATCH]
    suppressed = tuple(match for match in blocked if _is_explained(match, sure))
    left = (match for match in blocked if match not in suppressed)
    return Weighed(tuple(sorted(left, key=strength)), suppressed)


def stronger(by_frames: Sequence[Match], by_patches: Sequence[Match]) -> list[Match]:
    """For each reference what says more of it. What whole frames weighed as common stays so."""
    best = {(match.list, match.reference): match for match in by_frames}
    for match in by_patches:
        before = best.get((match.list, match.reference))
        weighed = before is not None and (
            before.finding.common_ranges_ms or before.finding.commonplace
        )
        if before is None or (not weighed and strength(match) < strength(before)):
            best[match.list, match.reference] = match
    return list(best.values())


def strength(match: Match) -> tuple[bool, float, float, str, str]:
    """Sort key: matches before near matches, then by chance, then the nearer ones."""
    finding = match.finding
    return (
        finding.verdict is not Verdict.MATCH,
        finding.chance,
        finding.mean_distance_bits,
        match.list,
        match.reference,
    )


def _is_explained(match: Match, allowed: list[Match]) -> bool:
    """Whether allow lists explain what was found: the same picture, or most of its time."""
    if not allowed or not match.finding.clip_ranges_ms:
        return bool(allowed)
    found = _lasting(match.finding.clip_ranges_ms)
    covering = ranges.united(
        [one for other in allowed for one in _lasting(other.finding.clip_ranges_ms)]
    )
    whole_ms = sum(end - start for start, end in found)
    common_ms = sum(
        max(0, min(end, stop) - max(start, begin))
        for start, end in found
        for begin, stop in covering
    )
    return common_ms >= _SUPPRESSING_SHARE * whole_ms


def _lasting(ranges: Sequence[ranges.Range]) -> list[ranges.Range]:
    """The ranges, each a millisecond long at least: an instant is not explained by nothing."""
    return [(start, max(end, start + 1)) for start, end in ranges]
