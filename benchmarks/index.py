"""The index over up to ten million frames, beside FAISS's flat search in the same run.

Times are CPU seconds of one thread, so that other work on the machine counts for neither side.
FAISS is a tool of this benchmark alone: ``uv sync --inexact --group bench`` brings it.
"""

import importlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import freshness, trajectories
from benchmarks.report import Report, arguments, percent
from hashing import bits
from hashing.buckets import EXACT_BITS, Buckets
from hashing.chance import LOOSE_BITS

_CLIP_FRAMES: Final = 60  # 15 s at four a second
_VIEWS: Final = 8  # turns and mirrors
_NOISE_BITS: Final = 12  # a mildly edited copy
_RECALL_BITS: Final = (31, 45, 60, 72)
_RUNS: Final = 5


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds of a look-up, exact and for seeds, of one clip and of eight views of it."""

    exact_ms: float
    seeds_ms: float
    quick_ms: float
    eight_ms: float
    flat_ms: float | None


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    sizes = (100_000, 1_000_000) if flags.fast else (1_000_000, 10_000_000)
    report = Report("index", "The index: ten million frames")
    measured: list[tuple[int, _Times]] = []
    for size in sizes:
        hashes = _hashes(size)
        buckets = Buckets(hashes)
        assert buckets.crowded_out == 0, f"{buckets.crowded_out} real-like hashes crowded out"
        measured.append((size, _lookups(hashes, buckets)))
        if size == sizes[-1]:
            _recall(report, hashes, buckets)
        del hashes, buckets
    _lookup_table(report, measured)
    _hostile(report, sizes[0])
    with tempfile.TemporaryDirectory() as folder:
        _service(report, sizes[-1], freshness.measure(sizes[-1], Path(folder)))
    report.finish(write=flags.write)


def _hashes(frames: int) -> NDArray[np.uint8]:
    made = trajectories.references(frames)
    return np.concatenate([one.tracks[0].hashes for one in made])


def _lookups(hashes: NDArray[np.uint8], buckets: Buckets) -> _Times:
    """Times for a clip half of which is a copy, and whether FAISS finds the same pairs."""
    random = np.random.default_rng(7)
    clip = _clip(hashes, random)
    views = np.concatenate([clip, *(_flipped(clip, 128, random) for _ in range(_VIEWS - 1))])
    flat_ms = _flat_ms(hashes, clip, buckets.pairs(clip, EXACT_BITS))
    return _Times(
        exact_ms=_best_ms(lambda: buckets.pairs(clip, EXACT_BITS)),
        seeds_ms=_best_ms(lambda: buckets.pairs(clip, LOOSE_BITS)),
        quick_ms=_best_ms(lambda: buckets.pairs(clip, LOOSE_BITS, quick=True)),
        eight_ms=_best_ms(lambda: buckets.pairs(views, EXACT_BITS)),
        flat_ms=flat_ms,
    )


def _clip(hashes: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Frames of a clip: the first half of listed footage with noise, the rest of other footage."""
    start = int(random.integers(len(hashes) - 1000))
    copied = hashes[start : start + 5 * _CLIP_FRAMES : 10]
    other = next(trajectories.references(5 * _CLIP_FRAMES, seed=99)).tracks[0].hashes[::10]
    return np.concatenate([_flipped(copied, _NOISE_BITS, random), other])


