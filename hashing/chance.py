"""How likely evidence is by chance: from distances to an expected number of false alarms.

The background is measured: how often two frames of different footage are within so many bits
(``BACKGROUND``). A frame's distance becomes an e-value: a number whose mean over unrelated footage
is at most 1, so that by Ville's inequality a product of them exceeds ``x`` on one time line with a
probability of at most ``1/x``. Its logarithm is called evidence, in nats. The expected number of
false alarms is then the number of time lines that were tried, times ``exp(-evidence)``.
docs/explanation/chance.md has the reasoning, the table's source and what the bound does not cover.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits

LOOSE_BITS: Final = 72  # a hit; decision 4: 64 to 72, and docs/benchmarks.md "background"
STRICT_IMAGE_BITS: Final = 31  # PDQ's published threshold (pdq/README.md); one image, no time line
# Nine in ten frames of 98 in 100 still copies are within it; of another recording of the same place
# none within 35, of drawn clips of one template within 23 (`python -m benchmarks.alike`).
STILL_COPY_BITS: Final = 16

# (distance, share of frame pairs of different footage that near or nearer). 57 million pairs of 81
# clips at 4 frames a second, flat frames left out, pairs of the same scene (1.3 % of all) left
# in: without them 4 pairs are nearer than 73. Measured by `python -m benchmarks.background`.
BACKGROUND: Final = (
    (0, 1.0e-8),
    (20, 5.3e-8),
    (24, 4.6e-7),
    (28, 8.4e-7),
    (32, 1.6e-6),
    (36, 3.5e-6),
    (40, 7.8e-6),
    (48, 3.2e-5),
    (56, 6.5e-5),
    (64, 1.3e-4),
    (72, 3.1e-4),
    (80, 1.2e-3),
    (92, 1.9e-3),
    (100, 4.1e-3),
    (108, 1.8e-2),
    (116, 1.0e-1),
    (128, 5.7e-1),
    (160, 1.0),
    (bits.HASH_BITS, 1.0),
)
# On a time line each clip frame takes the nearest of the reference's frames around the expected
# time; hand-held footage moves 58 bits in 0.1 s, so about three of them differ.
_TRIES_A_FRAME: Final = 3.0
_MISS: Final = math.exp(-1.0)  # the e-value of a frame that is no hit: copies lose frames as well
_CALIBRATOR: Final = 0.3  # kappa of Vovk and Wang's p-to-e calibrator (2021, eq. 1)


def _background_table() -> NDArray[np.float64]:
    distance, share = np.array(BACKGROUND).T
    table: NDArray[np.float64] = np.exp(
        np.interp(np.arange(bits.HASH_BITS + 1), distance, np.log(share))
    )
    return table


_SHARE: Final = _background_table()


def _evidence_table() -> NDArray[np.float64]:
    """Log e-value of each distance: the calibrator within ``LOOSE_BITS``, one miss beyond it."""
    p_value = np.minimum(1.0, _TRIES_A_FRAME * _SHARE)
    p_loose = p_value[LOOSE_BITS]
    hit = (1.0 - _MISS) * _CALIBRATOR * p_value ** (_CALIBRATOR - 1) / p_loose**_CALIBRATOR
    within = np.arange(bits.HASH_BITS + 1) <= LOOSE_BITS
    return np.where(within, np.log(hit), math.log(_MISS))


_EVIDENCE: Final = _evidence_table()


def evidence(distances_bits: NDArray[np.integer]) -> NDArray[np.float64]:
    """Evidence in nats of frame distances on a time line: positive for hits, -1 for a miss."""
    return np.take(_EVIDENCE, distances_bits)


def share_within(distance_bits: int) -> float:
    """Share of frame pairs of different footage that are within this distance."""
    return float(_SHARE[distance_bits])


def expected_false_alarms(evidence_nats: float, tries: float) -> float:
    """How many alarms this strong to expect from unrelated clips when so many lines are tried."""
    return min(1.0, math.exp(min(0.0, math.log(max(1.0, tries)) - evidence_nats)))


def score(chance: float) -> float:
    """0 to 1, monotone in the evidence: 0.5 at a chance of 10⁻³, 0.67 at 10⁻⁶, 0.9 at 10⁻²⁷."""
    decades = -math.log10(max(chance, 1e-300))
    return decades / (decades + 3.0)
