"""Alignments: hits of a clip and a reference on one time line, found by seed and extend.

Seeds are the hits that the index gives. They vote for time lines (a speed and an offset); each of
the best lines is extended frame by frame with the loose threshold, refined, and cut to the part
that carries its evidence. docs/explanation/chance.md says how evidence is counted and why.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import agreement, bits, chance
from hashing.fingerprint import Track
from hashing.index import Hits
from hashing.views import View

# Reference milliseconds per clip millisecond, the plainest first and reversed play last. The 3 %
# step keeps the drift of a 10 s seed below half a bin; refining by least squares finds the rest.
SPEEDS: Final = np.array(
    [round(2.0 ** (step / 24), 4) for step in sorted(range(-24, 25), key=abs)] + [-1.0]
)
_LEAD: Final = 1.02  # a less plain speed has to win clearly over a plainer one
_BIN_MS: Final = 400  # of offsets: two frames of a clip that is sampled at four a second
_TOLERANCE_MS: Final = 140  # around the expected time: rounding of frame rates, dropped frames
_MOST_SEEDS_A_FRAME: Final = 24  # nearest hits of a clip frame in one reference; bounds the work
_MOST_SPAN_SEEDS: Final = 32  # a long still frame votes at so many of its instants
_MOST_LINES: Final = 8  # a reference cut to pieces and joined again gives several time lines
# Changes below this are codec noise on one picture (2 to 8 bits on the development clips), so such
# a hit is not a new one.
DISTINCT_BITS: Final = 12
_FULLY_NEW_BITS: Final = 64  # half of what two unrelated frames differ in: a wholly new picture
# Around a line, where pictures are compared for agreement: the fit is out by a frame or two, and
# hand-held footage is another picture by then.
_FINE_SHIFTS_MS: Final = (0, -40, 40, -80, 80, -120, 120)
_TAKEN: Final = -1e6  # evidence of a frame in another alignment: no part is worth crossing it


@dataclass(frozen=True, slots=True)
class Alignment:
    """A part of a clip that runs along a part of a reference.

    ``speed``: reference time over clip time, negative when it runs backwards. ``frames``: sampled
    clip frames in the range; ``frames_matched``: those that are hits; ``distinct_hits``: hits on
    new pictures.
    ``agreement``: 0 to 1, how far the pictures change together (``hashing.agreement``).
    ``evidence_nats`` is not yet paid for by the number of lines tried.
    """

    view: View
    stream: int
    speed: float
    clip_start_ms: int
    clip_end_ms: int
    reference_start_ms: int
    reference_end_ms: int
    frames: int
    frames_matched: int
    distinct_hits: int
    mean_distance_bits: float
    agreement: float
    evidence_nats: float


@dataclass(frozen=True, slots=True)
class _Line:
    """reference time = speed * clip time + offset."""

    speed: float
    offset_ms: float

    def at(self, clip_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        return clip_ms.astype(np.float64) * self.speed + self.offset_ms


@dataclass(frozen=True, slots=True)
class _Walk:
    """The nearest reference frame around the line for every clip frame: rows, distances, reach."""

    rows: NDArray[np.int64]
    distances: NDArray[np.int64]

    @property
    def hit(self) -> NDArray[np.bool_]:
        return self.distances <= chance.LOOSE_BITS


def align(clip: Track, hits: Hits) -> list[Alignment]:
    """The alignments of a clip's track with the reference track of ``hits``, strongest first.

    Their clip ranges do not overlap. A pair of a few thousand frames takes milliseconds.
    """
    seeds = _Seeds.of(clip, hits)
    free = np.ones(len(clip), np.bool_)
    found: list[Alignment] = []
    while len(found) < _MOST_LINES:
        best = _strongest(clip, hits.track, seeds.lines(free), free)
        if best is None:
            break
        found.append(best.alignment)
        free[best.rows] = False
    return sorted(found, key=lambda alignment: -alignment.evidence_nats)


@dataclass(frozen=True, slots=True, eq=False)
class _Extended:
    """An alignment, and the clip rows in it."""

    alignment: Alignment
    rows: NDArray[np.intp]


def _strongest(
    clip: Track, reference: Track, lines: "list[_Line]", free: NDArray[np.bool_]
) -> _Extended | None:
    """The line with most evidence once it is extended; None where none has a hit.

    Votes alone cannot tell: in a still scene each frame is near many frames of the reference, and
    only on the true line do the pictures change together.
    """
    best: _Extended | None = None
    for line in lines:
        one = _extend(clip, reference, line, free)
        if one is None or _only_crosses(one.alignment):
            continue
        if best is None or one.alignment.evidence_nats > best.alignment.evidence_nats:
            best = one
    return best


def _only_crosses(alignment: Alignment) -> bool:
    """Whether a backward line merely crosses pieces in another order, with a hit or two in each."""
    return alignment.speed < 0 and alignment.frames_matched < alignment.frames / 2


@dataclass(frozen=True, slots=True)
class _Seeds:
    """Votes: clip row, clip time, reference time and evidence of each seed."""

    clip_rows: NDArray[np.int64]
    clip_ms: NDArray[np.int64]
    reference_ms: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, clip: Track, hits: Hits) -> "_Seeds":
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

    def lines(self, free: NDArray[np.bool_]) -> list[_Line]:
        """The lines worth extending, by the votes of frames that are still free, plainest first.

        Unchanged speed and reversed play, and the speed with most votes.
        """
        open_seeds = free[self.clip_rows]
        if not open_seeds.any():
            return []
        rows, weights = self.clip_rows[open_seeds], self.weights[open_seeds]
        clip_ms, reference_ms = self.clip_ms[open_seeds], self.reference_ms[open_seeds]
        voted: list[tuple[float, _Line]] = []
        for speed in SPEEDS.tolist():
            offsets = reference_ms - speed * clip_ms
            votes, offset_ms = max(
                _strongest_bin(offsets, half_bin, rows, weights) for half_bin in (0.0, 0.5)
            )
            voted.append((votes, _Line(speed, offset_ms)))
        plain, backwards = voted[0][1], voted[-1][1]
        # An odd speed has to win clearly over every plainer one.
        odd = max(voted[1:-1], key=lambda one: one[0])
        odd = next(one for one in voted[1:-1] if one[0] * _LEAD >= odd[0])
        return [plain, odd[1], backwards]


def _strongest_bin(
    offsets: NDArray[np.float64],
    half_bin: float,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Votes and offset of the fullest bin, where a clip frame has one vote in each bin."""
    bins = np.floor(offsets / _BIN_MS + half_bin).astype(np.int64)
    order = np.lexsort((-weights, rows, bins))
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


