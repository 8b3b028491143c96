"""One service in memory for each test of a route."""

from collections.abc import Iterator

import pytest

from tests.memory_store import MemoryStore
from tests.service.calls import Caller, calling


def clock() -> int:
    """Always the same moment."""
    return 1_774_000_000_000


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def call(store: MemoryStore) -> Iterator[Caller]:
    with calling(store, clock=clock) as caller:
        yield caller
