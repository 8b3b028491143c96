"""Restarts with a long list, and thousands of checks in a row: time, memory, descriptors."""

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks.serving import lookups, materials
from benchmarks.serving.clips import CHECK
from benchmarks.serving.hosting import (
    PROCESSORS,
    Host,
    children,
    cpu_s,
    environment,
    hosted,
    wait_until_ready,
)
from benchmarks.serving.load import Plan
from benchmarks.serving.sending import Answered, Sending
from benchmarks.serving.targets import Target

_RECIRC: Final = str(Path(sys.executable).with_name("recirc"))
_MIB: Final = 1024 * 1024
_LONG_FRAMES, _SHORT_FRAMES = 1_000_000, 200_000
_MOST_READY_S, _MOST_MIB = 3.0, 1.0
_MOST_DESCRIPTORS = 3
_WARM: Final = 0.3  # so many more: caches fill, threads are made, the allocator settles
_SETTLED_S: Final = 2.0
_ONE_CLIP_IN: Final = 100
_EVERY_S: Final = 0.5


def restarts(folder: Path, *, fast: bool) -> list[Target]:
    """`recirc serve` from its start until it is ready, and until a look-up is answered."""
    frames = _SHORT_FRAMES if fast else _LONG_FRAMES
    database = materials.database(folder, frames)
    body = materials.fingerprints(folder, plain=True)[0].read_bytes()
    first = _start(database, body)
    again = [_start(database, body) for _ in range(2 if fast else 4)]
    ready_s, answered_s, taken_s = (median(one[side] for one in again) for side in range(3))
    return [
        Target(
            key="restart_s",
            what=f"seconds from `recirc serve` to a look-up answered, {frames:,} frames (ready "
            f"after {ready_s:.1f}; {taken_s:.1f} of processor time; {first[1]:.1f} at the first "
            "start, which writes the index)",
            measured=f"{answered_s:.1f}",
            value=answered_s,
            limit=f"≤ {_MOST_READY_S:g}",
            held=max(ready_s, answered_s) <= _MOST_READY_S,
        )
    ]


def _start(database: Path, body: bytes) -> tuple[float, float, float]:
    """Seconds until it is ready, until a look-up is answered, and of processor time until then."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began_s = time.perf_counter()
    with _serving(database, port) as pid:
        wait_until_ready(port)
        ready_s = time.perf_counter() - began_s
        with closing(HTTPConnection("127.0.0.1", port)) as connection:
            connection.request("POST", lookups.CHECK, body)
            assert connection.getresponse().status == 200
        answered_s = time.perf_counter() - began_s
        return ready_s, answered_s, sum(cpu_s(one) for one in (pid, *children(pid)))


@contextmanager
def _serving(database: Path, port: int) -> Iterator[int]:
    process = subprocess.Popen(
        [_RECIRC, "serve", "--db", str(database), "--port", str(port)],
        stderr=subprocess.DEVNULL,
        env=environment(database),
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    resident_bytes: int
    descriptors: int


def soak(folder: Path, *, fast: bool) -> list[Target]:
    """Look-ups as fast as they go with clips among them; memory and descriptors meanwhile."""
    checks = 2_000 if fast else 20_000
    bodies = materials.fingerprints(folder, plain=True)
    with hosted(
        folder, processes=PROCESSORS, database=materials.database(folder, _SHORT_FRAMES)
    ) as host:
        _run(host, bodies, round(_WARM * checks))
        time.sleep(_SETTLED_S)
        before = _sample(host)
        answers, samples = _run(host, bodies, checks)
        time.sleep(_SETTLED_S)
        after = _sample(host)
    assert all(one.status == 200 for one in answers), Counter(one.told for one in answers)
    return _rows(answers, samples, after.descriptors - before.descriptors)


def _run(host: Host, bodies: list[Path], checks: int) -> tuple[list[Answered], list["_Sample"]]:
    looked = Plan(
        port=host.port,
        target=lookups.CHECK,
        bodies=[str(one) for one in bodies],
        connections=4,
        seconds=600,
        most=checks,
    )
    checked = replace(
        looked,
        target=CHECK,
        bodies=[str(one) for one in materials.clips(5, 4)],
        connections=1,
        most=max(1, checks // _ONE_CLIP_IN),
        content_type="video/mp4",
    )
    with Sending(looked) as one, Sending(checked) as other:
        samples = list(_samples(host, one))
        return [*one.finished().answers, *other.finished().answers], samples


def _samples(host: Host, sending: Sending) -> Iterator[_Sample]:
    while sending.is_going:
        yield _sample(host)
        time.sleep(_EVERY_S)


def _sample(host: Host) -> _Sample:
    return _Sample(time.perf_counter(), host.resident_bytes(), host.descriptors())


def _rows(answers: list[Answered], samples: list[_Sample], opened: int) -> list[Target]:
    ends_s = np.sort([one.due_s + one.taken_ms / 1000 for one in answers])
    done = np.searchsorted(ends_s, [one.at_s for one in samples])
    resident_mib = np.array([one.resident_bytes for one in samples]) / _MIB
    slope = float(np.polyfit(done / 1000, resident_mib, 1)[0])
    return [
        Target(
            key="soak_mib_per_1000",
            what=f"growth of memory in MiB a 1,000 checks, {len(answers):,} checks after "
            f"{_WARM:g} times as many that warm it up ({resident_mib[0]:.0f} to "
            f"{resident_mib[-1]:.0f} MiB)",
            measured=f"{slope:.2f}",
            value=slope,
            limit=f"≤ {_MOST_MIB:g}",
            held=slope <= _MOST_MIB,
        ),
        Target(
            key="soak_descriptors",
            what="descriptors open after these, beyond those open before (one more connection to "
            "the database has three)",
            measured=str(opened),
            value=opened,
            limit=f"≤ {_MOST_DESCRIPTORS}",
            held=opened <= _MOST_DESCRIPTORS,
        ),
    ]
