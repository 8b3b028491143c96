"""GET and POST /v1/keys, POST /v1/keys/{id}/rotate, DELETE /v1/keys/{id}."""

import httpx
import pytest

from service import issuing, keys
from service.admin_schemas import KeyIssued, KeysOut
from service.callers import Scope
from tests.memory_store import MemoryStore
from tests.service.calls import Caller

DAY_MS = 24 * 3600 * 1000
NOW_MS = 1_774_000_000_000


@pytest.fixture
def admin(call: Caller, store: MemoryStore) -> Caller:
    """Calls with an admin's key, the only one that there is."""
    return call.with_key(issuing.create(store, "the admin's", Scope.ADMIN).key)


def made(answer: httpx.Response) -> KeyIssued:
    assert answer.status_code in (200, 201), answer.text
    return KeyIssued.model_validate_json(answer.content)


class TestCreate:
    def test_a_key_is_shown_once_and_good_at_once(self, admin: Caller) -> None:
        answer = admin("POST", "/v1/keys", json={"name": "queue", "scope": "analyst"})

        issued = made(answer)
        assert answer.headers["Location"] == f"/v1/keys/{issued.info.id}"
        assert (issued.info.name, issued.info.scope, issued.info.state) == (
            "queue",
            "analyst",
            "active",
        )
        assert issued.info.expires_at_ms is None
        assert admin.with_key(issued.key)("GET", "/v1/lists").status_code == 200
        assert issued.key not in admin("GET", "/v1/keys").text

    def test_it_may_expire(self, call: Caller) -> None:
        wanted = {"name": "queue", "scope": "check", "expires_days": 30}

        issued = made(call("POST", "/v1/keys", json=wanted))

        assert issued.info.expires_at_ms == issued.info.created_at_ms + 30 * DAY_MS

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param({"name": "a"}, id="no scope"),
            pytest.param({"scope": "check"}, id="no name"),
            pytest.param({"name": "a", "scope": "public"}, id="a scope of no key"),
            pytest.param({"name": "a", "scope": "CHECK"}, id="capitals"),
            pytest.param({"name": "", "scope": "check"}, id="an empty name"),
            pytest.param({"name": "a", "scope": "check", "expires_days": 0}, id="no days"),
            pytest.param({"name": "a", "scope": "check", "expires_days": 3651}, id="too many"),
            pytest.param({"name": "a", "scope": "check", "expires_days": True}, id="no number"),
            pytest.param({"name": "a", "scope": "check", "expires": 3}, id="an unknown field"),
        ],
    )
    def test_what_is_wrong_makes_none(
        self, call: Caller, store: MemoryStore, wanted: dict[str, object]
    ) -> None:
        answer = call("POST", "/v1/keys", json=wanted)

        assert answer.json()["code"] in ("invalid_request", "bad_name")
        assert not store.keys.any()

    def test_the_owner_s_first_key_closes_the_door_behind_them(self, call: Caller) -> None:
        key = made(call("POST", "/v1/keys", json={"name": "first", "scope": "admin"})).key

        assert call("GET", "/v1/keys").status_code == 401
        assert call.with_key(key)("GET", "/v1/keys").status_code == 200


class TestRotate:
    def test_both_keys_are_good_for_the_overlap(self, admin: Caller, store: MemoryStore) -> None:
        first = issuing.create(store, "queue", Scope.ANALYST)

        issued = made(admin("POST", f"/v1/keys/{first.info.id}/rotate"))

        assert keys.id_of(issued.key) == issued.info.id == first.info.id
        assert issued.info.overlap_until_ms == NOW_MS + DAY_MS
        assert [
            admin.with_key(key)("GET", "/v1/lists").status_code for key in (first.key, issued.key)
        ] == [200, 200]

    def test_without_an_overlap_the_old_one_ends_now(
        self, admin: Caller, store: MemoryStore
    ) -> None:
        first = issuing.create(store, "queue", Scope.ANALYST)
        wanted = {"overlap_hours": 0, "expires_days": 7}

        issued = made(admin("POST", f"/v1/keys/{first.info.id}/rotate", json=wanted))

        assert issued.info.expires_at_ms == NOW_MS + 7 * DAY_MS
        assert admin.with_key(first.key)("GET", "/v1/lists").status_code == 401


class TestRevoke:
    def test_it_ends_now_and_stays_in_the_list(self, admin: Caller, store: MemoryStore) -> None:
        issued = issuing.create(store, "queue", Scope.ANALYST)

        answers = [admin("DELETE", f"/v1/keys/{issued.info.id}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 204]
        assert admin.with_key(issued.key)("GET", "/v1/lists").status_code == 401
        listed = KeysOut.model_validate_json(admin("GET", "/v1/keys").content)
        assert {one.name: one.state for one in listed.keys} == {
            "the admin's": "active",
            "queue": "revoked",
        }

    def test_an_admin_s_own_key_can_end_itself(self, admin: Caller, store: MemoryStore) -> None:
        (own,) = store.keys.all()

        assert admin("DELETE", f"/v1/keys/{own.id}").status_code == 204
        assert admin("GET", "/v1/keys").status_code == 401


@pytest.mark.parametrize("key_id", ["0123456789ab", "nosuch", "%C3%A9", "a" * 5000])
@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/rotate")])
def test_an_unknown_id_is_not_found(admin: Caller, key_id: str, method: str, path: str) -> None:
    answer = admin(method, f"/v1/keys/{key_id}{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")


@pytest.mark.parametrize("scope", [Scope.CHECK, Scope.ANALYST, Scope.CURATE])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("POST", "/0123456789ab/rotate"),
        ("DELETE", "/0123456789ab"),
    ],
)
def test_keys_are_for_admins(
    call: Caller, store: MemoryStore, scope: Scope, method: str, path: str
) -> None:
    key = issuing.create(store, "low", scope).key

    assert call.with_key(key)(method, f"/v1/keys{path}").status_code == 403


def test_no_answer_has_a_digest(admin: Caller, store: MemoryStore) -> None:
    (info,) = store.keys.all()
    stored = store.keys.find(info.id)

    assert stored is not None
    assert stored.digest.hex() not in admin("GET", "/v1/keys").text
