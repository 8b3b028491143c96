"""The audit record in memory: a fake for tests, held to the same contract as the real ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from service import audit
from service.audit import Change, Entry, Head, KeyFacts, What, Whole


class MemoryAudit:
    """Entries in a list. ``facts``: what the record is about, as it is now."""

    def __init__(
        self, facts: Callable[[], tuple[Mapping[str, int], Mapping[str, KeyFacts]]]
    ) -> None:
        self._kept: list[Entry] = []
        self._facts = facts
        begin = audit.beginning({}, {}, "in memory")
        MemoryTrail(self, lambda: 0, audit.ITSELF).add(What.BEGIN, begin)

    def entries(
        self, *, after: int = 0, limit: int = 100, list_name: str | None = None
    ) -> list[Entry]:
        wanted = [
            one
            for one in self._kept
            if one.sequence > after and (list_name is None or one.list == list_name)
        ]
        return wanted[:limit]

    def head(self) -> Head:
        if not self._kept:
            return Head(0, audit.NOTHING)
        return Head(self._kept[-1].sequence, self._kept[-1].hash)

    @contextmanager
    def whole(self) -> Iterator[Whole]:
        versions, keys = self._facts()
        yield Whole(iter(list(self._kept)), self.head(), versions, keys)

    def append(self, entry: Entry) -> None:
        self._kept.append(entry)


class MemoryTrail:
    """Writes entries of one who changes things."""

    def __init__(self, record: MemoryAudit, clock: Callable[[], int], who: str) -> None:
        self.record = record
        self._clock = clock
        self._who = who

    def by(self, who: str) -> "MemoryTrail":
        return MemoryTrail(self.record, self._clock, who)

    def add(
        self,
        what: What,
        change: Change,
        list_name: str | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> None:
        last = self.record.head()
        self.record.append(
            audit.seal(
                Entry(
                    last.sequence + 1,
                    self._clock(),
                    self._who,
                    what.value,
                    list_name,
                    before,
                    after,
                    audit.canonical(change),
                    last.hash,
                )
            )
        )
