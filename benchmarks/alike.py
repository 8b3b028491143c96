"""How near copies of still footage come to it, and how near other footage ever comes: the table
that chose ``hashing.chance.STILL_COPY_BITS``.

A clip in which next to nothing moves has no time line to tell it by, only how near its pictures
are. Others are given every advantage: any frame of the other clip may be the nearest, whenever it
is shown, and the nearest stretch counts. Copies are given none: they are measured where they are.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks import cases, catalogue, clips, decoys, generated, kept, sources
from benchmarks.attacks.clips import Copy
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.screens import SCREENS
from benchmarks.attacks.sources import REAL, Source
from benchmarks.footage import dev_rows
from benchmarks.report import Report, arguments, percent
from hashing import bits, chance, turns
from hashing.alignment import DISTINCT_BITS
from hashing.extract import CLIP
from hashing.fingerprint import PHASH, Fingerprint, Track

_SHARE: Final = 90  # nine frames in ten have to be the same (``hashing.verdict``)
_THRESHOLDS_BITS: Final = (8, 12, 16, 20, 24)
_WINDOWS: Final = {"2 s": 8, "3 s": 12, "all": None}  # in frames, as a clip is sampled
_MOST_FRAMES: Final = 400  # of a clip: 100 s
_MOST_REFERENCE: Final = 4000  # frames; the longest takes of one scene have fewer
_BLOCK: Final = 512
_AROUND_MS: Final = 140  # of the true time: what an alignment takes for the same time
# The pictures as they were, in another codec, size or view; and, to compare, a logo and a crop.
_PLAIN_EDITS: Final = (
    *("f1", "f1s", "f3", "f5", "a1", "a2", "a3", "a4", "a5"),
    *("b1", "b2", "b3", "b4", "c4n", "e5", "e6"),
)
_FURTHER_EDITS: Final = ("d1", "e1")
_FAST_EDITS: Final = ("f1", "f1s", "a1", "b1", "c4n", "e5")
_SHARED: Final = ("shared intro", "countdown leader")  # these do show the same pictures
_KINDS: Final = (
    "other footage",
    "other takes of one scene",
    "drawn screens of one layout",
    "other drawn clips of one kind",
    "drawn clips of other kinds",
    "shared intros and leaders",
)
_LAYOUTS, _LITERAL = _KINDS[2], _KINDS[-1]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A clip: what it is of, its hashes as a clip is sampled, and as a reference."""

    source: Source
    scene: str
    sampled: NDArray[np.uint8]
    hashes: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Pair:
    """The 90th percentile of bits to the nearest frame, by window; None where it is too short."""

    kind: str
    bits: dict[str, int | None]


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("alike", "Still copies and what looks like them")
    every = sources.load()
    pairs = list(_pairs(_all_shown(every, fast=flags.fast)))
    _report_pairs(report, pairs)
    copies = list(_copies(every, _FAST_EDITS if flags.fast else _PLAIN_EDITS + _FURTHER_EDITS))
    _report_copies(report, copies)
    report.finish(write=flags.write)


def _report_pairs(report: Report, pairs: Sequence[_Pair]) -> None:
    report.text(
        f"How near a clip comes to one of other footage: the {_SHARE}th percentile of the bits "
        "from its frames to the nearest frame of the other, in its nearest stretch of 2 s or 3 s, "
        "and over all of it (of 2 s every frame has to be so near, of 3 s eleven in twelve). Then "
        "the pairs in which one of these would be taken for the same picture."
    )
    of_kind = {kind: [one for one in pairs if one.kind == kind] for kind in _KINDS}
    report.table(
        ["clip and other", "pairs", *_WINDOWS, *_within()],
        [
            [
                kind,
                f"{len(mine):,}",
                *(_told(_least(mine, window)) for window in _WINDOWS),
                *(sum(_is_within(one, limit) for one in mine) for limit in _THRESHOLDS_BITS),
            ]
            for kind, mine in of_kind.items()
        ],
    )
    others = [one for one in pairs if one.kind != _LITERAL]
    real = [one for one in pairs if one.kind in _KINDS[:2]]
    report.figure("least_of_other_footage_bits", _least(real, "2 s") or bits.HASH_BITS)
    report.figure("least_of_drawn_layouts_bits", _least(of_kind[_LAYOUTS], "2 s") or bits.HASH_BITS)
    let_in = sum(_is_within(one, chance.STILL_COPY_BITS) for one in others)
    report.figure("others_taken_for_the_same", let_in)


