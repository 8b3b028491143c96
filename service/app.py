"""The HTTP service: everything composed, and served on loopback."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from ipaddress import ip_address
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from service import caging, problems, schemas, wording
from service.bodies import Bodies, BodyLimits
from service.checking import Checker
from service.errors import BadSetting
from service.guard import LOOPBACK_NAMES, Guard
from service.media.decoding import Decoding
from service.routes import check, health, lists, references
from service.routes.context import Context
from service.settings import Settings
from service.store.base import Store
from service.store.sqlite import SqliteStore
from service.workers import Workers, processors

HELD_BODIES: Final = 4  # bodies of the greatest length that may be in memory at a time
PLACES_PER_THREAD: Final = 16  # requests that send or wait while one is worked on
SHUTDOWN_S: Final = 20  # for what is being checked to be answered
_BACKLOG: Final = 128
_log = logging.getLogger(__name__)


class Api(FastAPI):
    """FastAPI whose OpenAPI document has problem details in place of FastAPI's own errors."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            shapes = document["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                shapes.pop(name, None)
            template = "#/components/schemas/{model}"
            shapes["Problem"] = schemas.Problem.model_json_schema(ref_template=template)
            shapes |= shapes["Problem"].pop("$defs")
            for path in document["paths"].values():
                for operation in path.values():
                    wrong = operation["responses"].get("422", {})
                    if problems.MEDIA_TYPE not in wrong.get("content", {}):
                        operation["responses"].pop("422", None)  # a text of a path is never wrong
        return super().openapi()


def create_app(
    settings: Settings,
    decoding: Decoding,
    *,
    store: Store | None = None,
    limits: BodyLimits | None = None,
) -> FastAPI:
    """The service, ready for a server. It closes its store at its end. Raises StoreError."""
    kept = SqliteStore(settings.database) if store is None else store
    context = _context(settings, decoding, kept, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        context.workers.close()
        context.store.close()

    app = Api(
        title="recirc",
        summary="Recognises recirculated copies of known attack footage; keeps no media.",
        version=metadata.version("recirc"),
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        docs_url=None,  # their pages load scripts from another site
        redoc_url=None,
    )
    app.state.context = context
    problems.install(app)
    for routes in (check, lists, references, health):
        app.include_router(routes.router)
    app.add_middleware(Guard, hosts=LOOPBACK_NAMES | {settings.host.lower()})
    return app


def _context(
    settings: Settings, decoding: Decoding, store: Store, limits: BodyLimits | None
) -> Context:
    body_bytes = settings.body_limit_bytes
    limits = limits or BodyLimits(body_bytes=body_bytes, held_bytes=HELD_BODIES * body_bytes)
    threads = processors()
    return Context(
        store=store,
        decoding=decoding,
        checker=Checker(store, decoding, snapshots=settings.index),
        bodies=Bodies(limits),
        workers=Workers(threads=threads, places=threads * PLACES_PER_THREAD),
    )


def listen(settings: Settings) -> socket.socket:
    """A listening socket on loopback. Raises BadSetting for any other address, or a taken port."""
    place = f"{settings.host}:{settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise BadSetting(f"--host: {settings.host!a} is no known address: {problem}") from problem
    for *_, address in found:
        if not ip_address(str(address[0]).partition("%")[0]).is_loopback:
            raise BadSetting(
                f"--host: {settings.host} is reachable from other machines, and there are no API "
                "keys yet; use 127.0.0.1, and a proxy that authenticates in front of it"
            )
    family, *_, first = found[0]
    try:
        return socket.create_server((str(first[0]), int(first[1])), family=family, backlog=_BACKLOG)
    except OSError as problem:
        raise BadSetting(
            f"--host, --port: cannot listen on {place}: {problem.strerror}; choose another port"
        ) from problem


def server(app: FastAPI) -> uvicorn.Server:
    """The server of ``app``, without any log of who asked for what."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises BadSetting, StoreError, NoCage before anything is served.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # It logs bytes of bodies that it cannot parse.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    with listen(settings) as listening, caging.for_service(settings) as decoding:
        app = create_app(settings, decoding)
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        _log.info(
            "listening on http://%s:%d; no API key is configured, so on this machine only",
            shown,
            port,
        )
        for notice in decoding.notices:
            _log.warning("%s: %s", notice, wording.NOTICES[notice])
        server(app).run(sockets=[listening])
