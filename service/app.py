"""The HTTP service: everything composed, and served."""

import asyncio
import gc
import json
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from importlib import metadata
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from hashing.errors import RecircError
from service import (
    addresses,
    caging,
    fetching,
    logs,
    problems,
    schemas,
    supervising,
    webhooks,
    wording,
)
from service.authentication import Authentication, Authenticator
from service.bodies import Bodies, BodyLimits
from service.checking import Checker
from service.connections import BACKLOG, Patience, ServerConfig, allow_descriptors
from service.errors import BadSetting
from service.fetch import Reach
from service.gauges import Gauges
from service.guard import Guard
from service.idempotency import Idempotency, honours
from service.jobs import Jobs
from service.limiting import PREFIX, Limiter, Limiting
from service.limits import ServiceLimits
from service.media.decoding import Decoding
from service.metering import MeteredChecker, MeteredDecoding, MeteredWorkers
from service.metrics import Metrics, showing
from service.readiness import Readiness
from service.routes import (
    access,
    audit,
    check,
    check_url,
    health,
    jobs,
    keys,
    lists,
    references,
)
from service.routes.context import Context, refusable, repeatable
from service.settings import WORKERS, Settings
from service.sharing import Board, Place
from service.slowing import Slowing
from service.stopping import Server
from service.store.base import Store
from service.store.sqlite import SqliteStore, now_ms
from service.supervising import CANNOT_BEGIN, Supervisor
from service.watching import Watching
from service.webhooks import Webhooks
from service.workers import Workers, processors

HELD_BODIES: Final = 4  # bodies of the greatest length that may be in memory at a time
# One waits while one is worked on: an admitted request takes two to three times as long as alone.
WAITING_PER_PROCESSOR: Final = 1
_LEAST_THREADS: Final = 2  # a long clip holds up no short one: its decoder takes its turns
# A look-up takes a hundredth of a clip's time: so many wait for less than half a second.
LOOKUPS_PER_PROCESSOR: Final = 64
# One of them changes the database and the others wait for it, for ten seconds at the most.
_CHANGING_THREADS: Final = 16
_CHANGES: Final = 2 * _CHANGING_THREADS  # so nobody waits for longer than twenty
ROUTERS: Final = (
    check.router,
    check_url.router,
    jobs.router,
    lists.router,
    references.router,
    keys.router,
    audit.router,
    health.router,
)
_SEND_BYTES: Final = 64 * 1024  # Linux takes twice as much: a megabyte a second across a continent
_OTHER_DESCRIPTORS: Final = 512  # clips, decoders, databases, index files
_log = logging.getLogger(__name__)


class Api(FastAPI):
    """FastAPI whose OpenAPI document has problem details in place of FastAPI's own errors.

    It is made in a thread, and written once: 200 KB for whoever asks would take 3 ms each time.
    """

    _written: bytes | None = None

    def setup(self) -> None:
        """The route of the document, and no pages beside it."""
        writing = asyncio.Lock()

        async def document(_: Request) -> Response:
            async with writing:
                if self._written is None:
                    made = await asyncio.to_thread(self.openapi)
                    self._written = json.dumps(made, separators=(",", ":")).encode()
            return Response(self._written, media_type="application/json")

        self.add_route(str(self.openapi_url), document, include_in_schema=False)

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
            for name, path in document["paths"].items():
                access.describe(path.values())
                for method, operation in path.items():
                    if name.startswith(PREFIX):
                        refusable(operation["responses"])
                    if honours(method.upper(), name):
                        repeatable(operation)
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
    reach: Reach | None = None,
) -> FastAPI:
    """The service, ready for a server. It closes its store at its end. Raises StoreError.

    ``clock``: milliseconds since 1970; keys expire by it. ``place``: of this process among others.
    ``reach``: how other machines are reached.
    """
    kept = SqliteStore(settings.database) if store is None else store
    context = _context(settings, decoding, kept, limits, clock=clock, reach=reach or Reach())
    app = Api(
        title="recirc",
        summary="Recognises recirculated copies of known attack footage; keeps no media.",
        version=metadata.version("recirc"),
        lifespan=lambda _: _running(context, place),
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        docs_url=None,  # their pages load scripts from another site
        redoc_url=None,
    )
    app.state.context = context
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    _add_middleware(app, context, settings)
    return app


@asynccontextmanager
async def _running(context: Context, place: Place | None) -> AsyncIterator[None]:
    """From the start of a server to its end."""
    context.readiness.begin()
    context.jobs.start()
    async with showing(context.metrics, place):
        yield
    for ends in (context.fetching, context.webhooks, context.jobs):
        await run_in_threadpool(ends.close)
    context.workers.close()
    context.lookups.close()
    context.changes.close()
    context.authenticator.close()
    context.store.close()


