"""The wall: a seccomp filter (seccomp(2)) that lets a decoder compute, read its clip and answer.

Calls that are not in ``RULES`` end the process with SIGSYS: no decoder has a reason for them, so
the clip becomes ``sandbox_violation``. Questions that libraries ask on the way are refused instead,
for they can do without an answer. Numbers are those of arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h.
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EACCES, ENOSYS, EPERM
from typing import Final

from service.media import kernel
from service.media.kernel import Machine

CHANNEL_FD: Final = 3  # the only descriptor that may be written to
CLIP_FD: Final = 4

_SET_MODE_FILTER: Final = 1  # linux/seccomp.h
_FLAG_TSYNC: Final = 1  # all threads of the process, should there be any
_KILL: Final = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_ERRNO: Final = 0x00050000
_ALLOW: Final = 0x7FFF0000
_SECCOMP: Final = {Machine.X86_64: 317, Machine.AARCH64: 277}

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS, linux/bpf_common.h
_IF_EQUAL: Final = 0x15
_IF_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0  # offsets in struct seccomp_data, linux/seccomp.h
_ARCH_AT: Final = 4
_ARGUMENTS_AT: Final = 16

_EXEC: Final = 0x4  # PROT_EXEC


@dataclass(frozen=True, slots=True)
class Equal:
    """The call is let through where the argument's low 32 bits are ``value``."""

    argument: int
    value: int


@dataclass(frozen=True, slots=True)
class Without:
    """The call is let through where the argument has none of these bits."""

    argument: int
    bits: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one system call. Its number is None where a processor does not have it.

    ``error``: refused with this errno in place of being let through.
    """

    name: str
    x86_64: int | None
    aarch64: int | None
    only: Equal | Without | None = None
    error: int | None = None

    def number(self, machine: Machine) -> int | None:
        """The call's number on this processor."""
        return self.x86_64 if machine is Machine.X86_64 else self.aarch64


def rules(own_pid: int) -> tuple[Rule, ...]:
    """What the process with this id may do, the most frequent calls first."""
    return (*_ALLOWED, Rule("tgkill", 234, 131, Equal(0, own_pid)), *_REFUSED)


_ALLOWED: Final = (
    Rule("read", 0, 63),
    Rule("lseek", 8, 62),
    Rule("mmap", 9, 222, Without(2, _EXEC)),
    Rule("munmap", 11, 215),
    Rule("brk", 12, 214),
    Rule("mremap", 25, 216),
    Rule("madvise", 28, 233),
    Rule("mprotect", 10, 226, Without(2, _EXEC)),
    Rule("futex", 202, 98),
    Rule("write", 1, 64, Equal(0, CHANNEL_FD)),
    Rule("pread64", 17, 67),
    Rule("clock_gettime", 228, 113),
    Rule("gettimeofday", 96, 169),
    Rule("getrandom", 318, 278),
    Rule("sched_yield", 24, 124),
    Rule("getpid", 39, 172),
    Rule("gettid", 186, 178),
    Rule("fstat", 5, 80),
    Rule("close", 3, 57),
    Rule("rt_sigaction", 13, 134),
    Rule("rt_sigprocmask", 14, 135),
    Rule("rt_sigreturn", 15, 139),
    Rule("restart_syscall", 219, 128),
    Rule("exit", 60, 93),
    Rule("exit_group", 231, 94),
)
# tgkill, to itself, is how abort() ends a process.

_REFUSED: Final = (
    Rule("open", 2, None, error=EACCES),
    Rule("openat", 257, 56, error=EACCES),
    Rule("stat", 4, None, error=EACCES),
    Rule("lstat", 6, None, error=EACCES),
    Rule("newfstatat", 262, 79, error=EACCES),
    Rule("statx", 332, 291, error=EACCES),
    Rule("access", 21, None, error=EACCES),
    Rule("faccessat", 269, 48, error=EACCES),
    Rule("faccessat2", 439, 439, error=EACCES),
    Rule("readlink", 89, None, error=EACCES),
    Rule("readlinkat", 267, 78, error=EACCES),
    Rule("getcwd", 79, 17, error=EACCES),
    Rule("getdents64", 217, 61, error=EACCES),
    Rule("ioctl", 16, 29, error=EPERM),
    Rule("fcntl", 72, 25, error=EPERM),
    Rule("dup", 32, 23, error=EPERM),
    Rule("prlimit64", 302, 261, error=EPERM),
    Rule("sched_getaffinity", 204, 123, error=EPERM),
    Rule("sysinfo", 99, 179, error=EPERM),
    Rule("uname", 63, 160, error=EPERM),
    # A thread: a library that is refused one works without or fails. glibc falls back from clone3
    # to clone where it hears that there is no such call.
    Rule("clone3", 435, 435, error=ENOSYS),
    Rule("clone", 56, 220, error=EPERM),
)


def program(machine: Machine, own_pid: int) -> bytes:
    """The filter as struct sock_filter of linux/filter.h, one after the other."""
    steps = [_step(_LOAD, _ARCH_AT), _step(_IF_EQUAL, machine, 1, 0), _step(_RETURN, _KILL)]
    steps.append(_step(_LOAD, _NUMBER_AT))
    for rule in rules(own_pid):
        number = rule.number(machine)
        if number is not None:
            decision = list(_decision(rule))
            steps += [_step(_IF_EQUAL, number, 0, len(decision)), *decision]
    return b"".join([*steps, _step(_RETURN, _KILL)])


class Filter:
    """The filter of this very process, made ready ahead of the moment when it is needed."""

    def __init__(self, machine: Machine) -> None:
        self._call = _SECCOMP[machine]
        self._code = ctypes.create_string_buffer(program(machine, os.getpid()))
        # struct sock_fprog: the number of steps, padding, their address
        steps = (len(self._code) - 1) // len(_step(_RETURN, 0))
        header = struct.pack("@HxxxxxxP", steps, ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header)

    def install(self) -> None:
        """Put it over this process, for ever. Needs no_new_privs. Raises OSError."""
        header_at = ctypes.addressof(self._header)
        kernel.syscall(self._call, _SET_MODE_FILTER, _FLAG_TSYNC, header_at)


def _decision(rule: Rule) -> Iterator[bytes]:
    if rule.error is not None:
        yield _step(_RETURN, _ERRNO | rule.error)
        return
    if rule.only is not None:
        yield _step(_LOAD, _ARGUMENTS_AT + 8 * rule.only.argument)
        if isinstance(rule.only, Equal):
            yield _step(_IF_EQUAL, rule.only.value, 1, 0)
        else:
            yield _step(_IF_ANY_BIT, rule.only.bits, 0, 1)
        yield _step(_RETURN, _KILL)
    yield _step(_RETURN, _ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("@HBBI", code, if_true, if_false, value)
