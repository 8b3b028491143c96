"""Time lines of patches: where in the clip a reference is shown, frame by frame.

One frame in which patches lie alike is an accident now and then. On one time line, with the
reference staying about where it is in the picture, and with patches that were not counted before,
it is none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patches import evidence, geometry, renewal, spread, steadiness
from hashing.patches.comparing import Comparison
from hashing.patches.geometry import Sighting
from hashing.timelines import Line

# A reference has a key frame a second, so one that shows the moment is at most half of that away;
# the rest is for the clip's speed, which is not known better than that.
_TOLERANCE_MS: Final = 1000
_KEY_FRAMES_TRIED: Final = 3  # around the expected time
_SLOWEST, _FASTEST = 0.25, 4.0  # as hashing.timelines
_MOST_SEEDS: Final = 12  # sightings from which lines are drawn: 66 pairs
_PLAIN_LINES: Final = 2  # offsets that are followed at unchanged speed
_LONG_RUN: Final = 4  # sightings that lie alike, elsewhere than the others: two seconds


@dataclass(frozen=True, slots=True, eq=False)
class PatchLine:
    """A stretch of the clip in which a reference is seen.

    ``sightings``: the hits, in order; ``frames``: how many of the clip's frames lie from the first
    to the last of them; ``distinct``: how many hits show enough that none before them showed;
    ``agreement``: 0 to 1, how far the reference stays where it is in the picture, and how far what
    is new in it is found.
    """

    line: Line
    sightings: tuple[Sighting, ...]
    frames: int
    distinct: int
    agreement: float
    evidence_nats: float


def strongest(seeds: Sequence[Sighting], compared: Comparison) -> PatchLine | None:
    """The line with most evidence through these sightings; None where nothing is left of it.

    Seeds alone cannot tell: where a camera wanders over one place, frames a second apart also lie
    alike, and only on the true line does the picture stay where it is.
    """
    best: PatchLine | None = None
    for drawn in _drawn(seeds, compared):
        found = _walked(drawn, compared)
        bent = _fitted(drawn, found, compared)
        ways = [(drawn, found)]
        ways += [(bent, _walked(bent, compared))] if bent is not None else []
        for line, seen in ways:
            stretch = _stretch(_chained(seen), compared, backwards=line.speed < 0)
            least_nats = -math.inf if best is None else best.evidence_nats
            if stretch is not None and stretch.nats > least_nats:
                one = _measured(line, stretch, compared)
                best = one if one.evidence_nats > least_nats else best
    return best


def _drawn(seeds: Sequence[Sighting], compared: Comparison) -> list[Line]:
    """Lines that most patches agree with: at unchanged speed, and one through two seeds."""
    clip_ms, reference_ms = compared.clip.times_ms, compared.reference.times_ms
    strong = sorted(seeds, key=lambda one: -one.cells)[:_MOST_SEEDS]
    mine = np.array([clip_ms[one.clip_frame] for one in strong], np.float64)
    theirs = np.array([reference_ms[one.key_frame] for one in strong], np.float64)
    weights = np.array([one.cells for one in strong], np.float64)

    def explained(line: Line) -> float:
        off_ms = np.abs(line.at(mine.astype(np.int64)) - theirs)
        closeness = np.clip(1.0 - off_ms / (2 * _TOLERANCE_MS), 0.0, None)
        return float((weights * np.where(off_ms <= _TOLERANCE_MS, closeness, 0.0)).sum())

    plain = [Line(1.0, float(offset)) for offset in theirs - mine]
    plain.sort(key=explained, reverse=True)
    chosen = plain[:1]
    for line in plain:
        apart_ms = min(abs(line.offset_ms - other.offset_ms) for other in chosen)
        if len(chosen) < _PLAIN_LINES and apart_ms >= _TOLERANCE_MS / 2:
            chosen.append(line)
    sloped = []
    for early, late in combinations(range(len(strong)), 2):
        apart_ms = mine[late] - mine[early]
        speed = (theirs[late] - theirs[early]) / apart_ms if apart_ms else 0.0
        if _SLOWEST <= abs(speed) <= _FASTEST:
            sloped.append(Line(float(speed), float(theirs[early] - speed * mine[early])))
    other = max(sloped, key=explained, default=chosen[0])
    return [*chosen, other] if explained(other) > explained(chosen[0]) else chosen


def _walked(line: Line, compared: Comparison) -> list[Sighting]:
    """For each of the clip's frames the best sighting around the expected time, where any."""
    found = []
    for frame, expected_ms in enumerate(line.at(compared.clip.times_ms)):
        off_ms = np.abs(compared.reference.times_ms - expected_ms)
        nearest = np.argsort(off_ms, kind="stable")[:_KEY_FRAMES_TRIED]
        seen = [
            compared.sighting(frame, int(key)) for key in nearest if off_ms[key] <= _TOLERANCE_MS
        ]
        best = max((one for one in seen if one is not None), key=_strength, default=None)
        if best is not None:
            found.append(best)
    return found


def _strength(one: Sighting) -> int:
    return one.cells


def _fitted(line: Line, found: Sequence[Sighting], compared: Comparison) -> Line | None:
    """The line through these sightings by least squares; None where they do not carry one."""
    if len(found) < 3:
        return None
    mine = compared.clip.times_ms[[one.clip_frame for one in found]].astype(np.float64)
    theirs = compared.reference.times_ms[[one.key_frame for one in found]].astype(np.float64)
    if np.ptp(mine) < 2 * _TOLERANCE_MS:
        return None
    speed, offset_ms = np.polyfit(mine, theirs, 1, w=[one.cells for one in found])
    if not _SLOWEST <= speed * np.sign(line.speed) <= _FASTEST:
        return None
    return Line(float(speed), float(offset_ms))


def _chained(found: Sequence[Sighting]) -> list[Sighting]:
    """The sightings that lie alike: the strongest run of them, and others that are long.

    A picture in a picture is moved now and then, and stays where it is again.
    """
    runs: list[list[Sighting]] = []
    for one in found:
        mine = next((run for run in reversed(runs) if geometry.agree(run[-1].fit, one.fit)), None)
        if mine is None:
            runs.append([one])
        else:
            mine.append(one)
    if not runs:
        return []
    strongest_run = max(runs, key=lambda run: sum(map(_strength, run)))
    kept = [one for run in runs if run is strongest_run or len(run) >= _LONG_RUN for one in run]
    return sorted(kept, key=lambda one: one.clip_frame)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The part of a chain with most evidence: its sightings, the clip's frames from the first to
    the last of them, and evidence in all and of the strongest, if they agree."""

    sightings: tuple[Sighting, ...]
    frames: int
    distinct: int
    nats: float
    lead_nats: float


def _stretch(
    chain: Sequence[Sighting], compared: Comparison, *, backwards: bool
) -> _Stretch | None:
    """The chain's best stretch, from hit to hit; None of an empty chain."""
    if not chain:
        return None
    first = chain[0].clip_frame
    cells = np.full(chain[-1].clip_frame - first + 1, evidence.UNSEEN, np.int64)
    cells[[one.clip_frame - first for one in chain]] = _new_cells(
        chain, compared, backwards=backwards
    )
    nats = evidence.of_cells(cells)
    start, stop = _largest_sum(nats)
    return _Stretch(
        sightings=tuple(one for one in chain if start <= one.clip_frame - first < stop),
        frames=stop - start,
        distinct=int((cells[start:stop] >= evidence.HIT_CELLS).sum()),
        nats=float(nats[start:stop].sum()),
        lead_nats=float(nats[start:stop].max()),
    )


def _measured(line: Line, stretch: _Stretch, compared: Comparison) -> PatchLine:
    """The line with what the stretch is worth: what follows on the lead, as far as it agrees."""
    seen = stretch.sightings
    agreement = min(
        steadiness.of(seen, compared, line),
        renewal.of(seen, compared, line),
        spread.of(seen, compared),
    )
    followed = max(0.0, stretch.nats - stretch.lead_nats)
    return PatchLine(
        line=line,
        sightings=seen,
        frames=stretch.frames,
        distinct=stretch.distinct,
        agreement=agreement,
        evidence_nats=stretch.lead_nats + agreement * followed,
    )


def _new_cells(chain: Sequence[Sighting], compared: Comparison, *, backwards: bool) -> list[int]:
    """In how many cells of each sighting patches agree that were not counted, on both sides.

    A still backdrop, a logo, a caption or a face that holds still are the same patches in every
    frame (``hashing.patches.following``), or come back to their places, and say one thing once.
    That tells two takes of one scene from two copies of one. Where little is new at a time, it is
    kept back until together it makes a hit.
    """
    counted: list[int] = []
    kept_back = 0
    mine: set[int] = set()
    theirs: set[int] = set()
    before: Sighting | None = None  # the last that was counted, or the first
    for one in chain:
        clip_rows, reference_rows = one.fit.clip.rows.tolist(), one.fit.reference.rows.tolist()
        is_new = np.array(
            [
                row not in mine and other not in theirs
                for row, other in zip(clip_rows, reference_rows, strict=True)
            ]
        )
        if before is not None:  # what comes back has to have been somewhere that was counted
            is_new &= compared.clip_freshness.of(one.fit.clip.rows)
            is_new &= compared.reference_freshness.of(one.fit.reference.rows)
            is_new &= _has_come(one, before, compared, backwards=backwards)
        places = one.fit.clip.places[is_new], one.fit.reference.places[is_new]
        kept_back += min(map(geometry.cells, places))
        is_hit = kept_back >= evidence.HIT_CELLS
        counted.append(kept_back if is_hit else 0)
        kept_back = 0 if is_hit else kept_back
        before = one if is_hit or before is None else before
        mine.update(clip_rows)
        theirs.update(reference_rows)
    return counted


def _has_come(
    one: Sighting, before: Sighting, compared: Comparison, *, backwards: bool
) -> NDArray[np.bool_]:
    """Which of the patches that agree came with a sighting before or after it, on both sides:
    bool (n,).

    A corner of a still room that is found in one frame and not in the next comes on one side while
    on the other it has been there all along: two takes of one talking head agree in such corners.
    """
    first_mine = compared.clip.firsts[one.fit.clip.rows]
    rows = one.fit.reference.rows
    if backwards:
        came = compared.reference.lasts[rows] <= before.key_frame
    else:
        came = compared.reference.firsts[rows] >= before.key_frame
    has_come: NDArray[np.bool_] = came & (first_mine >= before.clip_frame)
    return has_come


def _largest_sum(values: NDArray[np.float64]) -> tuple[int, int]:
    """Start and stop of the contiguous part with the largest sum, the longest such part; one
    element at least."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums[:-1])
    stop = len(values) - 1 - int(np.argmax((sums[1:] - lowest)[::-1]))
    start = int(np.argmin(sums[: stop + 1]))
    return start, stop + 1
