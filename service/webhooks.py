"""Webhooks: a job's answer, told to a host that its caller named and the operator allows.

Signed as Standard Webhooks has it (standardwebhooks.com, version 1): an id that stays the same for
all tries, the time of this try, and an HMAC of both with the body. So whoever is told can know that
it comes from here, that it is new, and that it was told before. Tries go on with growing pauses for
most of a day, also after the service was started again, by whichever process comes first.
"""

import base64
import hashlib
import hmac
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from service import answers, faults
from service.callers import OF_KEYS, Caller
from service.errors import StoreError
from service.fetch import Bounds, Fetcher, Reach
from service.refusals import FetchFailed, FetchRefused, WebhookOff, WebhookRefused
from service.settings import Settings
from service.store.jobs import Delivery, Job, Jobs

# Before the second try, the third and so on: those of Standard Webhooks, which reach over a day and
# so past most outages.
PAUSES_S: Final = (5, 300, 1800, 7200, 18_000, 36_000)
_JITTER: Final = 0.2  # of a pause, either way: what failed together does not come back together
_THREADS: Final = 4  # a host that is slow keeps one of them
_CLAIM_MARGIN_S: Final = 30  # beyond the time that a try takes, for the store to be told
_GONE: Final = 410  # its receiver wants no more
_TYPE: Final = "job.done"
_log = logging.getLogger(__name__)


def signature(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The signature of one message by one secret, as it stands in ``webhook-signature``."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class Webhooks:
    """Tells the webhooks of finished jobs. ``now_s``: seconds since 1970."""

    def __init__(
        self,
        jobs: Jobs,
        fetcher: Fetcher,
        secrets: Sequence[bytes],
        *,
        try_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._jobs = jobs
        self._fetcher = fetcher
        self._secrets = tuple(secrets)
        self._claim_ms = round((try_s + _CLAIM_MARGIN_S) * 1000)
        self._now_s = now_s
        self._lock = threading.Lock()
        self._free = _THREADS
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="recirc-webhook")

    def require(self, url: str) -> None:
        """Raise WebhookOff or WebhookRefused for a URL that would never be told."""
        if not self._secrets:
            raise WebhookOff("this service tells no other hosts; ask for the job instead")
        try:
            self._fetcher.require(url)
        except FetchRefused as problem:
            raise WebhookRefused(str(problem)) from problem

    def deliver(self) -> None:
        """Begin to tell what is due, as far as there are threads for it. Raises StoreError."""
        if not self._secrets or self._free < 1:
            return
        for job in self._jobs.due(claim_ms=self._claim_ms, limit=self._free):
            self._count(-1)
            self._pool.submit(self._tell, job).add_done_callback(self._done)

    def close(self) -> None:
        """End the threads; what is not told yet is told by the next process."""
        self._fetcher.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _count(self, more: int) -> None:
        with self._lock:
            self._free += more

    def _done(self, told: Future[None]) -> None:
        self._count(1)
        if not told.cancelled() and (error := told.exception()) is not None:
            _log.error("a webhook was not told: %s", faults.describe(error))

    def _tell(self, job: Job) -> None:
        """One try, on one of the threads."""
        try:
            status: int | None = self._post(job)
        except (FetchFailed, FetchRefused) as problem:
            _log.info("job %s: its webhook was not told: %s", job.id, problem.code)
            status = None
        try:
            self._note(job, status)
        except StoreError as error:
            _log.warning("job %s: %s", job.id, error.line())  # it is told once more

    def _post(self, job: Job) -> int:
        body, message_id, sent_s = message(job), f"msg_{job.id}", int(self._now_s())
        signed = " ".join(signature(one, message_id, sent_s, body) for one in self._secrets)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_s),
            "webhook-signature": signed,
        }
        return self._fetcher.post(job.callback or "", body, headers)

    def _note(self, job: Job, status: int | None) -> None:
        if status is not None and 200 <= status < 300:
            self._jobs.delivered(job.id, Delivery.SENT)
        elif status == _GONE or job.tries > len(PAUSES_S):
            _log.warning("job %s: its webhook was given up after %d tries", job.id, job.tries)
            self._jobs.delivered(job.id, Delivery.FAILED)
        else:
            pause_s = PAUSES_S[job.tries - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret
            self._jobs.delivered(job.id, Delivery.WAITING, again_in_ms=round(pause_s * 1000))


def message(job: Job) -> bytes:
    """What a webhook is told: the job as its caller's scope may see it."""
    told = answers.of_job(job, Caller(job.key, OF_KEYS[job.scope]))
    ended_s = (job.ended_at_ms or 0) / 1000
    ended = datetime.fromtimestamp(ended_s, UTC).isoformat(timespec="milliseconds")
    document = {"type": _TYPE, "timestamp": ended.replace("+00:00", "Z"), "data": told}
    return json.dumps(document, separators=(",", ":")).encode()


def of(settings: Settings, jobs: Jobs, reach: Reach) -> Webhooks:
    """By the settings."""
    try_s = settings.limits.webhook_s
    bounds = Bounds(hosts=settings.webhook_hosts, whole_s=try_s, reach=reach)
    secrets = settings.webhook_secrets if settings.webhook_hosts else ()
    return Webhooks(jobs, Fetcher(bounds), secrets, try_s=try_s)
