"""GET /v1/audit, and that every change over HTTP says who has made it."""

import json
from collections.abc import Mapping

import pytest

from hashing.formats.document import to_document
from service import issuing
from service.admin_schemas import AuditOut
from service.audit import What
from service.callers import Scope
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service.calls import Caller
from tests.service.routes.test_access import STATED

_FINGERPRINT = json.dumps(to_document(video(1), None)).encode()
_FILE = (
    b'{"format":"recirc-list","version":1,"list":"b","policy":"block","source":null,'
    b'"algorithms":[],"references":0}\n'
)
_JSON = {"Content-Type": "application/json"}
# Every route that changes something, in an order in which all of them can: its body, and what the
# record says then.
CHANGES: Mapping[str, tuple[bytes, list[What]]] = {
    "POST /v1/lists": (b'{"name":"a"}', [What.LIST_CREATE]),
    "PATCH /v1/lists/{list}": (b'{"source":"a text"}', [What.LIST_UPDATE]),
    "POST /v1/lists/{list}/references": (_FINGERPRINT, [What.REFERENCES_ADD]),
    "PATCH /v1/lists/{list}/references/{id}": (b'{"label":"a text"}', [What.REFERENCE_UPDATE]),
    "DELETE /v1/lists/{list}/references/{id}": (b"", [What.REFERENCES_REMOVE]),
    "DELETE /v1/lists/{list}": (b"", [What.LIST_DELETE]),
    "POST /v1/lists/{list}/import": (_FILE, [What.LIST_CREATE]),
    "POST /v1/keys": (b'{"name":"new","scope":"check"}', [What.KEY_CREATE]),
    "POST /v1/keys/{id}/rotate": (b"", [What.KEY_ROTATE]),
    "DELETE /v1/keys/{id}": (b"", [What.KEY_REVOKE]),
}
READS = {
    "POST /v1/check",
    "POST /v1/check/fingerprint",
    "POST /v1/check/url",
    "POST /v1/jobs",
    "DELETE /v1/jobs/{id}",
}


def test_every_route_that_changes_something_is_tried() -> None:
    methods = {str(one.id) for one in STATED if not str(one.id).startswith("GET ")}

    assert methods == CHANGES.keys() | READS


def test_every_change_says_who_has_made_it(call: Caller, store: MemoryStore) -> None:
    admin = issuing.create(store, "the admin's", Scope.ADMIN)
    other = issuing.create(store, "another", Scope.CHECK)
    before = store.audit.head().sequence
    caller = call.with_key(admin.key)

    for route, (body, whats) in CHANGES.items():
        method, _, path = route.partition(" ")
        key_or_reference = other.info.id if "keys" in path else "r1"
        address = path.format(list="a", id=key_or_reference)
        if route == "POST /v1/lists/{list}/references":
            address += "?id=r1"

        answer = caller(method, address, content=body, headers=_JSON)

        assert answer.is_success, (route, answer.text)
        entries = store.audit.entries(after=before)
        assert [one.what for one in entries] == whats, route
        assert {one.who for one in entries} == {f"key:{admin.info.id}"}, route
        before = store.audit.head().sequence


def test_before_there_is_a_key_changes_are_local(call: Caller, store: MemoryStore) -> None:
    call("POST", "/v1/lists", json={"name": "a"})
    call("POST", "/v1/keys", json={"name": "first", "scope": "admin"})

    assert [one.who for one in store.audit.entries(after=1)] == ["local", "local"]


class TestReading:
    @pytest.fixture
    def stocked(self, call: Caller, store: MemoryStore) -> Caller:
        for name in ("a", "b", "c"):
            call("POST", "/v1/lists", json={"name": name})
        call("DELETE", "/v1/lists/b")
        return call

    def test_the_record_comes_in_pages(self, stocked: Caller, store: MemoryStore) -> None:
        first = AuditOut.model_validate_json(stocked("GET", "/v1/audit?limit=3").content)
        rest = AuditOut.model_validate_json(
            stocked("GET", f"/v1/audit?limit=3&after={first.next_after}").content
        )

        assert [one.sequence for one in first.entries + rest.entries] == [1, 2, 3, 4, 5]
        assert rest.next_after is None
        assert first.head == rest.head == store.audit.head().hash == rest.entries[-1].hash

    def test_one_list_can_be_chosen(self, stocked: Caller) -> None:
        answer = stocked("GET", "/v1/audit?list=b").json()

        assert [one["what"] for one in answer["entries"]] == ["list.create", "list.delete"]
        assert stocked("GET", "/v1/audit?list=nosuch").json()["entries"] == []

    @pytest.mark.parametrize("query", ["after=-1", f"after={2**53}", "limit=0", "limit=1001"])
    def test_numbers_out_of_bounds_are_refused(self, call: Caller, query: str) -> None:
        answer = call("GET", f"/v1/audit?{query}")

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    @pytest.mark.parametrize("scope", [Scope.CHECK, Scope.ANALYST, Scope.CURATE])
    def test_it_is_for_admins(self, call: Caller, store: MemoryStore, scope: Scope) -> None:
        key = issuing.create(store, "low", scope).key

        assert call.with_key(key)("GET", "/v1/audit").status_code == 403
