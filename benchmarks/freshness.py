"""A long list in a real store: made, opened, changed, and checked against. Part of
``benchmarks.index``, which prints it."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks import trajectories
from benchmarks.footage import clip_480p
from benchmarks.processes import in_turn, median_cpu_s, median_wall_s
from hashing import bits
from hashing.fingerprint import Fingerprint, Kind
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from service import settings, snapshots
from service.checking import Checker
from service.media.decoding import Uncaged
from service.store.sqlite import SqliteStore

_CACHE: Final = Path(__file__).resolve().parents[1] / ".bench" / "index"
_RECIRC: Final = str(Path(sys.executable).with_name("recirc"))
_LIST: Final = "long"
_CHANGES: Final = 5
_RUNS: Final = 5


@dataclass(frozen=True, slots=True)
class ColdCheck:
    """``recirc check`` of a clip from a cold start, with an empty list and with the long one."""

    clip: str
    empty_cpu_s: float
    long_cpu_s: float
    empty_wall_s: float
    long_wall_s: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """What it took: CPU seconds to build, wall-clock times for the rest (medians of changes)."""

    build_s: float
    open_s: float
    bytes_a_frame: float
    add_ms: float
    remove_ms: float
    checks: tuple[ColdCheck, ...]


def measure(frames: int, scratch: Path) -> Freshness:
    """Build, open and change a list of so many frames; ``scratch`` takes its index file."""
    database = _database(frames)
    os.environ["RECIRC_INDEX"] = str(scratch)
    folder = settings.from_environment(os.environ, database=database).index
    assert folder is not None
    with closing(SqliteStore(database)) as store:
        store.remove(_LIST, [f"new-{number}" for number in range(_CHANGES)])
        started_s = time.process_time()
        Checker(store, Uncaged(), snapshots=folder).lists()
        build_s = time.process_time() - started_s
        checker = Checker(store, Uncaged(), snapshots=folder)
        open_s = _seconds(checker.lists)
        (listed,) = checker.lists()
        path = snapshots.path_of(folder, _LIST)
        added_ms, removed_ms = [], []
        for number in range(_CHANGES):
            made = next(trajectories.references(1000, seed=1000 + number))
            name = f"new-{number}"
            store.add(_LIST, [Reference(name, None, None, made)])
            added_ms.append(1000 * _seconds(checker.lists))
            clip = _clip_of(made)
            result = checker.check_fingerprint(clip, None)
            assert name in {match.reference for match in result.matches}, result.verdict
            store.remove(_LIST, [name])
            removed_ms.append(1000 * _seconds(checker.lists))
            result = checker.check_fingerprint(clip, None)
            assert result.verdict is Verdict.NO_MATCH, result.matches
        return Freshness(
            build_s=build_s,
            open_s=open_s,
            bytes_a_frame=path.stat().st_size / listed.index.frames,
            add_ms=median(added_ms),
            remove_ms=median(removed_ms),
            checks=tuple(_checks(database, scratch)),
        )


def _checks(database: Path, scratch: Path) -> Iterator[ColdCheck]:
    """Cold checks of clips that match nothing, in turn with an empty list and with the long one."""
    empty = scratch / "empty.sqlite3"
    with closing(SqliteStore(empty)) as store:
        store.create_list(_LIST, policy=Policy.BLOCK)
    for seconds, skip in ((10, 20), (60, 40)):
        clip = str(clip_480p(seconds, skip=skip))
        with_none = [_RECIRC, "check", clip, "--db", str(empty)]
        with_long = [_RECIRC, "check", clip, "--db", str(database)]
        nones, longs = in_turn([with_none, with_long], _RUNS)
        yield ColdCheck(
            clip=f"{seconds} s",
            empty_cpu_s=median_cpu_s(nones),
            long_cpu_s=median_cpu_s(longs),
            empty_wall_s=median_wall_s(nones),
            long_wall_s=median_wall_s(longs),
        )


def _database(frames: int) -> Path:
    """A store with a list of so many frames, made once and kept."""
    path = _CACHE / f"list-{frames}-{len(trajectories.footage())}.sqlite3"
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with closing(SqliteStore(partial)) as store:
            references = (
                Reference(f"r{number:06}", f"number {number}", f"incident {number % 500}", made)
                for number, made in enumerate(trajectories.references(frames))
            )
            store.add(_LIST, references, policy=Policy.BLOCK)
        partial.replace(path)
    return path


def _clip_of(reference: Fingerprint) -> Fingerprint:
    """Every sixth frame of a stretch of it, as a clip has them, with a little noise."""
    track = reference.tracks[0].select(slice(300, 660, 6))
    random = np.random.default_rng(1)
    noise = np.packbits(random.random((len(track), bits.HASH_BITS)) < 0.04, axis=1)
    start_ms = track.times_ms[0]
    copied = replace(track, times_ms=track.times_ms - start_ms, hashes=track.hashes ^ noise)
    return Fingerprint(Kind.VIDEO, int(copied.times_ms[-1]), (copied,))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
