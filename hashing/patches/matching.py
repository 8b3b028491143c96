"""Matching by patches: from time lines to findings, as ``hashing.matching`` gives them.

What whole frames cannot tell is asked here: crops, windows, turns by any angle, screens filmed off.
The verdict is drawn by the same policy. Pictures that are common to different footage carry no
match here either.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import chance, commonplace, ranges, shared, verdict
from hashing.alignment import Alignment
from hashing.fingerprint import PHASH, Algorithm, Fingerprint, Track
from hashing.matching import Finding, is_unchanged
from hashing.patch_track import ORB, TILES, Look, PatchTrack
from hashing.patches import geometry
from hashing.patches import leads as leading
from hashing.patches.index import PatchIndex
from hashing.patches.leads import Lead
from hashing.patches.searching import Seen, search
from hashing.ranges import Range
from hashing.timelines import SPEEDS
from hashing.verdict import DecisionPolicy, Verdict
from hashing.views import View, Window

_LEAST_KEY_FRAMES: Final = 36_000  # ten hours


@dataclass(frozen=True, slots=True)
class Owner:
    """A listed reference that has patch hashes.

    ``number`` in its list and ``group`` as in ``ListIndex``; ``duration_ms`` is its fingerprint's.
    """

    number: int
    group: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class PatchPart:
    """The patch hashes of some references, searchable, never changed.

    ``keys``: whose each of the index's tracks is, by a name that stays when lists change.
    ``tiles``: by the same names, the tiles of their pictures, which are looked up by nothing else.
    """

    keys: tuple[str, ...]
    index: PatchIndex
    tiles: Mapping[str, tuple[PatchTrack, ...]]

    @classmethod
    def of(cls, references: Iterable[tuple[str, Iterable[PatchTrack]]]) -> "PatchPart":
        """A part of these. Tracks made in other ways are left out: nothing compares with them."""
        owned: list[tuple[str, PatchTrack]] = []
        tiles: dict[str, tuple[PatchTrack, ...]] = {}
        for key, tracks in references:
            every = tuple(tracks)
            owned += [(key, track) for track in every if track.algorithm == ORB]
            tiles[key] = (
                *tiles.get(key, ()),
                *(track for track in every if track.algorithm == TILES),
            )
        index = PatchIndex([track for _, track in owned])
        return cls(tuple(key for key, _ in owned), index, tiles)

    def tracks(self) -> Iterator[tuple[str, PatchTrack]]:
        """Whose each track is, and the track."""
        yield from zip(self.keys, self.index.tracks, strict=True)
        for key, tiles in self.tiles.items():
            yield from ((key, track) for track in tiles)


@dataclass(frozen=True, slots=True)
class Asking:
    """A clip that is checked: its patches in some looks, its fingerprint, and by what to judge.

    ``tries``: how many time lines the whole check tries, on all lists.
    """

    tracks: tuple[PatchTrack, ...]
    fingerprint: Fingerprint
    tries: float
    policy: DecisionPolicy

    def among(self, tracks: Iterable[PatchTrack]) -> "Asking":
        """The same clip with these patches only."""
        return replace(self, tracks=tuple(tracks))


@dataclass(frozen=True, slots=True)
class _Look:
    """What the clip's patches show of one reference."""

    owner: Owner
    alignment: Alignment
    finding: Finding


@dataclass(frozen=True, slots=True)
class Shown:
    """What patches show: findings, best first, and leads to what is not sure."""

    findings: tuple[Finding, ...]
    leads: tuple[Lead, ...]


