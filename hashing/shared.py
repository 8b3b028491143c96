"""Shared pictures: parts of a clip that stand in references which otherwise show other footage.

A channel's intro, a news programme's jingle or a leader may be in many listed videos. A clip with
the same intro is no copy of any of them, and nothing that one reference holds can tell. Two can:
where both show the same pictures, and beside them, along the same time line, different footage,
the pictures are common to different footage. References of one group (one incident) are never
compared: what they share is the incident's footage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance
from hashing.alignment import Alignment, align
from hashing.fingerprint import Fingerprint, Kind, Track
from hashing.index import Hits, Index
from hashing.ranges import Range
from hashing.timelines import SPEEDS

# What fills at least this much of a reference is what it was listed for, and no intro.
BULK_SHARE: Final = 0.5
_WITNESSES: Final = 8  # references compared with one another: 28 pairs
_COMPARISONS: Final = 56  # of two parts, 8 to 15 ms each: a clip in pieces has many parts
# What is looked at on either side of what a clip shows of two references. Intros of twice that stay
# unseen, and longer gaps between pieces of one footage look like other footage. More would leave
# the flat search: 120 s are 3,000 frames.
_BESIDE_MS: Final = 30_000
_SAMPLED_MS: Final = 250  # as a clip is (hashing.extract): one side sparse is enough
_AROUND_MS: Final = 2 * _SAMPLED_MS
_LEAST_MS: Final = 1000  # the span of a match: shorter parts do not make one
_LEAST_OTHER_MS: Final = 2000  # of other footage in both, to call them different
_EDGE_MS: Final = 2000  # a fade or a black second before an intro
# 1.8 % of unrelated frames are nearer (``chance.BACKGROUND``), copies under any edit that leaves
# something of them mostly are: a variant with a sticker on its second half is no other footage.
_UNRELATED_BITS: Final = 108
_LEAST_CHANCE: Final = 1e-3  # as for a near match


@dataclass(frozen=True, slots=True)
class Part:
    """What a clip shows of one reference: an alignment with a track of it.

    ``group``: what footage the reference belongs to; None is known to belong to nothing else.
    """

    reference: int
    group: str | None
    track: Track
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Card:
    """One picture that a clip shows from end to end, and the row of a reference's track, among
    moving ones, that shows it as well. ``group``: as of a ``Part``.
    """

    reference: int
    group: str | None
    track: Track
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """What a reference shows within half a minute of a card.

    ``dense``: uint8 (n, 32); ``beside``: of what is sampled the hashes that show something else.
    ``first``, ``last``: whether it begins, and whether it ends with the card.
    """

    dense: NDArray[np.uint8]
    beside: NDArray[np.uint8]
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two references that share pictures in this range of the clip, and else show other footage.

    ``leading``: both begin or both end with the shared pictures.
    """

    references: frozenset[int]
    clip: Range
    leading: bool


def common_ranges(parts: Sequence[Part]) -> list[Range]:
    """The clip's ranges, in ms, that are common to different footage; ``parts`` strongest first.

    Two references are enough where both begin or both end with the shared pictures, as intros do.
    Elsewhere three have to differ from one another: an excerpt of an attack often stands in
    the whole recording and in one compilation.
    """
    pairs = [
        _Pair(frozenset((one.reference, other.reference)), both, leading)
        for one, other, both in islice(_candidates(parts), _COMPARISONS)
        for leading in [_differ_beside(one, other, both)]
        if leading is not None
    ]
    return [pair.clip for pair in pairs if pair.leading] + list(_triples(pairs))


def is_common_picture(cards: Sequence["Card"]) -> bool:
    """Whether the one picture that a clip shows is common to different footage; strongest first.

    As for ``common_ranges``: two references that both begin or both end with it, else three.
    """
    kept = {card.reference: card for card in cards[:_WITNESSES]}
    around = {number: _around(card) for number, card in kept.items()}
    pairs = [
        _Pair(frozenset((one, other)), (0, _LEAST_MS), _lead(mine, theirs))
        for one, other in combinations(kept, 2)
        for mine, theirs in [(around[one], around[other])]
        if mine is not None
        and theirs is not None
        and _are_of_different_groups(kept[one].group, kept[other].group)
        and _is_other_footage(mine, theirs)
    ]
    return any(pair.leading for pair in pairs) or any(_triples(pairs))


def outside(track: Track, ranges: Sequence[Range]) -> NDArray[np.bool_]:
    """The rows of a clip's track that are in none of these ranges, bool (n,).

    Nor within half a second of one: alignments end a sampled frame or two early.
    """
    kept = np.ones(len(track), np.bool_)
    for start_ms, end_ms in ranges:
        kept &= (track.times_ms < start_ms - _AROUND_MS) | (track.times_ms > end_ms + _AROUND_MS)
    return kept


