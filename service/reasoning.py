"""An explanation in words and as JSON: every number beside the threshold that it had to pass."""

import math
from typing import Final, NotRequired, TypedDict

from hashing import bits, chance
from hashing.fingerprint import PHASH, Kind
from hashing.matching import Finding
from hashing.patch_track import ORB, PATCH_ALGORITHMS
from hashing.verdict import NEARLY_ALL, Verdict
from hashing.views import Window
from service import answers, wording
from service.checking import Match
from service.explaining import Explanation, Reason

_UNRELATED_BITS: Final = "127 ± 9"  # unrelated real frames; docs/explanation/chance.md
_REASONS: Final = {
    Reason.MATCH: "everything that a match needs is there",
    Reason.NO_FRAMES: "there is nothing to compare: too dark or plain, on one side at least",
    Reason.NO_HITS: "no frame of the clip is near a frame of the reference",
    Reason.SINGLE_PICTURE: "one picture is a possible match, unless a video shows it from end to "
    "end",
    Reason.STRICT_IMAGE: "a picture alone has to be nearer than this",
    Reason.ONLY_ALIKE: "it looks alike from end to end, but too little happens to tell a copy by",
    Reason.CHANCE: "chance alone does as much too often",
    Reason.DISTINCT_HITS: "too few different pictures agree",
    Reason.AGREEMENT: "the pictures are alike, but hardly change together",
    Reason.SPAN: "what agrees is too short",
    Reason.COMMON: "the same pictures are in listed references that else show different footage",
    Reason.COMMONPLACE: "the picture is one that stands before many videos: bars, a test card or "
    "a countdown",
    Reason.PARTS: "no single stretch is strong enough, though all together would be",
}


_BY_PICTURES: Final = (
    "the same pictures from end to end; too little happens in them to tell a copy by time"
)
# Two cameras that film one place wander against each other, and what moves there moves otherwise.
_STAYS: Final = "parts that stay in place and are renewed together"


class Threshold(TypedDict):
    """One threshold: what was found, what is needed, and whether that passed."""

    name: str
    found: str
    needed: str
    passed: bool


class NearestAnswer(TypedDict):
    """One entry of ``nearest``: bits of 256 from the clip's frames to the nearest reference's."""

    algorithm: str
    view: str
    stream: int
    frames: int
    least_bits: int
    tenth_bits: int
    median_bits: int
    hits: int


class ExplainAnswer(TypedDict):
    """The whole explanation."""

    path: str
    list: str
    reference: str
    verdict: str
    reason: str
    best: NotRequired[answers.MatchAnswer]
    thresholds: list[Threshold]
    nearest: list[NearestAnswer]
    sampled_frames: int
    flat_frames: int
    problems: list[str]
    lines_tried: int


def answer(explanation: Explanation, path: str, list_name: str, reference: str) -> ExplainAnswer:
    """The explanation as plain values, ready for JSON."""
    coverage = explanation.coverage
    plain: ExplainAnswer = {
        "path": path,
        "list": list_name,
        "reference": reference,
        "verdict": explanation.verdict.value,
        "reason": explanation.reason.value,
        "thresholds": thresholds(explanation),
        "nearest": [
            {
                "algorithm": one.algorithm,
                "view": one.view,
                "stream": one.stream,
                "frames": one.frames,
                "least_bits": one.least_bits,
                "tenth_bits": one.tenth_bits,
                "median_bits": one.median_bits,
                "hits": one.hits,
            }
            for one in explanation.nearest
        ],
        "sampled_frames": coverage.sampled_frames,
        "flat_frames": coverage.flat_frames,
        "problems": [str(problem) for problem in coverage.problems],
        "lines_tried": int(explanation.tries),
    }
    if explanation.best is not None:
        plain["best"] = answers.of_match(_as_match(explanation.best, list_name, reference))
    return plain


def lines(explanation: Explanation, list_name: str, reference: str) -> list[str]:
    """The explanation for people: what decided, the evidence, the thresholds, the distances."""
    why = _BY_PICTURES if _is_by_pictures(explanation) else _REASONS[explanation.reason]
    told = [f"Decided by: {why} [{explanation.reason}]."]
    if explanation.best is not None:
        match = _as_match(explanation.best, list_name, reference)
        weak = explanation.verdict is Verdict.NO_MATCH
        lead = "Best explanation, too weak: " if weak else "Evidence: "
        told.append(lead + wording.evidence(match, explanation.kind))
    told += [_threshold_line(one) for one in thresholds(explanation)]
    best = explanation.best
    is_by_patches = best is not None and best.algorithm in PATCH_ALGORITHMS
    is_on_a_line = best is not None and best.reference_ranges_ms
    if is_on_a_line and not is_by_patches and not _is_by_pictures(explanation):
        told.append(
            "How far pictures change together: 19 of 20 copies have 0.66 of 1 and more, 19 of 20 "
            "other takes of one scene 0."
        )
    told += _nearest_lines(explanation)
    coverage = explanation.coverage
    flat = coverage.flat_frames
    told.append(
        f"{coverage.sampled_frames} {wording.plural(coverage.sampled_frames, 'frame')} looked at; "
        f"{flat} skipped as too dark or plain to compare."
    )
    return told + [wording.problem(str(code)) for code in coverage.problems]


