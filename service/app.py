"""The HTTP service: everything composed, and served."""

import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from importlib import metadata
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from starlette.types import Lifespan

from hashing.errors import RecircError
from service import addresses, caging, logs, problems, schemas, supervising, wording
from service.authentication import Authentication, Authenticator
from service.bodies import Bodies, BodyLimits
from service.errors import BadSetting
from service.gauges import Gauges
from service.guard import Guard
from service.media.decoding import Decoding
from service.metering import MeteredChecker, MeteredDecoding, MeteredWorkers
from service.metrics import Metrics, showing
from service.protocol import Protocol
from service.readiness import Readiness
from service.routes import access, audit, check, health, keys, lists, references
from service.routes.context import Context
from service.settings import WORKERS, Settings
from service.sharing import Board, Place
from service.stopping import MOST_S, Server
from service.store.base import Store
from service.store.sqlite import SqliteStore, now_ms
from service.supervising import CANNOT_BEGIN, Supervisor
from service.watching import Watching
from service.workers import processors

HELD_BODIES: Final = 4  # bodies of the greatest length that may be in memory at a time
PLACES_PER_THREAD: Final = 16  # requests that send or wait while one is worked on
ROUTERS: Final = (
    check.router,
    lists.router,
    references.router,
    keys.router,
    audit.router,
    health.router,
)
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
            for model in (schemas.Problem, schemas.Fingerprint):
                whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
                shapes |= whole.pop("$defs", {}) | {model.__name__: whole}
            for path in document["paths"].values():
                access.describe(path.values())
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
    clock: Callable[[], int] = now_ms,
    place: Place | None = None,
) -> FastAPI:
    """The service, ready for a server. It closes its store at its end. Raises StoreError.

    ``clock``: milliseconds since 1970; keys expire by it. ``place``: of this process among others.
    """
    kept = SqliteStore(settings.database) if store is None else store
    context = _context(settings, decoding, kept, limits, clock)

    app = Api(
        title="recirc",
        summary="Recognises recirculated copies of known attack footage; keeps no media.",
        version=metadata.version("recirc"),
        lifespan=_lifespan(context, place),
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        docs_url=None,  # their pages load scripts from another site
        redoc_url=None,
    )
    app.state.context = context
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    _add_middleware(app, context, addresses.names(settings))
    return app


def _lifespan(context: Context, place: Place | None) -> Lifespan[FastAPI]:
    """What is begun and ended with the server."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.readiness.begin()
        async with showing(context.metrics, place):
            yield
        context.workers.close()
        context.authenticator.close()
        context.store.close()

    return lifespan


def _add_middleware(app: FastAPI, context: Context, hosts: frozenset[str] | None) -> None:
    """What every request goes through, the last one first."""
    public = access.public(ROUTERS) | {str(app.openapi_url)}
    app.add_middleware(Authentication, authenticator=context.authenticator, public=public)
    app.add_middleware(Guard, hosts=hosts)
    app.add_middleware(Watching, metrics=context.metrics)


def _context(
    settings: Settings,
    decoding: Decoding,
    store: Store,
    limits: BodyLimits | None,
    clock: Callable[[], int],
) -> Context:
    body_bytes = settings.body_limit_bytes
    limits = limits or BodyLimits(body_bytes=body_bytes, held_bytes=HELD_BODIES * body_bytes)
    threads = max(1, processors() // settings.workers)
    metrics = Metrics()
    metered = MeteredDecoding(decoding, metrics)
    checker = MeteredChecker(store, metered, metrics, snapshots=settings.index)
    bodies = Bodies(limits)
    workers = MeteredWorkers(metrics, threads=threads, places=threads * PLACES_PER_THREAD)
    readiness = Readiness(store, metered, checker, max_age_s=settings.list_max_age_s)
    metrics.built(decoding.level)
    metrics.watch(Gauges(workers, bodies, checker, readiness))
    return Context(
        store=store,
        decoding=metered,
        checker=checker,
        bodies=bodies,
        workers=workers,
        metrics=metrics,
        readiness=readiness,
        authenticator=Authenticator(store.keys, local=addresses.is_local(settings), clock=clock),
    )


def listen(settings: Settings) -> socket.socket:
    """A listening socket; beyond loopback only where a key was made.

    Raises BadSetting for no known address, a taken port, or no key; StoreError.
    """
    if not addresses.is_local(settings) and not _has_keys(settings):
        raise BadSetting(
            f"--host: {settings.host} is reachable from other machines, and there is no API key "
            "yet; make one with `recirc keys create`, or use 127.0.0.1"
        )
    family, address = addresses.resolved(settings)[0]
    try:
        made = socket.create_server(address, family=family, backlog=_BACKLOG)
        # Connections inherit it. asyncio sets it itself for sockets that were made for TCP by name
        # alone; without it each answer waits 40 ms for the client to acknowledge its head.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    except OSError as problem:
        raise BadSetting(
            f"--host, --port: cannot listen on {settings.host}:{settings.port}: "
            f"{problem.strerror}; choose another port"
        ) from problem


def _has_keys(settings: Settings) -> bool:
    """Opened and closed again: decoders are locked up before there is a database."""
    with closing(SqliteStore(settings.database)) as store:
        return store.keys.any()


def server(app: FastAPI, *, drain_s: int = 0, most_s: int = MOST_S) -> Server:
    """The server of ``app``, which drains before it stops, in ``most_s``. Others keep its log."""
    context: Context = app.state.context
    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
        ),
        context.readiness,
        context.decoding.close,
        drain_s=drain_s,
        most_s=most_s,
    )


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises BadSetting, StoreError, NoCage before anything is served; WorkersFailed.
    """
    logs.begin(settings.log)
    if settings.workers > 1 and not supervising.is_possible():
        raise BadSetting(f"{WORKERS.name}: several processes need Linux; leave it at 1")
    with listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        for_whom = (
            "for holders of API keys"
            if _has_keys(settings)
            else "no API key is configured, so on this machine only"
        )
        _log.info("listening on http://%s:%d; %s", shown, port, for_whom)
        if settings.workers == 1:
            _serve(settings, listening)
            return
        board = Board(settings.workers)
        Supervisor(
            lambda number: _serve_beside(settings, listening, Place(board, number)),
            settings.workers,
        ).run()


def _serve(settings: Settings, listening: socket.socket, place: Place | None = None) -> None:
    with caging.for_service(settings) as decoding:
        app = create_app(settings, decoding, place=place)
        for notice in decoding.notices:
            _log.warning("%s: %s", notice, wording.NOTICES[notice])
        server(app, drain_s=settings.drain_s).run(sockets=[listening])


def _serve_beside(settings: Settings, listening: socket.socket, place: Place) -> None:
    """The same as one of several processes, of which another hears only an exit code."""
    try:
        _serve(settings, listening, place)
    except RecircError as error:
        _log.error("%s", error.line())
        sys.exit(CANNOT_BEGIN)
