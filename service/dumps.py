"""No core dumps: a process that holds somebody's clip leaves no copy of its memory when it dies."""

import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def forbid() -> None:
    """Have the kernel write no dump of this process, nor of any that it forks, whatever kills it.

    Two ways, because a limit of 0 does not hold where dumps are piped to a program (core(5)).
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # as above

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