def _report_copies(report: Report, copies: Sequence[tuple[Copy, int]]) -> None:
    named = {copy.task.source.name for copy, _ in copies}
    report.text(
        f"Copies of the {len(named)} sources that mostly stand still ({', '.join(sorted(named))}), "
        f"in stretches of 2 s in which these do: the {_SHARE}th percentile of the bits to the "
        "source's own frames at that time, in the nearest view; then the share of stretches, in %, "
        "that would be taken for the same picture."
    )
    by_edit: dict[str, list[int]] = defaultdict(list)
    for copy, nearest_bits in copies:
        edit = clips.by_key()[copy.task.edit]
        by_edit[f"{edit.name}, {copy.label}"].append(nearest_bits)
    plain = [nearest_bits for copy, nearest_bits in copies if copy.task.edit in _PLAIN_EDITS]
    report.table(
        ["copies", "stretches", "median", "largest", *_within()],
        [
            [name, len(mine), f"{np.median(mine):.0f}", max(mine), *_found(mine)]
            for name, mine in [*by_edit.items(), ("all but logo and crop", plain)]
            if mine
        ],
    )
    report.figure("still_stretches_of_copies", len(plain))
    taken = [one <= chance.STILL_COPY_BITS for one in plain]
    report.figure("still_stretches_taken_for_the_same", float(np.mean(taken)) if taken else 0.0)


def _within() -> list[str]:
    return [f"≤ {limit}" for limit in _THRESHOLDS_BITS]


def _found(nearest_bits: list[int]) -> list[str]:
    return [percent(float(np.mean(np.array(nearest_bits) <= one))) for one in _THRESHOLDS_BITS]


def _told(value: int | None) -> str:
    return "–" if value is None else str(value)


def _least(pairs: Sequence[_Pair], window: str) -> int | None:
    measured = [one for one in (pair.bits[window] for pair in pairs) if one is not None]
    return min(measured, default=None)


def _is_within(pair: _Pair, limit: int) -> bool:
    return any(nearest is not None and nearest <= limit for nearest in pair.bits.values())


def _all_shown(every: sources.Sources, *, fast: bool) -> list[_Shown]:
    """Every clip of the suite that shows something: footage, drawn negatives, templates, screens.

    In a fast run only short ones.
    """
    listed, checked = decoys.load(every.unlisted)
    plain = [*every.listed, *every.unlisted, *every.extra, *every.negatives]
    scenes = {row["group"]: row["scene"] for row in dev_rows()}
    found = []
    for source in dict.fromkeys([*plain, *listed, *checked]):
        if fast and source.duration_s > cases.FAST_MOST_S:
            continue
        for track in _phash(kept.reference(source)):
            scene = scenes.get(source.group, source.group) if source.kind == REAL else source.group
            hashes = np.ascontiguousarray(track.hashes[:_MOST_REFERENCE])
            found.append(_Shown(source, scene, _sampled(track)[:_MOST_FRAMES], hashes))
    return found


def _phash(fingerprint: Fingerprint) -> list[Track]:
    """The first track that has frames, if any."""
    return [track for track in fingerprint.of(PHASH) if len(track)][:1]


def _sampled(track: Track) -> NDArray[np.uint8]:
    """What shows at every instant at which a clip is sampled: uint8 (n, 32)."""
    end_ms = int(track.times_ms[-1] + track.spans_ms[-1])
    times_ms = np.arange(int(track.times_ms[0]), end_ms + 1, CLIP.phash_interval_ms)
    return np.ascontiguousarray(track.hashes[track.rows_at(times_ms)])


def _pairs(shown: Sequence[_Shown]) -> Iterator[_Pair]:
    """Every ordered pair of clips of different footage."""
    for one in shown:
        for other in shown:
            if one.source.group != other.source.group:
                yield _Pair(_kind(one, other), _by_window(_nearest(one.sampled, other.hashes)))


def _kind(one: _Shown, other: _Shown) -> str:
    kinds = one.source.kind, other.source.kind
    if kinds == (REAL, REAL):
        return _KINDS[1] if one.scene == other.scene else _KINDS[0]
    templates = {generated.template(kind) for kind in kinds}
    if len(templates) > 1:
        return _KINDS[4]
    if templates <= set(_SHARED):
        return _LITERAL
    return _LAYOUTS if templates <= set(SCREENS) else _KINDS[3]


