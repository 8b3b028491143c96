"""Two ways to get a zygote: a fork of this process, or an interpreter of its own.

A fork has everything loaded already, so that a command which checks one clip does not pay twice. It
also has this process's memory, and can only be made while there is one thread. A service holds
secrets, lives long and has threads: its zygote is an interpreter of its own, with an environment of
next to nothing. So is every one that replaces another.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL
from typing import Final

from service.errors import NoCage
from service.media.confinement import Confinement

_MAIN: Final = "from service.media import zygote; zygote.main()"
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "PATH")  # for interpreters that need them to start
_END_S: Final = 5
_LOOK_S: Final = 0.002  # between looks at whether it has ended: that takes a few of them


@dataclass(frozen=True, slots=True)
class Started:
    """A zygote and the socket on which it takes jobs; closing that is what ends it."""

    pid: int
    control: socket.socket
    process: subprocess.Popen[bytes] | None

    def end(self) -> None:
        """End it, and wait until it is gone."""
        self.control.close()
        if self.process is None:
            with suppress(ChildProcessError):
                if not _ended(self.pid, _END_S):
                    os.kill(self.pid, SIGKILL)
                    os.waitpid(self.pid, 0)
            return
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _ended(pid: int, within_s: float) -> bool:
    """Whether a child of this process ends by itself. Raises ChildProcessError where it is gone."""
    until_s = time.monotonic() + within_s
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > until_s:
            return False
        time.sleep(_LOOK_S)
    return True


Start = Callable[[Confinement], Started]


def spawned(confined: Confinement) -> Started:
    """An interpreter of its own. Raises NoCage."""
    ours, control = _pair()
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with control:
        descriptor = str(control.fileno())
        try:
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
                # -B: nothing is written, not even compiled modules.
                [sys.executable, "-I", "-B", "-c", _MAIN, descriptor, confined.to_json()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[control.fileno()],
                env=passed_on | _ENVIRONMENT,
            )
        except OSError as problem:
            ours.close()
            raise NoCage("no process for decoders can be started") from problem
    return Started(process.pid, ours, process)


def forked(confined: Confinement) -> Started:
    """A fork of this process, where it has one thread; else as ``spawned``. Raises NoCage."""
    if not _has_one_thread():
        return spawned(confined)
    from service.media import zygote  # noqa: PLC0415  # the decoders, which are large

    ours, control = _pair()
    pid = os.fork()
    if pid == 0:
        zygote.run(control, confined)
    control.close()
    return Started(pid, ours, None)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends that keep the bounds of messages."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _has_one_thread() -> bool:
    """Also of those that libraries have started, which Python does not know."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False
