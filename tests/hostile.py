"""Decoders that were taken over, for tests: a zygote whose children do what their clip says.

A clip that begins with ``HOSTILE`` names one of ``DEEDS`` or ``PROBES``; any other is decoded as
ever. The children are locked up by the same code as real ones, and this is the only way to get
such a child: the service has none.
"""

import ctypes
import mmap
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from service.media import child, kernel, seccomp, warming, zygote
from service.media.blocks import Block
from service.media.confinement import Base, Cell, Confinement
from service.media.seccomp import CHANNEL_FD, CLIP_FD
from service.media.starting import Started, _pair

ROOT: Final = Path(__file__).parents[1]
MARK: Final = b"HOSTILE "
WITHOUT_SECCOMP: Final = "without seccomp: "  # before the name of a probe: the first wall is down
SUCCEEDED, REFUSED = 77, 78  # exit codes of a probe
_AT_FDCWD: Final = -100
_NOBODY: Final = 65534


def clip(deed: str, length: int = 0) -> bytes:
    """The clip that makes a child do this, of at least so many bytes. Raises KeyError."""
    name = deed.removeprefix(WITHOUT_SECCOMP)
    if name not in DEEDS and name not in PROBES:  # its child would end at once, like a broken one
        raise KeyError(deed)
    return (MARK + deed.encode()).ljust(length)


def as_root(confined: Confinement) -> Started:
    """Starts a zygote with such children."""
    return _started(confined, os.getuid())


def as_nobody(confined: Confinement) -> Started:
    """The same for an ordinary user; has to be asked for by root."""
    return _started(confined, _NOBODY)


def leaky(confined: Confinement) -> Started:
    """The same, with a filter that lets sockets be made."""
    return _started(confined, os.getuid(), "leaky")


def _started(confined: Confinement, uid: int, *more: str) -> Started:
    ours, control = _pair()
    with control:
        process = subprocess.Popen(  # noqa: S603  # this very module
            [
                sys.executable,
                "-c",
                "from tests import hostile; hostile.main()",
                str(control.fileno()),
                confined.to_json(),
                str(uid),
                *more,
            ],
            pass_fds=[control.fileno()],
            env={"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"]},
            cwd=ROOT,
        )
    return Started(process.pid, ours, process)


def main() -> NoReturn:
    """The zygote: all is loaded before it becomes another user, who may not read it."""
    warming.warm()
    if (uid := int(sys.argv[3])) != os.getuid():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # as a process that was started by that user has
    if "leaky" in sys.argv:
        let_through = seccomp.rules
        seccomp.rules = lambda own_pid: (seccomp.Rule("socket", 41, 198), *let_through(own_pid))
    confined = Confinement.from_json(sys.argv[2])
    control = socket.socket(fileno=int(sys.argv[1]))
    zygote.run(control, confined, warm=lambda: None, become_child=become)


def become(confined: Confinement, base: Base, jobs: socket.socket) -> NoReturn:
    """A child that looks at its clip before it decides what to be."""
    code = 1
    try:
        cell = Cell(confined, base)
        message, channel, clip = child.receive(jobs)
        said = os.pread(clip, 200, 0)
        name = said.removeprefix(MARK).decode().rstrip() if said.startswith(MARK) else ""
        if name.startswith(WITHOUT_SECCOMP):
            name = name.removeprefix(WITHOUT_SECCOMP)
            cell._filter = None
        cell.lock(channel=channel, clip=clip)
        code = _do(name, message, confined)
    finally:
        os._exit(code)


def _do(name: str, message: bytes, confined: Confinement) -> int:
    if not name:
        child.answer(message, confined)
        return 0
    os.read(CHANNEL_FD, 1)
    if name in PROBES:
        return _probe(PROBES[name])
    DEEDS[name]()
    return 0


def _probe(attempt: Callable[[], object]) -> int:
    try:
        attempt()
    except (OSError, RuntimeError):  # RuntimeError: a thread that cannot be started
        return REFUSED
    return SUCCEEDED


# --- deeds: what a broken or malicious child does to the one who asks ----------------------------


def _endless() -> None:
    while True:
        pass


def _hog() -> None:
    held = []
    while True:
        held.append(b"x" * 2**20)


def _hog_by_mmap() -> None:
    held = []
    while True:
        held.append(mmap.mmap(-1, 2**24))
        held[-1].write(b"x" * 2**24)


def _say(data: bytes) -> Callable[[], None]:
    def say() -> None:
        os.write(CHANNEL_FD, data)
        os.read(CHANNEL_FD, 1)

    return say


def _sleep() -> None:
    os.read(CHANNEL_FD, 1)  # nobody says anything more


def _segfault() -> None:
    ctypes.memset(0, 0, 1)


