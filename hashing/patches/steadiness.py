"""Steadiness: whether a reference stays where it is in a clip's picture.

An edit puts it somewhere and leaves it there, or pans and zooms over it evenly. Two recordings of
one place by two hands also have patches that lie alike, moment by moment, but there the one camera
wanders against the other.

Key frames are a second apart, and meanwhile a reference's own camera may pan. So a moment between
two of them is taken to lie between what they show, and the line is shifted to where the picture
stands stillest: an untrue line has no such place.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patches import geometry
from hashing.patches.comparing import Comparison
from hashing.patches.geometry import Sighting
from hashing.timelines import Line

# How far the picture is from where it should be, in units of the reference's longer side's 255th,
# at the median of the sightings: full agreement up to the first, none from the second on. Of 80
# copies that stand still, hand-held footage and all, 78 have 5.2 at most and all 7.1; other takes
# of hand-held scenes have 10 and more with many sightings.
_STEADY_UNITS: Final = (5.5, 9.0)
# Copies that pan evenly, or are moved once, have 3.5 at most.
_FREER_UNITS: Final = (3.5, 6.0)
# What a fit leaves is less than there is, the more so the fewer sightings: by accident two takes
# have lain as steadily as a copy for four sightings, and panned as evenly for eight.
_PLACE_FREEDOM, _FREER_FREEDOM = 2, 4
_LEAST_FREER: Final = 8  # sightings
_LEAST_STILL: Final = 6  # of these before and after a move
_LEAST_SPREAD_UNITS: Final = 10.0
_ROUNDS: Final = 5  # of reweighted least squares, towards least absolute deviations
_SHIFTS_MS: Final = range(-500, 501, 100)  # half a key frame's interval: a line knows no better


def of(sightings: Sequence[Sighting], compared: Comparison, line: Line) -> float:
    """From 0 to 1: 1 where the picture stands still but for one move, or pans and zooms evenly."""
    if len(sightings) < 2:
        return 1.0
    corners = _corners(sightings)
    clip_ms = compared.clip.times_ms[[one.clip_frame for one in sightings]]
    best = 0.0
    for shift_ms in _SHIFTS_MS:
        expected_ms = line.at(clip_ms) + shift_ms
        matrices = [
            _between(one, compared, float(moment_ms))
            for one, moment_ms in zip(sightings, expected_ms, strict=True)
        ]
        best = max(best, _share_of(matrices, corners, clip_ms.astype(np.float64)))
        if best == 1.0:
            break
    return best


def _between(one: Sighting, compared: Comparison, moment_ms: float) -> NDArray[np.float64]:
    """The map at this moment of the reference: between those of the key frames around it."""
    key_ms = compared.reference.times_ms
    after = int(np.searchsorted(key_ms, moment_ms))
    before = after - 1
    if before < 0 or after >= len(key_ms):
        return one.fit.matrix
    sooner = compared.sighting(one.clip_frame, before)
    later = compared.sighting(one.clip_frame, after)
    if sooner is None or later is None:
        return one.fit.matrix
    share = (moment_ms - key_ms[before]) / (key_ms[after] - key_ms[before])
    mixed: NDArray[np.float64] = (1 - share) * sooner.fit.matrix + share * later.fit.matrix
    return mixed


def _share_of(
    matrices: Sequence[NDArray[np.float64]],
    corners: NDArray[np.float64],
    times_ms: NDArray[np.float64],
) -> float:
    """How steady these maps are, by where they put the four corners."""
    placed = np.stack([geometry.mapped(one, corners) for one in matrices])
    # In units of the reference's size in the clip: a small picture in a picture may not wander any
    # farther for being small.
    sizes = [abs(np.linalg.det(one[:, :2])) for one in matrices]
    places = placed / np.sqrt(np.median(sizes))
    count = len(matrices)
    still = _typical(places - np.median(places, axis=0)) * count / max(1, count - _PLACE_FREEDOM)
    best = _share(still, _STEADY_UNITS)
    if best == 1.0 or count < _LEAST_FREER:
        return best
    freer = min(_typical(places - _even(places, times_ms)), _typical(places - _moved(places)))
    return max(best, _share(freer * count / (count - _FREER_FREEDOM), _FREER_UNITS))


def _corners(sightings: Sequence[Sighting]) -> NDArray[np.float64]:
    """Four places of the reference amid what agrees: a map says little about others."""
    agreeing = np.concatenate([one.fit.reference.places[:, :2] for one in sightings])
    middle = np.median(agreeing, axis=0)
    spread = np.median(np.abs(agreeing - middle), axis=0).clip(_LEAST_SPREAD_UNITS, None)
    corners: NDArray[np.float64] = middle + spread * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    return corners


def _share(off: float, limits: tuple[float, float]) -> float:
    full, none = limits
    return float(np.clip((none - off) / (none - full), 0.0, 1.0))


def _typical(off: NDArray[np.float64]) -> float:
    """The median over sightings of how far their four places are off, by the mean square."""
    return float(np.median(np.sqrt((off**2).sum(axis=2).mean(axis=1))))


def _moved(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the places would be if they stood still but for one move, when it fits them best."""
    best = np.broadcast_to(np.median(places, axis=0), places.shape)
    for moves_at in range(_LEAST_STILL, len(places) - _LEAST_STILL + 1):
        halves = places[:moves_at], places[moves_at:]
        moved = np.concatenate([np.broadcast_to(np.median(h, axis=0), h.shape) for h in halves])
        if _typical(places - moved) < _typical(places - best):
            best = moved
    return best


def _even(places: NDArray[np.float64], times_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the places would be if they moved evenly, as most of them say."""
    flat = places.reshape(len(places), -1)
    basis = np.stack([np.ones(len(places)), (times_ms - times_ms.mean()) / 1000.0], axis=1)
    weights = np.ones(len(places))
    fitted = flat
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)[:, None]
        found, *_ = np.linalg.lstsq(basis * root, flat * root, rcond=None)
        fitted = basis @ found
        weights = 1.0 / np.maximum(np.linalg.norm(flat - fitted, axis=1), 1e-3)
    return fitted.reshape(places.shape)
