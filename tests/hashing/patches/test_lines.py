"""Time lines: what counts as new along one."""

from collections.abc import Sequence

import numpy as np

from hashing import bits
from hashing.patch_track import ORB, PLACE_BYTES, Look, PatchTrack
from hashing.patches.index import PatchIndex
from hashing.patches.searching import search

SECONDS = 6
GROUP = 12  # patches that come together: enough for a hit
THERE = [0] * SECONDS  # all groups are there from the first second on
ONE_BY_ONE = list(range(SECONDS))


def track(comes: Sequence[int]) -> PatchTrack:
    """A still picture of one frame a second, of which each group of patches is seen from this
    second on, to the end."""
    groups = np.repeat(np.arange(SECONDS), GROUP)
    number = np.arange(len(groups))
    places = np.zeros((len(groups), PLACE_BYTES), np.uint8)
    places[:, 0], places[:, 1] = 20 + 24 * (number % 9), 20 + 14 * (number // 9)
    random = np.random.default_rng(5)
    return PatchTrack(
        algorithm=ORB,
        look=Look.AS_IS,
        stream=0,
        times_ms=np.arange(SECONDS, dtype=np.int64) * 1000,
        sizes=np.full((SECONDS, 2), (255, 160), np.uint8),
        firsts=np.array(comes, np.uint16)[groups],
        lasts=np.full(len(groups), SECONDS - 1, np.uint16),
        places=places,
        descriptors=random.integers(0, 256, (len(groups), bits.HASH_BYTES), dtype=np.uint8),
    )


def hits(clip: PatchTrack, reference: PatchTrack) -> int:
    (seen,) = search(clip, PatchIndex([reference]))
    assert len(seen.line.sightings) == SECONDS
    return seen.line.distinct


def test_what_comes_on_both_sides_is_new() -> None:
    assert hits(track(ONE_BY_ONE), track(ONE_BY_ONE)) == SECONDS


def test_a_corner_that_is_only_found_later_on_one_side_is_no_news() -> None:
    """Two takes of one room: in the one all corners are found at once, in the other one by one."""
    assert hits(track(THERE), track(ONE_BY_ONE)) <= 2
    assert hits(track(ONE_BY_ONE), track(THERE)) <= 2


def test_what_is_not_looked_for_takes_nobodys_place() -> None:
    """Removed references stay in an index for a while; only a few are compared in full."""
    index = PatchIndex([track(ONE_BY_ONE)] * 6)
    among = np.arange(6) == 5

    (seen,) = search(track(ONE_BY_ONE), index, among)

    assert seen.track_number == 5
