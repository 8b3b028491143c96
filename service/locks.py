"""Locks on files, which the system lets go of when their process ends, however it ends."""

import sys


def lock(descriptor: int) -> bool:
    """Whether it is locked by this call now, and so by nobody else. Not on Windows: always."""
    if sys.platform == "win32":
        return True
    import fcntl  # noqa: PLC0415  # not on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
