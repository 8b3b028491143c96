"""Nothing of a clip is kept: no file, no log line, no connection, no dump, whatever happens."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from service import curating
from service.media.decoding import Uncaged
from service.store.sqlite import SqliteStore
from tests import clips, tracing
from tests.service import calls
from tests.tracing import Trace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="strace and /proc are Linux's")
LIMIT_BYTES = 2 * 1024 * 1024
LISTED = clips.encode(clips.moving_scene(1, 2.0), options={"crf": "5"})
LONG = clips.encode(clips.moving_scene(2, 6.0, 320, 240), options={"crf": "12"})
PIECES = [*tracing.samples(LISTED), *tracing.samples(LONG)]


class House:
    """A folder for each thing that a process may touch, and what may be in none of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"
        self.kept = root / "kept"
        self.database = self.kept / "recirc.sqlite3"
        for folder in (self.work, self.kept):
            folder.mkdir()
        store = SqliteStore(self.database)
        curating.add_media(
            store, Uncaged(), "known", LISTED, reference_id="listed", label=None, incident=None
        )
        store.close()
        self.variables = tracing.environment(
            root, self.database, RECIRC_BODY_LIMIT_BYTES=str(LIMIT_BYTES)
        )

    def leftovers(self) -> list[str]:
        """Files that hold a piece of a clip, or that a process has left in its folders."""
        left = [
            str(path.relative_to(self.root))
            for name in ("work", "home", "tmp")
            for path in (self.root / name).rglob("*")
            if not path.name.startswith("given")
        ]
        kept = [path.name for path in self.kept.iterdir()]
        strange = [name for name in kept if not name.startswith(self.database.name)]
        return [*left, *strange, *tracing.holding(self.kept, PIECES)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Folders of its own for each test."""
    return House(tmp_path)


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """A trace; skips, or fails where it is required, without strace."""
    tracing.require_strace()
    return Trace(tmp_path / "trace")


def given(house: House, name: str, data: bytes) -> str:
    """A file that the caller has, to be checked."""
    (house.work / f"given-{name}").write_bytes(data)
    return f"given-{name}"


class TestTheCommand:
    @pytest.mark.parametrize(
        ("arguments", "stdin"),
        [
            pytest.param(["check", "--json", "given-clip.mp4"], b"", id="a file"),
            pytest.param(["check", "--json", "-"], LONG, id="standard input"),
            pytest.param(["check", "given-chat.zip"], b"", id="an archive"),
            pytest.param(["check", "given-broken.mp4", "given-list.mp4"], b"", id="bad files"),
            pytest.param(["hash", "given-clip.mp4"], b"", id="hash"),
        ],
    )
    def test_nothing_but_the_database_is_written(
        self, house: House, trace: Trace, arguments: list[str], stdin: bytes
    ) -> None:
        given(house, "clip.mp4", LISTED)
        given(house, "chat.zip", clips.zipped({"a.mp4": LISTED, "b.jpg": PIECES[0]}))
        given(house, "broken.mp4", clips.with_media_damaged(LONG))
        given(house, "list.mp4", clips.PLAYLISTS["ffconcat"])

        ran = tracing.ran(trace.command(*arguments), stdin, house.work, house.variables)

        assert ran.returncode in (0, 1, 2), ran.stderr.decode()
        assert b"internal_error" not in ran.stdout + ran.stderr
        assert trace.written(house.kept) == []
        assert trace.connections() == []
        assert house.leftovers() == []
        assert not any(piece in ran.stdout + ran.stderr for piece in PIECES)

    @pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
    def test_one_that_dies_over_a_clip_leaves_nothing(
        self, house: House, trace: Trace, number: signal.Signals
    ) -> None:
        with started(house, trace.command("check", "-")) as running:
            assert running.stdin is not None
            running.stdin.write(LONG[:-100])  # it waits for the rest
            running.stdin.flush()
            pid = tracee(running)
            assert core_limits(pid) == ("0", "0")

            os.kill(pid, number)
            running.wait(timeout=60)

        assert trace.written(house.kept) == []
        assert house.leftovers() == []  # no core file either

    def test_strace_would_have_seen_a_file(self, house: House, trace: Trace) -> None:
        """That the test itself can fail."""
        command = trace.command()
        code = "import tempfile, socket; tempfile.NamedTemporaryFile(); socket.socket()"
        command[-1] = code

        tracing.ran(command, b"", house.work, house.variables)

        assert trace.written(house.kept)  # tempfile tries its folder first
        assert len(trace.connections()) == 1


class TestTheService:
    def test_nothing_is_kept_whatever_becomes_of_a_request(
        self, house: House, trace: Trace
    ) -> None:
        with started(house, trace.command("serve", "--port", "0")) as running:
            address = listening(running)
            before = len(trace.connections())
            with httpx.Client(base_url=address, timeout=calls.PATIENCE_S) as http:
                slow = stalled(address)
                found = http.post("/v1/check", content=LISTED)
                assert found.json()["verdict"] == "match"
                form = {"file": ("WhatsApp 49170.mp4", calls.padded(LISTED, 1_500_000))}
                assert http.post("/v1/check", files=form).json()["verdict"] == "match"
                broken = http.post("/v1/check", content=clips.with_media_damaged(LONG))
                assert broken.status_code == 200
                for body in (LISTED * 20, pieces_of(LISTED * 20)):  # with and without its length
                    with httpx.Client(base_url=address, timeout=calls.PATIENCE_S) as other:
                        assert other.post("/v1/check", content=body).status_code == 413
                timed_out = slow.recv(65_536)
                assert b"408" in timed_out.splitlines()[0]
                slow.close()
                gone = stalled(address)
                gone.close()  # a client that hangs up
                assert http.get("/livez").status_code == 200
            assert len(trace.connections()) == before  # accepting is no connection
            running.terminate_tracee()
            said = running.communicate(timeout=60)[1]

        assert trace.written(house.kept) == []
        assert house.leftovers() == []
        assert b"WhatsApp" not in said
        assert not any(piece in said for piece in PIECES)

    def test_a_decoder_that_is_killed_over_a_clip_leaves_nothing(
        self, house: House, trace: Trace
    ) -> None:
        with started(house, trace.command("serve", "--port", "0")) as running:
            address = listening(running)
            assert calls.post(f"{address}/v1/check", content=LISTED).status_code == 200
            before = len(trace.connections())
            for number, pid in enumerate(kept_ready(tracee(running))):
                with suppress(ProcessLookupError):  # it had a clip, and ended with it
                    os.kill(pid, (signal.SIGSEGV, signal.SIGKILL)[number % 2])
            again = calls.post(f"{address}/v1/check", content=LISTED)
            assert again.status_code == 200
            assert len(trace.connections()) == before

        assert trace.written(house.kept) == []
        assert house.leftovers() == []

    @pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
    def test_a_service_that_dies_over_a_request_leaves_nothing(
        self, house: House, trace: Trace, number: signal.Signals
    ) -> None:
        with started(house, trace.command("serve", "--port", "0")) as running:
            address = listening(running)
            held = stalled(address)
            pid = tracee(running)
            assert core_limits(pid) == ("0", "0")

            os.kill(pid, number)
            running.wait(timeout=60)
            held.close()

        assert trace.written(house.kept) == []
        assert house.leftovers() == []


@pytest.mark.skipif(
    not tracing.succeeds("unshare", "-m", "true"),
    reason="no mount namespace of its own may be made here",
)
class TestReadOnly:
    """All file systems read-only but the database's folder, and no temporary folder at all."""

    def test_checks_work(self, house: House) -> None:
        given(house, "clip.mp4", LISTED)
        given(house, "chat.zip", clips.zipped({"a.mp4": LISTED}))

        ran = tracing.ran(
            read_only(house, "check", "--json", "given-clip.mp4", "given-chat.zip", "-"),
            LISTED,
            house.work,
            house.variables,
        )

        answers = [json.loads(line)["verdict"] for line in ran.stdout.splitlines()]
        assert answers == ["match"] * 3, ran.stderr.decode()
        assert house.leftovers() == []

    def test_the_service_works(self, house: House) -> None:
        with started(house, read_only(house, "serve", "--port", "0")) as running:
            address = listening(running)
            large = calls.padded(LISTED, 1_500_000)
            assert calls.post(f"{address}/v1/check", content=large).json()["verdict"] == "match"
            form = {"file": ("a.mp4", large)}
            assert calls.post(f"{address}/v1/check", files=form).json()["verdict"] == "match"


class Running(subprocess.Popen[bytes]):
    """A process that is ended by its own id, or its tracee's."""

    def terminate_tracee(self) -> None:
        """Have what strace watches end in order."""
        os.kill(tracee(self), signal.SIGTERM)


@contextmanager
def started(house: House, command: list[str]) -> Iterator[Running]:
    """A command at work, with the right to dump its memory; killed at the end."""
    running = Running(
        ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=house.work,
        env=house.variables,
        bufsize=0,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            for child in tracing.children(running.pid):
                os.kill(child, signal.SIGKILL)
            running.kill()
        running.communicate()


def tracee(running: Running) -> int:
    """The process that strace watches, once it has begun: strace tries its tools on others."""
    while True:
        for pid in tracing.children(running.pid):
            with suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(sys.executable.encode()):
                    return pid
        assert running.poll() is None, "strace has ended"
        time.sleep(0.01)


def kept_ready(service: int) -> list[int]:
    """A service's decoders that wait for a clip, once there are any; none may be dumped."""
    while True:
        with suppress(OSError):  # one of them has just ended
            zygotes = tracing.children(service)
            found = [child for zygote in zygotes for child in tracing.children(zygote)]
            assert [core_limits(pid) for pid in found] == [("0", "0")] * len(found)
            if found:
                return found
        time.sleep(0.01)


def core_limits(pid: int) -> tuple[str, str]:
    """How large a dump of a process may be, soft and hard, once it has set that; else as it is."""
    for _ in range(2400):
        rows = Path(f"/proc/{pid}/limits").read_text().splitlines()
        soft, hard = next(row.split()[4:6] for row in rows if row.startswith("Max core"))
        if hard == "0":
            break
        time.sleep(0.05)
    return soft, hard


def listening(running: Running) -> str:
    """The service's address, from the line that it logs when it is ready."""
    assert running.stderr is not None
    for line in running.stderr:
        if b"http://" in line:
            return "http://" + line.split(b"http://")[1].split(b";")[0].decode()
    raise AssertionError("the service ended before it listened")


def stalled(address: str) -> socket.socket:
    """A client that sends half of a clip and then nothing."""
    host, port = address.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    head = f"POST /v1/check HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(LONG)}\r\n\r\n"
    client.sendall(head.encode() + LONG[: len(LONG) // 2])
    return client


def pieces_of(body: bytes) -> Iterator[bytes]:
    """A body that does not say how long it is."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


def read_only(house: House, *arguments: str) -> list[str]:
    """The command in a mount namespace of its own, in which only the database can be written."""
    script = (
        'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && '
        "for one in /dev/shm /run /tmp /var/tmp; do "
        "mountpoint -q $one && mount -o remount,bind,ro $one; done; "
        'mount -o remount,bind,rw "$0" && ! touch "$TMPDIR/x" 2>/dev/null && exec "$@"'
    )
    return ["unshare", "-m", "sh", "-c", script, str(house.kept), *tracing.RECIRC, *arguments]