def _flipped(
    hashes: NDArray[np.uint8], count: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The hashes with ``count`` random bits of each turned over."""
    turned = np.zeros((len(hashes), bits.HASH_BITS), np.uint8)
    places = np.argsort(random.random(turned.shape), axis=1)[:, :count]
    np.put_along_axis(turned, places, 1, axis=1)
    return hashes ^ np.packbits(turned, axis=1)


def _flat_ms(
    hashes: NDArray[np.uint8], clip: NDArray[np.uint8], pairs: tuple[NDArray[Any], ...]
) -> float | None:
    """FAISS's time for the same, whose pairs have to be the same; None where it is not there."""
    try:
        faiss = importlib.import_module("faiss")
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexBinaryFlat(bits.HASH_BITS)
    flat.add(hashes)
    found: list[tuple[NDArray[Any], ...]] = []
    best_ms = _best_ms(lambda: found.append(flat.range_search(clip, EXACT_BITS + 1)), runs=2)
    limits, _, rows = found[-1]
    counts: NDArray[np.int64] = np.diff(limits).astype(np.int64)
    query_rows = np.repeat(np.arange(len(clip)), counts)
    theirs = set(zip(query_rows.tolist(), rows.tolist(), strict=True))
    ours = set(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))
    assert ours == theirs, f"{len(ours - theirs)} pairs too many, {len(theirs - ours)} too few"
    return best_ms


def _best_ms(work: Callable[[], object], *, runs: int = _RUNS) -> float:
    """The least CPU time of this thread, in ms, of a few runs."""
    taken = []
    for _ in range(runs):
        started_ns = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - started_ns)
    return min(taken) / 1e6


def _lookup_table(report: Report, measured: list[tuple[int, _Times]]) -> None:
    report.text(
        f"A clip of {_CLIP_FRAMES} frames, half of it a copy with {_NOISE_BITS} bits of noise, "
        "against lists with the motion of real footage (`benchmarks/trajectories.py`). CPU time of "
        f"one thread, best of {_RUNS}; the pairs within {EXACT_BITS} bits are the same as FAISS's."
    )
    rows = []
    for size, one in measured:
        flat = "–" if one.flat_ms is None else f"{one.flat_ms:.0f} ms"
        ratio = "–" if one.flat_ms is None else f"{one.flat_ms / one.exact_ms:.0f}x"
        rows.append(
            [
                f"{size:,}",
                f"{one.exact_ms:.1f} ms",
                flat,
                ratio,
                f"{one.eight_ms / one.exact_ms:.1f}x",
                f"{one.seeds_ms:.1f} ms",
                f"{one.quick_ms:.1f} ms",
            ]
        )
        report.figure(f"exact_ms_{size}", one.exact_ms)
        report.figure(f"seeds_ms_{size}", one.seeds_ms)
        report.figure(f"eight_views_ratio_{size}", one.eight_ms / one.exact_ms)
        if one.flat_ms is not None:
            report.figure(f"faster_than_flat_{size}", one.flat_ms / one.exact_ms)
    header = ["frames", f"within {EXACT_BITS}", "FAISS flat", "faster", "eight views", "seeds"]
    report.table([*header, "quick seeds"], rows)
    (_, small), (_, large) = measured
    report.text(f"Ten times the frames take {large.exact_ms / small.exact_ms:.1f} times as long.")
    report.figure("growth", large.exact_ms / small.exact_ms)


def _recall(report: Report, hashes: NDArray[np.uint8], buckets: Buckets) -> None:
    random = np.random.default_rng(3)
    rows = []
    for distance in _RECALL_BITS:
        listed = random.integers(0, len(hashes), 4000)
        queries = _flipped(hashes[listed], distance, random)
        shares = [_found_share(buckets, queries, listed, quick=quick) for quick in (False, True)]
        of_five = 1 - (1 - shares[0]) ** 5
        rows.append([distance, percent(shares[0]), f"{100 * of_five:.2f}", percent(shares[1])])
        report.figure(f"recall_{distance}", shares[0])
        report.figure(f"recall_of_five_{distance}", of_five)
    report.text("Share of the pairs at a distance that a look-up for seeds finds, in percent:")
    report.table(["bits", "found", "one of five such frames", "found when quick"], rows)


def _found_share(
    buckets: Buckets, queries: NDArray[np.uint8], listed: NDArray[np.int64], *, quick: bool
) -> float:
    query_rows, rows, _ = buckets.pairs(queries, LOOSE_BITS, quick=quick)
    return float(np.count_nonzero(listed[query_rows] == rows) / len(listed))