def _walk(clip: Track, reference: Track, line: _Line) -> _Walk:
    """For each clip frame the nearest reference frame that is shown around the expected time."""
    expected = line.at(clip.times_ms)
    last = np.searchsorted(reference.times_ms, expected + _TOLERANCE_MS, side="right") - 1
    first = np.searchsorted(reference.times_ms, expected - _TOLERANCE_MS, side="right") - 1
    width = int(np.max(last - first, initial=0)) + 1
    rows = last[:, None] - np.arange(width)[None, :]
    inside = np.maximum(rows, 0)
    ends_ms = reference.times_ms[inside] + reference.spans_ms[inside]
    valid = (rows >= 0) & (rows >= first[:, None]) & (ends_ms >= expected[:, None] - _TOLERANCE_MS)
    pairs = bits.distances(
        np.repeat(clip.hashes, width, axis=0), reference.hashes[inside.ravel()]
    ).reshape(rows.shape)
    pairs[~valid] = bits.HASH_BITS
    # Of equally near frames the one closest to the line: else a still scene bends it.
    shown_ms = np.clip(expected[:, None], reference.times_ms[inside], ends_ms)
    away_ms = np.abs(shown_ms - expected[:, None])
    nearest = np.argmin(pairs + np.minimum(away_ms, 1000) / 10_000, axis=1)
    every = np.arange(len(rows))
    return _Walk(inside[every, nearest], pairs[every, nearest])


def _extend(
    clip: Track, reference: Track, line: _Line, free: NDArray[np.bool_]
) -> _Extended | None:
    """The best part of this line, refined; None where no frame on it is a hit."""
    best: _Extended | None = None
    for _ in range(4):
        walk = _walk(clip, reference, line)
        rows = _strongest_part(clip, reference, walk, free)
        hit = rows[walk.hit[rows]]
        if not len(hit):
            break
        alignment = _measured(clip, reference, line, walk, rows)
        if best is not None and alignment.evidence_nats <= best.alignment.evidence_nats:
            break
        best = _Extended(alignment, rows)
        line = _refined(clip, reference, line, walk, hit)
    return best


def _refined(
    clip: Track, reference: Track, line: _Line, walk: _Walk, rows: NDArray[np.intp]
) -> _Line:
    """The least-squares line through these hits; the same line where they do not carry a fit."""
    clip_ms = clip.times_ms[rows].astype(np.float64)
    if len(rows) < 3 or np.ptp(clip_ms) < 1000:
        return line
    starts = reference.times_ms[walk.rows[rows]]
    ends = starts + reference.spans_ms[walk.rows[rows]]
    # A frame that stands for a span agrees with every instant of it.
    reference_ms = np.clip(line.at(clip.times_ms[rows]), starts, ends)
    speed, offset_ms = np.polyfit(clip_ms, reference_ms, 1)
    if not SPEEDS.max() * 1.05 >= speed * np.sign(line.speed) >= 0.95 / SPEEDS.max():
        return line
    return _Line(float(speed), float(offset_ms))


