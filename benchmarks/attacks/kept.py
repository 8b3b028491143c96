"""Fingerprints of references and clips, made once and kept until the code that makes them changes.

So a run that was stopped goes on where it was, and a change to matching alone is quick to try.
"""

import ast
import hashlib
import json
import resource
import shutil
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import av

from benchmarks.attacks import generated
from benchmarks.attacks.edit import PLAIN
from benchmarks.attacks.encoding import encoded
from benchmarks.attacks.sources import CACHE, Source, write
from hashing import extract as extracting
from hashing.errors import MediaError
from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import Fingerprint
from hashing.formats import packed, packed_patches

_FINGERPRINTS: Final = CACHE / "fingerprints"
_KEPT_VERSIONS: Final = 6
# Clips that are also decoded in full, to compare the cost: those from encoders as they are used.
# The quick settings of the other copies make a decode far cheaper than that of real clips.
_REAL_ENCODES: Final = ("a1-", "a2-")


@dataclass(frozen=True, slots=True)
class Extracted:
    """A clip's fingerprint and what it took.

    ``fingerprint`` is None where the clip could not be read, and ``problem`` says why;
    ``decode_cpu_s``: of a full decode with default settings, None where it was not measured;
    ``peak_bytes``: the worker's resident memory so far, index included.
    """

    fingerprint: Fingerprint | None
    problem: str | None
    cpu_s: float
    decode_cpu_s: float | None
    peak_bytes: int


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


def forget_old() -> None:
    """Keep what the last few versions made: whoever goes back finds it."""
    folders = sorted(_FINGERPRINTS.glob("*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-_KEPT_VERSIONS]:
        shutil.rmtree(folder, ignore_errors=True)


def reference(source: Source) -> Fingerprint:
    """The fingerprint of a source's original file."""
    path = _FINGERPRINTS / code_version() / f"{source.path.stem}.rcfp"
    if not path.exists():
        write(path, packed.pack(extract(source.path.read_bytes(), REFERENCE).fingerprint))
    return packed.unpack(path.read_bytes())


def patches(source: Source) -> bytes:
    """The packed patch hashes of a source's original file; none where it has no corner."""
    path = _FINGERPRINTS / code_version() / f"{source.path.stem}.rcpt"
    if not path.exists():
        taken = extract(source.path.read_bytes(), replace(REFERENCE, patches=True))
        write(path, packed_patches.pack(taken.patches) if taken.patches else b"")
    return path.read_bytes()


def clip(path: Path) -> Extracted:
    """The fingerprint of a clip, as a check makes it."""
    stat = path.stat()
    name = hashlib.sha256(f"{path}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:24]
    told = _FINGERPRINTS / code_version() / "clips" / f"{name}.json"
    hashes = told.with_suffix(".rcfp")
    if not told.exists():
        made = _extracted(path)
        if made.fingerprint is not None:
            write(hashes, packed.pack(made.fingerprint))
        took = {key: getattr(made, key) for key in ("problem", "cpu_s", "decode_cpu_s")}
        write(told, json.dumps({**took, "peak_bytes": made.peak_bytes}).encode())
    took = json.loads(told.read_bytes())
    kept = None if took["problem"] is not None else packed.unpack(hashes.read_bytes())
    return Extracted(kept, **took)


def _extracted(path: Path) -> Extracted:
    _warm_up()
    media = path.read_bytes()
    started_s = time.process_time()
    try:
        fingerprint: Fingerprint | None = extract(media, CLIP).fingerprint
        problem = None
    except MediaError as error:
        fingerprint, problem = None, error.code
    cpu_s = time.process_time() - started_s
    decode_cpu_s = _decode_cpu_s(path) if path.name.startswith(_REAL_ENCODES) else None
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Extracted(fingerprint, problem, cpu_s, decode_cpu_s, peak_bytes)


@cache
def _warm_up() -> None:
    """Tables that are made on first use, and libraries' threads, are no clip's cost."""
    extract(encoded(generated.scenery(1, 1.0), PLAIN), CLIP)


def _decode_cpu_s(path: Path) -> float:
    started_s = time.process_time()
    with av.open(str(path), "r", metadata_errors="ignore") as container:
        for _ in container.decode(video=0):
            pass
    return time.process_time() - started_s
