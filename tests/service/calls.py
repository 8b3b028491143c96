"""Calling the service in tests: in this process, or over a real socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
from fastapi import FastAPI

from service.app import create_app, listen, server
from service.bodies import BodyLimits
from service.connections import Patience
from service.fetch import Reach
from service.limits import ServiceLimits
from service.media.decoding import Decoding
from service.routes.context import Context
from service.settings import Settings, from_environment
from service.store.base import Store
from service.store.sqlite import now_ms
from service.targets import allowed_host
from tests import cages
from tests.hosts import reaching
from tests.memory_store import MemoryStore

LIMITS = BodyLimits(body_bytes=4 * 2**20, held_bytes=8 * 2**20)
PATIENCE_S = 120.0  # a client's own is five seconds, in which a busy machine may stand still
get = partial(httpx.get, timeout=PATIENCE_S)
post = partial(httpx.post, timeout=PATIENCE_S)
stream = partial(httpx.stream, timeout=PATIENCE_S)


def clip(seed: int, frames: int = 50) -> bytes:
    """A moving, textured MP4 of 160 by 120 at 25 frames a second; another one for each seed."""
    texture = np.random.default_rng(seed).integers(0, 256, (30, 40), np.uint8)
    scene = cv2.resize(texture, (640, 480), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    written = BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(frames):
            window = scene[number * 4 :, number * 6 :][:120, :160]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(window), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return written.getvalue()


def sound() -> bytes:
    """An MP4 of a moment of silence: a container without a picture."""
    written = BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    return written.getvalue()


def padded(media: bytes, free_bytes: int) -> bytes:
    """An MP4 with a ``free`` box at its end (ISO/IEC 14496-12): as long as wanted, as playable."""
    return media + (8 + free_bytes).to_bytes(4) + b"free" + b"PADDING!" * (free_bytes // 8)


class Caller:
    """Calls one app in this process, from a loopback address unless ``peer`` says another.

    ``key``: what it sends as its API key.
    """

    def __init__(self, app: FastAPI, *, key: str | None = None, peer: str = "127.0.0.1") -> None:
        self._app = app
        self._key = key
        self._peer = peer

    def with_key(self, key: str | None, *, peer: str = "127.0.0.1") -> "Caller":
        """Another caller of the same app."""
        return Caller(self._app, key=key, peer=peer)

    @property
    def context(self) -> Context:
        """What the app works with."""
        context: Context = self._app.state.context
        return context

    def __call__(
        self,
        method: str,
        path: str,
        *,
        content: bytes | AsyncIterator[bytes] | None = None,
        json: object = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever its status."""

        sent = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}

        async def call() -> httpx.Response:
            # raise_app_exceptions: nothing may get past the guard.
            transport = httpx.ASGITransport(
                self._app, raise_app_exceptions=True, client=(self._peer, 123)
            )
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                return await http.request(
                    method,
                    path,
                    content=content,
                    json=json,
                    files=files,
                    headers=sent | dict(headers or {}),
                )

        return asyncio.run(call())


def settings(database: Path, *, host: str = "127.0.0.1", port: int = 0) -> Settings:
    """Settings of a service on a free port."""
    chosen = {"RECIRC_BODY_LIMIT_BYTES": str(LIMITS.body_bytes)}
    return replace(from_environment(chosen, host=host, port=port), database=database)


@dataclass(frozen=True)
class Outside:
    """The other machines of a test, and who may be asked and told."""

    reach: Reach = field(default_factory=reaching)
    fetch: Sequence[str] = ()
    webhooks: Sequence[str] = ()
    secrets: tuple[bytes, ...] = ()

    def changed(self, chosen: Settings) -> Settings:
        """The settings with these."""
        return replace(
            chosen,
            fetch_hosts=tuple(allowed_host(one) for one in self.fetch),
            webhook_hosts=tuple(allowed_host(one) for one in self.webhooks),
            webhook_secrets=self.secrets,
        )


@contextmanager
def calling(
    store: Store | None = None,
    limits: BodyLimits = LIMITS,
    decoding: Decoding | None = None,
    service_limits: ServiceLimits | None = None,
    *,
    host: str = "127.0.0.1",
    hosts: frozenset[str] = frozenset(),
    clock: Callable[[], int] = now_ms,
    outside: Outside | None = None,
) -> Iterator[Caller]:
    """Calls to a service over this store, or an empty one in memory."""
    kept = store or MemoryStore()
    outside = outside or Outside()
    chosen = replace(
        settings(Path("unused"), host=host),
        hosts=hosts,
        limits=service_limits or ServiceLimits(),
    )
    app = create_app(
        outside.changed(chosen),
        decoding or cages.shared(),
        store=kept,
        limits=limits,
        clock=clock,
        reach=outside.reach,
    )
    caller = Caller(app)
    yield caller
    caller.context.jobs.close()
    caller.context.workers.close()
    caller.context.lookups.close()
    caller.context.changes.close()
    caller.context.authenticator.close()


@contextmanager
def serving(
    database: Path,
    limits: BodyLimits = LIMITS,
    store: Store | None = None,
    patience: Patience | None = None,
) -> Iterator[str]:
    """The address of a real server in a thread."""
    chosen = settings(database)
    with listen(chosen) as listening:
        app = create_app(chosen, cages.shared(), store=store, limits=limits)
        running = server(app, patience)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(timeout=PATIENCE_S)
    assert not thread.is_alive()
