"""Early: when a clip's key frames and its end are enough, and the rest need not be decoded.

Only a ``match`` of the whole clip with one reference on one time line ends a check early. Whatever
is left to doubt (a part that no key frame shows, a line that bends, an end that is other footage)
is for the full decode. So is everything that is not found: no clip is clean by its key frames.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from hashing.extract import CLIP, Extract
from hashing.matching import Finding
from hashing.verdict import DecisionPolicy, Verdict


@dataclass(frozen=True, slots=True)
class EarlyPolicy:
    """How certain is certain enough. Stricter than ``DecisionPolicy``, for it sees less.

    ``longest_gap_ms``, or ``longest_gap_share`` of the clip if that is more: between key frames.
    ``longest_end_share``: of the clip, behind the last key frame. ``chance``: expected false alarms
    at most, and at most ``margin`` times what the list's policy asks of a match. ``hit_share``: of
    all frames in its range; of the key frames alone every one has to be a hit.
    """

    key_frames: int
    longest_gap_ms: int
    longest_gap_share: float
    longest_end_share: float
    distinct_hits: int
    chance: float
    margin: float
    agreement: float
    hit_share: float


EARLY: Final = EarlyPolicy(
    key_frames=4,  # a clip with fewer is short, or its key frames are too far apart to speak for it
    longest_gap_ms=12_000,  # x264's 250 frames are 10.4 s at 24 a second
    longest_gap_share=0.06,  # of a long clip the pass takes one in a fortieth; twice that, and 1 s
    longest_end_share=1 / 3,  # behind the last one all is decoded: more would save little
    distinct_hits=6,  # twice the policy's: the agreement of fewer is unsteady
    chance=1e-9,  # a thousandth of the policy's: this is one more look for each clip
    margin=1e-3,
    # Key frames and ends of the known clips of benchmarks/known.py have 0.54 and more (median 1.0),
    # those of other takes of a scene at most 0.19.
    agreement=0.5,
    hit_share=0.9,  # as a re-encoded copy has; with less something may be laid over the end
)
_EDGE_MS: Final = 1000  # sound may run on so long; an outro does not
_BEND_MS: Final = 1000  # a line that a cut or an insertion bends is off by more


def worth_comparing(keys: Extract) -> bool:
    """Whether these key frames lie all over the clip: else all of it has to be looked at."""
    times_ms = _times_ms(keys)
    whole_ms = keys.coverage.container_ms
    if len(times_ms) < EARLY.key_frames or keys.coverage.problems:
        return False
    gaps_ms = [after - before for before, after in pairwise(times_ms)]
    return (
        times_ms[0] <= CLIP.phash_interval_ms
        and max(gaps_ms) <= max(EARLY.longest_gap_ms, EARLY.longest_gap_share * whole_ms)
        and whole_ms - times_ms[-1] <= EARLY.longest_end_share * whole_ms
    )


def promising(finding: Finding, keys: Extract) -> bool:
    """Whether every key frame lies on one line of the reference: then the end is worth a look."""
    return finding.frames_matched == len(_times_ms(keys)) and _is_one_line(finding)


def certain(finding: Finding, looked: Extract, policy: DecisionPolicy) -> bool:
    """Whether key frames and end leave no doubt: the whole clip is a copy of that reference."""
    whole_ms = looked.coverage.container_ms
    return (
        not looked.coverage.problems
        and finding.verdict is Verdict.MATCH
        and finding.chance <= min(EARLY.chance, EARLY.margin * policy.match_chance)
        and finding.distinct_hits >= EARLY.distinct_hits
        and finding.agreement >= EARLY.agreement
        and finding.frames_matched >= EARLY.hit_share * finding.frames
        and _is_one_line(finding)
        and finding.clip_ranges_ms[0][0] <= CLIP.phash_interval_ms
        and finding.clip_ranges_ms[0][1] >= whole_ms - _EDGE_MS
    )


def _is_one_line(finding: Finding) -> bool:
    """Whether one stretch of the clip is one stretch of the reference, nothing cut or put in."""
    if len(finding.clip_ranges_ms) != 1 or len(finding.reference_ranges_ms) != 1:
        return False
    (clip,), (reference,) = finding.clip_ranges_ms, finding.reference_ranges_ms
    expected_ms = abs(finding.speed) * (clip[1] - clip[0])
    bend_ms = abs(expected_ms - (reference[1] - reference[0]))
    return bend_ms <= _BEND_MS and not finding.common_ranges_ms


def _times_ms(taken: Extract) -> list[int]:
    """When the frames were taken that could be hashed in some view."""
    longest = max(taken.fingerprint.tracks, key=len, default=None)
    return [] if longest is None else longest.times_ms.tolist()
