"""Checking made copies through the product's own door: ``Checker``, all references in a store.

Slower than ``checks``, which keeps clips' fingerprints: here each check decodes its clip, ends
early where the product does, and takes patches where the product would. So what it takes in
processor time is what a check takes. Answers are kept until the code changes.
"""

import hashlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import av
import cv2

from benchmarks.attacks import kept
from benchmarks.attacks.checks import Checked, Found, Job
from benchmarks.attacks.clips import PROCESSES
from benchmarks.attacks.sources import CACHE, Source, write
from hashing.formats import packed_patches
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from service import checking
from service.checking import Checker, CheckResult
from service.media.decoding import Uncaged
from service.store.sqlite import SqliteStore

_ANSWERS: Final = CACHE / "answers"


class Way(StrEnum):
    """What references are listed with."""

    FRAMES = "whole frames"
    PATCHES = "with patches"


WAYS: Final = (Way.FRAMES, Way.PATCHES)


def reference(source: Source, way: Way) -> Reference:
    """A source as it is listed in this way; its id is its group's number in the list."""
    packed = kept.patches(source) if way is Way.PATCHES else b""
    patches = packed_patches.unpack(packed) if packed else ()
    return Reference(_identity(source.group), None, None, kept.reference(source), patches)


def patch_bytes(source: Source) -> int:
    """What a source's patches take in the store."""
    return len(kept.patches(source))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product said of a clip and what it took.

    ``found``: with all references on the list; ``alarms``: without those of footage that the clip
    shows. ``early``: it was clear by its key frames. ``cpu_s``: of the first check;
    ``decode_cpu_s``: of a full decode with default settings right after it.
    """

    found: tuple[Found, ...]
    alarms: tuple[Found, ...]
    problems: tuple[str, ...]
    early: bool
    duration_ms: int
    cpu_s: float
    decode_cpu_s: float

    @property
    def checked(self) -> Checked:
        """As the tables of the suite take it; all of the time counts as extraction."""
        return Checked(
            found=self.found,
            problem=", ".join(self.problems) or None,
            duration_ms=self.duration_ms,
            extract_cpu_s=self.cpu_s,
            lookup_s=0.0,
            decode_cpu_s=self.decode_cpu_s,
            peak_bytes=0,
            alarms=self.alarms,
        )


def check_all(
    jobs: Sequence[Job], listed: Sequence[Source], way: Way, *, thorough: bool
) -> Iterator[Answer]:
    """One answer a job, in order, from two processes."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in checks.check_all
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(kept.reference, listed)
        if way is Way.PATCHES:
            pool.map(kept.patches, listed)
    setting = (tuple(listed), way, thorough)
    with context.Pool(PROCESSES, _start, setting) as pool:
        for done, answer in enumerate(pool.imap(_check, jobs, chunksize=4), 1):
            if done % 100 == 0:
                print(f"{way}: {done} of {len(jobs)} clips checked", flush=True)
            yield answer


@cache
def code_version(way: Way) -> str:
    """Changes with any line of ours that a check runs through; with those of patches only where
    these are listed."""
    root = Path(checking.__file__).parents[1]
    paths = [*sorted((root / "hashing").rglob("*.py")), Path(checking.__file__), Path(__file__)]
    mine = [
        path for path in paths if way is Way.PATCHES or "patches" not in str(path.relative_to(root))
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in mine)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a worker checks against, and how."""

    listed: tuple[Source, ...]
    way: Way
    thorough: bool
    folder: str

    @property
    def name(self) -> str:
        """Changes with anything that an answer depends on but the clip."""
        listed = "|".join(source.path.name for source in self.listed)
        names = f"{code_version(self.way)}|{self.way}|{self.thorough}|{listed}"
        return hashlib.sha256(names.encode()).hexdigest()[:16]


_SETTING: list[_Setting] = []  # one to a process, put in when it starts


def _start(listed: tuple[Source, ...], way: Way, thorough: bool) -> None:
    cv2.setNumThreads(1)
    _SETTING.append(_Setting(listed, way, thorough, tempfile.mkdtemp(prefix="recirc-bench-")))


@lru_cache(maxsize=3)
def _checker(left_out: frozenset[str]) -> Checker:
    """Checks against all references but those of these groups; a source's copies come together."""
    setting = _SETTING[0]
    name = hashlib.sha256("|".join(sorted(left_out)).encode()).hexdigest()[:16]
    store = SqliteStore(Path(setting.folder, f"{name}.sqlite3"))
    chosen = [source for source in setting.listed if source.group not in left_out]
    references = [reference(source, setting.way) for source in chosen]
    store.add("all", references, policy=Policy.BLOCK)
    return Checker(store, Uncaged())


