"""Heartbeats: how long a server's event loop was kept from its next turn, told by a file.

The loop of each server process asks to be woken every few milliseconds and notes how late it was.
A machine with more to do than cores makes every process late; how long the thread was ready to run
and got no core is known to Linux (schedstat), and is counted apart.
"""

import asyncio
import mmap
import os
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from fastapi import FastAPI

BLOCKED_MS: Final = 50.0
_EVERY_S: Final = 0.01
_SLOT: Final = struct.Struct("<ddq")  # worst ms late, worst ms of its own, times it was blocked
_SLOTS: Final = 64


@dataclass(frozen=True, slots=True)
class Late:
    """The worst of one or more loops. ``own_ms``: without the time that there was no core for it;
    ``blocked``: how often that was more than ``BLOCKED_MS``."""

    late_ms: float
    own_ms: float
    blocked: int


class Beats:
    """The file that servers write and the benchmark reads."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SLOTS * _SLOT.size)

    @classmethod
    def made(cls, path: Path) -> Self:
        """A new file, with nothing in it."""
        path.write_bytes(bytes(_SLOTS * _SLOT.size))
        return cls(path)

    def note(self, slot: int, late_ms: float, own_ms: float) -> None:
        """A heartbeat of the server with this number was so late."""
        worst_ms, worst_own_ms, blocked = _SLOT.unpack_from(self._map, slot * _SLOT.size)
        worst = max(worst_ms, late_ms), max(worst_own_ms, own_ms)
        _SLOT.pack_into(self._map, slot * _SLOT.size, *worst, blocked + (own_ms > BLOCKED_MS))

    def forget(self) -> None:
        """Begin anew."""
        self._map[:] = bytes(len(self._map))

    def worst(self) -> Late:
        """The worst since then, of all servers."""
        slots = [_SLOT.unpack_from(self._map, slot * _SLOT.size) for slot in range(_SLOTS)]
        late_ms, own_ms, blocked = zip(*slots, strict=True)
        return Late(max(late_ms), max(own_ms), sum(blocked))


def add(app: FastAPI, path: Path, slot: int) -> None:
    """Have this app's event loop note its heartbeats, for as long as it serves."""
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[None]:
        async with before(served):
            beating = asyncio.create_task(_beat(Beats(path), slot))
            yield
            beating.cancel()

    app.router.lifespan_context = lifespan


async def _beat(beats: Beats, slot: int) -> None:
    schedstat = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
    try:
        while True:
            began_s, waited_ns = time.perf_counter(), _waited_ns(schedstat)
            await asyncio.sleep(_EVERY_S)
            late_ms = 1000 * (time.perf_counter() - began_s - _EVERY_S)
            coreless_ms = (_waited_ns(schedstat) - waited_ns) / 1e6
            beats.note(slot, late_ms, late_ms - coreless_ms)
    finally:
        os.close(schedstat)


def _waited_ns(schedstat: int) -> int:
    """For how long the thread has been ready to run without a core, so far."""
    return int(os.pread(schedstat, 100, 0).split()[1])
