"""Matching by tiles: from pictures that patches have placed in a clip to findings.

The verdict is drawn by the same policy as that of whole frames, on the strongest tile's line. More
is asked of the others: most of what changes may be other footage, under the same ticker or logo.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import ranges, shared
from hashing.alignment import Alignment
from hashing.matching import Finding
from hashing.patch_track import TILES
from hashing.patches.leads import Lead
from hashing.patches.matching import (
    Asking,
    PatchedList,
    by_the_rest,
    finding,
    is_commonplace,
    is_outside,
    view_of,
)
from hashing.ranges import Range
from hashing.tiles.comparing import ClipTiles, Tiled, compare
from hashing.verdict import DecisionPolicy, Verdict

# Of all change, what a clip and its reference have in common (`python -m benchmarks.tiles`). Where
# most of the picture is there 27 of 28 hard copies that agree outside of a stripe have 0.25 and
# more, decoys 0.09 and less; in a stripe a test card's counter has 0.31. Where a part is there 22
# of 23 copies have 0.38 and more, crops of decoys to their captions 0.37 at most. A still shot's
# tiles are nearly all alike, those of other footage above a ticker are not.
_COMMON: Final = 0.25
_CLEARLY_COMMON: Final = 0.38
_NEVER: Final = 1.001  # more than all change
_MOSTLY_ALIKE: Final = 0.8
# Patches tell the moment to a second, and of a still shot not so well. What lies further from it is
# not compared: references may be hours long.
_AROUND_MS: Final = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the tiles of one placed picture show."""

    lead: Lead
    tiles: ClipTiles
    alignment: Alignment
    finding: Finding


def findings(
    placed: Sequence[tuple[Lead, ClipTiles]], patched: PatchedList, clip: Asking
) -> list[Finding]:
    """What leads' tiles, as they were taken out of the clip, show of their references: one finding
    each, best first.

    ``clip.tries``: how many time lines the whole check tries, with all tiles and placings.
    """
    looks: dict[int, _Look] = {}
    left_out = _commonplace_ms([tiles for _, tiles in placed], clip)
    for lead, tiles in placed:
        kept = ~np.isin(tiles.times_ms, left_out[tiles.stream])
        look = _look(lead, tiles.among(kept), patched, clip)
        before = looks.get(lead.reference)
        if look is not None and (before is None or _rank(look) < _rank(before)):
            looks[lead.reference] = look
    strongest = sorted(looks.values(), key=_rank)
    common = patched.common([(one.finding, one.alignment) for one in strongest])
    if common:
        strongest = [_without(one, patched, clip, common) for one in strongest]
    return [one.finding for one in sorted(strongest, key=_rank)]


def _commonplace_ms(every: Sequence[ClipTiles], clip: Asking) -> dict[int, NDArray[np.int64]]:
    """When each video track shows a commonplace picture: looked up once for all placings of it."""
    found: dict[int, NDArray[np.int64]] = {}
    for stream in {one.stream for one in every}:
        times_ms = np.unique(np.concatenate([o.times_ms for o in every if o.stream == stream]))
        found[stream] = times_ms[is_commonplace(times_ms, stream, clip.fingerprint)]
    return found


def _rank(look: _Look) -> tuple[bool, float]:
    return look.finding.verdict is not Verdict.MATCH, look.finding.chance


def _look(lead: Lead, tiles: ClipTiles, patched: PatchedList, clip: Asking) -> _Look | None:
    """What one picture's tiles show; None where they show nothing."""
    view = view_of(lead.seen.clip.look)
    expected_ms = lead.seen.line.line.at(tiles.times_ms)
    if not len(expected_ms):
        return None
    within = int(expected_ms.min()) - _AROUND_MS, int(expected_ms.max()) + _AROUND_MS
    best: Tiled | None = None
    for track in lead.tiles:
        one = compare(tiles, track, view, within)
        if one is not None and _is_stronger(one, best):
            best = one
    if best is None or not _says_enough(best):
        return None
    alignment = _weighed(best, clip.policy)
    found = finding(TILES, lead.window, patched.owner(lead.reference), alignment, clip)
    return None if found.verdict is Verdict.NO_MATCH else _Look(lead, tiles, alignment, found)


def _is_stronger(one: Tiled, other: Tiled | None) -> bool:
    return other is None or one.alignment.evidence_nats > other.alignment.evidence_nats


def _says_enough(one: Tiled) -> bool:
    """Whether what agrees may be the picture, and is not just something that lies over it."""
    if one.is_a_stripe:
        is_all_alike = one.alike >= _MOSTLY_ALIKE
        return one.is_a_part and is_all_alike and one.common_change >= _CLEARLY_COMMON
    return one.common_change >= _COMMON


def _weighed(one: Tiled, policy: DecisionPolicy) -> Alignment:
    """The tile's line, whose agreement is that of the whole picture: enough for a match where as
    much of all change is common as has to be, and never where only a strip is there."""
    needed = _CLEARLY_COMMON if one.is_a_part else _COMMON
    needed = _NEVER if one.is_a_strip else needed
    together = policy.match_agreement * one.common_change / needed
    return replace(one.alignment, agreement=min(one.alignment.agreement, together))


def _without(look: _Look, patched: PatchedList, clip: Asking, common: tuple[Range, ...]) -> _Look:
    """The look by what lies outside the common ranges; never less than a near match."""
    found = look.finding
    inside = ranges.intersection(found.clip_ranges_ms, common)
    if not inside or found.reference_coverage >= shared.BULK_SHARE:
        return look
    outside = is_outside(look.tiles.times_ms, common)
    rest = _look(look.lead, look.tiles.among(outside), patched, clip)
    weighed = by_the_rest(found, None if rest is None else rest.finding, inside, clip.policy)
    return replace(look, finding=weighed)