def _flood() -> None:
    while True:
        os.write(CHANNEL_FD, b"\xff" * 65536)


DEEDS: Final[dict[str, Callable[[], None]]] = {
    "endless loop": _endless,
    "asleep": _sleep,
    "memory hog": _hog,
    "memory hog by mmap": _hog_by_mmap,
    "segfault": _segfault,
    "abort": os.abort,
    "exit": lambda: None,
    "exit with a code": lambda: os._exit(3),
    "nonsense": _say(b"nonsense nonsense nonsense nonsense"),
    "half a header": _say(b"\x02\x01"),
    "flood": _flood,
    "millions of frames": _say(struct.pack("<BI", Block.FRAMES, 2**32 - 1)),
}


# --- probes: ways out ---------------------------------------------------------------------------

_STRINGS: Final = {
    text: ctypes.create_string_buffer(text.encode() + b"\0")
    for text in (
        "/dev/null",
        "/dev",
        "/",
        "/recirc-probe",
        "/bin/true",
        "x",
        "tmpfs",
        "user",
    )
}
_SCRATCH: Final = ctypes.create_string_buffer(4096)  # zeros, for whatever a call wants to be shown
_VECTOR: Final = ctypes.create_string_buffer(struct.pack("@QQ", ctypes.addressof(_SCRATCH), 1))


def _text(text: str) -> int:
    return ctypes.addressof(_STRINGS[text])


def _raw(number: int, *arguments: int) -> Callable[[], object]:
    """One system call of x86-64, past every library."""
    return lambda: kernel.syscall(number, *arguments)


def _new(number: int, *arguments: int) -> Callable[[], object]:
    """A call that makes a descriptor, which the limit of their number alone must not refuse."""

    def call() -> int:
        os.close(CLIP_FD)
        return kernel.syscall(number, *arguments)

    return call


def _thread() -> None:
    threading.Thread(target=lambda: None).start()


def _parent() -> None:
    os.close(CLIP_FD)
    kernel.syscall(434, os.getppid(), 0)


def _fork() -> None:
    if kernel.syscall(57) == 0:
        os._exit(0)


