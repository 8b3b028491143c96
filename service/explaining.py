"""Explaining: why a clip does or does not match one reference, with the numbers that decided.

The same search and policy as a check uses, looked at from closer: where a check drops what is too
weak, this shows it beside the threshold that it missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance, commonplace, matching, turns
from hashing.coverage import Coverage
from hashing.extract import CLIP, Extract
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.matching import Finding, ListIndex
from hashing.patch_track import PatchTrack
from hashing.patches import leads as leading
from hashing.patches import matching as patch_matching
from hashing.patches.matching import Asking, Owner, PatchedList, PatchPart
from hashing.reference import Reference
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict
from service import cascade
from service.cascade import Led, Placed
from service.checking import Checker
from service.loading import LoadedList
from service.media.decoding import Taking
from service.store.base import Store

_ONLY: Final = ""  # the name of a list of one reference
_CLIP_BLOCK: Final = 64  # as in hashing.index: the pairs of a block stay in the cache
_REFERENCE_BLOCK: Final = 8192


class Reason(StrEnum):
    """What decided; stable codes."""

    MATCH = "match"  # nothing stood in the way
    NO_FRAMES = "no_frames"  # clip or reference has no frame that could be hashed
    NO_HITS = "no_hits"  # no frame is near any other
    SINGLE_PICTURE = "single_picture"  # a video near a picture is at most a near match
    STRICT_IMAGE = "strict_image"  # a picture alone has to be nearer
    ONLY_ALIKE = "only_alike"  # alike from end to end, but too little happens for more
    CHANCE = "chance"  # chance alone does as much too often
    DISTINCT_HITS = "distinct_hits"  # too few different pictures agree
    AGREEMENT = "agreement"  # the pictures are alike, but do not change together
    SPAN = "span"  # what agrees is too short
    COMMON = "common"  # what agrees is also in references of other footage
    COMMONPLACE = "commonplace"  # what agrees is a test card, a leader or the like
    PARTS = "parts"  # together enough, but no single stretch is


@dataclass(frozen=True, slots=True)
class Nearest:
    """How near one track of the clip comes: bits from each of its frames to the nearest frame."""

    algorithm: str
    view: str
    stream: int
    frames: int
    least_bits: int
    tenth_bits: int
    median_bits: int
    hits: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why. ``best`` is the strongest explanation, also where it is too weak; None without hits."""

    verdict: Verdict
    reason: Reason
    kind: Kind
    reference_kind: Kind
    coverage: Coverage
    best: Finding | None
    nearest: tuple[Nearest, ...]
    tries: float
    policy: DecisionPolicy


def explain(
    checker: Checker, store: Store, media: bytes | BinaryIO, list_name: str, reference_id: str
) -> Explanation:
    """Why this clip does or does not match that reference, in a check against all lists.

    Raises ListNotFound, ReferenceNotFound, MediaError, IncompatibleHash.
    """
    reference = store.get_reference(list_name, reference_id)
    policy = DEFAULT_POLICY.accepting(store.get_list(list_name).false_alarms_per_100k)
    loaded = checker.lists()
    (listed,) = checker.lists([list_name])
    with checker.decoding.opened(media, replace(CLIP, held_frames=cascade.HELD_FRAMES)) as taking:
        taken = taking.whole()
        frames = sum(one.index.frames for one in loaded)
        why = compare(taken, reference.fingerprint, frames, policy)
        why = _beside_others(why, taken.fingerprint, listed, reference_id)
        is_settled = why.verdict is Verdict.MATCH or why.reason is Reason.COMMON
        if is_settled or not cascade.is_wanted(loaded):
            return why
        key_frames = sum(patched.key_frames for _, patched in checker.patches(loaded))
        searched = _Searched(frames, key_frames)
        return _by_patches(why, taking, taken.fingerprint, reference, searched)


@dataclass(frozen=True, slots=True)
class _Searched:
    """How many reference frames and key frames with patches a check looks through."""

    frames: int
    key_frames: int


