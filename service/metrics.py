"""Metrics: what this process counts and times, in a registry of its own, as Prometheus reads it.

Nothing here tells about people. Labels are taken from what the code itself names: routes, verdicts,
codes, stages. Names of lists are an operator's own words, perhaps those of an attack and its
victims, and metrics travel far: they are left out, and so are ids of keys.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from importlib import metadata
from time import perf_counter
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from hashing.verdict import Verdict
from service.media.decoding import Level
from service.sharing import EACH_S, Board, Place, Together

PLAIN_TYPE: Final = "text/plain"
MEDIA_TYPE: Final = f"{PLAIN_TYPE}; version=0.0.4; charset=utf-8"
# From a fingerprint's look-up to a film of hours; each about 2.5 times the one before.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG: Final = (*_SECONDS, 180, 600, 1800)


class Stage(StrEnum):
    """What the time of a request goes into."""

    RECEIVE = "receive"  # from asking for the body to its last byte
    QUEUE = "queue"  # for a thread
    DECODE = "decode"  # in the cage: decoding and hashing
    MATCH = "match"  # in the index, and deciding
    ANSWER = "answer"  # from the answer's head to its last byte


class Metrics(Collector):
    """The counts of one process, and by ``share`` of all. Usable from several threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._together: Together | None = None
        self._requests = self._counter(
            "recirc_requests", "Requests that were answered.", "method", "route", "status"
        )
        self._problems = self._counter("recirc_problems", "Problem documents by code.", "code")
        self._checks = self._counter("recirc_checks", "Checks by verdict.", "verdict")
        self._check_problems = self._counter(
            "recirc_check_problems", "What kept checks from being complete, by code.", "code"
        )
        self._deaths = self._counter(
            "recirc_decoder_deaths", "Decoders that gave no answer, by code.", "code"
        )
        self._seconds = Histogram(
            "recirc_request_seconds",
            "Time of requests, to the last byte of the answer.",
            ("route",),
            registry=self._registry,
            buckets=_LONG,
        )
        self._stages = Histogram(
            "recirc_stage_seconds",
            "What the time of requests goes into.",
            ("stage",),
            registry=self._registry,
            buckets=_LONG,
        )
        for verdict in Verdict:  # so that a rate is 0 before the first, and not unknown
            self._checks.labels(verdict.value)
        for stage in Stage:
            self._stages.labels(stage.value)
        ProcessCollector(registry=self._registry)

    def built(self, level: Level) -> None:
        """What runs here, which never changes."""
        build = Info("recirc_build", "The version, and how decoders are locked up.", registry=None)
        build.info({"version": metadata.version("recirc"), "sandbox": level.value})
        self._registry.register(build)

    def watch(self, collector: Collector) -> None:
        """Ask this too whenever metrics are read."""
        self._registry.register(collector)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. ``route``: the template, never a path."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """A problem document was the answer."""
        self._problems.labels(code).inc()

    def checked(self, verdict: Verdict, codes: Iterable[str]) -> None:
        """A check has a verdict."""
        self._checks.labels(verdict.value).inc()
        for code in codes:
            self._check_problems.labels(code).inc()

    def died(self, code: str) -> None:
        """A decoder gave no answer."""
        self._deaths.labels(code).inc()

    def took(self, stage: Stage, seconds: float) -> None:
        """A stage of one request took so long."""
        self._stages.labels(stage.value).observe(seconds)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """A stage of one request, however it ends."""
        start_s = perf_counter()
        try:
            yield
        finally:
            self.took(stage, perf_counter() - start_s)

    def share(self, board: Board, place: int) -> Together:
        """From now on, answer for all processes; the result lets them see what this one counts."""
        self._together = Together(self, board, place)
        return self._together

    def collect(self) -> Iterator[Metric]:
        """All that is counted, as it is now; without the times at which counters began."""
        for family in self._registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family

    def page(self) -> bytes:
        """The same in Prometheus' text form."""
        return generate_latest(self._together or self)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)


@asynccontextmanager
async def showing(metrics: Metrics, place: Place | None) -> AsyncIterator[None]:
    """Meanwhile, let the other processes of the service see every now and then what is counted."""
    if place is None:
        yield
        return
    together = metrics.share(place.board, place.number)

    async def show() -> None:
        while True:
            await asyncio.to_thread(together.show)
            await asyncio.sleep(EACH_S)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(together.show)  # what came last, for who goes on from there
