"""Spread: whether what agrees lies all over the picture, or along a line of text.

In a copy patches agree wherever the picture has any. Captions that come and go, words and times
alike, agree as well as a copy does and are new each time, but they lie in a stripe.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patches import geometry
from hashing.patches.comparing import Comparison
from hashing.patches.geometry import Sighting

# Standard deviation across the narrower way, in shares of the side of the reference's picture as
# far as the clip shows it. A stripe of a sixth of the side has 0.05, evenly filled. Captions of one
# template have 0.02 to 0.04, the least of 150 copies 0.058; docs/explanation/patches.md.
_STRIPE, _PICTURE = 0.045, 0.065
_GRID: Final = 12  # places a side at which it is looked up what the clip shows
_LEAST_PLACES: Final = 5


def of(sightings: Sequence[Sighting], compared: Comparison) -> float:
    """From 0 to 1: 1 where patches agree all over the picture, 0 where they lie in a stripe."""
    places = np.concatenate([_cells(one) for one in sightings])
    if len(places) < _LEAST_PLACES:
        return 0.0
    narrow = float(np.sqrt(np.linalg.eigvalsh(np.cov(places.T))[0].clip(0.0)))
    side = float(np.sqrt(np.median([_shown_area(one, compared) for one in sightings])))
    share = narrow / max(1.0, side)
    return float(np.clip((share - _STRIPE) / (_PICTURE - _STRIPE), 0.0, 1.0))


def _cells(one: Sighting) -> NDArray[np.float64]:
    """The cells of the reference in which patches agree, each once: float64 (n, 2), in units."""
    cells = geometry.distinct_cells(one.fit.reference.places)
    return cells.astype(np.float64) * geometry.CELL_UNITS


def _shown_area(one: Sighting, compared: Comparison) -> float:
    """How much of the reference's picture the clip's frame shows, in square units."""
    size = compared.reference.sizes[one.key_frame].astype(np.float64)
    steps = np.linspace(0.0, 1.0, _GRID)
    places = np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=-1).reshape(-1, 2)
    placed = geometry.mapped(one.fit.matrix, places)
    shown = ((placed >= 0) & (placed <= compared.clip.sizes[one.clip_frame])).all(axis=1)
    return float(shown.mean() * size.prod())
