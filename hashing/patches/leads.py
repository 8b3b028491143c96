"""Leads: references that patches see in a clip without being sure, and where to look for them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import Look, PatchTrack
from hashing.patches import geometry, pooling
from hashing.patches.placing import Placing
from hashing.patches.searching import Seen
from hashing.views import Window

_LEAST_SIGHTINGS: Final = 3  # two are found by accident in one clip of three
# Less of the picture says little of it as a whole. Halves are 58 to 100 bits from their reference
# where edges fill in the rest, a third 66 to 108; what is pointed to by mistake 94 and more.
_LEAST_SHARE: Final = 0.45
MOST_PLACEMENTS: Final = 4  # of one lead
MOST_WHOLE: Final = 3  # of these are compared as a whole
_LEAST_TILED: Final = 0.1  # of a tenth one tile may be whole
# Where a plane is seen from the side, an affine map puts patches wrong, and by more towards its
# edges. The best frames of screens that are filmed across a room come from 78 bits to 48 so.
# Medians over copies: 0.94 to 1.05 of flat ones, 0.53 to 0.92 of most that are tilted.
_CLEARLY_NEARER: Final = 0.9
_ROUNDED: Final = 0.3  # places are rounded to whole units: a map is not nearer than that
_CLEAR_PATCHES: Final = 16  # four times what a map needs; frames with fewer are out of place


@dataclass(frozen=True, slots=True)
class Placement:
    """A way in which a picture may lie in a clip, and whether enough of it is there to be compared
    as a whole, or its tiles only."""

    placing: Placing
    as_a_whole: bool


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """A reference's number in its list, where its picture is seen in the clip, and that as a view.

    ``cells``: in how many cells patches agree, in all frames together; ``tiles``: the reference's.
    """

    reference: int
    seen: Seen
    window: Window
    cells: int
    tiles: tuple[PatchTrack, ...] = ()

    def placed(self) -> Iterator[Placement]:
        """The ways in which the picture may lie in the clip: all over the frame, as patches say in
        each frame, in one place all the time, or where only the camera moves.

        A picture that fills the frame was compared as it is, in more frames; its tiles were not.
        Looked at again along a map that is a little off, screens of one layout come nearer to each
        other.
        """
        placing = self.placing()
        if placing.may_fill_the_frame:
            yield Placement(placing.filling, as_a_whole=False)
        if not placing.fills_the_frame:
            as_a_whole = placing.share_inside >= _LEAST_SHARE
            yield Placement(placing, as_a_whole)
            yield Placement(placing.steadied, as_a_whole)
            pooled = pooling.maps(self.seen) if placing.wanders else None
            if pooled is not None:
                yield Placement(_placing(self.seen, range(len(pooled)), list(pooled)), as_a_whole)

    def placing(self) -> Placing:
        """How the picture lies in the clip: with perspective where patches are nearer so."""
        shown = self.seen.line.sightings
        clear = [one for one in shown if len(one.fit.clip) >= _CLEAR_PATCHES]
        used = clear if len(clear) >= _LEAST_SIGHTINGS else shown
        maps = [geometry.flat(one.fit) for one in used]
        tilted = [geometry.perspective(one.fit) for one in used]
        nearer = [
            geometry.off_units(other, one.fit) / max(_ROUNDED, geometry.off_units(own, one.fit))
            for own, other, one in zip(maps, tilted, used, strict=True)
            if other is not None
        ]
        if nearer and np.median(nearer) <= _CLEARLY_NEARER:
            maps = [
                own if other is None else other for own, other in zip(maps, tilted, strict=True)
            ]
        return _placing(self.seen, [one.clip_frame for one in used], maps)


def of(
    seen: Seen, reference: int, window: Window, tiles: tuple[PatchTrack, ...] = ()
) -> Lead | None:
    """What this time line is a lead to; None where too little is seen, or too seldom."""
    shown = seen.line.sightings
    if len(shown) < _LEAST_SIGHTINGS:
        return None
    frames = [one.clip_frame for one in shown]
    placing = _placing(seen, frames, [geometry.flat(one.fit) for one in shown])
    if placing.share_inside < _LEAST_TILED or (placing.fills_the_frame and not tiles):
        return None
    return Lead(reference, seen, window, sum(one.cells for one in shown), tiles)


def strongest(leads: Iterable[Lead], most: int) -> list[Lead]:
    """So many of these, one a reference, the strongest first."""
    chosen: dict[int, Lead] = {}
    for one in sorted(leads, key=lambda one: -one.cells):
        chosen.setdefault(one.reference, one)
    return list(chosen.values())[:most]


def _placing(seen: Seen, frames: Sequence[int], maps: Sequence[NDArray[np.float64]]) -> Placing:
    """These maps of places, in these frames, as maps of shares of the frames' sides."""
    size = _sides(seen.reference, seen.line.sightings[0].key_frame)
    return Placing(
        seen.clip.stream,
        seen.clip.look is Look.MIRRORED,
        seen.clip.look is Look.NEGATIVE,
        times_ms=seen.clip.times_ms[list(frames)],
        maps=np.array(
            [
                map_ * size / _sides(seen.clip, frame).T
                for map_, frame in zip(maps, frames, strict=True)
            ]
        ),
    )


def _sides(track: PatchTrack, frame: int) -> NDArray[np.float64]:
    """A key frame's width and height in units of places, and 1: float64 (1, 3)."""
    return np.append(track.sizes[frame].astype(np.float64), 1.0)[None]
