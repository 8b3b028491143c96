"""The answer to a check as the contract spells it: for ``check --json`` and for HTTP alike.

Whoever has the scope ``check`` alone sees a part of it (docs/decisions/0008): nothing that tells
how near the clip is to a reference, or what the reference is.
"""

import json
from typing import NotRequired, TypedDict

from service.callers import Caller, Scope
from service.checking import CheckResult, Match
from service.store.jobs import Job


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


class BriefMatch(TypedDict):
    """What of an entry of ``matches`` a caller with the scope ``check`` sees."""

    verdict: str
    list: str
    label: str | None
    incident: str | None
    clip_ranges_ms: list[list[int]]


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


class BriefAnswer(TypedDict):
    """What of an answer a caller with the scope ``check`` sees."""

    verdict: str
    complete: bool
    duration_ms: int
    checked_ms: int
    frames: int
    kind: str | None
    problems: list[str]
    matches: list[BriefMatch]
    suppressed: list[BriefMatch]
    lists: list[ListAnswer]
    notes: list[str]
    elapsed_ms: int


class JobAnswer(TypedDict):
    """A job, with its answer while that is kept."""

    id: str
    state: str
    created_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
    expires_at_ms: int | None
    webhook: str
    answer: CheckAnswer | BriefAnswer | None


def for_caller(answer: CheckAnswer, caller: Caller) -> CheckAnswer | BriefAnswer:
    """As much of an answer as the caller may see."""
    return answer if caller.may(Scope.ANALYST) else _brief(answer)


def of_job(job: Job, caller: Caller) -> JobAnswer:
    """A job as this caller may see it."""
    answer: CheckAnswer | None = None if job.answer is None else json.loads(job.answer)
    return {
        "id": job.id,
        "state": job.state.value,
        "created_at_ms": job.created_at_ms,
        "started_at_ms": job.started_at_ms,
        "ended_at_ms": job.ended_at_ms,
        "expires_at_ms": job.expires_at_ms,
        "webhook": job.delivery.value,
        "answer": None if answer is None else for_caller(answer, caller),
    }


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


def _brief(answer: CheckAnswer) -> BriefAnswer:
    # Field by field: one that is new is seen by nobody until it is added here.
    return {
        "verdict": answer["verdict"],
        "complete": answer["complete"],
        "duration_ms": answer["duration_ms"],
        "checked_ms": answer["checked_ms"],
        "frames": answer["frames"],
        "kind": answer["kind"],
        "problems": answer["problems"],
        "matches": [_brief_match(match) for match in answer["matches"]],
        "suppressed": [_brief_match(match) for match in answer["suppressed"]],
        "lists": answer["lists"],
        "notes": answer["notes"],
        "elapsed_ms": answer["elapsed_ms"],
    }


def _brief_match(match: MatchAnswer) -> BriefMatch:
    return {
        "verdict": match["verdict"],
        "list": match["list"],
        "label": match["label"],
        "incident": match["incident"],
        "clip_ranges_ms": match["clip_ranges_ms"],
    }