def _strongest_part(
    clip: Track, reference: Track, walk: _Walk, free: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """The stretch of free clip rows, from hit to hit, whose evidence along the line is largest."""
    rows = np.arange(len(clip))
    evidence = chance.evidence(walk.distances) * _novelty(clip, reference, walk, rows)
    start, stop = _largest_sum(np.where(free, evidence, _TAKEN))
    part = rows[start:stop]
    hit = part[walk.hit[part]]
    return part[(part >= hit[0]) & (part <= hit[-1])] if len(hit) else part[:0]


def _measured(
    clip: Track, reference: Track, line: _Line, walk: _Walk, rows: NDArray[np.intp]
) -> Alignment:
    """The alignment of these clip rows along the line; the first and last of them are hits."""
    hit = rows[walk.hit[rows]]
    distinct = _distinct(clip, reference, walk, hit)
    together = _agreement(clip, reference, line, rows)
    weighed = chance.evidence(walk.distances[rows]) * _novelty(clip, reference, walk, rows)
    lead = float(chance.evidence(walk.distances[distinct]).max())
    rest = max(0.0, float(weighed.sum()) - lead)
    first, last = rows[0], rows[-1]
    clip_end_ms = int(clip.times_ms[last] + clip.spans_ms[last])
    reference_end_ms = int(reference.times_ms[-1] + reference.spans_ms[-1])
    ends_ms = line.at(np.array([clip.times_ms[first], clip_end_ms])).clip(0, reference_end_ms)
    ends_ms.sort()
    return Alignment(
        view=clip.view,
        stream=clip.stream,
        speed=round(line.speed, 4),
        clip_start_ms=int(clip.times_ms[first]),
        clip_end_ms=clip_end_ms,
        reference_start_ms=int(ends_ms[0]),
        reference_end_ms=int(ends_ms[1]),
        frames=len(rows),
        frames_matched=len(hit),
        distinct_hits=len(distinct),
        mean_distance_bits=float(walk.distances[hit].mean()),
        agreement=together,
        evidence_nats=lead + rest * together,
    )


def _agreement(clip: Track, reference: Track, line: _Line, rows: NDArray[np.intp]) -> float:
    """How far clip and reference change together in these clip rows, at the line's best fit.

    The reference's frames are those at the expected time, not the nearest around it: those would
    follow the clip's changes wherever the scene is alike.
    """
    expected_ms = line.at(clip.times_ms[rows])
    shown = [
        np.searchsorted(reference.times_ms, expected_ms + shift_ms, side="right") - 1
        for shift_ms in _FINE_SHIFTS_MS
    ]
    mine = clip.hashes[rows]
    return max(agreement.of(mine, reference.hashes[np.maximum(one, 0)]) for one in shown)


def _largest_sum(values: NDArray[np.float64]) -> tuple[int, int]:
    """Start and stop of the contiguous part with the largest sum (Kadane); one element at least."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums[:-1])
    stop = int(np.argmax(sums[1:] - lowest))
    start = int(np.argmin(sums[: stop + 1]))
    return start, stop + 1


def _novelty(
    clip: Track, reference: Track, walk: _Walk, rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """How new each frame's picture is, 0 to 1, against the frame before it on both sides.

    The weight of its evidence: a run of one static picture counts once, because an unchanged
    picture near an unchanged picture says nothing that the first pair has not said.
    """
    weights = np.ones(len(rows))
    changed_clip = bits.distances(clip.hashes[rows[1:]], clip.hashes[rows[:-1]])
    matched = reference.hashes[walk.rows[rows]]
    changed_reference = bits.distances(matched[1:], matched[:-1])
    changed = np.maximum(1, np.minimum(changed_clip, changed_reference))
    weights[1:] = np.minimum(1.0, changed / _FULLY_NEW_BITS)
    return weights


def _distinct(
    clip: Track, reference: Track, walk: _Walk, hit: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The hits that show a new picture, on both sides, against the last one kept."""
    kept: list[int] = []
    for row in hit:
        if kept:
            before = kept[-1]
            changed_clip = bits.distances(clip.hashes[[row]], clip.hashes[[before]])
            pair = walk.rows[[row]], walk.rows[[before]]
            changed_reference = bits.distances(reference.hashes[pair[0]], reference.hashes[pair[1]])
            if min(int(changed_clip[0]), int(changed_reference[0])) < DISTINCT_BITS:
                continue
        kept.append(int(row))
    return np.array(kept, np.intp)
