"""What one service takes on: its limits as plain numbers, each a setting of its own.

A name ends in its unit. ``MEANINGS`` says what each is for; ``LEAST`` what it may be at least.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """The limits of one process. ``MEANINGS`` says what each means; the comments, why so much."""

    key_requests_per_minute: int = 60_000  # three times what two processors look up
    key_burst: int = 5_000  # five seconds of that
    key_concurrency: int = 64  # more than wait for eight processors
    key_bytes_ratio: int = 2  # so one key alone never takes all memory for bodies
    key_near_per_hour: int = 200  # hill-climbing takes thousands of answers near a limit
    key_slowed_per_minute: int = 60  # then those thousands take hours
    queue: int = 0
    held_bytes: int = 0
    body_idle_s: int = 15
    body_whole_s: int = 300
    body_grace_s: int = 10
    body_least_bytes_per_s: int = 16_384  # half of what a phone gets at the edge of a 3G cell
    connections: int = 4096
    head_s: int = 10  # a head is one packet or two
    keep_alive_s: int = 5
    unread_s: int = 30
    fetch_s: int = 60
    fetches: int = 4
    webhook_s: int = 15
    job_threads: int = 0
    jobs: int = 100  # an hour's work of one processor, by clips of half a minute each
    key_jobs: int = 50  # half of them
    job_bytes: int = 0
    job_wait_s: int = 3600
    job_keep_s: int = 86_400


MEANINGS: Final[Mapping[str, str]] = {
    "key_requests_per_minute": "The most requests of one key a minute; more are `rate_limited`.",
    "key_burst": "How many requests of one key may come at once before that rate counts.",
    "key_concurrency": "The most requests of one key at a time; more are `key_busy`.",
    "key_bytes_ratio": "One key's request bodies in memory take at most one part in so many of "
    "what all may take, or one body if that is more; 1 lets one key take all of it.",
    "key_near_per_hour": "How many answers near a list's limits a key of scope `check` may get in "
    "an hour, besides one in fifty of its checks; beyond it, its answers are slowed and the log "
    "says so. 0 is no budget.",
    "key_slowed_per_minute": "How many answers a minute a slowed key gets.",
    "queue": "The most clips that wait for a processor; more are `busy`. 0 takes one for each "
    "processor. Look-ups of fingerprints have a queue of their own.",
    "held_bytes": "The most bytes of request bodies in memory at a time; more are `busy`. 0 takes "
    "four bodies of the greatest length.",
    "body_idle_s": "Seconds that a request body may pause; then it is `body_timeout`.",
    "body_whole_s": "Seconds that all of a request body may take; then it is `body_timeout`.",
    "body_grace_s": "Seconds after which a request body has to have come at the least rate.",
    "body_least_bytes_per_s": "That least rate in bytes a second, on average; slower ones are "
    "`body_timeout`.",
    "connections": "The most connections at a time. Where there are more, the one goes that has "
    "kept the service waiting longest.",
    "head_s": "Seconds in which the head of a request has to come; then the connection is closed.",
    "keep_alive_s": "Seconds that a connection may be idle between requests.",
    "unread_s": "Seconds in which a client has to take what was sent to it; then the connection is "
    "closed.",
    "fetch_s": "Seconds that fetching a clip may take in all; then it is `fetch_failed`.",
    "fetches": "The most fetched clips in memory at a time, beside bodies; more are `busy`. "
    "One key has at most half of them.",
    "webhook_s": "Seconds in which a webhook has to answer.",
    "job_threads": "How many jobs are worked on at a time, beside requests. 0 takes one for every "
    "two processors.",
    "jobs": "The most jobs that wait or are worked on; more are `busy`.",
    "key_jobs": "The most of them that one key may have; more are `key_busy`.",
    "job_bytes": "The most bytes of media in memory for jobs, beside those of requests; more are "
    "`busy`. 0 takes four bodies of the greatest length.",
    "job_wait_s": "Seconds that a job may wait before it is worked on; then it has expired.",
    "job_keep_s": "Seconds for which a job's answer is kept.",
}
# 0 where it has a meaning; nothing can be served with none of the others.
LEAST: Final[Mapping[str, int]] = {
    "key_near_per_hour": 0,
    "queue": 0,
    "held_bytes": 0,
    "job_threads": 0,
    "job_bytes": 0,
}
