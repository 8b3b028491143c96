"""Jobs: checks whose answers are fetched later, for clips that take longer than a request should.

The media of a job is in this process's memory and nowhere else; what becomes of it is in the store.
So a process that ends takes its jobs along: they end as ``unscannable`` with ``interrupted``, never
unanswered, and never as if they were clean.
"""

import json
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from hashing.errors import RecircError
from service import answers, faults
from service.callers import Caller, Scope
from service.checking import Checker, CheckResult, unscannable
from service.errors import JobNotFound, StoreError
from service.limits import ServiceLimits
from service.media.cancelling import Cancellable
from service.media.decoding import Decoding
from service.problems import Busy
from service.refusals import KeyBusy
from service.store.base import Store
from service.store.boots import Boot
from service.store.jobs import UNFINISHED, Job

INTERRUPTED: Final = "interrupted"
_ID_BYTES: Final = 16  # nobody guesses another's job
_LOOK_S: Final = 1.0  # how soon a job that was cancelled by way of another process ends
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a job is to do. ``let_go``: called once, from any thread, when its media is not needed.

    ``told``: called with the result, from any thread, if there is one.
    """

    media: BytesIO
    caller: Caller
    lists: Sequence[str] = ()
    thorough: bool = False
    callback: str | None = None
    let_go: Callable[[], None] = lambda: None
    told: Callable[[CheckResult], None] = lambda _: None


class _Live:
    """A job whose media is here."""

    def __init__(self, wanted: Wanted, decoding: Decoding) -> None:
        self.wanted = wanted
        self.decoding = Cancellable(decoding)
        self.future: Future[None] | None = None


class Jobs:
    """The jobs of one process. Usable from several threads.

    ``chores``: what else is to be done now and then, as long as the process is there.
    """

    def __init__(
        self,
        store: Store,
        checker: Checker,
        limits: ServiceLimits,
        *,
        threads: int,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._checker = checker
        self._limits = limits
        self._keep_ms = limits.job_keep_s * 1000
        self._chores = (self.tidy, *chores)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="recirc-job")
        self._lock = threading.Lock()
        self._boot: Boot | None = None
        self._live: dict[str, _Live] = {}
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_house, name="recirc-jobs", daemon=True)

    @property
    def boot_id(self) -> str:
        """This process, to the store. Raises StoreError."""
        with self._lock:
            if self._boot is None:
                self._boot = self._store.boots.begin()
            return self._boot.id

    @property
    def here(self) -> int:
        """Jobs whose media this process has: they wait, or are worked on."""
        return len(self._live)

    def start(self) -> None:
        """End the jobs of processes that have ended, now and from now on."""
        self._keeper.start()

    def require_room(self, caller: Caller) -> None:
        """Raise Busy or KeyBusy where this caller may not have one more job."""
        with self._lock:
            of_keys = Counter(live.wanted.caller.key for live in self._live.values())
        if of_keys.total() >= self._limits.jobs:
            raise Busy(f"{of_keys.total()} jobs wait or are worked on; try again later")
        if of_keys[caller.key] >= self._limits.key_jobs:
            raise KeyBusy(f"{of_keys[caller.key]} jobs of this key wait or are worked on")

    def submit(self, wanted: Wanted) -> Job:
        """A new job. Raises Busy, KeyBusy, StoreError: then ``let_go`` was not called."""
        self.require_room(wanted.caller)
        job_id, live = secrets.token_hex(_ID_BYTES), _Live(wanted, self._checker.decoding)
        with self._lock:
            self._live[job_id] = live  # before the store has it: what it has is here, or lost
        try:
            job = self._store.jobs.create(
                job_id,
                key=wanted.caller.key,
                scope=wanted.caller.scope.word,
                boot=self.boot_id,
                callback=wanted.callback,
            )
        except BaseException:
            with self._lock:
                del self._live[job_id]
            raise
        with self._lock:
            live.future = self._pool.submit(self._run, job_id, live)
        return job

    def get(self, job_id: str, caller: Caller) -> Job:
        """A job of this caller, or any for an administrator. Raises JobNotFound."""
        job = self._store.jobs.get(job_id)
        if job is None or (job.key != caller.key and not caller.may(Scope.ADMIN)):
            raise JobNotFound(f"there is no job {job_id[:80]!a} of this key; its id may have gone")
        return job

    def cancel(self, job_id: str, caller: Caller) -> Job:
        """The job, which is cancelled unless it has ended already. Raises JobNotFound."""
        self.get(job_id, caller)
        self._store.jobs.cancel(job_id, keep_ms=self._keep_ms)
        self._drop_if_ended(job_id)
        return self.get(job_id, caller)

    def tidy(self) -> None:
        """End what others have left, drop what was cancelled elsewhere, let answers expire."""
        kept = self._store.jobs
        for boot_id in kept.boots():
            if self._store.boots.is_over(boot_id):
                lost = kept.lose(boot_id, _interrupted(), keep_ms=self._keep_ms)
                _log.warning("%d jobs ended with the process that worked on them", lost)
        kept.expire(wait_ms=self._limits.job_wait_s * 1000, keep_ms=self._keep_ms)
        if self._boot is None:
            return
        unfinished = kept.unfinished(self._boot.id)
        with self._lock:
            here = set(self._live)
        for job_id in unfinished - here:  # its answer could not be written
            kept.finish(job_id, _interrupted(), keep_ms=self._keep_ms)
        for job_id in here - unfinished:
            self._drop_if_ended(job_id)

    def close(self) -> None:
        """End this process's jobs, which are lost with it."""
        self._closing.set()
        with self._lock:
            live = dict(self._live)
        if self._boot is not None:
            with suppress(StoreError):
                self._store.jobs.lose(self._boot.id, _interrupted(), keep_ms=self._keep_ms)
        for job_id in live:
            self._drop(job_id)
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._keeper.is_alive():
            self._keeper.join()
        if self._boot is not None:
            self._boot.end()

    def _run(self, job_id: str, live: _Live) -> None:
        """On one of the threads: the outermost loop of jobs, which no defect may end."""
        try:
            if self._store.jobs.start(job_id):
                answer = self._answer(job_id, live)
                self._store.jobs.finish(job_id, json.dumps(answer), keep_ms=self._keep_ms)
        except StoreError as error:
            _log.error("job %s: %s", job_id, error.line())
        finally:
            self._forget(job_id)

    def _answer(self, job_id: str, live: _Live) -> answers.CheckAnswer:
        wanted = live.wanted
        try:
            result = self._checker.check(
                wanted.media,
                lists=wanted.lists,
                thorough=wanted.thorough,
                decoding=live.decoding,
            )
        except RecircError as error:
            _log.error("job %s: %s", job_id, error.line())
            result = unscannable(error.code, ())
        except Exception as error:  # noqa: BLE001  # as a request with a defect is answered
            _log.error("job %s: %s", job_id, faults.describe(error))
            result = unscannable(faults.CODE, ())
        else:
            if not live.decoding.cancelled:
                wanted.told(result)
        return answers.of_check(result)

    def _drop_if_ended(self, job_id: str) -> None:
        job = self._store.jobs.get(job_id)
        if job is not None and job.state not in UNFINISHED:
            self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        """Stop working on a job, if it is here."""
        with self._lock:
            live = self._live.get(job_id)
        if live is None:
            return
        live.decoding.cancel()
        if live.future is not None and live.future.cancel():
            self._forget(job_id)  # else the thread that works on it does

    def _forget(self, job_id: str) -> None:
        with self._lock:
            live = self._live.pop(job_id, None)
        if live is not None:
            live.wanted.let_go()

    def _keep_house(self) -> None:
        """On a thread of its own, as long as the process is there."""
        while True:
            for chore in self._chores:
                try:
                    chore()
                except RecircError as error:
                    _log.warning("%s", error.line())
                except Exception as error:  # noqa: BLE001  # the outermost loop of chores
                    _log.error("%s", faults.describe(error))
            if self._closing.wait(_LOOK_S):
                return


def _interrupted() -> str:
    return json.dumps(answers.of_check(unscannable(INTERRUPTED, ())))
