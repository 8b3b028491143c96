"""Checking made copies as the product does: one index over all references, one check a copy.

Each copy is also checked against the list without the footage that it shows. What is found then is
a false alarm, so that every copy is a negative as well: of other takes of its scene, where there
are any on the list, and of all other footage.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2

from benchmarks.attacks import kept
from benchmarks.attacks.clips import PROCESSES
from benchmarks.attacks.sources import Source
from hashing import matching
from hashing.fingerprint import Fingerprint
from hashing.matching import ListIndex
from hashing.ranges import Range
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict

# Every line has its say in the calibration, however weak; a match would spare the rarer views.
_ANY_CHANCE: Final = replace(DEFAULT_POLICY, match_chance=-1.0, near_chance=1.0)


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to be checked. ``shown``: the listed groups that it shows."""

    path: Path
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """One reference that a check found."""

    group: str
    verdict: Verdict
    chance: float
    view: str
    speed: float
    clip_ranges_ms: tuple[Range, ...]
    reference_ranges_ms: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check said and what it took.

    ``found``: with all references on the list; ``alarms``: without those of footage that the clip
    shows; ``claims``: on that list the expected number of alarms as strong as the strongest line,
    by group, however weak: the chance, but not cut off at 1. ``decode_cpu_s``: of a full decode
    with default settings, None where it was not measured; ``peak_bytes``: the worker's resident
    memory so far, index included; ``problem``: why the clip could not be read, None where it could.
    """

    found: tuple[Found, ...]
    problem: str | None
    duration_ms: int
    extract_cpu_s: float
    lookup_s: float
    decode_cpu_s: float | None
    peak_bytes: int
    alarms: tuple[Found, ...] = ()
    claims: tuple[tuple[str, float], ...] = ()


def check_all(jobs: Sequence[Job], listed: Sequence[Source]) -> Iterator[Checked]:
    """One answer a job, in order, from two processes."""
    # Two workers fill two cores. Threads of the libraries would only wait for one another, and
    # spin: it made one PDQ plane cost 63 ms of processor time instead of 1.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        kept.forget_old()
        for done, _ in enumerate(pool.imap_unordered(_reference_ready, listed), 1):
            if done % 20 == 0:
                print(f"{done} of {len(listed)} references hashed", flush=True)
    with context.Pool(PROCESSES, _start, (tuple(listed),)) as pool:
        for done, checked in enumerate(pool.imap(_check, jobs, chunksize=4), 1):
            if done % 100 == 0:
                print(f"{done} of {len(jobs)} clips checked", flush=True)
            yield checked


def reference_frames(listed: Sequence[Source]) -> tuple[int, int]:
    """Reference hashes in the index, and the references' length in ms."""
    fingerprints = [kept.reference(source) for source in listed]
    return ListIndex(fingerprints).frames, sum(one.duration_ms for one in fingerprints)


def _reference_ready(source: Source) -> None:
    kept.reference(source)


@dataclass(frozen=True, slots=True)
class _Listed:
    """An index, with the group of each of its references."""

    groups: tuple[str, ...]
    index: ListIndex

    def found(self, clip: Fingerprint, policy: DecisionPolicy) -> tuple[Found, ...]:
        """What a check finds."""
        return self._of(clip, matching.tries(clip, self.index.frames), policy)

    def claims(self, clip: Fingerprint, alarms: Sequence[Found]) -> dict[str, float]:
        """Claims by group: those of ``alarms``, which know what is common, and raw ones else."""
        tries = matching.tries(clip, self.index.frames)
        lines = self._of(clip, 1.0, _ANY_CHANCE)  # for one try, so that nothing is cut off at 1
        raw = {one.group: one.chance * tries for one in lines}
        return raw | {one.group: one.chance for one in alarms}

    def _of(self, clip: Fingerprint, tries: float, policy: DecisionPolicy) -> tuple[Found, ...]:
        return tuple(
            Found(
                group=self.groups[finding.reference],
                verdict=finding.verdict,
                chance=finding.chance,
                view=str(finding.view),
                speed=finding.speed,
                clip_ranges_ms=finding.clip_ranges_ms,
                reference_ranges_ms=finding.reference_ranges_ms,
            )
            for finding in self.index.match(clip, tries, policy)
        )


_REFERENCES: list[tuple[str, Fingerprint]] = []  # one list to a process, filled when it starts


def _start(listed: tuple[Source, ...]) -> None:
    cv2.setNumThreads(1)
    _REFERENCES.extend((source.group, kept.reference(source)) for source in listed)


@lru_cache(maxsize=8)
def _list_without(left_out: frozenset[str]) -> _Listed:
    """All references but those of these groups; copies of one source come one after another."""
    chosen = [(group, one) for group, one in _REFERENCES if group not in left_out]
    return _Listed(tuple(group for group, _ in chosen), ListIndex([one for _, one in chosen]))


def _check(job: Job) -> Checked:
    made = kept.clip(job.path)
    clip = made.fingerprint
    everything, others = _list_without(frozenset()), _list_without(job.shown)
    started_s = time.perf_counter()
    found = () if clip is None else everything.found(clip, DEFAULT_POLICY)
    lookup_s = time.perf_counter() - started_s
    alarms, claims = found, dict[str, float]()
    if clip is not None:
        alarms = others.found(clip, DEFAULT_POLICY) if job.shown else found
        claims = others.claims(clip, alarms)
    return Checked(
        found=found,
        problem=made.problem,
        duration_ms=0 if clip is None else clip.duration_ms,
        extract_cpu_s=made.cpu_s,
        lookup_s=lookup_s,
        decode_cpu_s=made.decode_cpu_s,
        peak_bytes=made.peak_bytes,
        alarms=alarms,
        claims=tuple(claims.items()),
    )
