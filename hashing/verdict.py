"""The verdict: what alignments and single frames add up to, as pure functions of a named policy.

A list may say how many false alarms it accepts in 100,000 clips; what that changes is here, too.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hashing import chance
from hashing.alignment import Alignment
from hashing.errors import RecircError
from hashing.reference import Policy

CLIPS: Final = 100_000  # the number of clips for which a list says what it accepts
# Fewer cannot be shown: 0 false alarms would have to be seen in 300 million clips (3/N).
LEAST_FALSE_ALARMS: Final = 0.001
# More would call a match what is less than a possible match by default.
MOST_FALSE_ALARMS: Final = 100.0
DEFAULT_FALSE_ALARMS: Final = 0.1  # match_chance of DEFAULT_POLICY; a test holds them together
_NEAR_SHARE: Final = 1000  # possible matches to a match, as in DEFAULT_POLICY
NEARLY_ALL: Final = 0.9  # a frame in ten may be lost to a cut or a decoder
_MOST_NEAR: Final = 1e-2  # possible matches a check: more than one in a hundred is no one's work


class BadPolicy(RecircError):
    """A number of false alarms that a list cannot accept."""

    code = "bad_policy"


class Verdict(StrEnum):
    """What a check says about a clip, or about a clip and one reference."""

    MATCH = "match"
    NEAR_MATCH = "near_match"
    NO_MATCH = "no_match"
    UNSCANNABLE = "unscannable"


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """Where the lines are drawn. ``chance`` is expected false alarms a check, at most.

    ``match_span_ms``: the hits of a match span at least this much of the clip. ``match_agreement``:
    how far the pictures of a match change together, at least: a long clip gathers evidence from
    likeness alone, and likeness is what a template's other footage has as well.
    """

    match_distinct_hits: int
    match_span_ms: int
    match_agreement: float
    match_chance: float
    near_chance: float
    strict_image_bits: int

    def accepting(self, false_alarms_per_100k: float | None) -> "DecisionPolicy":
        """This policy with chances by a list's own number of false alarms in 100,000 clips.

        ``None``: the list has no number of its own, and this policy stands. The chance of a near
        match goes with that of a match: a thousand times as much, 1 in 100 checks at most. Hits,
        span and the image threshold stay. Raises BadPolicy.
        """
        if false_alarms_per_100k is None:
            return self
        accepted = _bounded(false_alarms_per_100k)
        return replace(
            self,
            match_chance=accepted / CLIPS,
            near_chance=min(_MOST_NEAR, accepted / (CLIPS / _NEAR_SHARE)),
        )


# DESIGN.md, "Words": 90 % of alarms are right only below 4.8e-6 false ones a clip (a pilot found
# 4.3 known copies in 100,000 files); `python -m benchmarks.sample_set` measures this policy.
DEFAULT_POLICY: Final = DecisionPolicy(
    match_distinct_hits=3,
    match_span_ms=1000,
    # Of 583 matching copies of `python -m benchmarks.detection --fast` the least have 0.5; footage
    # of one template, logo, ticker and all, has 0.18 at most.
    match_agreement=0.3,
    match_chance=1e-6,
    near_chance=1e-3,
    strict_image_bits=chance.STRICT_IMAGE_BITS,
)


def require_false_alarms(untrusted: float | None, policy: Policy) -> float | None:
    """What a list of this policy accepts in 100,000 clips, None for the default, or BadPolicy.

    On an allow list a false alarm hides listed footage, and that looks like a clean clip: such a
    list may accept fewer than the default, never more.
    """
    if untrusted is None:
        return None
    accepted = _bounded(untrusted)
    if policy is Policy.ALLOW and accepted > DEFAULT_FALSE_ALARMS:
        raise BadPolicy(
            f"an allow list accepts at most {DEFAULT_FALSE_ALARMS:g} false alarms in 100,000 "
            f"clips, not {accepted:g}: each may hide listed footage; take fewer, or the default"
        )
    return accepted


def _bounded(untrusted: float) -> float:
    if not LEAST_FALSE_ALARMS <= untrusted <= MOST_FALSE_ALARMS:  # true of no NaN
        raise BadPolicy(
            f"a list accepts {LEAST_FALSE_ALARMS:g} to {MOST_FALSE_ALARMS:g} false alarms in "
            f"100,000 clips, not {untrusted:g}; take a number between, or the default"
        )
    return float(untrusted)


def of_alignment(
    alignment: Alignment, false_alarms: float, policy: DecisionPolicy, *, clip_ms: int
) -> Verdict:
    """The verdict on one time line of a clip of ``clip_ms``: by time or by its pictures alone,
    whichever says more. ``false_alarms``: as many as are expected by chance."""
    told = by_time(alignment, false_alarms, policy), _by_pictures(alignment, policy, clip_ms)
    return of_clip(list(told), complete=True)


def by_time(alignment: Alignment, false_alarms: float, policy: DecisionPolicy) -> Verdict:
    """What the changes of the pictures say, given the expected number of false alarms."""
    span_ms = alignment.clip_end_ms - alignment.clip_start_ms
    enough = (
        alignment.distinct_hits >= policy.match_distinct_hits
        and span_ms >= policy.match_span_ms
        and alignment.agreement >= policy.match_agreement
    )
    if enough and false_alarms <= policy.match_chance:
        return Verdict.MATCH
    return Verdict.NEAR_MATCH if false_alarms <= policy.near_chance else Verdict.NO_MATCH


def _by_pictures(alignment: Alignment, policy: DecisionPolicy, clip_ms: int) -> Verdict:
    """What the pictures say where next to nothing moves, so that time says nothing.

    A clip that is the same from end to end is a match: no other recording of the same place comes
    so near. One that is alike is worth a look.
    """
    span_ms = alignment.clip_end_ms - alignment.clip_start_ms
    if span_ms < NEARLY_ALL * clip_ms:
        return Verdict.NO_MATCH
    if span_ms >= policy.match_span_ms and _is_nearly_all(alignment.frames_same, alignment):
        return Verdict.MATCH
    is_alike = _is_nearly_all(alignment.frames_alike, alignment)
    return Verdict.NEAR_MATCH if is_alike else Verdict.NO_MATCH


def _is_nearly_all(frames: int, alignment: Alignment) -> bool:
    return frames >= NEARLY_ALL * alignment.frames


def of_picture(
    distance_bits: int, *, clip_is_image: bool, same_share: float = 0.0, policy: DecisionPolicy
) -> Verdict:
    """The verdict on one picture alone, without a time line.

    A single near frame is never a ``match`` for a video; one picture that it shows from end to end
    is. ``same_share``: of the video's time that is the same picture; 0 where that is too short.
    """
    if distance_bits > policy.strict_image_bits:
        return Verdict.NO_MATCH
    is_shown_throughout = same_share >= NEARLY_ALL
    return Verdict.MATCH if clip_is_image or is_shown_throughout else Verdict.NEAR_MATCH


def of_clip(found: list[Verdict], *, complete: bool) -> Verdict:
    """The verdict on the whole clip: what was found stands; nothing found needs full coverage."""
    for verdict in (Verdict.MATCH, Verdict.NEAR_MATCH):
        if verdict in found:
            return verdict
    return Verdict.NO_MATCH if complete else Verdict.UNSCANNABLE