_ZEROS: Final = ctypes.addressof(_SCRATCH)
_VECTOR_AT: Final = ctypes.addressof(_VECTOR)
_NULL: Final = _text("/dev/null")
_FILE: Final = _text("/recirc-probe")
PROBES: Final[dict[str, Callable[[], object]]] = {
    # files
    "open": _new(2, _NULL, os.O_RDONLY),
    "open a file for writing": _new(2, _FILE, os.O_WRONLY | os.O_CREAT, 0o600),
    "openat": _new(257, _AT_FDCWD, _NULL, os.O_RDONLY),
    "openat2": _new(437, _AT_FDCWD, _NULL, _ZEROS, 24),
    "openat of the x32 table": _new(0x40000000 | 257, _AT_FDCWD, _NULL, os.O_RDONLY),
    "creat": _new(85, _FILE, 0o600),
    "open the working directory": _new(257, _AT_FDCWD, _text("x"), os.O_RDONLY),
    "stat": _raw(4, _NULL, _ZEROS),
    "statx": _raw(332, _AT_FDCWD, _NULL, 0, 0xFFF, _ZEROS),
    "access": _raw(21, _NULL, 0),
    "readlink": _raw(89, _text("/dev"), _ZEROS, 100),
    "chdir": _raw(80, _text("/")),
    "chroot": _raw(161, _text("/")),
    "mkdir": _raw(83, _FILE, 0o700),
    "mknod": _raw(133, _FILE, 0o010600, 0),
    "unlink": _raw(87, _FILE),
    "rename": _raw(82, _FILE, _FILE),
    "link": _raw(86, _NULL, _FILE),
    "symlink": _raw(88, _NULL, _FILE),
    "chmod": _raw(90, _NULL, 0o666),
    "chown": _raw(92, _NULL, 0, 0),
    "truncate": _raw(76, _FILE, 0),
    "utimensat": _raw(280, _AT_FDCWD, _NULL, 0, 0),
    "memfd_create": _new(319, _text("x"), 0),
    "name_to_handle_at": _raw(303, _AT_FDCWD, _NULL, _ZEROS, _ZEROS, 0),
    "inotify_init1": _new(294, 0),
    "fanotify_init": _new(300, 0, 0),
    # the clip and other descriptors
    "write to the clip": _raw(1, CLIP_FD, _ZEROS, 1),
    "write at a place of the clip": _raw(18, CLIP_FD, _ZEROS, 1, 0),
    "writev to the clip": _raw(20, CLIP_FD, _VECTOR_AT, 1),
    "map the clip for writing": _raw(9, 0, 4096, 3, 1, CLIP_FD, 0),
    "truncate the clip": _raw(77, CLIP_FD, 0),
    "chmod of the clip": _raw(91, CLIP_FD, 0o777),
    "write to standard error": _raw(1, 2, _ZEROS, 1),
    "dup": _new(32, CHANNEL_FD),
    "dup2": _raw(33, CHANNEL_FD, CLIP_FD),
    "sendfile": _raw(40, CHANNEL_FD, CLIP_FD, 0, 1),
    "splice": _raw(275, CLIP_FD, 0, CHANNEL_FD, 0, 1, 0),
    "send a message": _raw(46, CHANNEL_FD, _ZEROS, 0),
    "receive a message": _raw(47, CHANNEL_FD, _ZEROS, 0x40),
    "ioctl": _raw(16, CHANNEL_FD, 0x541B, _ZEROS),
    "fcntl": _raw(72, CHANNEL_FD, 0, 10),
    "epoll_create1": _new(291, 0),
    "io_uring_setup": _new(425, 1, _ZEROS),
    # networks and other processes
    "socket AF_INET": _new(41, 2, 1, 0),
    "socket AF_INET6": _new(41, 10, 2, 0),
    "socket AF_UNIX": _new(41, 1, 1, 0),
    "socket AF_NETLINK": _new(41, 16, 3, 0),
    "socketpair": _raw(53, 1, 1, 0, _ZEROS),
    "connect": _raw(42, CHANNEL_FD, _ZEROS, 2),
    "bind": _raw(49, CHANNEL_FD, _ZEROS, 2),
    "execve": _raw(59, _text("/bin/true"), 0, 0),
    "execveat": _raw(322, _AT_FDCWD, _text("/bin/true"), 0, 0, 0),
    "execveat of the clip": _raw(322, CLIP_FD, _text("x"), 0, 0, 0x1000),
    "fork": _fork,
    "vfork": _raw(58),
    "clone": _raw(56, 17, 0, 0, 0, 0),
    "clone3": _raw(435, _ZEROS, 64),
    "a thread": _thread,
    "kill the zygote": lambda: kernel.syscall(62, os.getppid(), 0),
    "kill oneself by kill": lambda: kernel.syscall(62, os.getpid(), 0),
    "tgkill of another": _raw(234, 1, 1, 0),
    "tkill": _raw(200, 1, 0),
    "pidfd_open": _parent,
    "ptrace": lambda: kernel.syscall(101, 16, os.getppid(), 0, 0),
    "process_vm_readv": lambda: kernel.syscall(310, os.getppid(), _VECTOR_AT, 1, _VECTOR_AT, 1, 0),
    "shmget": _raw(29, 0, 4096, 0o1600),
    "msgget": _raw(68, 0, 0o1600),
    "mq_open": _new(240, _text("x"), 0o100, 0o600, 0),
    # the kernel and the cage itself
    "bpf": _new(321, 0, _ZEROS, 64),
    "userfaultfd": _new(323, 1),
    "perf_event_open": _new(298, _ZEROS, 0, -1, -1, 0),
    "keyctl": _raw(250, 0, -3, 1),
    "add_key": _raw(248, _text("user"), _text("x"), _text("x"), 1, -3),
    "mount": _raw(165, _text("tmpfs"), _text("/dev"), _text("tmpfs"), 0, 0),
    "umount2": _raw(166, _text("/dev"), 0),
    "unshare": _raw(272, 0x10000000),
    "setns": _raw(308, CLIP_FD, 0),
    "pivot_root": _raw(155, _text("/"), _text("/")),
    "setuid": _raw(105, 0),
    "setrlimit": _raw(160, 9, _ZEROS),
    "prlimit64": _raw(302, 0, 9, 0, _ZEROS),
    "prctl": _raw(157, kernel.PR_SET_DUMPABLE, 1),
    "seccomp": _raw(317, 2, 0, _ZEROS),
    "personality": _raw(135, 0xFFFFFFFF),
    "init_module": _raw(175, _ZEROS, 1, _text("x")),
    "kexec_load": _raw(246, 0, 0, 0, 0),
    "reboot": _raw(169, 0, 0, 0, 0),
    "syslog": _raw(103, 10, 0, 0),
    "modify_ldt": _raw(154, 0, _ZEROS, 16),
    "mmap of executable memory": _raw(9, 0, 4096, 7, 0x22, -1, 0),
    "mmap of the clip as a program": _raw(9, 0, 4096, 5, 2, CLIP_FD, 0),
    "mprotect to executable": lambda: kernel.syscall(10, _ZEROS & ~4095, 4096, 7),
    "pkey_mprotect": lambda: kernel.syscall(329, _ZEROS & ~4095, 4096, 7, -1),
    "sched_setscheduler": _raw(144, 0, 0, _ZEROS),
    "setsid": _raw(112),
}
