"""Stopping: a server that says that it is about to, answers what it is at, and then ends.

Once told to, ``/readyz`` says ``draining`` for as long as the operator wants, so that others are
asked; then nothing new is taken. What is being checked may take some seconds more. Whatever is not
done then is ended with its decoders, and answered: as ``unscannable``, never as if it were clean.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn

from service.readiness import Readiness

MOST_S: Final = 20  # from the signal to the end; Kubernetes waits for 30, Docker has to be told to
_ANSWERS_S: Final = 4  # of those, for what was ended to be answered, and for threads to end
_LOOK_S: Final = 0.1


class Server(uvicorn.Server):
    """uvicorn's server, which drains. ``end_decoders``: what ends checks that take too long."""

    def __init__(
        self,
        config: uvicorn.Config,
        readiness: Readiness,
        end_decoders: Callable[[], None],
        *,
        drain_s: int = 0,
        most_s: int = MOST_S,
        answers_s: int = _ANSWERS_S,
    ) -> None:
        super().__init__(config)
        config.timeout_graceful_shutdown = most_s - drain_s - 1
        self._end_after_s = most_s - drain_s - answers_s
        self._readiness = readiness
        self._end_decoders = end_decoders
        self._drain_s = drain_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, answer, end."""
        self._readiness.draining = True
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._drain_s
        while loop.time() < until_s and not self.force_exit:
            await asyncio.sleep(_LOOK_S)
        # In a thread: it waits for the decoders' process.
        ending = threading.Thread(target=self._end_decoders, name="recirc-end", daemon=True)
        timer = loop.call_later(self._end_after_s, ending.start)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()
