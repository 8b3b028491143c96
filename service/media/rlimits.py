"""Limits that the kernel keeps for a decoder: memory, processor time, and nothing to be made."""

import resource
from pathlib import Path
from typing import Final

_NOTHING: Final = (
    resource.RLIMIT_CORE,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_MEMLOCK,
)
_CPU_GRACE_S: Final = 1  # between the signal that can be told from others and the end


def mapped_bytes() -> int:
    """How much address space this process has mapped, and so its children at their start."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    return pages * resource.getpagesize()


def resident_bytes() -> int:
    """How much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    return pages * resource.getpagesize()


def install(*, space_bytes: int, cpu_s: int, descriptors: int) -> None:
    """Set the limits of this process, for ever. Raises OSError, ValueError.

    ``space_bytes``: of address space, with all that is mapped already; ``descriptors``: the number
    above the highest open one, so that none can be added.
    """
    for kind in _NOTHING:
        resource.setrlimit(kind, (0, 0))
    _lower(resource.RLIMIT_NOFILE, descriptors, descriptors)
    _lower(resource.RLIMIT_AS, space_bytes, space_bytes)
    _lower(resource.RLIMIT_CPU, cpu_s, cpu_s + _CPU_GRACE_S)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or keep what the machine's owner has set lower."""
    _, least = resource.getrlimit(kind)
    if least != resource.RLIM_INFINITY:
        soft, hard = min(soft, least), min(hard, least)
    resource.setrlimit(kind, (soft, hard))