class PatchedList:
    """All references of a list that have patch hashes, searchable."""

    def __init__(
        self,
        parts: Sequence[PatchPart],
        owners: Mapping[str, Owner],
        fingerprint: Callable[[int], Fingerprint],
    ) -> None:
        """``owners``: the listed references by their keys; what else is in the parts is not found.

        ``fingerprint``: gives a reference's, by its number; asked for where several are found.
        """
        self._parts = tuple(parts)
        self._owners = dict(owners)
        self._numbered = {owner.number: owner for owner in owners.values()}
        self._fingerprint = fingerprint

    @property
    def key_frames(self) -> int:
        """Key frames of all references: what a clip's frame is compared with."""
        return sum(part.index.key_frames for part in self._parts)

    def owner(self, number: int) -> Owner:
        """The listed reference with this number."""
        return self._numbered[number]

    def common(self, shown: Sequence[tuple[Finding, Alignment]]) -> tuple[Range, ...]:
        """The clip's ranges that are common to references of different footage; strongest first.

        Asked for only where one of several findings is a match: references are read for it.
        """
        if len(shown) < 2 or all(one.verdict is not Verdict.MATCH for one, _ in shown):
            return ()
        parts = [self._part(one.reference, alignment) for one, alignment in shown]
        return ranges.united(shared.common_ranges([one for one in parts if one is not None]))

    def _part(self, number: int, alignment: Alignment) -> shared.Part | None:
        """What the clip shows of a reference; None where that has no whole frames."""
        track = _whole_frames(self._fingerprint(number), alignment.stream)
        group = self._numbered[number].group
        return None if track is None else shared.Part(number, group, track, alignment)

    def match(self, clip: Asking) -> list[Finding]:
        """The findings in this list, best first."""
        return list(self.shown(clip).findings)

    def shown(self, clip: Asking) -> Shown:
        """What the clip's patches show of this list."""
        asking = clip.among(_without_commonplace(one, clip.fingerprint) for one in clip.tracks)
        leads: list[Lead] = []
        looks = self._look(asking, leads)
        strongest = sorted(looks.values(), key=lambda one: one.finding.chance)
        common = self.common([(one.finding, one.alignment) for one in strongest])
        if common:
            strongest = [self._without(one, asking, common) for one in strongest]
        found = [one.finding for one in strongest if one.finding.verdict is not Verdict.NO_MATCH]
        found.sort(key=lambda one: (one.verdict is not Verdict.MATCH, one.chance))
        return Shown(tuple(found), tuple(leads))

    def _look(self, clip: Asking, leads: list[Lead] | None = None) -> dict[int, _Look]:
        """The strongest line of each reference that is seen, by its number; ``leads`` get more."""
        looks: dict[int, _Look] = {}
        for track, part in product(clip.tracks, self._parts):
            among = np.array([key in self._owners for key in part.keys], np.bool_)
            for seen in search(track, part.index, None if among.all() else among):
                owner = self._owners.get(part.keys[seen.track_number])
                if owner is None:
                    continue  # no longer listed
                alignment = _alignment(seen, clip.fingerprint)
                where = window(seen)
                found = finding(ORB, where, owner, alignment, clip)
                tiles = part.tiles.get(part.keys[seen.track_number], ())
                lead = None if leads is None else leading.of(seen, owner.number, where, tiles)
                if leads is not None and lead is not None:
                    leads.append(lead)
                before = looks.get(owner.number)
                if before is None or found.chance < before.finding.chance:
                    looks[owner.number] = _Look(owner, alignment, found)
        return looks

    def _without(self, look: _Look, clip: Asking, common: tuple[Range, ...]) -> _Look:
        """The look by what lies outside the common ranges; never less than a near match."""
        found = look.finding
        inside = ranges.intersection(found.clip_ranges_ms, common)
        if not inside or found.reference_coverage >= shared.BULK_SHARE:
            return look
        outside = clip.among(_among(one, is_outside(one.times_ms, common)) for one in clip.tracks)
        rest = self._look(outside).get(found.reference)
        weighed = by_the_rest(found, None if rest is None else rest.finding, inside, clip.policy)
        return replace(look, finding=weighed)


def tries(clip: Sequence[PatchTrack], key_frames: int) -> float:
    """Time lines that a check tries: each of the clip's frames in each look on each key frame.

    A small list is priced as ten hours are: patches are measured on fewer scenes than whole frames,
    and what is alike in other ways than by chance is no rarer for a short list.
    """
    frames = max((track.key_frames for track in clip), default=0)
    return float(max(1, frames * len(Look)) * max(_LEAST_KEY_FRAMES, key_frames))


def is_commonplace(
    times_ms: NDArray[np.int64], stream: int, clip: Fingerprint
) -> NDArray[np.bool_]:
    """At which of these times a clip's video track shows a picture of the built-in set (test cards
    and such), bool (k,)."""
    times = commonplace.times_ms(clip, [times_ms], cropped=True)
    shown = [found for (one, _), found in times.items() if one == stream]
    return np.isin(times_ms, np.concatenate([np.zeros(0, np.int64), *shown]))


def _without_commonplace(track: PatchTrack, clip: Fingerprint) -> PatchTrack:
    return _among(track, ~is_commonplace(track.times_ms, track.stream, clip))


def view_of(look: Look) -> View:
    """A look as whole frames have it: turns and squeezes are in the window."""
    return View(mirrored=look is Look.MIRRORED, negative=look is Look.NEGATIVE)


def is_outside(times_ms: NDArray[np.int64], ranges: Sequence[Range]) -> NDArray[np.bool_]:
    """Which of these times lie in none of the ranges, bool (k,)."""
    kept = np.ones(len(times_ms), np.bool_)
    for start_ms, end_ms in ranges:
        kept &= (times_ms < start_ms) | (times_ms > end_ms)
    return kept


def _among(track: PatchTrack, kept: NDArray[np.bool_]) -> PatchTrack:
    """A clip's track without the patches that a frame has that is not kept, bool (k,)."""
    if kept.all():
        return track
    left_out = np.concatenate([[0], np.cumsum(~kept)])
    return track.select(left_out[track.lasts.astype(np.int64) + 1] == left_out[track.firsts])