def thresholds(explanation: Explanation) -> list[Threshold]:
    """The thresholds in the order in which they decide; only those that apply to this pair."""
    best, policy = explanation.best, explanation.policy
    searched = [one for one in explanation.nearest if one.algorithm == PHASH.name]
    searched = searched or list(explanation.nearest)  # PDQ decides only where there is no pHash
    hits = sum(one.hits for one in searched)
    least = min((one.least_bits for one in searched), default=bits.HASH_BITS)
    near: Threshold = {
        "name": "nearest frame",
        "found": f"{least} {wording.plural(least, 'bit')}",
        "needed": f"{chance.LOOSE_BITS} bits or fewer",
        "passed": hits > 0,
    }
    if best is None:
        return [near]
    if isinstance(best.view, Window):  # of patches, or taken out by them: no frame need be near
        return _time_line(explanation, best)
    if not best.reference_ranges_ms:
        strict: Threshold = {
            "name": "picture alone",
            "found": f"{best.mean_distance_bits:.0f} bits",
            "needed": f"{policy.strict_image_bits} bits or fewer",
            "passed": best.mean_distance_bits <= policy.strict_image_bits,
        }
        if explanation.kind is Kind.IMAGE:
            return [near, strict]
        return [near, strict, _same(best), _length(explanation, best)]
    if _is_by_pictures(explanation):
        return [near, _same(best), _length(explanation, best)]
    by_time = [near, *_time_line(explanation, best)]
    return [*by_time, _same(best)] if best.only_alike else by_time


def _is_by_pictures(explanation: Explanation) -> bool:
    """Whether this is a match of which time says too little."""
    best = explanation.best
    return best is not None and best.only_alike and explanation.verdict is Verdict.MATCH


def _same(best: Finding) -> Threshold:
    # Rounded down: what passes is never told as less than what is needed, nor the other way.
    percent = math.floor(100 * best.same_share + 1e-9)
    return {
        "name": "same picture from end to end",
        "found": f"{percent} % within {chance.STILL_COPY_BITS} bits",
        "needed": f"{NEARLY_ALL:.0%} or more, for a match by pictures alone".replace("%", " %"),
        "passed": best.same_share >= NEARLY_ALL,
    }


def _length(explanation: Explanation, best: Finding) -> Threshold:
    policy = explanation.policy
    span_ms = sum(end - start for start, end in best.clip_ranges_ms)
    return {
        "name": "length that agrees",
        "found": f"{span_ms / 1000:.1f} s",
        "needed": f"{policy.match_span_ms / 1000:g} s or more, for a match",
        "passed": span_ms >= policy.match_span_ms,
    }


def _time_line(explanation: Explanation, best: Finding) -> list[Threshold]:
    policy = explanation.policy
    # A list's own limit is no power of ten, to which ``chance`` rounds.
    told, whose = wording.chance, ""
    if wording.has_own_limit(policy):
        told, whose = wording.per_100k, ", this list's own limit"
    return [
        {
            "name": "false alarms, for a possible match",
            "found": told(best.chance),
            "needed": f"{told(policy.near_chance)} or fewer{whose}",
            "passed": best.chance <= policy.near_chance,
        },
        {
            "name": "false alarms, for a match",
            "found": told(best.chance),
            "needed": f"{told(policy.match_chance)} or fewer{whose}",
            "passed": best.chance <= policy.match_chance,
        },
        {
            "name": "different pictures that agree",
            "found": str(best.distinct_hits),
            "needed": f"{policy.match_distinct_hits} or more, for a match",
            "passed": best.distinct_hits >= policy.match_distinct_hits,
        },
        {
            "name": _STAYS if best.algorithm == ORB else "pictures that change together",
            "found": f"{best.agreement:.2f} of 1",
            "needed": f"{policy.match_agreement:g} or more, for a match",
            "passed": best.agreement >= policy.match_agreement,
        },
        _length(explanation, best),
    ]


def _threshold_line(one: Threshold) -> str:
    mark = "passed" if one["passed"] else "FAILED"
    return f"{mark}  {one['name']}: {one['found']}; needed: {one['needed']}."


def _nearest_lines(explanation: Explanation) -> list[str]:
    if not explanation.nearest:
        return []
    width = max(len(f"{one.algorithm}, {one.view}") for one in explanation.nearest)
    return [
        f"Bits of 256 from each frame to the nearest of the reference's (unrelated: "
        f"{_UNRELATED_BITS}):",
        f"{'':<{width}}  frames  least  10 %  median  within {chance.LOOSE_BITS}",
        *(
            f"{f'{one.algorithm}, {one.view}':<{width}}  {one.frames:>6}  {one.least_bits:>5}"
            f"  {one.tenth_bits:>4}  {one.median_bits:>6}  {one.hits:>9}"
            for one in explanation.nearest
        ),
    ]


def _as_match(finding: Finding, list_name: str, reference: str) -> Match:
    return Match(list_name, reference, None, None, finding)
