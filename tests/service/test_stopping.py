"""Stopping and supervising: real processes, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from service.app import create_app, listen
from service.connections import Patience, ServerConfig
from service.media.cage import Cage
from service.media.confinement import Confinement
from service.stopping import Server
from tests import hostile, tracing
from tests.service import calls
from tests.service.calls import clip

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc as on Linux")


class Running:
    """`recirc serve` in a process of its own, and all that it logs."""

    def __init__(self, folder: Path, **variables: str) -> None:
        environment = {"PATH": os.environ["PATH"], "RECIRC_DB": str(folder / "lists.sqlite3")}
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            [*tracing.RECIRC, "serve", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONPATH": str(ROOT)} | variables,
            cwd=folder,
        )
        assert self.process.stderr is not None
        self._errors = self.process.stderr
        first = self._errors.readline()
        assert "listening on" in first, first + self._errors.read()
        self.address = first.split("listening on ")[1].split(";")[0]
        self.logged: list[dict[str, object]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.logged += [json.loads(line) for line in self._errors]

    def ask(self, path: str) -> httpx.Response:
        """An answer on a connection of its own, so that any process may give it."""
        return calls.get(f"{self.address}{path}")

    def checked(self, verdict: str) -> float:
        """How many checks had this verdict, in all processes."""
        wanted = f'recirc_checks_total{{verdict="{verdict}"}} '
        (line,) = [one for one in self.ask("/metrics").text.splitlines() if one.startswith(wanted)]
        return float(line.removeprefix(wanted))

    def close(self) -> None:
        """Wait until it has ended, and said all."""
        self.process.wait(timeout=60)
        self._reader.join(timeout=60)
        self._errors.close()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Tell it to stop, and wait until it has."""
        self.process.send_signal(number)
        self.process.wait(timeout=60)


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Running]:
    running = Running(folder, **variables)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            for child in tracing.children(running.process.pid):
                os.kill(child, signal.SIGKILL)
            running.process.kill()
        running.close()