def _nearest(sampled: NDArray[np.uint8], hashes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Bits from each frame to the nearest of the other's: uint16 (len(sampled),)."""
    best = np.full(len(sampled), bits.HASH_BITS, np.uint16)
    for first in range(0, len(hashes), _BLOCK):
        block = hashes[first : first + _BLOCK]
        best = np.minimum(best, bits.distance_matrix(sampled, block).min(axis=1))
    return best


def _by_window(nearest_bits: NDArray[np.uint16]) -> dict[str, int | None]:
    return {
        name: _in_window(nearest_bits, frames or len(nearest_bits))
        for name, frames in _WINDOWS.items()
    }


def _in_window(nearest_bits: NDArray[np.uint16], frames: int) -> int | None:
    """The percentile in the nearest stretch of so many frames; None where there are fewer."""
    if not 0 < frames <= len(nearest_bits):
        return None
    stretches = np.lib.stride_tricks.sliding_window_view(nearest_bits, frames)
    return int(_percentiles(stretches).min())


def _percentiles(nearest_bits: NDArray[np.integer]) -> NDArray[np.integer]:
    """Of each row what nine values in ten do not exceed, as the verdict counts them."""
    place = int(np.ceil(_SHARE / 100 * nearest_bits.shape[1])) - 1
    return np.partition(nearest_bits, place, axis=1)[:, place]


def _copies(every: sources.Sources, keys: Sequence[str]) -> Iterator[tuple[Copy, int]]:
    """Copies of footage that mostly stands still, and how near each still stretch of one is."""
    references = {one.group: kept.reference(one) for one in [*every.listed, *every.unlisted]}
    still = [
        one
        for one in [*every.listed, *every.unlisted]
        if one.kind == REAL and any(map(_mostly_still, _phash(references[one.group])))
    ]
    edits = [one for one in catalogue.edits() if one.key in keys]
    tasks = sorted(clips.tasks_of(still, edits, [*Severity]), key=lambda one: keys.index(one.edit))
    for copy in clips.ready(tasks, cases.known(every), every.unlisted):
        (track,) = _phash(references[copy.task.source.group])
        for nearest_bits in _still_stretches(copy, track):
            yield copy, nearest_bits


def _mostly_still(track: Track) -> bool:
    """Whether in most stretches of 2 s every frame shows the first one's picture."""
    sampled = _sampled(track)
    frames = _WINDOWS["2 s"] or 0
    firsts = range(len(sampled) - frames + 1)
    still = [_stands_still(sampled[first : first + frames]) for first in firsts]
    return bool(still) and float(np.mean(still)) > 0.5


def _stands_still(hashes: NDArray[np.uint8]) -> bool:
    return bool((bits.distances(hashes, hashes[:1]) <= DISTINCT_BITS).all())


def _still_stretches(copy: Copy, reference: Track) -> list[int]:
    """Of each stretch of a copy in which its source stands still, one after another: the percentile
    on the true line, in the view that is nearest all along. None where nothing could be hashed.
    """
    fingerprint = kept.clip(copy.path).fingerprint
    tracks = [] if fingerprint is None else [one for one in fingerprint.of(PHASH) if len(one)]
    seen = [view for track in tracks for view in (track, *turns.of(track))]
    if not seen:
        return []
    lines = [_on_line(copy, reference, one) for one in seen]
    best = min(range(len(seen)), key=lambda place: float(lines[place].mean()))
    shown, frames = _at(copy, reference, seen[best]), _WINDOWS["2 s"] or 0
    starts = range(0, max(1, len(shown) - frames + 1), frames)
    return [
        int(_percentiles(lines[best][None, start : start + frames])[0])
        for start in starts
        if _stands_still(shown[start : start + frames])
    ]


def _at(copy: Copy, reference: Track, track: Track) -> NDArray[np.uint8]:
    """What the reference shows at the true times of this track's frames."""
    rows = reference.rows_at(_true_ms(copy, track)).clip(0)
    return np.ascontiguousarray(reference.hashes[rows])


def _true_ms(copy: Copy, track: Track) -> NDArray[np.float64]:
    """When the source showed what each frame of the copy shows."""
    starts_ms = np.array([one.clip_start_ms for one in copy.segments])
    place = (np.searchsorted(starts_ms, track.times_ms, side="right") - 1).clip(0)
    segments = [copy.segments[one] for one in place]
    return np.array(
        [
            one.source_start_ms + one.speed * (time_ms - one.clip_start_ms)
            for one, time_ms in zip(segments, track.times_ms, strict=True)
        ]
    )


def _on_line(copy: Copy, reference: Track, track: Track) -> NDArray[np.int64]:
    """Bits from each frame to the nearest that the source showed around that time."""
    expected_ms = _true_ms(copy, track)
    first = reference.rows_at(expected_ms - _AROUND_MS).clip(0)
    last = reference.rows_at(expected_ms + _AROUND_MS).clip(0)
    return np.array(
        [
            int(bits.distances(track.hashes[row : row + 1], reference.hashes[low : high + 1]).min())
            for row, (low, high) in enumerate(zip(first, last, strict=True))
        ]
    )


if __name__ == "__main__":
    main()