def _hostile(report: Report, size: int) -> None:
    """Lists that are all one picture, or nearly: asked about by other clips and by that picture."""
    random = np.random.default_rng(5)
    honest = _hashes(size)
    base = honest[:1]
    lists = {
        "honest": honest,
        "all equal": np.repeat(base, size, axis=0),
        "all within 8 bits": _near(base, size, random),
    }
    rows = []
    honest_ms = 0.0
    for name, hashes in lists.items():
        started_ns = time.thread_time_ns()
        buckets = Buckets(hashes)
        build_s = (time.thread_time_ns() - started_ns) / 1e9
        other = _clip(honest, np.random.default_rng(7))
        near = _flipped(np.repeat(base, _CLIP_FRAMES, axis=0), 4, random)
        other_ms = _best_ms(lambda b=buckets, c=other: b.pairs(c, LOOSE_BITS))  # type: ignore[misc]
        near_ms = _best_ms(lambda b=buckets, c=near: b.pairs(c, LOOSE_BITS))  # type: ignore[misc]
        honest_ms = honest_ms or other_ms
        kept = len(buckets.pairs(near, LOOSE_BITS)[0]) / _CLIP_FRAMES
        rows.append(
            [
                name,
                f"{other_ms / honest_ms:.2f}x",
                f"{near_ms / honest_ms:.2f}x",
                f"{kept:,.0f}",
                f"{buckets.crowded_out:,}",
                f"{build_s:.1f} s",
            ]
        )
        report.figure(f"hostile_{name.replace(' ', '_')}", max(other_ms, near_ms) / honest_ms)
    report.text(f"Hostile lists of {size:,} frames, time of the honest list with another clip = 1:")
    header = ["list", "another clip", "a clip of that picture", "pairs kept a frame"]
    report.table([*header, "crowded out", "build"], rows)


def _service(report: Report, size: int, one: freshness.Freshness) -> None:
    report.text(f"A list of {size:,} frames in a store (references of 1,000 frames):")
    report.table(
        ["", "measured", "limit"],
        [
            ["bytes a frame, in memory and in the index file", f"{one.bytes_a_frame:.0f}", "160"],
            ["made from the store and written, CPU", f"{one.build_s:.0f} s", "60 s"],
            ["opened from the index file", f"{one.open_s:.2f} s", "1 s"],
            ["one more reference, until the next check has it", f"{one.add_ms:.0f} ms", "100 ms"],
            ["one fewer", f"{one.remove_ms:.0f} ms", "100 ms"],
        ],
    )
    for name in ("bytes_a_frame", "build_s", "open_s", "add_ms", "remove_ms"):
        report.figure(name, getattr(one, name))
    report.text("`recirc check` from a cold start, clips that match nothing (limit 1.15x):")
    rows = []
    for check in one.checks:
        cpu, wall = check.long_cpu_s / check.empty_cpu_s, check.long_wall_s / check.empty_wall_s
        rows.append(
            [
                check.clip,
                f"{check.empty_wall_s:.2f} s",
                f"{check.long_wall_s:.2f} s",
                f"{wall:.2f}x",
                f"{check.empty_cpu_s:.2f} s",
                f"{check.long_cpu_s:.2f} s",
                f"{cpu:.2f}x",
            ]
        )
        name = f"check_{check.clip.replace(' ', '')}"
        report.figure(f"{name}_ratio", cpu)
        report.figure(f"{name}_wall_ratio", wall)
    header = ["clip", "empty list", "this list", "time", "empty list, CPU", "this list, CPU", "CPU"]
    report.table(header, rows)


def _near(base: NDArray[np.uint8], size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    parts = [
        _flipped(np.repeat(base, min(50_000, size - first), axis=0), 8, random)
        for first in range(0, size, 50_000)
    ]
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