def only(track: Track, hits: Hits, kept: NDArray[np.bool_]) -> tuple[Track, Hits]:
    """A clip's track and its hits with these rows only, as if no other frame had been sampled."""
    if kept.all():
        return track, hits
    return track.select(kept), hits.among(kept)


def _candidates(parts: Sequence[Part]) -> Iterator[tuple[Part, Part, Range]]:
    """What may be worth a comparison, and the range of the clip that shows both."""
    for one, other in combinations(_witnesses(parts), 2):
        both = _overlap(_clip(one), _clip(other))
        if both is not None and _comparable(one, other):
            yield one, other, both


def _witnesses(parts: Sequence[Part]) -> list[Part]:
    """All parts of the references that are compared: each group's strongest before its next."""
    ranks: dict[int, tuple[int, int]] = {}
    members: dict[str, int] = {}
    for part in parts:
        if part.reference not in ranks:
            rank = members.get(part.group, 0) if part.group is not None else 0
            if part.group is not None:
                members[part.group] = rank + 1
            ranks[part.reference] = (rank, len(ranks))
    chosen = sorted(ranks, key=lambda reference: ranks[reference])[:_WITNESSES]
    return [part for part in parts if part.reference in chosen]


def _comparable(one: Part, other: Part) -> bool:
    """Whether they are different references, not of one group, that the clip shows alike."""
    if one.reference == other.reference or one.track.algorithm != other.track.algorithm:
        return False
    mine, theirs = one.alignment.view, other.alignment.view
    return _are_of_different_groups(one.group, other.group) and (
        (mine.mirrored, mine.turned_deg, mine.negative)
        == (theirs.mirrored, theirs.turned_deg, theirs.negative)
    )


def _are_of_different_groups(one: str | None, other: str | None) -> bool:
    return one is None or one != other


def _clip(part: Part) -> Range:
    return part.alignment.clip_start_ms, part.alignment.clip_end_ms


def _overlap(one: Range, other: Range) -> Range | None:
    both = max(one[0], other[0]), min(one[1], other[1])
    return both if both[1] - both[0] >= _LEAST_MS else None


def _triples(pairs: Sequence[_Pair]) -> Iterator[Range]:
    """The ranges that three references share of which any two show other footage beside."""
    for one, other in combinations(pairs, 2):
        if len(one.references & other.references) != 1:
            continue
        both = _overlap(one.clip, other.clip)
        third = one.references ^ other.references
        for closing in pairs:
            if both is not None and closing.references == third:
                every = _overlap(both, closing.clip)
                if every is not None:
                    yield every


