"""Fetching: clips from other hosts for requests, on threads of their own, a few at a time.

A host that is slow keeps one of these threads waiting, and no thread that decodes; and what is
fetched takes no room from bodies that are sent.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO

from service.fetch import Bounds, Fetcher, Reach
from service.problems import Busy
from service.refusals import FetchOff, KeyBusy
from service.settings import Settings


class Fetching:
    """A few fetched clips at a time, of ``most_bytes`` each, on one event loop."""

    def __init__(self, fetcher: Fetcher, *, clips: int, most_bytes: int) -> None:
        """``clips``: 0 where nothing is to be fetched."""
        self._fetcher = fetcher
        self._clips = clips
        self._of_one_key = (clips + 1) // 2  # so no key alone keeps others from it
        self._most_bytes = most_bytes
        self._held: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(max(1, clips), thread_name_prefix="recirc-fetch")

    def require(self, url: str) -> None:
        """See ``Fetcher.require``. Raises FetchOff as well."""
        if not self._clips:
            raise FetchOff("this service fetches nothing; send the clip itself to /v1/check")
        self._fetcher.require(url)

    @contextmanager
    def room(self, key: str) -> Iterator[None]:
        """Room for one clip of this key, until it is checked. Raises Busy, KeyBusy."""
        if self._held.total() >= self._clips:
            raise Busy("as many clips are being fetched as may be at a time")
        if self._held[key] >= self._of_one_key:
            raise KeyBusy(f"{self._of_one_key} clips are being fetched for this key; wait for one")
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    async def get(self, url: str) -> BytesIO:
        """See ``Fetcher.get``."""
        work = partial(self._fetcher.get, url, self._most_bytes)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the threads, and what they are asking."""
        self._fetcher.close()
        self._pool.shutdown(wait=True, cancel_futures=True)


def of(settings: Settings, reach: Reach, *, most_bytes: int) -> Fetching:
    """By the settings."""
    clips = settings.limits.fetches if settings.fetch_hosts else 0
    bounds = Bounds(hosts=settings.fetch_hosts, whole_s=settings.limits.fetch_s, reach=reach)
    return Fetching(Fetcher(bounds), clips=clips, most_bytes=most_bytes)
