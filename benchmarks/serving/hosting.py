"""Starts and ends the server under test, and reads from Linux what it takes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import SIGKILL
from typing import IO, Final

from benchmarks.serving.beats import Beats

PROCESSORS: Final = os.cpu_count() or 1
_READY_S: Final = 120.0
_END_S: Final = 30.0
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
# A key's own limits are for many clients of a platform, not for a measurement by one of them.
_UNLIMITED: Final = {
    "RECIRC_KEY_REQUESTS_PER_MINUTE": "10000000",
    "RECIRC_KEY_BURST": "1000000",
    "RECIRC_KEY_CONCURRENCY": "100000",
    "RECIRC_KEY_BYTES_RATIO": "1",
}


@dataclass(frozen=True, slots=True)
class Host:
    """A server that runs. ``pids``: of its processes that answer; ``beats``: of their loops."""

    port: int
    pids: tuple[int, ...]
    beats: Beats

    def everyone(self) -> list[int]:
        """Its processes and theirs: zygotes and decoders."""
        found, asked = [], list(self.pids)
        while asked:
            found.append(asked.pop())
            asked += children(found[-1])
        return found

    def decoders(self) -> list[int]:
        """Decoders at work, and one spare a zygote."""
        zygotes = [zygote for pid in self.pids for zygote in children(pid)]
        return [pid for zygote in zygotes for pid in children(zygote)]

    def resident_bytes(self) -> int:
        """Memory of its processes that answer, without what they share with others."""
        return sum(_private_bytes(pid) for pid in self.pids)

    def descriptors(self) -> int:
        """Files and sockets that they have open."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids)

    def cpu_s(self) -> float:
        """Processor time that they have taken so far, without decoders'."""
        return sum(cpu_s(pid) for pid in self.pids)


@contextmanager
def hosted(
    folder: Path,
    *,
    app: str = "service",
    processes: int = 1,
    database: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Host]:
    """The server, ready, in one process as by default; its files are in ``folder``.

    Ended at the end, with all that it began.
    """
    chosen = {"RECIRC_WORKERS": str(processes), **(settings or {})}
    with started(folder, app=app, database=database, settings=chosen) as (lines, beating):
        said = json.loads(lines.readline())
        wait_until_ready(said["port"])
        pids = [said["pid"]] if processes == 1 else children(said["pid"])
        yield Host(said["port"], tuple(pids), Beats(beating))


@contextmanager
def started(
    folder: Path,
    *,
    app: str,
    database: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[tuple[IO[str], Path]]:
    """The host's standard output, and the file of its heartbeats; its log is ``APP.log``."""
    beating, log = folder / f"{app}.beats", folder / f"{app}.log"
    Beats.made(beating)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serving.host", app, str(beating)],
        stdout=subprocess.PIPE,
        stderr=log.open("w"),
        text=True,
        env=environment(database or folder / f"{app}.sqlite3", settings),
    )
    assert process.stdout is not None
    try:
        yield process.stdout, beating
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def environment(database: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a server: no setting of whoever measures comes through."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECIRC_")}
    chosen = {"RECIRC_DB": str(database), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**kept, **_UNLIMITED, **chosen, **(settings or {})}


def wait_until_ready(port: int) -> None:
    """Return once the server answers that it is ready; a server without such an answer, once it
    answers at all."""
    end_s = time.monotonic() + _READY_S
    while time.monotonic() < end_s:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=_READY_S)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status in (200, 404):
                    return
            finally:
                connection.close()
        time.sleep(0.01)
    raise TimeoutError("the server does not become ready")


def children(pid: int) -> list[int]:
    """The processes that a process has begun and that are still there."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task")
        return [
            int(child)
            for task in tasks.iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def cpu_s(pid: int) -> float:
    """Processor time that a process has taken; 0 of one that is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return 0.0


class Others:
    """What programs that are not this one's take of the machine, from when this is made."""

    def __init__(self) -> None:
        self._began_s, self._began_cpu_s = time.monotonic(), self._cpu_s()

    def cores(self) -> float:
        """How many cores' worth, on average; once what was begun here has ended."""
        taken_s = self._cpu_s() - self._began_cpu_s
        return max(0.0, taken_s / (time.monotonic() - self._began_s))

    @staticmethod
    def _cpu_s() -> float:
        user, nice, system, _, _, irq, soft = (
            int(one) for one in Path("/proc/stat").read_text().split()[1:8]
        )
        own = os.times()
        return (user + nice + system + irq + soft) / _TICKS_PER_S - sum(own[:4])


def kill(pid: int) -> bool:
    """Kill a process; False where it is gone already."""
    try:
        os.kill(pid, SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _private_bytes(pid: int) -> int:
    """Resident memory but for pages of files: those of an index are shared, and given back."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES
