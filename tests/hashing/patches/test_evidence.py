"""What a hit is worth: an e-value, and three of them a match."""

import math

import numpy as np
import pytest

from hashing import chance
from hashing.patch_track import LEVELS, ORB, PLACE_BYTES, Look, PatchTrack
from hashing.patches import evidence
from hashing.patches.matching import tries
from hashing.verdict import DEFAULT_POLICY

TEN_HOURS = 36_000


def held(frames: int) -> PatchTrack:
    """A clip's track of so many frames without a patch."""
    return PatchTrack(
        algorithm=ORB,
        look=Look.AS_IS,
        stream=0,
        times_ms=np.arange(frames) * 500,
        sizes=np.full((frames, 2), LEVELS, np.uint8),
        firsts=np.zeros(0, np.uint16),
        lasts=np.zeros(0, np.uint16),
        places=np.zeros((0, PLACE_BYTES), np.uint8),
        descriptors=np.zeros((0, 32), np.uint8),
    )


@pytest.mark.parametrize(
    ("cells", "nats"),
    [
        pytest.param(evidence.UNSEEN, -1.0, id="not seen"),
        pytest.param(0, 0.0, id="seen, and nothing new"),
        pytest.param(evidence.HIT_CELLS - 1, 0.0, id="hardly anything new"),
        pytest.param(evidence.HIT_CELLS, evidence.HIT_NATS, id="a hit"),
        pytest.param(200, evidence.HIT_NATS, id="all new: no more than a hit"),
    ],
)
def test_evidence_of_cells(cells: int, nats: float) -> None:
    assert evidence.of_cells(np.array([cells])) == pytest.approx([nats])


def test_a_hit_is_an_e_value() -> None:
    """Its mean over unrelated frames, three key frames tried for each, is at most 1."""
    hit, miss = math.exp(evidence.HIT_NATS), math.exp(-1.0)

    share = 3 * evidence.HIT_SHARE

    assert share * hit + (1 - share) * miss <= 1.0


@pytest.mark.parametrize(
    ("hits", "unseen", "is_match"),
    [
        pytest.param(3, 0, True, id="three"),
        pytest.param(2, 0, False, id="two"),
        pytest.param(3, 3, True, id="three amid three frames in which nothing is seen"),
        pytest.param(3, 4, False, id="three amid four"),
    ],
)
def test_three_hits_are_as_unlikely_as_a_match_has_to_be(
    hits: int, unseen: int, is_match: bool
) -> None:
    """In a clip of any length on a list of ten hours, played at its own speed."""
    tried = 2.0 * tries([held(24)], TEN_HOURS)
    cells = np.array([evidence.HIT_CELLS] * hits + [evidence.UNSEEN] * unseen)

    nats = float(evidence.of_cells(cells).sum())
    false_alarms = chance.expected_false_alarms(nats, tried)

    assert (false_alarms <= DEFAULT_POLICY.match_chance) is is_match
