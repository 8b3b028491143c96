"""Runs the real command under strace, and reads what it opened, made and connected to."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

RECIRC: Final = (sys.executable, "-c", "import cli; cli.main()")
_CALLS: Final = (
    "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,"
    "symlink,symlinkat,truncate,socket,connect,bind"
)
_LINE: Final = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+|\?)")
_WRITES: Final = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE|O_TRUNC|O_APPEND")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OPENS: Final = ("open", "openat", "openat2")
_NETWORK: Final = ("socket", "connect", "bind")
_HARMLESS: Final = ("/dev/null", "/dev/tty", "/proc/")
REASON: Final = "strace cannot attach here (not installed, or ptrace is forbidden)"


def succeeds(*command: str) -> bool:
    """Whether a tool is there and does this."""
    if shutil.which(command[0]) is None:
        return False
    ran = subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # a tool's trial
    return ran.returncode == 0


def can_trace() -> bool:
    """Whether strace is there and may attach."""
    return succeeds("strace", "-f", "-o", os.devnull, "true")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a process made: to which place in time it belongs is not known."""

    pid: int
    name: str
    arguments: str

    @property
    def path(self) -> str:
        """The last path that it names."""
        found = _QUOTED.findall(self.arguments)
        return found[-1] if found else ""


class Trace:
    """What a command and all its children did."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def command(self, *arguments: str) -> list[str]:
        """The command that runs recirc with these arguments under strace."""
        log = str(self._folder / "trace")
        return [
            "strace",
            "-ff",
            "--seccomp-bpf",
            "-q",
            "-s",
            "4096",
            "-e",
            f"trace={_CALLS}",
            "-o",
            log,
            *RECIRC,
            *arguments,
        ]

    def calls(self) -> Iterator[Call]:
        """All calls that succeeded."""
        for log in sorted(self._folder.iterdir()):
            for line in log.read_text(errors="replace").splitlines():
                found = _LINE.match(line)
                if found and not found["result"].startswith("-"):
                    yield Call(int(log.suffix[1:]), found["name"], found["arguments"])

    def written(self, allowed: Path) -> list[str]:
        """Whatever was made, or opened to be written, outside of the one folder."""
        return [
            f"{call.name}({call.arguments})"
            for call in self.calls()
            if call.name not in _NETWORK
            and (call.name not in _OPENS or _WRITES.search(call.arguments))
            and not call.path.startswith((f"{allowed}/", *_HARMLESS))
        ]

    def connections(self) -> list[Call]:
        """Whatever might reach another machine: every socket but those between processes."""
        return [
            call
            for call in self.calls()
            if call.name in _NETWORK
            and not call.arguments.startswith(("AF_UNIX", "AF_LOCAL"))
            and "AF_UNIX" not in call.arguments
        ]


def environment(home: Path, database: Path, **more: str) -> dict[str, str]:
    """What the command gets to see: a home and a temporary folder of its own, nothing else."""
    for name in ("home", "tmp"):
        (home / name).mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "RECIRC_DB": str(database),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def ran(
    command: Sequence[str], stdin: bytes, cwd: Path, variables: Mapping[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603  # our own code
        command, input=stdin, cwd=cwd, env=variables, capture_output=True, check=False, timeout=300
    )


def require_strace() -> None:
    """Skip the test where strace cannot attach, unless RECIRC_REQUIRE_STRACE says to fail."""
    if can_trace():
        return
    if os.environ.get("RECIRC_REQUIRE_STRACE"):
        pytest.fail(REASON)
    pytest.skip(REASON)


def samples(media: bytes, count: int = 32, length: int = 48) -> list[bytes]:
    """Pieces of an upload, from all over it, that stand nowhere else."""
    places = range(0, len(media) - length, max(1, (len(media) - length) // count))
    pieces = (media[place : place + length] for place in places)
    return [piece for piece in pieces if len(set(piece)) > length // 2]


def holding(folder: Path, pieces: Sequence[bytes]) -> list[str]:
    """The files under a folder with one of these pieces in them."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for data in (path.read_bytes(),)
        if any(piece in data for piece in pieces)
    ]


def children(pid: int) -> list[int]:
    """The processes that this one has started and that are there still."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(one) for one in (task / "children").read_text().split()]
    return found