def _add_middleware(app: FastAPI, context: Context, settings: Settings) -> None:
    """What every request goes through, the last one first."""
    public = access.public(ROUTERS) | {str(app.openapi_url)}
    app.add_middleware(
        Idempotency,
        store=context.store,
        bodies=context.bodies,
        jobs=context.jobs,
        changes=context.changes,
    )
    app.add_middleware(Limiting, limiter=Limiter(settings.limits))
    app.add_middleware(Authentication, authenticator=context.authenticator, public=public)
    app.add_middleware(Guard, hosts=addresses.names(settings))
    app.add_middleware(Watching, metrics=context.metrics)


def _context(
    settings: Settings,
    decoding: Decoding,
    store: Store,
    limits: BodyLimits | None,
    *,
    clock: Callable[[], int],
    reach: Reach,
) -> Context:
    chosen = settings.limits
    taken = limits or body_limits(settings)
    job_bytes = chosen.job_bytes or HELD_BODIES * taken.body_bytes
    told = webhooks.of(settings, store.jobs, reach)
    metrics = Metrics()
    metered = MeteredDecoding(decoding, metrics)
    checker = MeteredChecker(store, metered, metrics, snapshots=settings.index)
    bodies, job_bodies = Bodies(taken), Bodies(replace(taken, held_bytes=job_bytes))
    workers, lookups = _workers(settings, metrics)
    readiness = Readiness(store, metered, checker, max_age_s=settings.list_max_age_s)
    metrics.built(decoding.level)
    later = _jobs(settings, store, checker, told)
    pools = {"clips": workers, "lookups": lookups}
    metrics.watch(Gauges(pools, (bodies, job_bodies), later, checker, readiness))
    return Context(
        store=store,
        decoding=metered,
        checker=checker,
        bodies=bodies,
        workers=workers,
        lookups=lookups,
        changes=Workers(threads=_CHANGING_THREADS, places=_CHANGES),
        metrics=metrics,
        readiness=readiness,
        authenticator=Authenticator(store.keys, local=addresses.is_local(settings), clock=clock),
        slowing=Slowing(chosen),
        jobs=later,
        job_bodies=job_bodies,
        fetching=fetching.of(settings, reach, most_bytes=taken.body_bytes),
        webhooks=told,
    )


def _workers(settings: Settings, metrics: Metrics) -> tuple[MeteredWorkers, MeteredWorkers]:
    """Threads for clips, and for what takes no time beside these: it must not wait for them."""
    own = max(1, processors() // settings.workers)
    places = own + (settings.limits.queue or own * WAITING_PER_PROCESSOR)
    return (
        MeteredWorkers(metrics, threads=max(_LEAST_THREADS, own), places=places),
        MeteredWorkers(metrics, threads=own, places=own * LOOKUPS_PER_PROCESSOR),
    )


def _jobs(settings: Settings, store: Store, checker: Checker, told: Webhooks) -> Jobs:
    share = max(1, processors() // (2 * settings.workers))
    return Jobs(
        store,
        checker,
        settings.limits,
        threads=settings.limits.job_threads or share,
        chores=(store.requests.forget, told.deliver),
    )


def body_limits(settings: Settings) -> BodyLimits:
    """The limits of request bodies, as the settings have it."""
    chosen, body_bytes = settings.limits, settings.body_limit_bytes
    held_bytes = chosen.held_bytes or HELD_BODIES * body_bytes
    return BodyLimits(
        body_bytes=body_bytes,
        held_bytes=held_bytes,
        key_held_bytes=max(body_bytes, held_bytes // chosen.key_bytes_ratio),
        idle_s=chosen.body_idle_s,
        whole_s=chosen.body_whole_s,
        grace_s=chosen.body_grace_s,
        least_bytes_per_s=chosen.body_least_bytes_per_s,
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
        made = socket.create_server(address, family=family, backlog=BACKLOG)
        # Connections inherit it. asyncio sets it itself for sockets that were made for TCP by name
        # alone; without it each answer waits 40 ms for the client to acknowledge its head.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # So is this: else the kernel takes megabytes for each client that does not read.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
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


def server(app: FastAPI, patience: Patience | None = None, *, drain_s: int = 0) -> Server:
    """The server of ``app``, which drains before it stops. Others keep its log."""
    context: Context = app.state.context
    return Server(
        ServerConfig(app, patience or Patience.of(ServiceLimits())),
        context.readiness,
        context.decoding.close,
        drain_s=drain_s,
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
        allow_descriptors(settings.limits.connections + _OTHER_DESCRIPTORS)
        app = create_app(settings, decoding, place=place)
        for notice in decoding.notices:
            _log.warning("%s: %s", notice, wording.NOTICES[notice])
        patience = Patience.of(settings.limits)
        gc.collect()
        gc.freeze()  # a full collection of what stays until the end blocks the loop for 50 ms
        server(app, patience, drain_s=settings.drain_s).run(sockets=[listening])


def _serve_beside(settings: Settings, listening: socket.socket, place: Place) -> None:
    """The same as one of several processes, of which another hears only an exit code."""
    try:
        _serve(settings, listening, place)
    except RecircError as error:
        _log.error("%s", error.line())
        sys.exit(CANNOT_BEGIN)
