"""One service in memory for each test of a route."""

from collections.abc import Iterator

import pytest

from tests.memory_store import MemoryStore
from tests.service.calls import Caller, calling


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=lambda: 1_774_000_000_000)


@pytest.fixture
def call(store: MemoryStore) -> Iterator[Caller]:
    with calling(store) as caller:
        yield caller
