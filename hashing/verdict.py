"""The verdict: what alignments and single frames add up to, as pure functions of a named policy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hashing import chance
from hashing.alignment import Alignment


class Verdict(StrEnum):
    """What a check says about a clip, or about a clip and one reference."""

    MATCH = "match"
    NEAR_MATCH = "near_match"
    NO_MATCH = "no_match"
    UNSCANNABLE = "unscannable"


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """Where the lines are drawn. ``chance`` is expected false alarms a check, at most.

    ``match_span_ms``: the hits of a match span at least this much of the clip.
    """

    match_distinct_hits: int
    match_span_ms: int
    match_chance: float
    near_chance: float
    strict_image_bits: int


# DESIGN.md, "Words": 90 % of alarms are right only below 4.8e-6 false ones a clip (a pilot found
# 4.3 known copies in 100,000 files); `python -m benchmarks.sample_set` measures this policy.
DEFAULT_POLICY: Final = DecisionPolicy(
    match_distinct_hits=3,
    match_span_ms=1000,
    match_chance=1e-6,
    near_chance=1e-3,
    strict_image_bits=chance.STRICT_IMAGE_BITS,
)


def of_alignment(alignment: Alignment, false_alarms: float, policy: DecisionPolicy) -> Verdict:
    """The verdict on one time line, given its expected number of false alarms."""
    span_ms = alignment.clip_end_ms - alignment.clip_start_ms
    enough = (
        alignment.distinct_hits >= policy.match_distinct_hits and span_ms >= policy.match_span_ms
    )
    if enough and false_alarms <= policy.match_chance:
        return Verdict.MATCH
    if false_alarms <= policy.near_chance:
        return Verdict.NEAR_MATCH
    return Verdict.NO_MATCH


def of_picture(distance_bits: int, *, clip_is_image: bool, policy: DecisionPolicy) -> Verdict:
    """The verdict on one frame alone, without a time line.

    Only an image matches so: a single near frame is never a ``match`` for a video.
    """
    if distance_bits > policy.strict_image_bits:
        return Verdict.NO_MATCH
    return Verdict.MATCH if clip_is_image else Verdict.NEAR_MATCH


def of_clip(found: list[Verdict], *, complete: bool) -> Verdict:
    """The verdict on the whole clip: what was found stands; nothing found needs full coverage."""
    for verdict in (Verdict.MATCH, Verdict.NEAR_MATCH):
        if verdict in found:
            return verdict
    return Verdict.NO_MATCH if complete else Verdict.UNSCANNABLE
