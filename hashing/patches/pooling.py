"""Pooling: one map for all frames of a clip in which the camera moves and the picture does not.

Of a screen that is filmed off, each frame has too few patches to say where its corners are. What
stands around it is the same in all frames: patches of neighbouring frames tell how the camera
moved, and along that all sightings are brought into one frame and tell it together.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import PatchTrack
from hashing.patches import geometry
from hashing.patches.geometry import Picture
from hashing.patches.searching import Seen

_WITHIN_UNITS: Final = 4.0  # 7.5 px: a place's rounding, and what is left of the camera's way
# Of all patches agree with one map. Where what moves in the picture is taken for the camera's own
# movement, 20 to 70 % do; on the right way 89 to 100 % (development copies, filmed off a screen).
_LEAST_SHARE: Final = 0.88

Maps = NDArray[np.float64]


def maps(seen: Seen) -> Maps | None:
    """How the reference lies in each of the clip's frames, in units of places: float64 (k, 3, 3).

    None where the frames cannot be brought together, or do not agree.
    """
    moved = _moved(seen.clip)
    if moved is None:
        return None
    back = np.linalg.inv(moved)[:, :2]
    shown = seen.line.sightings
    theirs = np.concatenate([one.fit.reference.places[:, :2] for one in shown])
    mine = np.concatenate(
        [geometry.mapped(back[one.clip_frame], one.fit.clip.places[:, :2]) for one in shown]
    )
    found = geometry.plane(theirs, mine, _WITHIN_UNITS)
    if found is None:
        return None
    agree = geometry.apart_units(found, theirs, mine) <= _WITHIN_UNITS
    return moved @ found if agree.mean() >= _LEAST_SHARE else None


def _moved(clip: PatchTrack) -> Maps | None:
    """How the first frame's places lie in each frame, float64 (k, 3, 3); None where frames have too
    little in common to tell."""
    pictures = [Picture.of(clip, number) for number in range(clip.key_frames)]
    moved = [np.eye(3)]
    for before, after in pairwise(pictures):
        step = geometry.fit(after, before)
        if step is None:
            return None
        moved.append(geometry.flat(step) @ moved[-1])
    every = np.array(moved)
    return every if (np.abs(np.linalg.det(every)) > np.finfo(np.float64).eps).all() else None
