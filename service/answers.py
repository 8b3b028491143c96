"""The answer to a check as the contract spells it: for ``check --json`` and for HTTP alike."""

from typing import NotRequired, TypedDict

from service.checking import CheckResult, Match


class MatchAnswer(TypedDict):
    """One entry of ``matches``."""

    verdict: str
    list: str
    reference: str
    label: str | None
    incident: str | None
    score: float
    chance: float
    view: str
    speed: float
    frames_matched: int
    frames: int
    distinct_hits: int
    mean_distance_bits: float
    agreement: float
    algorithm: str
    clip_ranges_ms: list[list[int]]
    reference_ranges_ms: list[list[int]]
    clip_coverage: float
    reference_coverage: float
    common_ranges_ms: list[list[int]]


class ListAnswer(TypedDict):
    """One entry of ``lists``: what the clip was checked against."""

    name: str
    version: int


class CheckAnswer(TypedDict):
    """The whole answer; ``path`` only on the command line."""

    path: NotRequired[str]
    verdict: str
    complete: bool
    duration_ms: int
    checked_ms: int
    frames: int
    kind: str | None
    problems: list[str]
    matches: list[MatchAnswer]
    suppressed: list[MatchAnswer]
    lists: list[ListAnswer]
    notes: list[str]
    elapsed_ms: int


def of_check(result: CheckResult) -> CheckAnswer:
    """The answer as plain values, ready for JSON."""
    return {
        "verdict": result.verdict.value,
        "complete": result.complete,
        "duration_ms": result.duration_ms,
        "checked_ms": result.checked_ms,
        "frames": result.frames,
        "kind": None if result.kind is None else result.kind.value,
        "problems": [*result.problems, *result.notices],
        "matches": [of_match(match) for match in result.matches],
        "suppressed": [of_match(match) for match in result.suppressed],
        "lists": [{"name": name, "version": version} for name, version in result.lists],
        "notes": list(result.notes),
        "elapsed_ms": result.elapsed_ms,
    }


def of_match(match: Match) -> MatchAnswer:
    """One match as plain values, ready for JSON."""
    finding = match.finding
    return {
        "verdict": finding.verdict.value,
        "list": match.list,
        "reference": match.reference,
        "label": match.label,
        "incident": match.incident,
        "score": round(finding.score, 4),
        "chance": float(f"{finding.chance:.3g}"),
        "view": str(finding.view),
        "speed": round(finding.speed, 3),
        "frames_matched": finding.frames_matched,
        "frames": finding.frames,
        "distinct_hits": finding.distinct_hits,
        "mean_distance_bits": round(finding.mean_distance_bits, 1),
        "agreement": round(finding.agreement, 2),
        "algorithm": finding.algorithm.name,
        "clip_ranges_ms": [list(one) for one in finding.clip_ranges_ms],
        "reference_ranges_ms": [list(one) for one in finding.reference_ranges_ms],
        "clip_coverage": finding.clip_coverage,
        "reference_coverage": finding.reference_coverage,
        "common_ranges_ms": [list(one) for one in finding.common_ranges_ms],
    }
