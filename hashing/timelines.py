"""Time lines: speeds and offsets that the hits of a clip and a reference vote for."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import chance
from hashing.fingerprint import Track
from hashing.index import Hits

# Reference milliseconds per clip millisecond, the plainest first and reversed play last. The 3 %
# step keeps the drift of a 10 s seed below half a bin; refining by least squares finds the rest.
SPEEDS: Final = np.array(
    [round(2.0 ** (step / 24), 4) for step in sorted(range(-24, 25), key=abs)] + [-1.0]
)
_LEAD: Final = 1.02  # a less plain speed has to win clearly over a plainer one
_BIN_MS: Final = 400  # of offsets: two frames of a long clip, at four a second
_MOST_SEEDS_A_FRAME: Final = 24  # nearest hits of a clip frame in one reference; bounds the work
_MOST_16: Final = (1 << 16) - 1
_MOST_SPAN_SEEDS: Final = 32  # a long still frame votes at so many of its instants


@dataclass(frozen=True, slots=True)
class Line:
    """reference time = speed * clip time + offset."""

    speed: float
    offset_ms: float

    def at(self, clip_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        return clip_ms.astype(np.float64) * self.speed + self.offset_ms


@dataclass(frozen=True, slots=True)
class Seeds:
    """Votes: clip row, clip time, reference time and evidence of each seed."""

    clip_rows: NDArray[np.int64]
    clip_ms: NDArray[np.int64]
    reference_ms: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, clip: Track, hits: Hits) -> "Seeds":
        kept = _nearest_a_frame(hits)
        clip_rows, rows = hits.clip_rows[kept], hits.reference_rows[kept]
        weights = np.maximum(0.0, chance.evidence(hits.distances[kept]))
        spans = hits.track.spans_ms[rows]
        repeats = np.minimum(1 + spans // _BIN_MS, _MOST_SPAN_SEEDS)
        place = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        step_ms = np.repeat(spans / repeats, repeats)
        clip_rows, rows = np.repeat(clip_rows, repeats), np.repeat(rows, repeats)
        return cls(
            clip_rows,
            clip.times_ms[clip_rows],
            hits.track.times_ms[rows] + (place * step_ms).astype(np.int64),
            np.repeat(weights, repeats),
        )

    def lines(self, free: NDArray[np.bool_]) -> list[Line]:
        """The lines worth extending, by the votes of frames that are still free, plainest first.

        Unchanged speed and reversed play, and the speed with most votes.
        """
        open_seeds = free[self.clip_rows]
        if not open_seeds.any():
            return []
        seeds = self._ordered(open_seeds)
        rows, weights = self.clip_rows[seeds], self.weights[seeds]
        clip_ms, reference_ms = self.clip_ms[seeds], self.reference_ms[seeds]
        voted: list[tuple[float, Line]] = []
        for speed in SPEEDS.tolist():
            offsets = reference_ms - speed * clip_ms
            votes, offset_ms = max(
                _strongest_bin(offsets, half_bin, rows, weights) for half_bin in (0.0, 0.5)
            )
            voted.append((votes, Line(speed, offset_ms)))
        plain, backwards = voted[0][1], voted[-1][1]
        # An odd speed has to win clearly over every plainer one.
        odd = max(voted[1:-1], key=lambda one: one[0])
        odd = next(one for one in voted[1:-1] if one[0] * _LEAD >= odd[0])
        return [plain, odd[1], backwards]

    def _ordered(self, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
        """These seeds by clip row, each row's heaviest first: what ``_strongest_bin`` relies on."""
        seeds = np.flatnonzero(chosen)
        return seeds[np.lexsort((-self.weights[seeds], self.clip_rows[seeds]))]


def _strongest_bin(
    offsets: NDArray[np.float64],
    half_bin: float,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Votes and offset of the fullest bin, where a clip frame has one vote in each bin.

    The seeds come by clip row, each row's heaviest first.
    """
    bins = np.floor(offsets / _BIN_MS + half_bin).astype(np.int64)
    bins -= bins.min()
    # Numbers of 16 bits are sorted digit by digit, several times as fast; they last for 7 hours.
    order = np.argsort(bins.astype(np.uint16) if bins.max() <= _MOST_16 else bins, kind="stable")
    bins, rows = bins[order], rows[order]
    first = np.ones(len(bins), np.bool_)
    first[1:] = (bins[1:] != bins[:-1]) | (rows[1:] != rows[:-1])
    kept_bins, kept = bins[first], order[first]
    starts = np.flatnonzero(np.diff(kept_bins, prepend=kept_bins[0] - 1))
    votes = np.add.reduceat(weights[kept], starts)
    top = int(np.argmax(votes))
    end = starts[top + 1] if top + 1 < len(starts) else len(kept)
    members = kept[starts[top] : end]
    return float(votes[top]), _weighted_median(offsets[members], weights[members])


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """One of the values, so that the line runs through a seed and not between two."""
    order = np.argsort(values, kind="stable")
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order[min(int(half), len(order) - 1)]])


def _nearest_a_frame(hits: Hits) -> NDArray[np.intp]:
    """Rows of ``hits``: each clip frame's nearest few."""
    order = np.lexsort((hits.distances, hits.clip_rows))
    rows = hits.clip_rows[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return order[rank < _MOST_SEEDS_A_FRAME]
