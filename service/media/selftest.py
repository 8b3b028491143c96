"""The self-test: children locked up like any other try to get out, one way each, before any clip.

A kernel, a container or an emulator may take a filter and not keep it. What is not refused here
means that there is no cage.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

from service.media import kernel
from service.media.confinement import Base, Cell, Confinement
from service.media.kernel import Machine
from service.media.seccomp import CLIP_FD

_REFUSED: Final = 10  # exit codes
_NOT_LOCKED: Final = 11
_NULL: Final = "/dev/null"
_SOCKET: Final = 198 if kernel.machine() is Machine.AARCH64 else 41


def run(confined: Confinement) -> list[str]:
    """What was not refused to a locked-up child, all tried at the same time; empty is good."""
    base = Base.here()
    started = {name: _start(attempt, confined, base) for name, attempt in _ATTEMPTS.items()}
    return [name for name, pid in started.items() if not _was_refused(pid)]


def _open() -> None:
    os.open(_NULL, os.O_RDONLY)


def _socket() -> None:
    # Python's own would ask the kernel for more, and be ended for that.
    kernel.syscall(_SOCKET, socket.AF_INET, socket.SOCK_DGRAM, 0)


def _exec() -> None:
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "pass"])  # noqa: S606  # refused


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _kill() -> None:
    os.kill(os.getppid(), 0)


_ATTEMPTS: Final[dict[str, Callable[[], None]]] = {
    "open": _open,
    "socket": _socket,
    "exec": _exec,
    "fork": _fork,
    "kill": _kill,
}


def _start(attempt: Callable[[], None], confined: Confinement, base: Base) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = _NOT_LOCKED
    try:
        nowhere = os.open(_NULL, os.O_RDWR)
        Cell(confined, base).lock(channel=nowhere, clip=nowhere)
        os.close(CLIP_FD)  # or the limit of descriptors would refuse a new one, not the filter
        code = 0
        attempt()
    except OSError:
        code = code or _REFUSED
    finally:
        os._exit(code)


def _was_refused(pid: int) -> bool:
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGSYS
    return os.WEXITSTATUS(status) == _REFUSED
