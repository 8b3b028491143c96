"""Checking made copies as the product does: one index over all references, one check a copy."""

import ast
import hashlib
import multiprocessing
import os
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2

from benchmarks.attacks import generated
from benchmarks.attacks.clips import PROCESSES
from benchmarks.attacks.edit import PLAIN
from benchmarks.attacks.encoding import encoded
from benchmarks.attacks.sources import CACHE, Source, write
from hashing import extract as extracting
from hashing import matching
from hashing.errors import MediaError
from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import Fingerprint
from hashing.formats import packed
from hashing.matching import ListIndex, Range
from hashing.verdict import DEFAULT_POLICY, Verdict

_FINGERPRINTS = CACHE / "fingerprints"
_KEPT_VERSIONS = 6
# Clips that are also decoded in full, to compare the cost: those from encoders as they are used.
# The quick settings of the other copies make a decode far cheaper than that of real clips.
_REAL_ENCODES = ("a1-", "a2-")


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

    ``decode_cpu_s``: of a full decode with default settings, None where it was not measured;
    ``peak_bytes``: the worker's resident memory so far, index included; ``problem``: why the clip
    could not be read, None where it could.
    """

    found: tuple[Found, ...]
    problem: str | None
    duration_ms: int
    extract_cpu_s: float
    lookup_s: float
    decode_cpu_s: float | None
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """A worker's index, with the group of each reference."""

    groups: tuple[str, ...]
    index: ListIndex


@cache
def code_version() -> str:
    """Changes with any line that fingerprints depend on: the front door's module and all of ours
    that it imports. Matching and verdicts are not among them, so changing those is quick to try."""
    root = Path(str(extracting.__file__)).parents[1]
    open_modules, seen = {"hashing.extract", "hashing.formats.packed"}, dict[str, bytes]()
    while open_modules:
        name = open_modules.pop()
        path = root.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name not in seen and path.exists():
            seen[name] = path.read_bytes()
            open_modules |= _imports(seen[name])
    return hashlib.sha256(b"".join(seen[name] for name in sorted(seen))).hexdigest()[:12]


def _imports(code: bytes) -> set[str]:
    """Modules of ours that this one imports; some of the names may be no modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return {name for name in names if name.split(".")[0] == "hashing"}


def check_all(paths: Sequence[Path], listed: Sequence[Source]) -> Iterator[Checked]:
    """One answer a path, in order, from two processes."""
    # Two workers fill two cores. Threads of the libraries would only wait for one another, and
    # spin: it made one PDQ plane cost 63 ms of processor time instead of 1.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    jobs = [(str(path), path.name.startswith(_REAL_ENCODES)) for path in paths]
    with context.Pool(PROCESSES) as pool:
        _forget_old_fingerprints()
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
    fingerprints = [_reference(source) for source in listed]
    return ListIndex(fingerprints).frames, sum(one.duration_ms for one in fingerprints)


def _forget_old_fingerprints() -> None:
    """Keep those of the last few versions: whoever goes back finds them."""
    folders = sorted(_FINGERPRINTS.glob("*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-_KEPT_VERSIONS]:
        shutil.rmtree(folder, ignore_errors=True)


def _reference_ready(source: Source) -> None:
    _reference(source)


def _reference(source: Source) -> Fingerprint:
    """The fingerprint of a source's original file, kept until the hashing code changes."""
    path = _FINGERPRINTS / code_version() / f"{source.path.stem}.rcfp"
    if not path.exists():
        write(path, packed.pack(extract(source.path.read_bytes(), REFERENCE).fingerprint))
    return packed.unpack(path.read_bytes())


_WORKER: list[_Listed] = []  # one to a process, set when it starts


def _start(listed: tuple[Source, ...]) -> None:
    cv2.setNumThreads(1)
    groups = tuple(source.group for source in listed)
    _WORKER.append(_Listed(groups, ListIndex([_reference(source) for source in listed])))
    # Tables that are made on first use, and libraries' threads, are no clip's cost.
    extract(encoded(generated.scenery(1, 1.0), PLAIN), CLIP)


def _check(job: tuple[str, bool]) -> Checked:
    path, decode_too = job
    media = Path(path).read_bytes()
    started_s = time.process_time()
    try:
        fingerprint: Fingerprint | None = extract(media, CLIP).fingerprint
        problem = None
    except MediaError as error:
        fingerprint, problem = None, error.code
    extract_cpu_s = time.process_time() - started_s
    started_s = time.perf_counter()
    found = () if fingerprint is None else _looked_up(fingerprint)
    return Checked(
        found=found,
        problem=problem,
        duration_ms=0 if fingerprint is None else fingerprint.duration_ms,
        extract_cpu_s=extract_cpu_s,
        lookup_s=time.perf_counter() - started_s,
        decode_cpu_s=_decode_cpu_s(path) if decode_too else None,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _looked_up(clip: Fingerprint) -> tuple[Found, ...]:
    listed = _WORKER[0]
    tries = matching.tries(clip, listed.index.frames)
    return tuple(
        Found(
            group=listed.groups[finding.reference],
            verdict=finding.verdict,
            chance=finding.chance,
            view=str(finding.view),
            speed=finding.speed,
            clip_ranges_ms=finding.clip_ranges_ms,
            reference_ranges_ms=finding.reference_ranges_ms,
        )
        for finding in listed.index.match(clip, tries, DEFAULT_POLICY)
    )


def _decode_cpu_s(path: str) -> float:
    started_s = time.process_time()
    with av.open(path, "r", metadata_errors="ignore") as container:
        for _ in container.decode(video=0):
            pass
    return time.process_time() - started_s