def _alignment(seen: Seen, clip: Fingerprint) -> Alignment:
    """The time line as ``hashing.alignment`` has it: from half a step before to half a step after.

    Patches are taken of few frames; what lies between two of them is shown as they are.
    """
    line, sightings = seen.line, seen.line.sightings
    first, last = sightings[0].clip_frame, sightings[-1].clip_frame
    times_ms = seen.clip.times_ms
    start_ms = int(times_ms[first - 1] + times_ms[first]) // 2 if first else 0
    has_next = last + 1 < len(times_ms)
    end_ms = int(times_ms[last] + times_ms[last + 1]) // 2 if has_next else clip.duration_ms
    last_key_ms = int(seen.reference.times_ms[-1])
    ends_ms = line.line.at(np.array([start_ms, end_ms])).clip(0, None)
    # Behind the last key frame the reference goes on for a second at most.
    ends_ms = np.sort(ends_ms.clip(0, last_key_ms + 1000)).astype(np.int64)
    distances = np.concatenate([one.fit.distances for one in sightings])
    return Alignment(
        view=view_of(seen.clip.look),
        stream=seen.clip.stream,
        speed=round(line.line.speed, 4),
        clip_start_ms=start_ms,
        clip_end_ms=max(end_ms, start_ms),
        reference_start_ms=int(ends_ms[0]),
        reference_end_ms=int(ends_ms[1]),
        frames=line.frames,
        frames_matched=len(sightings),
        frames_alike=0,  # of whole frames, which say nothing here
        frames_same=0,
        distinct_hits=line.distinct,
        mean_distance_bits=float(distances.mean()),
        agreement=line.agreement,
        evidence_nats=line.evidence_nats,
    )


def finding(
    algorithm: Algorithm, where: Window, owner: Owner, alignment: Alignment, clip: Asking
) -> Finding:
    """What a line says of a reference whose picture patches have placed there."""
    speeds = 2.0 * (1 if is_unchanged(alignment.speed) else len(SPEEDS) - 1)
    false_alarms = chance.expected_false_alarms(alignment.evidence_nats, clip.tries * speeds)
    clip_ranges = ((alignment.clip_start_ms, alignment.clip_end_ms),)
    reference_ms = owner.duration_ms
    ends = alignment.reference_start_ms, min(alignment.reference_end_ms, reference_ms)
    return Finding(
        reference=owner.number,
        verdict=verdict.by_time(alignment, false_alarms, clip.policy),
        algorithm=algorithm,
        view=where,
        speed=alignment.speed,
        chance=false_alarms,
        frames=alignment.frames,
        frames_matched=alignment.frames_matched,
        distinct_hits=alignment.distinct_hits,
        mean_distance_bits=alignment.mean_distance_bits,
        agreement=alignment.agreement,
        clip_ranges_ms=clip_ranges,
        reference_ranges_ms=(ends,),
        clip_coverage=ranges.share(clip_ranges, clip.fingerprint.duration_ms),
        reference_coverage=ranges.share((ends,), reference_ms),
    )


def by_the_rest(
    all_of_it: Finding, rest: Finding | None, inside: tuple[Range, ...], policy: DecisionPolicy
) -> Finding:
    """A finding of which these ranges are common, by what the rest of the clip says; never less
    than a near match."""
    if rest is not None and rest.verdict is Verdict.MATCH:
        return replace(all_of_it, chance=rest.chance, common_ranges_ms=inside)
    rest_chance = 1.0 if rest is None else rest.chance
    return replace(
        all_of_it,
        verdict=Verdict.NEAR_MATCH,
        chance=max(all_of_it.chance, min(rest_chance, policy.near_chance)),
        common_ranges_ms=inside,
    )


def window(seen: Seen) -> Window:
    """Where the reference is seen in the clip: the median of where its key frames lie.

    A key frame is up to half a second away from the moment that the clip shows.
    """
    shown = seen.line.sightings
    sizes = seen.clip.sizes[[one.clip_frame for one in shown]].astype(np.float64)
    corners = _corners(seen.reference.sizes[shown[0].key_frame])
    placed = np.median(
        [
            geometry.mapped(one.fit.matrix, corners) / size
            for one, size in zip(shown, sizes, strict=True)
        ],
        axis=0,
    )
    (left, top), (right, bottom) = placed.min(axis=0).clip(0, 1), placed.max(axis=0).clip(0, 1)
    mirrored = seen.clip.look is Look.MIRRORED
    if mirrored:
        left, right = 1 - right, 1 - left
    linear = np.median([one.fit.matrix[:, :2] for one in shown], axis=0)
    turned = -np.degrees(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
    return Window(
        left=round(float(left), 2),
        top=round(float(top), 2),
        right=round(float(right), 2),
        bottom=round(float(bottom), 2),
        turned_deg=round(float(-turned if mirrored else turned)),
        scale=round(float(np.sqrt(abs(np.linalg.det(linear)))), 2),
        mirrored=mirrored,
        negative=seen.clip.look is Look.NEGATIVE,
    )


def _corners(size: NDArray[np.uint8]) -> NDArray[np.float64]:
    width, height = size
    return np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)


def _whole_frames(reference: Fingerprint, stream: int) -> Track | None:
    tracks = [track for track in reference.of(PHASH) if len(track)]
    same = [track for track in tracks if track.stream == stream]
    return next(iter(same or tracks), None)
