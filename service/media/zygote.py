"""The zygote: a warm process with one thread that forks a locked-up child for each clip.

It never reads a byte of a clip or of an answer. It starts children, ends them when their time is up
or nobody waits any more, and tells how each ended, which nobody else can see.
"""

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NoReturn

from service.media import child, selftest, warming, wire
from service.media.confinement import Base, Confinement

JOB_DESCRIPTORS: Final = 3  # channel, clip, end
ENDED: Final = struct.Struct("<BiqQ")  # why, wait status, peak memory in bytes, processor µs
_NULL: Final = "/dev/null"
_MOST_DESCRIPTORS: Final = os.sysconf("SC_OPEN_MAX")
# How a child goes on, with the socket on which it is handed its job; it never returns.
BecomeChild = Callable[[Confinement, Base, socket.socket], NoReturn]


class Why(IntEnum):
    """Who ended a child."""

    ITSELF = 0  # or a signal that the wait status names
    WALL = 1  # its time was up
    NOT_STARTED = 2  # the machine gave no process


@dataclass(frozen=True, slots=True)
class _Spare:
    """A child that waits for its job: a clip does not have to wait for the fork."""

    pid: int
    jobs: socket.socket


@dataclass(slots=True)
class _Child:
    """A child at work. ``end`` is the socket on which its end is told."""

    pid: int
    end: socket.socket
    deadline_s: float
    why: Why = Why.ITSELF


def main() -> NoReturn:
    """A zygote that was started as a process of its own: control descriptor, confinement."""
    control = socket.socket(fileno=int(sys.argv[1]))
    confined = Confinement.from_json(sys.argv[2])
    run(control, confined)


def run(
    control: socket.socket,
    confined: Confinement,
    *,
    warm: Callable[[], None] = warming.warm,
    become_child: BecomeChild = child.run,
) -> NoReturn:
    """Be a zygote until the other end of ``control`` is closed."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; its owner's end is ours
        _let_go(control)
        warm()
        gc.collect()
        gc.freeze()  # a child's collector would touch, and so copy, all that is here already
        _leave_folder()
        loop = _Loop(control, confined, Base.here(), become_child)
        refused = selftest.run(confined) if confined.filtered else []
        ready = {"version": wire.VERSION, "not_refused": refused, "pid": os.getpid()}
        control.send(json.dumps(ready).encode())
        loop.run()
        code = 0
    finally:
        os._exit(code)


def _let_go(control: socket.socket) -> None:
    """Close everything but the control socket: a child must not even inherit it for a moment."""
    nowhere = os.open(_NULL, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, _MOST_DESCRIPTORS)


def _leave_folder() -> None:
    """Make the folder of a process that is gone the working directory: empty, and none can write.

    An empty folder somewhere would need a file system that can be written to.
    """
    pid = os.fork()
    if pid == 0:
        signal.pause()
    try:
        os.chdir(f"/proc/{pid}/fdinfo")
    except OSError:
        os.chdir("/")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class _Loop:
    """Jobs in, children out."""

    def __init__(
        self,
        control: socket.socket,
        confined: Confinement,
        base: Base,
        become_child: BecomeChild,
    ) -> None:
        self._control = control
        self._confined = confined
        self._base = base
        self._become_child = become_child
        self._children: dict[int, _Child] = {}
        self._spare: _Spare | None = None
        self._woken, waking = socket.socketpair()
        for one in (self._woken, waking):
            one.setblocking(False)
        self._waking = waking
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    def run(self) -> None:
        """Until the control socket is closed at its other end."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the wake-up socket is written to
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        self._prepare()
        while True:
            happened = {number for number, _ in self._poll.poll(self._patience_ms())}
            if self._woken.fileno() in happened:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            self._end_late(happened)
            self._reap()
            if self._control.fileno() in happened and not self._take():
                break
            self._prepare()
        spare = [] if self._spare is None else [self._spare.pid]
        for pid in [*self._children, *spare]:
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:  # whoever counts what this process took is to count theirs as well
                os.wait4(-1, 0)

    def _patience_ms(self) -> int | None:
        if not self._children:
            return None
        soonest_s = min(one.deadline_s for one in self._children.values())
        return max(0, round(1000 * (soonest_s - time.monotonic()))) + 1

    def _end_late(self, happened: set[int]) -> None:
        """End children whose time is up, or whose asker has closed the other end."""
        now_s = time.monotonic()
        for one in self._children.values():
            if one.why is Why.ITSELF and now_s >= one.deadline_s:
                one.why = Why.WALL
            if one.why is Why.WALL or one.end.fileno() in happened:
                os.kill(one.pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._children or self._spare is not None:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            one = self._children.pop(pid, None)
            if one is None:  # the spare one
                self._let_spare_go()
                continue
            cpu_us = round(1e6 * (usage.ru_utime + usage.ru_stime))
            self._poll.unregister(one.end)
            _tell(one.end, one.why, status, usage.ru_maxrss * 1024, cpu_us)

    def _take(self) -> bool:
        """Hand one job to the spare child; False when nobody will ask for any more."""
        message, descriptors, _, _ = socket.recv_fds(
            self._control, child.MOST_JOB_BYTES, JOB_DESCRIPTORS
        )
        if not message:
            return False
        channel, clip, end_descriptor = descriptors
        end = socket.socket(fileno=end_descriptor)
        pid = self._hand_over(message, channel, clip)
        os.close(channel)
        os.close(clip)
        if pid is None:
            _tell(end, Why.NOT_STARTED, 0, 0, 0)
            return True
        self._children[pid] = _Child(pid, end, time.monotonic() + self._confined.wall_s)
        self._poll.register(end, 0)  # tells of a hang-up alone
        return True

    def _hand_over(self, message: bytes, channel: int, clip: int) -> int | None:
        """The child that has the job now; None where the machine gives no process."""
        for _ in range(2):  # the spare one may have been killed while it waited
            self._prepare()
            if self._spare is None:
                return None
            try:
                socket.send_fds(self._spare.jobs, [message], [channel, clip])
            except OSError:
                self._let_spare_go()
                continue
            pid = self._spare.pid
            self._let_spare_go()
            return pid
        return None

    def _prepare(self) -> None:
        """Have a spare child, if the machine gives one."""
        if self._spare is not None:
            return
        jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = _fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.closerange(3, theirs.fileno())
            os.closerange(theirs.fileno() + 1, _MOST_DESCRIPTORS)
            self._become_child(self._confined, self._base, theirs)
        theirs.close()
        if pid is None:
            jobs.close()
            return
        self._spare = _Spare(pid, jobs)

    def _let_spare_go(self) -> None:
        if self._spare is not None:
            self._spare.jobs.close()
            self._spare = None


def _fork() -> int | None:
    try:
        return os.fork()
    except OSError:
        return None


def _tell(end: socket.socket, why: Why, status: int, peak_bytes: int, cpu_us: int) -> None:
    with end, suppress(OSError):  # who asked may have gone
        end.send(ENDED.pack(why, status, peak_bytes, cpu_us))
