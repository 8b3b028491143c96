"""Health over HTTP."""

from hashing.reference import Reference
from tests import cages
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service.calls import Caller


def test_ready_says_how_much_there_is_to_check_against(call: Caller, store: MemoryStore) -> None:
    assert call("GET", "/readyz").json() == {
        "status": "ready",
        "sandbox": cages.shared().level,
        "lists": 0,
        "references": 0,
    }

    store.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in range(3)])
    store.add("b", [Reference("r", None, None, video(9))])

    assert call("GET", "/readyz").json() == {
        "status": "ready",
        "sandbox": cages.shared().level,
        "lists": 2,
        "references": 4,
    }


def test_alive_but_not_ready_without_a_store(call: Caller, store: MemoryStore) -> None:
    store.close()

    assert call("GET", "/livez").json() == {"status": "alive"}
    ready = call("GET", "/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "store_error")
