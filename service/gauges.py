"""Gauges: what of the service is as it is now, read whenever somebody asks for the metrics."""

from collections.abc import Iterator, Sequence

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
        workers: MeteredWorkers,
        bodies: Sequence[Bodies],
        jobs: Jobs,
        checker: Checker,
        readiness: Readiness,
    ) -> None:
        self._workers = workers
        self._bodies = bodies
        self._jobs = jobs
        self._checker = checker
        self._readiness = readiness

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: the registry would collect everything to find names that are ours anyway."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All gauges; those of lists only while the store can be read."""
        workers = self._workers
        yield _gauge("recirc_threads", "Threads that decode and compare.", workers.threads)
        yield _gauge("recirc_threads_working", "Threads that are at it.", workers.working)
        yield _gauge("recirc_queue", "Pieces of work that wait for a thread.", workers.waiting)
        yield _gauge("recirc_places", "Requests that may wait or be worked on.", workers.places)
        yield _gauge("recirc_places_taken", "Requests that wait or are worked on.", workers.taken)
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


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
