"""Matching: a clip's fingerprint against a list's index, from hits to findings.

For each reference the strongest explanation wins: alignments on a time line, or, where a side is a
single picture, that picture alone. Pictures that stand before anybody's video are no evidence
(``hashing.commonplace``), and those of references that else show other footage carry no ``match``
(``hashing.shared``).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hashing import chance, commonplace, pictures, shared, turns, verdict
from hashing.alignment import Alignment, align, compatible
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Kind, Track
from hashing.index import Hits, Index
from hashing.parts import ALGORITHMS, KeptPart, Part, is_still
from hashing.ranges import Range, intersection, share, united
from hashing.timelines import SPEEDS
from hashing.verdict import DecisionPolicy, Verdict
from hashing.views import View, Window

_AlignmentLine = tuple[float, Alignment, Track]  # expected false alarms, where, reference's track
Value = TypeVar("Value", bound=np.generic)
_VIEWS: Final = 8  # rarer views pay for being tried: turned and negative ones are 8 a track
_PLAIN_SPEED: Final = 0.02  # within this of 1 a line counts as unchanged speed: half a grid step


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one reference in a clip. Ranges are in ms, and empty for a picture.

    ``frames`` sampled clip frames lie in the ranges, ``frames_matched`` of them agree.
    ``common_ranges_ms``: parts of the clip's ranges that stand in references of other footage as
    well, and therefore carry no ``match``; ``chance`` is that of the rest. ``commonplace``: what
    agrees is one picture of a kind that stands before anybody's video. ``only_alike``: found
    by its pictures alone, from end to end; too little happens in it for time to say as much.
    ``same_share``: how much of what was found is the same picture, 0 to 1.
    """

    reference: int
    verdict: Verdict
    algorithm: Algorithm
    view: View | Window
    speed: float
    chance: float
    frames: int
    frames_matched: int
    distinct_hits: int
    mean_distance_bits: float
    agreement: float
    clip_ranges_ms: tuple[Range, ...]
    reference_ranges_ms: tuple[Range, ...]
    clip_coverage: float
    reference_coverage: float
    common_ranges_ms: tuple[Range, ...] = ()
    commonplace: bool = False
    only_alike: bool = False
    same_share: float = 0.0

    @property
    def score(self) -> float:
        """0 to 1, monotone in the evidence."""
        return chance.score(self.chance)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at one reference showed, and by what: enough to look again.

    ``parts``: strongest first. ``card``: the one picture that is all of the clip, in moving ones.
    """

    finding: Finding
    parts: tuple[shared.Part, ...]
    pairs: list[tuple[Track, Hits]]
    tries: float
    card: shared.Card | None = None


class ListIndex:
    """All references of one list, searchable: pHash tracks, and PDQ where there is no pHash."""

    def __init__(
        self,
        fingerprints: Sequence[Fingerprint] = (),
        groups: Sequence[str | None] | None = None,
        *,
        parts: Sequence[KeptPart] = (),
    ) -> None:
        """``parts``: what was made before, and comes before ``fingerprints`` in the numbering.

        ``groups``: each reference's footage, as its incident; None belongs to no other's. What
        references of one group share is their footage; of different ones, an intro perhaps.
        """
        parts = [*parts, KeptPart.whole(Part.of(fingerprints))] if fingerprints else parts
        count = sum(len(one.kept) for one in parts)
        self._groups = [None] * count if groups is None else groups
        self._durations_ms = _column(np.int64, [one.part.durations_ms for one in parts])
        self._stills = _column(np.bool_, [one.part.stills for one in parts])
        self._indexes = tuple(
            Index(algorithm, segments=[(one.part.segments[place], one.kept) for one in parts])
            for place, algorithm in enumerate(ALGORITHMS)
        )

    @property
    def frames(self) -> int:
        """Reference frame hashes that a clip frame is compared with."""
        return sum(len(index) for index in self._indexes)

    def group(self, number: int) -> str | None:
        """What footage a reference belongs to; None belongs to no other's."""
        return self._groups[number]

    def duration_ms(self, number: int) -> int:
        """How long a reference is; 0 for a picture."""
        return int(self._durations_ms[number])

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """The algorithms that a clip has to be hashed with to be compared with all of this list."""
        return frozenset(index.algorithm for index in self._indexes if len(index))

    def compares(self, clip: Fingerprint) -> bool:
        """Whether the clip was hashed in each way in which references were: with these alone it can
        be compared. Raises IncompatibleHash where parameters differ.
        """
        return all(any(len(track) for track in clip.of(one)) for one in self.algorithms)

    def match(
        self,
        clip: Fingerprint,
        tries: float,
        policy: DecisionPolicy,
        *,
        plain_only: bool = False,
    ) -> list[Finding]:
        """The findings in this list, best first; ``tries`` is how many lines the check tries.

        Cheap views first: regions, as they are and mirrored, take one look-up each. Only where they
        give no ``match``, the cropped, turned and negative ones take a quick look-up each, of a few
        frames: eleven for each of the former at most; with ``plain_only`` never. Raises
        IncompatibleHash when clip and list were hashed in different ways.
        """
        tracks = [
            track for index in self._indexes if len(index) for track in clip.of(index.algorithm)
        ]
        plain = [track for track in tracks if not track.view.cropped_percent]
        looks = self._look(clip, plain, tries, policy)
        found = self._weighed(clip, looks, policy)
        if not plain_only and not any(one.verdict is Verdict.MATCH for one in found):
            rarer = [track for track in tracks if track.view.cropped_percent]
            rarer += [turns.mirrored(track) for track in rarer]
            rarer += [view for track in plain for view in turns.of(track)]
            more = self._look(clip, rarer, tries * _VIEWS, policy, quick=True)
            for number, one in more.items():
                if number not in looks or _rank(one.finding) < _rank(looks[number].finding):
                    looks[number] = one
            found = self._weighed(clip, looks, policy) if more else found
        return sorted(found, key=_rank)

    def _look(
        self,
        clip: Fingerprint,
        tracks: Iterable[Track],
        tries: float,
        policy: DecisionPolicy,
        *,
        quick: bool = False,
    ) -> dict[int, _Look]:
        """What these tracks of the clip show, by reference."""
        seen = self._seen(list(tracks), quick=quick)
        if not seen:
            return {}
        clip_is_still = is_still(clip)
        hit_ms = [track.times_ms[one.clip_rows] for track, one in seen]
        common = commonplace.times_ms(clip, hit_ms, cropped=quick)
        hits: dict[int, list[tuple[Track, Hits]]] = defaultdict(list)
        for track, one in seen:
            if not clip_is_still and not self._stills[one.reference]:
                pair = shared.only(track, one, ~commonplace.rows(track, common))
                hits[one.reference].append(pair)
            else:
                hits[one.reference].append((track, one))
        looks = (
            self._picture(clip, number, pairs, tries, policy)
            if clip_is_still or self._stills[number]
            else self._footage(clip, number, pairs, tries, policy)
            for number, pairs in sorted(hits.items())
        )
        return {
            one.finding.reference: one
            for one in looks
            if one is not None and one.finding.verdict is not Verdict.NO_MATCH
        }

    def _seen(self, tracks: Sequence[Track], *, quick: bool) -> list[tuple[Track, Hits]]:
        """The hits of these tracks, each with the track that it is of."""
        return [
            found
            for index in self._indexes
            for found in index.search_each(
                [track for track in tracks if track.algorithm == index.algorithm],
                chance.LOOSE_BITS,
                quick=quick,
            )
        ]

    def _weighed(
        self, clip: Fingerprint, looks: dict[int, _Look], policy: DecisionPolicy
    ) -> list[Finding]:
        """The findings, where pictures that are common to different footage carry no match."""
        found = [one.finding for one in looks.values()]
        if len(found) < 2 or all(one.verdict is not Verdict.MATCH for one in found):
            return found
        strongest = sorted(looks.values(), key=lambda one: one.finding.chance)
        if shared.is_common_picture([one.card for one in strongest if one.card is not None]):
            return [_as_common(one) for one in looks.values()]
        common = united(shared.common_ranges([part for one in strongest for part in one.parts]))
        if not common:
            return found
        return [self._without(clip, one, common, policy) for one in looks.values()]

    def _without(
        self, clip: Fingerprint, look: _Look, common: tuple[Range, ...], policy: DecisionPolicy
    ) -> Finding:
        """The finding by what lies outside the common ranges; never less than a near match."""
        finding = look.finding
        inside = intersection(finding.clip_ranges_ms, common)
        if not look.parts or not inside or finding.reference_coverage >= shared.BULK_SHARE:
            return finding
        pairs = [
            shared.only(track, hits, shared.outside(track, common)) for track, hits in look.pairs
        ]
        rest = self._footage(clip, finding.reference, pairs, look.tries, policy)
        if rest is not None and rest.finding.verdict is Verdict.MATCH:
            return replace(finding, chance=rest.finding.chance, common_ranges_ms=inside)
        rest_chance = 1.0 if rest is None else rest.finding.chance
        return replace(
            finding,
            verdict=Verdict.NEAR_MATCH,
            chance=max(finding.chance, min(rest_chance, policy.near_chance)),
            common_ranges_ms=inside,
        )

    def _picture(
        self,
        clip: Fingerprint,
        number: int,
        pairs: list[tuple[Track, Hits]],
        tries: float,
        policy: DecisionPolicy,
    ) -> _Look:
        track, hits = min(pairs, key=lambda pair: int(pair[1].distances.min()))
        distance = int(hits.distances.min())
        common = pictures.is_commonplace(track, hits)
        is_image = clip.kind is Kind.IMAGE
        same_share = pictures.same_share(clip, track, hits, policy.match_span_ms)
        told = verdict.of_picture(
            distance,
            clip_is_image=is_image and not common,
            same_share=0.0 if common else same_share,
            policy=policy,
        )
        finding = Finding(
            reference=number,
            verdict=told,
            algorithm=track.algorithm,
            view=track.view,
            speed=1.0,
            chance=min(1.0, tries * chance.share_within(distance)),
            frames=len(track),
            frames_matched=len(np.unique(hits.clip_rows)),
            distinct_hits=1,
            mean_distance_bits=float(distance),
            agreement=0.0,
            clip_ranges_ms=pictures.shown_ms(clip, track, hits.clip_rows),
            reference_ranges_ms=(),
            clip_coverage=round(same_share, 4),
            reference_coverage=0.0,
            commonplace=common,
            only_alike=told is Verdict.MATCH and not is_image,
            same_share=same_share,
        )
        return _Look(finding, (), pairs, tries, self._card(finding, hits))

    def _card(self, finding: Finding, hits: Hits) -> shared.Card | None:
        """The picture that made a match of a still copy, where its reference shows others too."""
        number = finding.reference
        if not finding.only_alike or self._stills[number]:
            return None
        row = int(hits.reference_rows[hits.distances.argmin()])
        return shared.Card(number, self._groups[number], hits.track, row)

    def _footage(
        self,
        clip: Fingerprint,
        number: int,
        pairs: list[tuple[Track, Hits]],
        tries: float,
        policy: DecisionPolicy,
    ) -> _Look | None:
        lines = _lines(pairs, tries)
        if not lines:
            return None
        false_alarms, best, _ = lines[0]
        strong = [line for line in lines if line[0] <= policy.near_chance] or lines[:1]
        parts = compatible([line[1] for line in strong])
        clip_ranges, reference_ranges = _ranges(parts)
        matched = sum(part.frames_matched for part in parts)
        told = verdict.of_alignment(best, false_alarms, policy, clip_ms=clip.duration_ms)
        finding = Finding(
            reference=number,
            verdict=told,
            algorithm=lines[0][2].algorithm,
            view=best.view,
            speed=best.speed,
            chance=false_alarms,
            frames=sum(part.frames for part in parts),
            frames_matched=matched,
            distinct_hits=sum(part.distinct_hits for part in parts),
            mean_distance_bits=sum(p.mean_distance_bits * p.frames_matched for p in parts)
            / matched,
            agreement=best.agreement,
            clip_ranges_ms=clip_ranges,
            reference_ranges_ms=reference_ranges,
            clip_coverage=share(clip_ranges, clip.duration_ms),
            reference_coverage=share(reference_ranges, int(self._durations_ms[number])),
            only_alike=told is not verdict.by_time(best, false_alarms, policy),
            same_share=best.frames_same / best.frames,
        )
        return _Look(finding, self._parts(number, strong, parts), pairs, tries)

    def _parts(
        self, number: int, lines: Sequence[_AlignmentLine], shown: list[Alignment]
    ) -> tuple[shared.Part, ...]:
        group = self._groups[number]
        return tuple(
            shared.Part(number, group, track, one) for _, one, track in lines if one in shown
        )


