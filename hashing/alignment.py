"""Alignments: hits of a clip and a reference on one time line, found by seed and extend.

Seeds are the hits that the index gives. They vote for time lines (a speed and an offset); each of
the best lines is extended frame by frame with the loose threshold, refined, and cut to the part
that carries its evidence. docs/explanation/chance.md says how evidence is counted and why.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import agreement, bits, chance
from hashing.fingerprint import Track
from hashing.index import Hits
from hashing.timelines import SPEEDS, Line, Seeds
from hashing.views import View

_TOLERANCE_MS: Final = 140  # around the expected time: rounding of frame rates, dropped frames
_MOST_LINES: Final = 8  # a reference cut to pieces and joined again gives several time lines
# Changes below this are codec noise on one picture (2 to 8 bits on the development clips), so such
# a hit is not a new one.
DISTINCT_BITS: Final = 12
_FULLY_NEW_BITS: Final = 64  # half of what two unrelated frames differ in: a wholly new picture
# Around a line, where pictures are compared for agreement: the fit is out by a frame or two, and
# hand-held footage is another picture by then.
FINE_SHIFTS_MS: Final = (0, -40, 40, -80, 80, -120, 120)
_TAKEN: Final = -1e6  # evidence of a frame in another alignment: no part is worth crossing it


@dataclass(frozen=True, slots=True)
class Alignment:
    """A part of a clip that runs along a part of a reference.

    ``speed``: reference time over clip time, negative when it runs backwards. ``frames``: sampled
    clip frames in the range; ``frames_matched``: those that are hits; ``frames_alike``: those
    within the strict image threshold, ``frames_same``: those that are the same picture;
    ``distinct_hits``: hits on new pictures.
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
    frames_alike: int
    frames_same: int
    distinct_hits: int
    mean_distance_bits: float
    agreement: float
    evidence_nats: float

    def at(self, clip_ms: NDArray[np.integer]) -> NDArray[np.float64]:
        """The reference's time, in ms, at times of the clip."""
        start_ms = self.reference_start_ms if self.speed > 0 else self.reference_end_ms
        return start_ms + self.speed * (clip_ms - self.clip_start_ms).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The nearest reference frame around the line for every clip frame: rows, distances, reach."""

    rows: NDArray[np.int64]
    distances: NDArray[np.int64]

    @property
    def hit(self) -> NDArray[np.bool_]:
        return self.distances <= chance.LOOSE_BITS

    @property
    def alike(self) -> NDArray[np.bool_]:
        return self.distances <= chance.STRICT_IMAGE_BITS

    @property
    def same(self) -> NDArray[np.bool_]:
        return self.distances <= chance.STILL_COPY_BITS


def align(clip: Track, hits: Hits) -> list[Alignment]:
    """The alignments of a clip's track with the reference track of ``hits``, strongest first.

    Their clip ranges do not overlap. A pair of a few thousand frames takes milliseconds.
    """
    clip, hits, counts = _as_they_appear(clip, hits)
    seeds = Seeds.of(clip, hits)
    free = np.ones(len(clip), np.bool_)
    found: list[Alignment] = []
    while len(found) < _MOST_LINES:
        best = _strongest(clip, hits.track, seeds.lines(free), free)
        if best is None:
            break
        found.append(best.counted(counts))
        free[best.rows] = False
    return sorted(found, key=lambda alignment: -alignment.evidence_nats)


def compatible(alignments: list[Alignment]) -> list[Alignment]:
    """The strongest alignments whose clip ranges do not overlap."""
    kept: list[Alignment] = []
    for one in alignments:
        if all(
            one.clip_end_ms <= other.clip_start_ms or one.clip_start_ms >= other.clip_end_ms
            for other in kept
        ):
            kept.append(one)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Extended:
    """An alignment, the clip rows in it, and the walk along its line."""

    alignment: Alignment
    rows: NDArray[np.intp]
    walk: _Walk

    def counted(self, counts: NDArray[np.int64]) -> Alignment:
        """The alignment where each row stands for so many sampled frames."""
        mine = counts[self.rows]
        return replace(
            self.alignment,
            frames=int(mine.sum()),
            frames_matched=int(mine[self.walk.hit[self.rows]].sum()),
            frames_alike=int(mine[self.walk.alike[self.rows]].sum()),
            frames_same=int(mine[self.walk.same[self.rows]].sum()),
        )


def _as_they_appear(clip: Track, hits: Hits) -> tuple[Track, Hits, NDArray[np.int64]]:
    """Clip and hits where a picture that is held is one row, and how many frames each stands for.

    A slideshow's pictures are shown when they appear: the reference has gone on since, so frames
    that only hold one would vote for a line that is late, and miss on the right one.
    """
    appears = np.zeros(len(clip), np.bool_)
    appears[clip.picture_rows] = True
    counts = np.diff(clip.picture_rows, append=len(clip))
    return clip.joined(clip.picture_rows), hits.among(appears), counts


def _strongest(
    clip: Track, reference: Track, lines: list[Line], free: NDArray[np.bool_]
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


def _walk(clip: Track, reference: Track, line: Line) -> _Walk:
    """For each clip frame the nearest reference frame that is shown around the expected time."""
    expected = line.at(clip.times_ms)
    last = reference.rows_at(expected + _TOLERANCE_MS)
    first = reference.rows_at(expected - _TOLERANCE_MS)
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


def _extend(clip: Track, reference: Track, line: Line, free: NDArray[np.bool_]) -> _Extended | None:
    """The best part of this line, refined; None where no frame on it is a hit."""
    best: tuple[float, Line, _Walk, NDArray[np.intp]] | None = None
    for _ in range(4):
        walk = _walk(clip, reference, line)
        rows, evidence_nats = _strongest_part(clip, reference, walk, free)
        if not len(rows) or (best is not None and evidence_nats <= best[0]):
            break
        best = evidence_nats, line, walk, rows
        line = _refined(clip, reference, line, walk, rows[walk.hit[rows]])
    if best is None:
        return None
    _, line, walk, rows = best
    alignment = _measured(clip, reference, line, walk, rows)
    return _Extended(alignment, rows, walk)


def _refined(
    clip: Track, reference: Track, line: Line, walk: _Walk, rows: NDArray[np.intp]
) -> Line:
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
    return Line(float(speed), float(offset_ms))


def _strongest_part(
    clip: Track, reference: Track, walk: _Walk, free: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], float]:
    """The stretch of free clip rows, from hit to hit, with most evidence along the line; how much.

    No rows where none is a hit.
    """
    rows = np.arange(len(clip))
    evidence = chance.evidence(walk.distances) * _novelty(clip, reference, walk, rows)
    start, stop = _largest_sum(np.where(free, evidence, _TAKEN))
    part = rows[start:stop]
    hit = part[walk.hit[part]]
    if not len(hit):
        return part[:0], 0.0
    return part[(part >= hit[0]) & (part <= hit[-1])], float(evidence[part].sum())


def _measured(
    clip: Track, reference: Track, line: Line, walk: _Walk, rows: NDArray[np.intp]
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
        frames_alike=int(walk.alike[rows].sum()),
        frames_same=int(walk.same[rows].sum()),
        distinct_hits=len(distinct),
        mean_distance_bits=float(walk.distances[hit].mean()),
        agreement=together,
        evidence_nats=lead + rest * together,
    )


def _agreement(clip: Track, reference: Track, line: Line, rows: NDArray[np.intp]) -> float:
    """How far clip and reference change together in these clip rows, at the line's best fit.

    The reference's frames are those at the expected time, not the nearest around it: those would
    follow the clip's changes wherever the scene is alike.
    """
    expected_ms = line.at(clip.times_ms[rows])
    mine, most = clip.hashes[rows], 0.0
    for shift_ms in FINE_SHIFTS_MS:
        shown = np.maximum(reference.rows_at(expected_ms + shift_ms), 0)
        most = max(most, agreement.of(mine, reference.hashes[shown]))
        if most == 1.0:
            break
    return most


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
    mine = _numbers(clip.hashes[hit])
    theirs = _numbers(reference.hashes[walk.rows[hit]])
    kept: list[int] = []
    for place in range(len(hit)):
        if kept:
            before = kept[-1]
            changed_clip = (mine[place] ^ mine[before]).bit_count()
            changed_reference = (theirs[place] ^ theirs[before]).bit_count()
            if min(changed_clip, changed_reference) < DISTINCT_BITS:
                continue
        kept.append(place)
    return hit[kept]


def _numbers(hashes: NDArray[np.uint8]) -> list[int]:
    """Each hash as one number: a hundredth of the time of an array operation on two rows."""
    return [int.from_bytes(row.tobytes()) for row in hashes]
