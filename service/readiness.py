"""Readiness: whether this process can check now, and answers for what it says.

A service that cannot read its lists, lock up its decoders or look anything up gives no wrong
answer, but no useful one either: a load balancer had better ask another.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from service import faults
from service.checking import Checker
from service.errors import Draining, Loading, ServiceError, StaleList
from service.media.decoding import Decoding
from service.store.base import ListInfo, Store

_log = logging.getLogger(__name__)


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Readiness:
    """Whether one service is ready. Usable from several threads.

    ``max_age_s``: for how long a list may go without a new reference; None is for ever.
    """

    def __init__(
        self,
        store: Store,
        decoding: Decoding,
        checker: Checker,
        *,
        max_age_s: int | None = None,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._decoding = decoding
        self._checker = checker
        self._max_age_ms = None if max_age_s is None else max_age_s * 1000
        self._now_ms = now_ms
        self._loading = threading.Lock()
        self._changed_ms: dict[str, tuple[int, int]] = {}  # by name: version, time
        self.draining = False

    def require(self) -> list[ListInfo]:
        """The lists, once everything is there that a check needs.

        Raises Draining, NoCage, StoreError, Loading, StaleList.
        """
        if self.draining:
            raise Draining("the service is about to stop; ask another")
        self._decoding.require()
        found = self._store.lists()
        self.load()
        self._require_fresh()
        return found

    def load(self) -> None:
        """Bring all indexes up to date. Raises Loading where another thread is at it.

        Where they are, nobody is kept out: several may ask at a time.
        """
        if self._checker.is_loaded:
            return
        if not self._loading.acquire(blocking=False):
            raise Loading("the indexes are being loaded; ask again soon")
        try:
            self._checker.lists()
        finally:
            self._loading.release()

    def begin(self) -> None:
        """Load in a thread of its own, so that the first check does not wait; errors come later."""
        threading.Thread(target=self._begin, name="recirc-ready", daemon=True).start()

    def lists(self) -> list[ListInfo]:
        """All lists. Raises StoreError."""
        return self._store.lists()

    def changed_ms(self) -> Mapping[str, int]:
        """When each list was made or got its last reference. Raises StoreError."""
        versions = self._store.versions()
        known = {
            name: one for name, one in self._changed_ms.items() if versions.get(name) == one[0]
        }
        for name in versions.keys() - known.keys():
            known[name] = (versions[name], self._store.changed_ms(name))
        self._changed_ms = known
        return {name: changed_ms for name, (_, changed_ms) in known.items()}

    def _require_fresh(self) -> None:
        if self._max_age_ms is None:
            return
        changed_ms = self.changed_ms()
        if changed_ms and self._now_ms() - min(changed_ms.values()) > self._max_age_ms:
            raise StaleList(
                "a list has had no new reference for longer than RECIRC_LIST_MAX_AGE_S; "
                "is its source still read?"
            )

    def _begin(self) -> None:
        try:
            self.load()
        except ServiceError as error:
            _log.warning("indexes are not loaded yet: %s", error.code)
        except Exception as error:  # noqa: BLE001  # the outermost of its thread
            _log.error("indexes are not loaded: %s", faults.describe(error))
