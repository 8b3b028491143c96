"""The few calls into the kernel that Python has no function for, by ctypes."""

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38


class Machine(IntEnum):
    """Processors whose system calls are known here, by AUDIT_ARCH of linux/audit.h."""

    X86_64 = 0xC000003E
    AARCH64 = 0xC00000B7


_MACHINES: Final = {"x86_64": Machine.X86_64, "aarch64": Machine.AARCH64}


def machine() -> Machine | None:
    """This processor; None where there is no list of its system calls, or no Linux."""
    known = sys.platform == "linux" and sys.maxsize > 2**32
    return _MACHINES.get(platform.machine()) if known else None


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument. Raises OSError."""
    _call("prctl", option, value, 0, 0, 0)


def syscall(number: int, *arguments: int) -> int:
    """syscall(2); pointers are given as numbers. Raises OSError."""
    return _call("syscall", number, *arguments)


@cache
def _function(name: str) -> Callable[..., int]:
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long
    found: Callable[..., int] = function
    return found


def _call(name: str, *arguments: int) -> int:
    result = int(_function(name)(*(ctypes.c_ulong(one) for one in arguments)))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result
