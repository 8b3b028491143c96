"""Metering: decoders, checks and threads that tell the metrics what becomes of their work."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, TypeVar

from hashing.coverage import Coverage
from hashing.extract import Extract
from hashing.fingerprint import Fingerprint
from hashing.lanes import Sampling
from hashing.patch_track import Look, PatchTrack
from hashing.patches.placing import Placing
from service.checking import Checker, CheckResult
from service.errors import DecoderDied
from service.media.decoding import Abandoned, Decoding, Level, Taking
from service.metrics import Metrics, Stage
from service.store.base import Store
from service.turns import NOBODY
from service.workers import Workers

Result = TypeVar("Result")
Answer = TypeVar("Answer")


class MeteredDecoding:
    """A ``Decoding`` that counts its decoders' deaths and knows how long it took in each thread."""

    def __init__(self, decoding: Decoding, metrics: Metrics) -> None:
        self._decoding = decoding
        self._metrics = metrics
        self._here = threading.local()

    @property
    def level(self) -> Level:
        """See ``Decoding.level``."""
        return self._decoding.level

    @property
    def notices(self) -> tuple[str, ...]:
        """See ``Decoding.notices``."""
        return self._decoding.notices

    @property
    def seconds(self) -> float:
        """How long this thread has waited for decoders, ever."""
        taken: float = getattr(self._here, "seconds", 0.0)
        return taken

    def require(self) -> None:
        """See ``Decoding.require``."""
        self._decoding.require()

    def close(self) -> None:
        """See ``Decoding.close``."""
        self._decoding.close()

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        with ExitStack() as stack:
            try:
                taking = stack.enter_context(self._decoding.opened(media, sampling))
            except DecoderDied as error:
                self.died(error)
                raise
            yield _MeteredTaking(self, taking)

    def died(self, error: DecoderDied) -> None:
        """A decoder gave no answer."""
        self._metrics.died(error.code)

    def time(self, ask: Callable[[], Answer]) -> Answer:
        """What ``ask`` gives, which is a decoder's work."""
        start_s = perf_counter()
        try:
            with self._metrics.timed(Stage.DECODE):
                return ask()
        finally:
            self._here.seconds = self.seconds + perf_counter() - start_s


class _MeteredTaking:
    """See ``Taking``."""

    def __init__(self, decoding: MeteredDecoding, taking: Taking) -> None:
        self._decoding = decoding
        self._taking = taking
        self._died = False

    def key_frames(self) -> Extract:
        return self._ask(self._taking.key_frames)

    def ending(self) -> Extract:
        return self._ask(self._taking.ending)

    def whole(self) -> Extract:
        return self._ask(self._taking.whole)

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        return self._ask(lambda: self._taking.patches(looks))

    def straightened(self, placing: Placing) -> Extract:
        return self._ask(lambda: self._taking.straightened(placing))

    def screen(self) -> Extract:
        return self._ask(self._taking.screen)

    def abandon(self) -> None:
        """See ``decoding.Abandoned``."""
        if isinstance(self._taking, Abandoned):
            self._taking.abandon()

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return self._decoding.time(ask)
        except DecoderDied as error:
            if not self._died:  # it says so again at every further question
                self._died = True
                self._decoding.died(error)
            raise


class MeteredChecker(Checker):
    """A ``Checker`` whose verdicts are counted and whose time without decoding is known."""

    def __init__(
        self, store: Store, decoding: MeteredDecoding, metrics: Metrics, *, snapshots: Path | None
    ) -> None:
        super().__init__(store, decoding, snapshots=snapshots)
        self._metered = decoding
        self._metrics = metrics

    def check(
        self,
        media: bytes | BinaryIO,
        *,
        lists: Sequence[str] = (),
        thorough: bool = False,
        decoding: Decoding | None = None,
    ) -> CheckResult:
        """See ``Checker.check``."""
        with self._matching():
            result = super().check(media, lists=lists, thorough=thorough, decoding=decoding)
        return self._counted(result)

    def check_fingerprint(
        self, fingerprint: Fingerprint, coverage: Coverage | None, *, lists: Sequence[str] = ()
    ) -> CheckResult:
        """See ``Checker.check_fingerprint``."""
        with self._matching():
            result = super().check_fingerprint(fingerprint, coverage, lists=lists)
        return self._counted(result)

    @contextmanager
    def _matching(self) -> Iterator[None]:
        start_s, decoded_s = perf_counter(), self._metered.seconds
        yield
        took_s = perf_counter() - start_s - (self._metered.seconds - decoded_s)
        self._metrics.took(Stage.MATCH, max(0.0, took_s))

    def _counted(self, result: CheckResult) -> CheckResult:
        self._metrics.checked(result.verdict, (*result.problems, *result.notices))
        return result


class MeteredWorkers(Workers):
    """``Workers`` that tell how many wait for a thread, and for how long each has."""

    def __init__(self, metrics: Metrics, *, threads: int, places: int) -> None:
        super().__init__(threads=threads, places=places)
        self.threads = threads
        self.places = places
        self._metrics = metrics
        self._lock = threading.Lock()
        self._waiting = 0
        self._working = 0

    @property
    def waiting(self) -> int:
        """Pieces of work that no thread has taken up yet."""
        return self._waiting

    @property
    def working(self) -> int:
        """Pieces of work that threads are at."""
        return self._working

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return self._places.held

    async def run(self, work: Callable[[], Result], key: str = NOBODY) -> Result:
        """See ``Workers.run``."""
        start_s = perf_counter()
        in_line = [True]  # left once: by the thread, or by who gave up before one was free

        def timed() -> Result:
            self._metrics.took(Stage.QUEUE, perf_counter() - start_s)
            self._leave(in_line)
            self._count(working=1)
            try:
                return work()
            finally:
                self._count(working=-1)

        self._count(waiting=1)
        try:
            return await super().run(timed, key)
        finally:
            self._leave(in_line)

    def _leave(self, in_line: list[bool]) -> None:
        with self._lock:
            if in_line:
                in_line.pop()
                self._waiting -= 1

    def _count(self, *, waiting: int = 0, working: int = 0) -> None:
        with self._lock:
            self._waiting += waiting
            self._working += working