def _differ_beside(one: Part, other: Part, both: Range) -> bool | None:
    """Whether two references show other footage beside what the clip shows of both in ``both``.

    None where they do not, or where that cannot be told; else whether the shared pictures lead
    into both, or out of both. They have to be the smaller part of both: what a reference mostly
    consists of is what it was listed for.
    """
    mine, theirs = _Window.of(one, both), _Window.of(other, both)
    if mine is None or theirs is None:
        return None
    lines = _lines(mine.sampled, theirs.track)
    line = next((line for line in lines if _covers(line, mine.shown)), None)
    if line is None or any(
        _length_ms(spans) >= BULK_SHARE * len(window.sampled) * _SAMPLED_MS
        for window, spans in (
            (mine, [(line.clip_start_ms, line.clip_end_ms) for line in lines]),
            (theirs, [(line.reference_start_ms, line.reference_end_ms) for line in lines]),
        )
    ):
        return None
    if not any(_unrelated(mine, theirs, line, before=before) for before in (True, False)):
        return None
    return _leads(mine.whole, theirs.whole, line)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A reference's frames around the part of it that is ``shown``, in ms of the reference.

    ``sampled``: those of ``track`` that show at every quarter of a second; ``whole``: from the
    first to the last hashed frame of the reference, so that black at its ends is no part of it.
    """

    track: Track
    sampled: Track
    shown: Range
    whole: Range

    @classmethod
    def of(cls, part: Part, clip: Range) -> "_Window | None":
        """None where the clip shows most of what is there, or too much for an intro."""
        first, last = sorted(np.rint(part.alignment.at(np.array(clip))).astype(int).tolist())
        if last - first >= 2 * _BESIDE_MS:
            return None
        track = part.track
        ends_ms = track.times_ms + track.spans_ms
        near = (ends_ms >= first - _BESIDE_MS) & (track.times_ms <= last + _BESIDE_MS)
        around = track.select(near)
        sampled = _sampled(around, (first - _BESIDE_MS, last + _BESIDE_MS))
        if last - first >= BULK_SHARE * len(sampled) * _SAMPLED_MS:
            return None
        return cls(around, sampled, (first, last), (int(track.times_ms[0]), int(ends_ms[-1])))


def _sampled(track: Track, within: Range) -> Track:
    """What shows at every quarter of a second; nothing where no frame was hashed."""
    first, last = int(track.times_ms[0]), int(track.times_ms[-1] + track.spans_ms[-1])
    times_ms = np.arange(max(first, within[0]), min(last, within[1]) + 1, _SAMPLED_MS)
    rows = track.rows_at(times_ms)
    shown = times_ms <= track.times_ms[rows] + track.spans_ms[rows] + _SAMPLED_MS
    times_ms = times_ms[shown]
    return replace(track.select(rows[shown]), times_ms=times_ms, spans_ms=np.zeros_like(times_ms))


def _lines(sampled: Track, track: Track) -> list[Alignment]:
    """Where two references show the same, strongest first; ``sampled`` stands for the clip."""
    index = Index(track.algorithm, [Fingerprint(Kind.VIDEO, 0, (track,))])
    tries = float(len(sampled) * len(track) * 2 * len(SPEEDS))
    return [
        line
        for hits in index.search(sampled, chance.LOOSE_BITS)
        for line in align(sampled, hits)
        if chance.expected_false_alarms(line.evidence_nats, tries) <= _LEAST_CHANCE
    ]


def _covers(line: Alignment, shown: Range) -> bool:
    both = min(line.clip_end_ms, shown[1]) - max(line.clip_start_ms, shown[0])
    return 2 * both >= shown[1] - shown[0]


def _unrelated(mine: _Window, theirs: _Window, line: Alignment, *, before: bool) -> bool:
    """Whether on this side of what is shared both go on, each with pictures of its own."""
    times_ms = mine.sampled.times_ms
    beside = times_ms < line.clip_start_ms if before else times_ms > line.clip_end_ms
    expected_ms = line.at(times_ms)
    rows = theirs.sampled.rows_at(expected_ms)
    late_ms = expected_ms - theirs.sampled.times_ms[rows]
    beside &= (rows >= 0) & (late_ms <= _SAMPLED_MS)
    if np.count_nonzero(beside) * _SAMPLED_MS < _LEAST_OTHER_MS:
        return False
    apart = bits.distances(mine.sampled.hashes[beside], theirs.sampled.hashes[rows[beside]])
    return float(np.median(apart)) >= _UNRELATED_BITS


def _leads(mine: Range, theirs: Range, line: Alignment) -> bool:
    """Whether the shared pictures are at the beginning of both references, or the end of both."""
    shared = line.clip_start_ms, line.clip_end_ms
    other = line.reference_start_ms, line.reference_end_ms
    return any(
        abs(shared[end] - mine[end]) <= _EDGE_MS and abs(other[end] - theirs[end]) <= _EDGE_MS
        for end in (0, 1)
    )


def _around(card: Card) -> _Around | None:
    """None where the card is most of what is there, or nearly all: then it was listed for it."""
    track, ends_ms = card.track, card.track.times_ms + card.track.spans_ms
    shown = bits.distances(track.hashes, track.hashes[[card.row]]) <= chance.STILL_COPY_BITS
    within = int(track.times_ms[card.row]) - _BESIDE_MS, int(ends_ms[card.row]) + _BESIDE_MS
    near = (ends_ms >= within[0]) & (track.times_ms <= within[1])
    dense = track.select(near)
    sampled = _sampled(dense, within)
    is_card = shown[near][dense.rows_at(sampled.times_ms)]
    beside_ms = int(np.count_nonzero(~is_card)) * _SAMPLED_MS
    if beside_ms < max(_LEAST_OTHER_MS, BULK_SHARE * len(sampled) * _SAMPLED_MS):
        return None
    showing_ms = track.times_ms[shown][0], ends_ms[shown][-1]
    return _Around(
        dense.hashes,
        sampled.hashes[~is_card],
        first=bool(showing_ms[0] - track.times_ms[0] <= _EDGE_MS),
        last=bool(ends_ms[-1] - showing_ms[1] <= _EDGE_MS),
    )


def _lead(mine: _Around, theirs: _Around) -> bool:
    return (mine.first and theirs.first) or (mine.last and theirs.last)


def _is_other_footage(mine: _Around, theirs: _Around) -> bool:
    """Whether what both show beside the card is not, for the most part, each in the other."""
    return all(
        float(np.median(bits.distance_matrix(one.beside, other.dense).min(axis=1)))
        > chance.LOOSE_BITS
        for one, other in ((mine, theirs), (theirs, mine))
    )


def _length_ms(ranges: Sequence[Range]) -> int:
    return sum(end - start for start, end in ranges)