def _check(job: Job) -> Answer:
    setting = _SETTING[0]
    stat = job.path.stat()
    clip = f"{job.path.name}|{job.path.parent.name}|{stat.st_size}|{stat.st_mtime_ns}"
    name = hashlib.sha256(f"{clip}|{sorted(job.shown)}".encode()).hexdigest()[:24]
    path = _ANSWERS / setting.name / f"{name}.json"
    if not path.exists():
        write(path, json.dumps(asdict(_answer(job, setting))).encode())
    return _loaded(json.loads(path.read_bytes()))


def _answer(job: Job, setting: _Setting) -> Answer:
    media = job.path.read_bytes()
    everything = _checker(frozenset())
    everything.lists()  # builds the index before the clock starts
    started_s = time.process_time()
    result = everything.check(media, thorough=setting.thorough)
    cpu_s = time.process_time() - started_s
    decode_cpu_s = _decode_cpu_s(job.path)
    without = result
    if job.shown:
        without = _checker(job.shown).check(media, thorough=setting.thorough)
    groups = {_identity(source.group): source.group for source in setting.listed}
    return Answer(
        found=_found(result, groups),
        alarms=_found(without, groups),
        problems=result.problems,
        early=result.early,
        duration_ms=result.duration_ms,
        cpu_s=cpu_s,
        decode_cpu_s=decode_cpu_s,
    )


def _found(result: CheckResult, groups: dict[str, str]) -> tuple[Found, ...]:
    return tuple(
        Found(
            group=groups[match.reference],
            verdict=match.finding.verdict,
            chance=match.finding.chance,
            view=f"{match.finding.algorithm.name}, {match.finding.view}",
            speed=match.finding.speed,
            clip_ranges_ms=match.finding.clip_ranges_ms,
            reference_ranges_ms=match.finding.reference_ranges_ms,
        )
        for match in result.matches
    )


def _loaded(told: dict[str, object]) -> Answer:
    """An answer as it was kept: JSON knows no tuples and no verdicts."""
    answer = Answer(**told)  # type: ignore[arg-type]  # what asdict wrote
    return replace(
        answer,
        found=tuple(map(_finding, answer.found)),
        alarms=tuple(map(_finding, answer.alarms)),
        problems=tuple(answer.problems),
    )


def _finding(told: object) -> Found:
    assert isinstance(told, dict)
    ranges = {
        key: tuple(tuple(one) for one in told[key])
        for key in ("clip_ranges_ms", "reference_ranges_ms")
    }
    return Found(**{**told, **ranges, "verdict": Verdict(told["verdict"])})


def _identity(group: str) -> str:
    """A reference's id: groups of drawn footage have spaces in their names."""
    return hashlib.sha256(group.encode()).hexdigest()[:16]


def _decode_cpu_s(path: Path) -> float:
    started_s = time.process_time()
    with av.open(str(path), "r", metadata_errors="ignore") as container:
        try:
            for _ in container.decode(video=0):
                pass
        except av.FFmpegError:
            pass  # a damaged clip costs what it has
    return time.process_time() - started_s