def _by_patches(
    by_frames: Explanation,
    taking: Taking,
    clip: Fingerprint,
    reference: Reference,
    searched: _Searched,
) -> Explanation:
    """The explanation by patches, as a check asks for them, where it is stronger."""
    owner = Owner(0, None, reference.fingerprint.duration_ms)
    part = PatchPart.of([(reference.id, reference.patches)])
    index = PatchedList([part], {reference.id: owner}, lambda _: reference.fingerprint)
    weak = replace(by_frames.policy, near_chance=1.0)
    shown: list[PatchTrack] = []
    placed: list[Finding] = []
    best: Finding | None = None
    tries = 0.0
    for looks in cascade.ROUNDS:
        shown += taking.patches(looks)
        tries = patch_matching.tries(shown, searched.key_frames)
        seen = index.shown(Asking(tuple(shown), clip, tries, weak))
        best = _strongest(seen.findings)
        leads = [Led(_ONLY, lead) for lead in leading.strongest(seen.leads, cascade.MOST_LEADS)]
        pictures = cascade.taken_out(taking, leads, looks)
        while not _is_match(best) and (some := next(pictures, None)) is not None:
            placed += _placed(some, reference.fingerprint, searched.frames, weak)
            placed += cascade.tiled(some, _ONLY, index, cascade.asking(clip, searched.frames, weak))
            best = _strongest([*seen.findings, *placed])
        if _is_match(best):
            break
    return _with(by_frames, best, tries, clip, reference.fingerprint)


def _with(
    by_frames: Explanation,
    best: Finding | None,
    tries: float,
    clip: Fingerprint,
    reference: Fingerprint,
) -> Explanation:
    """The explanation with the best that patches show, where that is stronger."""
    before = by_frames.best
    if best is None or (not _is_match(best) and before and before.chance <= best.chance):
        return by_frames
    found = best.verdict
    if found is Verdict.NEAR_MATCH and best.chance > by_frames.policy.near_chance:
        found = Verdict.NO_MATCH
    return replace(
        by_frames,
        verdict=found,
        reason=_reason(clip, reference, best, found, by_frames.policy),
        best=best,
        tries=tries,
    )


def _placed(
    placed: Sequence[Placed], reference: Fingerprint, searched_frames: int, policy: DecisionPolicy
) -> list[Finding]:
    """What is found in pictures that were taken out of the clip."""
    index = ListIndex([reference])
    found: list[Finding] = []
    for one in placed:
        tries = cascade.PLACED_LOOKS * matching.tries(one.fingerprint, searched_frames)
        seen = index.match(one.fingerprint, tries, policy, plain_only=True)
        found += [one.seen(finding) for finding in seen if one.tells(finding)]
    return found


def _strongest(found: Iterable[Finding]) -> Finding | None:
    return min(found, key=lambda one: (not _is_match(one), one.chance), default=None)


def _is_match(finding: Finding | None) -> bool:
    return finding is not None and finding.verdict is Verdict.MATCH


def _beside_others(
    alone: Explanation, clip: Fingerprint, listed: LoadedList, reference_id: str
) -> Explanation:
    """The explanation with what the list's other references say: which pictures are common."""
    if alone.verdict is not Verdict.MATCH:
        return alone
    for one in listed.index.match(clip, alone.tries, alone.policy):
        if listed.references[one.reference][0] == reference_id and one.common_ranges_ms:
            reason = Reason.MATCH if one.verdict is Verdict.MATCH else Reason.COMMON
            return replace(alone, verdict=one.verdict, reason=reason, best=one)
    return alone


def compare(
    taken: Extract,
    reference: Fingerprint,
    searched_frames: int,
    policy: DecisionPolicy = DEFAULT_POLICY,
) -> Explanation:
    """Why these fingerprints do or do not match; so many reference frames are searched in all."""
    clip = taken.fingerprint
    tries = matching.tries(clip, searched_frames)
    index = ListIndex([reference])
    found = index.match(clip, tries, policy)
    best = found[0] if found else _best_too_weak(index, clip, tries, policy)
    verdict = found[0].verdict if found else Verdict.NO_MATCH
    return Explanation(
        verdict=verdict,
        reason=_reason(clip, reference, best, verdict, policy),
        kind=clip.kind,
        reference_kind=reference.kind,
        coverage=taken.coverage,
        best=best,
        nearest=tuple(nearest(clip, reference, best)),
        tries=tries,
        policy=policy,
    )