def soon(true: Callable[[], bool], within_s: float = 60) -> None:
    """Wait until it is true. How long it takes is the machine's affair."""
    until_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def is_ready(running: Running) -> bool:
    try:
        return running.ask("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def begun(address: str, media: bytes) -> socket.socket:
    """A connection on which all of a clip but its last byte was sent, once it is waited for."""
    place = httpx.URL(address)
    connection = socket.create_connection((place.host, place.port or 0), timeout=60)
    head = f"Host: {place.host}\r\nContent-Length: {len(media)}\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(f"POST /v1/check HTTP/1.1\r\n{head}".encode())
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100 ")
    connection.sendall(media[:-1])
    return connection


def answer(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


class TestOneProcess:
    def test_what_is_being_sent_is_still_answered(self, tmp_path: Path) -> None:
        media = clip(1)
        with serving(tmp_path) as running:
            soon(lambda: is_ready(running))
            with begun(running.address, media) as connection:
                running.process.send_signal(signal.SIGTERM)
                soon(lambda: not is_ready(running))  # nobody listens any more
                connection.sendall(media[-1:])
                got = answer(connection)
            running.process.wait(timeout=60)

        assert got.startswith(b"HTTP/1.1 200 ")
        assert b'"verdict":"unscannable"' in got  # there is nothing to compare with

    def test_while_it_drains_it_says_so_and_still_checks(self, tmp_path: Path) -> None:
        with serving(tmp_path, RECIRC_DRAIN_S="10") as running:
            soon(lambda: is_ready(running))
            running.process.send_signal(signal.SIGTERM)
            soon(lambda: running.ask("/readyz").status_code == 503)
            unready = running.ask("/readyz").json()
            checked = calls.post(f"{running.address}/v1/check", content=b"x")
            alive = running.ask("/livez")

        assert unready["code"] == "draining"
        assert (checked.status_code, alive.status_code) == (200, 200)

    def test_a_clip_that_takes_too_long_is_ended_and_answered(self, tmp_path: Path) -> None:
        got: list[httpx.Response] = []
        chosen = calls.settings(tmp_path / "lists.sqlite3")
        cage = Cage(Confinement(wall_s=600), hostile.as_root)
        with closing(cage), listen(chosen) as listening:
            app = create_app(chosen, cage)
            stopped = Server(
                ServerConfig(app, Patience.of(chosen.limits)),
                app.state.context.readiness,
                cage.close,
                most_s=62,  # the clip has two of them, and a busy machine the rest for its answer
                answers_s=60,
            )
            serving = threading.Thread(target=stopped.run, kwargs={"sockets": [listening]})
            serving.start()
            address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/check"
            asking = threading.Thread(
                target=lambda: got.append(calls.post(address, content=hostile.clip("endless loop")))
            )
            asking.start()
            soon(lambda: any(_is_busy(one) for one in tracing.children(cage.zygote_pid)))
            stopped.should_exit = True
            for thread in (asking, serving):
                thread.join(timeout=calls.PATIENCE_S)

        assert not serving.is_alive()
        assert (got[0].status_code, got[0].json()["problems"]) == (200, ["cage_failed"])


def _is_busy(pid: int) -> bool:
    """Whether a process has taken half a second of processor time."""
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) > os.sysconf("SC_CLK_TCK") / 2


class TestSeveral:
    def test_they_share_a_port_and_are_counted_together(self, tmp_path: Path) -> None:
        with serving(tmp_path, RECIRC_WORKERS="2") as running:
            soon(lambda: is_ready(running))
            assert len(tracing.children(running.process.pid)) == 2
            for _ in range(8):
                calls.post(f"{running.address}/v1/check", content=b"x")
            soon(lambda: {running.checked("unscannable") for _ in range(8)} == {8.0})

    def test_one_that_dies_is_begun_anew_and_the_others_go_on(self, tmp_path: Path) -> None:
        with serving(tmp_path, RECIRC_WORKERS="2") as running:
            soon(lambda: is_ready(running))
            before = set(tracing.children(running.process.pid))
            os.kill(min(before), signal.SIGKILL)
            for _ in range(4):
                soon(lambda: is_ready(running))
            soon(lambda: len(set(tracing.children(running.process.pid)) - before) == 1)

        assert any("process" in str(line["message"]) for line in running.logged)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_told_to_stop_all_end(self, tmp_path: Path, number: signal.Signals) -> None:
        with serving(tmp_path, RECIRC_WORKERS="2") as running:
            soon(lambda: is_ready(running))
            children = tracing.children(running.process.pid)
            running.end(number)

        assert running.process.returncode == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)

    def test_without_their_parent_they_end_too(self, tmp_path: Path) -> None:
        with serving(tmp_path, RECIRC_WORKERS="2") as running:
            soon(lambda: is_ready(running))
            children = tracing.children(running.process.pid)
            running.process.kill()

            try:
                soon(lambda: not any(_lives(pid) for pid in children))
            finally:
                for pid in filter(_lives, children):
                    os.kill(pid, signal.SIGKILL)

    def test_where_none_can_begin_the_service_does_not_either(self, tmp_path: Path) -> None:
        """A database that is no database is found by the parent; one that breaks later is not."""
        folder = tmp_path / "index"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RECIRC_WORKERS": "2"}
        script = (
            "import sys; from pathlib import Path; from service import app\n"
            "from service.errors import NoCage\n"
            "from service.settings import from_environment\n"
            "import os\n"
            "def fail(settings): raise NoCage('there is none')\n"
            "app.caging.for_service = fail\n"
            "try: app.serve(from_environment(os.environ, database=Path(sys.argv[1]), port=0))\n"
            "except app.RecircError as error: sys.exit(error.line())\n"
        )
        ran = subprocess.run(  # noqa: S603  # this interpreter with a script from this test
            [sys.executable, "-c", script, str(folder / "lists.sqlite3")],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

        assert ran.returncode == 1
        assert ran.stderr.count("no_cage: there is none") >= 1
        assert ran.stderr.splitlines()[-1].startswith("workers_failed: ")

    def test_one_that_ends_by_a_defect_says_where_before_it_is_begun_anew(self) -> None:
        script = (
            "import logging, mmap, os, signal\n"
            "from service.supervising import Supervisor\n"
            "logging.basicConfig(level=logging.INFO)\n"
            "begun = mmap.mmap(-1, 1)  # which all of them see\n"
            "def fail(place):\n"
            "    if begun[0]: os.kill(os.getppid(), signal.SIGTERM)\n"
            "    begun[0] = 1\n"
            "    raise ValueError('private words')\n"
            "Supervisor(fail, 1).run()\n"
        )
        ran = subprocess.run(  # noqa: S603  # this interpreter with a script from this test
            [sys.executable, "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )

        assert "process 0: ValueError in <string> line 8" in ran.stderr
        assert "private words" not in ran.stderr


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
