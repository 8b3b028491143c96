"""The second wall: Landlock (landlock(7)), which takes away all files, TCP and signals to others.

It is another mechanism than seccomp's: a mistake in one filter is held by the other. What a kernel
does not know yet is not asked of it; before 5.13, or where it is switched off, there is none.
"""

import ctypes
import os
import struct
from typing import Final

from service.media import kernel

_CREATE: Final = 444  # the same on all processors
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
# linux/landlock.h: how many rights on files each version of the interface knows.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_MOST_FILE_RIGHTS: Final = 16  # from 5 on: ioctl on devices
_TCP: Final = 0b11  # bind, connect: from 4 on
_SCOPES: Final = 0b11  # abstract Unix sockets, signals: from 6 on


def version() -> int:
    """The version of the interface that this kernel has; 0 for none."""
    try:
        return kernel.syscall(_CREATE, 0, 0, _ASK_VERSION)
    except OSError:
        return 0


def install(known: int) -> None:
    """Take away all that version ``known`` can. Needs no_new_privs. Raises OSError."""
    files = (1 << _FILE_RIGHTS.get(known, _MOST_FILE_RIGHTS)) - 1
    asked = [files]
    if known >= 4:
        asked.append(_TCP)
    if known >= 6:
        asked.append(_SCOPES)
    attributes = ctypes.create_string_buffer(struct.pack(f"@{len(asked)}Q", *asked))
    size_bytes = len(attributes) - 1
    rules = kernel.syscall(_CREATE, ctypes.addressof(attributes), size_bytes, 0)
    try:
        kernel.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