def nearest(clip: Fingerprint, reference: Fingerprint, best: Finding | None) -> list[Nearest]:
    """Distances of each clip track to the reference's tracks that are made the same way.

    Of the views that follow from hashes alone, only the one in which ``best`` was found.
    """
    found = []
    rarer = (one for track in clip.tracks for one in turns.of(track))
    seen = [one for one in rarer if best is not None and one.view == best.view]
    for track in [*clip.tracks, *seen]:
        others = [one for one in reference.tracks if one.algorithm == track.algorithm and len(one)]
        if not len(track) or not others:
            continue
        distances = _nearest_bits(track, others)
        least, tenth, median = np.percentile(distances, (0, 10, 50), method="nearest")
        found.append(
            Nearest(
                algorithm=track.algorithm.name,
                view=str(track.view),
                stream=track.stream,
                frames=len(track),
                least_bits=int(least),
                tenth_bits=int(tenth),
                median_bits=int(median),
                hits=int(np.count_nonzero(distances <= chance.LOOSE_BITS)),
            )
        )
    return found


def _nearest_bits(clip: Track, references: Sequence[Track]) -> NDArray[np.uint16]:
    """Bits to the nearest of all reference frames: uint16 (len(clip),)."""
    best = np.full(len(clip), bits.HASH_BITS, np.uint16)
    for track in references:
        for first in range(0, len(track), _REFERENCE_BLOCK):
            block = track.hashes[first : first + _REFERENCE_BLOCK]
            for top in range(0, len(clip), _CLIP_BLOCK):
                part = slice(top, top + _CLIP_BLOCK)
                near = bits.distance_matrix(clip.hashes[part], block).min(axis=1)
                best[part] = np.minimum(best[part], near)
    return best


def _best_too_weak(
    index: ListIndex, clip: Fingerprint, tries: float, policy: DecisionPolicy
) -> Finding | None:
    """The strongest explanation whatever its chance; None without a single hit."""
    anything = replace(policy, near_chance=1.0, strict_image_bits=chance.LOOSE_BITS)
    found = index.match(clip, tries, anything)
    if not found:
        return None
    # Asked again with its own chance as the limit: without the still weaker stretches beside it.
    return index.match(clip, tries, replace(anything, near_chance=found[0].chance))[0]


def _no_evidence(clip: Fingerprint, reference: Fingerprint) -> Reason:
    """Why there is none at all: nothing to compare, nothing near, or only test cards and such."""
    if not clip.frames or not reference.frames:
        return Reason.NO_FRAMES
    for track in clip.of(PHASH):
        left_out = track.select(commonplace.shows(track.hashes))
        if (_nearest_bits(left_out, reference.of(PHASH)) <= chance.LOOSE_BITS).any():
            return Reason.COMMONPLACE
    return Reason.NO_HITS


def _reason(
    clip: Fingerprint,
    reference: Fingerprint,
    best: Finding | None,
    verdict: Verdict,
    policy: DecisionPolicy,
) -> Reason:
    if verdict is Verdict.MATCH:
        return Reason.MATCH
    if best is None or best.commonplace:
        return _no_evidence(clip, reference)
    if not best.reference_ranges_ms:
        near = verdict is Verdict.NEAR_MATCH
        return Reason.SINGLE_PICTURE if near else Reason.STRICT_IMAGE
    return _reason_on_a_time_line(best, verdict, policy)


def _reason_on_a_time_line(best: Finding, verdict: Verdict, policy: DecisionPolicy) -> Reason:
    if best.only_alike:
        return Reason.ONLY_ALIKE
    span_ms = sum(end - start for start, end in best.clip_ranges_ms)
    if best.chance > (policy.near_chance if verdict is Verdict.NO_MATCH else policy.match_chance):
        return Reason.CHANCE
    if best.distinct_hits < policy.match_distinct_hits:
        return Reason.DISTINCT_HITS
    if best.agreement < policy.match_agreement:
        return Reason.AGREEMENT
    return Reason.SPAN if span_ms < policy.match_span_ms else Reason.PARTS
