"""Leads: references that patches see in a clip without being sure, and where to look for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import Look
from hashing.patches.placing import Placing
from hashing.patches.searching import Seen
from hashing.views import Window

_LEAST_SIGHTINGS: Final = 3  # two are found by accident in one clip of three
# Less of the picture says little of it as a whole. Halves are 58 to 100 bits from their reference
# where edges fill in the rest, a third 66 to 108; what is pointed to by mistake 94 and more.
_LEAST_SHARE: Final = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """A reference's number in its list, how its picture lies in the clip, and that as a view.

    ``cells``: in how many cells patches agree, in all frames together.
    """

    reference: int
    placing: Placing
    window: Window
    cells: int


def of(seen: Seen, reference: int, window: Window) -> Lead | None:
    """What this time line is a lead to; None where too little is seen, or too seldom."""
    shown = seen.line.sightings
    if len(shown) < _LEAST_SIGHTINGS:
        return None
    placing = _placing(seen)
    if placing.share_inside < _LEAST_SHARE:
        return None
    return Lead(reference, placing, window, sum(one.cells for one in shown))


def strongest(leads: Iterable[Lead], most: int) -> list[Lead]:
    """So many of these, one a reference, the strongest first."""
    chosen: dict[int, Lead] = {}
    for one in sorted(leads, key=lambda one: -one.cells):
        chosen.setdefault(one.reference, one)
    return list(chosen.values())[:most]


def _placing(seen: Seen) -> Placing:
    shown = seen.line.sightings
    return Placing(
        stream=seen.clip.stream,
        mirrored=seen.clip.look is Look.MIRRORED,
        negative=seen.clip.look is Look.NEGATIVE,
        times_ms=seen.clip.times_ms[[one.clip_frame for one in shown]],
        maps=np.array(
            [
                _in_shares(
                    one.fit.matrix,
                    seen.reference.sizes[one.key_frame],
                    seen.clip.sizes[one.clip_frame],
                )
                for one in shown
            ]
        ),
    )


def _in_shares(
    matrix: NDArray[np.float64], reference: NDArray[np.uint8], clip: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """The same map of shares, where these are the sizes that places are units of: (2, 3)."""
    scaled: NDArray[np.float64] = matrix * np.append(reference.astype(np.float64), 1.0)
    scaled /= clip.astype(np.float64)[:, None]
    return scaled
