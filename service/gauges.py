"""Gauges: what of the service is as it is now, read whenever somebody asks for the metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily

from service.bodies import Bodies
from service.checking import Checker
from service.errors import StoreError
from service.jobs import Jobs
from service.metering import MeteredWorkers
from service.readiness import Readiness


class Gauges:
    """A collector as ``prometheus_client`` has them. It asks the store: not on the event loop."""

    def __init__(
        self,
        pools: Mapping[str, MeteredWorkers],
        bodies: Sequence[Bodies],
        jobs: Jobs,
        checker: Checker,
        readiness: Readiness,
    ) -> None:
        self._pools = pools
        self._bodies = bodies
        self._jobs = jobs
        self._checker = checker
        self._readiness = readiness

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: the registry would collect everything to find names that are ours anyway."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All gauges; those of lists only while the store can be read."""
        yield self._of_pools("threads", "Threads that work.", lambda one: one.threads)
        yield self._of_pools("threads_working", "Threads that are at it.", lambda one: one.working)
        yield self._of_pools("queue", "Work that waits for a thread.", lambda one: one.waiting)
        yield self._of_pools("places", "Requests that there is room for.", lambda one: one.places)
        yield self._of_pools("places_taken", "Requests that have room.", lambda one: one.taken)
        held_bytes = sum(one.held_bytes for one in self._bodies)
        yield _gauge("recirc_body_bytes", "Bytes of bodies in memory, jobs' too.", held_bytes)
        yield _gauge("recirc_jobs", "Jobs that wait or are worked on.", self._jobs.here)
        yield _gauge("recirc_index_frames", "Frame hashes in the index.", self._checker.frames)
        try:
            lists, changed_ms = self._readiness.lists(), self._readiness.changed_ms()
        except StoreError:
            return
        yield _gauge("recirc_lists", "Lists.", len(lists))
        yield _gauge("recirc_references", "References.", sum(one.references for one in lists))
        ages = GaugeMetricFamily(
            "recirc_list_changed_timestamp_seconds",
            "When the list that has waited longest, and the one that has waited shortest, was made "
            "or got its last reference.",
            labels=["which"],
        )
        if changed_ms:
            ages.add_metric(["oldest"], min(changed_ms.values()) / 1000)
            ages.add_metric(["newest"], max(changed_ms.values()) / 1000)
        yield ages

    def _of_pools(
        self, name: str, text: str, value: Callable[[MeteredWorkers], int]
    ) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"recirc_{name}", text, labels=["pool"])
        for pool, workers in self._pools.items():
            family.add_metric([pool], value(workers))
        return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