def tries(clip: Fingerprint, reference_frames: int) -> float:
    """Time lines that a check tries: each clip frame in each view on each reference frame."""
    frames = sum(len(track) for track in clip.of(PHASH)) or sum(len(t) for t in clip.of(PDQ))
    return float(max(1, frames) * max(1, reference_frames))


def _false_alarms(alignment: Alignment, lines_tried: float) -> float:
    # Half of the prior goes to unchanged speed, the rest is shared by the grid's other speeds.
    plain = is_unchanged(alignment.speed)
    return chance.expected_false_alarms(
        alignment.evidence_nats, lines_tried * 2.0 * (1 if plain else len(SPEEDS) - 1)
    )


def is_unchanged(speed: float) -> bool:
    """Whether a line of this speed counts as unchanged, for the chance and in words alike."""
    return abs(speed - 1.0) <= _PLAIN_SPEED


def _lines(pairs: Sequence[tuple[Track, Hits]], tries: float) -> list[_AlignmentLine]:
    """The lines of these hits, strongest first."""
    lines = [
        (_false_alarms(one, tries), one, hits.track)
        for track, hits in pairs
        if len(hits.clip_rows)
        for one in align(track, hits)
    ]
    return sorted(lines, key=lambda line: line[0])


def _ranges(parts: Sequence[Alignment]) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """What these cover of the clip and of the reference."""
    clip_ranges = united([(part.clip_start_ms, part.clip_end_ms) for part in parts])
    return clip_ranges, united([(one.reference_start_ms, one.reference_end_ms) for one in parts])


def _rank(finding: Finding) -> tuple[bool, float]:
    """What says more is less: a match before whatever is none, then the rarer by chance."""
    return finding.verdict is not Verdict.MATCH, finding.chance


def _as_common(look: _Look) -> Finding:
    found = look.finding
    if look.card is None:
        return found
    return replace(found, verdict=Verdict.NEAR_MATCH, common_ranges_ms=found.clip_ranges_ms)


def _column(kind: type[Value], columns: Sequence[NDArray[Value]]) -> NDArray[Value]:
    return np.concatenate([np.zeros(0, kind), *columns])
