"""Lists over HTTP."""

import json

import pytest

from hashing.fingerprint import Fingerprint
from hashing.formats import listfile
from hashing.reference import Policy, Reference
from service.routes import lists
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.patches import random_track
from tests.service.calls import Caller


def listed(store: MemoryStore, name: str, *fingerprints: Fingerprint) -> None:
    store.add(name, [Reference(f"r{n}", None, None, one) for n, one in enumerate(fingerprints)])


def test_a_list_is_made_seen_changed_and_deleted(call: Caller) -> None:
    wanted = {"name": "a", "policy": "allow", "source": "us", "false_alarms_per_100k": 0.05}
    made = call("POST", "/v1/lists", json=wanted)

    expected = wanted | {
        "patches": True,
        "patched": 0,
        "created_at_ms": 1_774_000_000_000,
        "version": 1,
        "references": 0,
    }
    assert (made.status_code, made.json()) == (201, expected)
    assert call("GET", made.headers["Location"]).json() == expected
    assert call("GET", "/v1/lists").json() == {"lists": [expected]}

    changed = call("PATCH", "/v1/lists/a", json={"policy": "block"})
    assert changed.json() == expected | {"policy": "block", "version": 2}

    gone = call("DELETE", "/v1/lists/a")
    assert (gone.status_code, gone.content) == (204, b"")
    assert call("GET", "/v1/lists").json() == {"lists": []}


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"source": None}, {"source": None}, id="source away"),
        pytest.param({"source": "them"}, {"source": "them"}, id="source"),
        pytest.param({"policy": "allow"}, {"policy": "allow"}, id="policy"),
        pytest.param({"policy": None}, {}, id="null is no policy"),
        pytest.param({"patches": False}, {"patches": False}, id="patch hashes"),
        pytest.param(
            {"false_alarms_per_100k": 3}, {"false_alarms_per_100k": 3.0}, id="false alarms"
        ),
        pytest.param(
            {"false_alarms_per_100k": None}, {"false_alarms_per_100k": None}, id="the default"
        ),
    ],
)
def test_a_patch_leaves_what_it_does_not_name(
    call: Caller, store: MemoryStore, patch: dict[str, object], changed: dict[str, object]
) -> None:
    store.create_list("a", policy=Policy.BLOCK, source="us", false_alarms_per_100k=0.05)
    before = call("GET", "/v1/lists/a").json()

    answer = call("PATCH", "/v1/lists/a", json=patch).json()

    assert answer == before | changed | {"version": 2 if changed else 1}


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        pytest.param({"false_alarms_per_100k": 0}, "bad_policy", id="none"),
        pytest.param({"false_alarms_per_100k": 1000}, "bad_policy", id="too many"),
        pytest.param({"policy": "allow"}, "bad_policy", id="too many for an allow list"),
        pytest.param({"false_alarms_per_100k": "3"}, "invalid_request", id="a text"),
        pytest.param({"false_alarms_per_100k": True}, "invalid_request", id="a truth"),
    ],
)
def test_what_a_list_cannot_accept_is_refused(
    call: Caller, store: MemoryStore, patch: dict[str, object], code: str
) -> None:
    before = store.create_list("a", policy=Policy.BLOCK, false_alarms_per_100k=3)

    answer = call("PATCH", "/v1/lists/a", json=patch)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert store.get_list("a") == before


def test_an_export_imported_elsewhere_is_the_same_list(call: Caller, store: MemoryStore) -> None:
    listed(store, "a", video(1), video(2))

    exported = call("GET", "/v1/lists/a/export")
    imported = call("POST", "/v1/lists/b/import", content=exported.content)

    assert exported.headers["Content-Type"] == "application/jsonl"
    assert exported.headers["Content-Disposition"] == 'attachment; filename="a.jsonl"'
    assert imported.json() == {"added": 2, "unchanged": 0, "bad_lines": []}
    assert list(store.fingerprints("a")) == list(store.fingerprints("b"))


def test_an_export_has_patch_hashes_only_if_asked(call: Caller, store: MemoryStore) -> None:
    store.add("a", [Reference("r", None, None, video(1), (random_track(1),))])

    plain, full = (
        call("GET", f"/v1/lists/a/export{query}").content for query in ("", "?patches=true")
    )

    assert b"patches" not in plain
    assert b'"patches":"' in full
    call("POST", "/v1/lists/b/import", content=full)
    assert call("GET", "/v1/lists/b").json()["patched"] == 1


def test_an_export_of_many_batches_is_whole(
    call: Caller, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_EXPORTED_AT_ONCE", 1)
    listed(store, "a", *(video(seed) for seed in range(5)))

    header, items = listfile.read(call("GET", "/v1/lists/a/export").content.splitlines(True))

    assert header.references == 5
    assert [item.reference.id for item in items if isinstance(item, listfile.Line)] == [
        "r0",
        "r1",
        "r2",
        "r3",
        "r4",
    ]


def test_an_import_reports_bad_lines_and_takes_the_rest(call: Caller, store: MemoryStore) -> None:
    listed(store, "a", video(1), video(2))
    lines = call("GET", "/v1/lists/a/export").content.splitlines(True)
    lines[1] = b"{not json\n"

    answer = call("POST", "/v1/lists/b/import", content=b"".join(lines)).json()

    assert answer["added"] == 1
    (bad,) = answer["bad_lines"]
    assert (bad["line"], bad["code"]) == (2, "bad_json")


def test_an_import_as_multipart(call: Caller, store: MemoryStore) -> None:
    listed(store, "a", video(1))
    file = call("GET", "/v1/lists/a/export").content

    answer = call("POST", "/v1/lists/b/import", files={"file": ("a.jsonl", file)})

    assert answer.json()["added"] == 1


def test_a_second_import_changes_nothing(call: Caller, store: MemoryStore) -> None:
    listed(store, "a", video(1))
    file = call("GET", "/v1/lists/a/export").content

    assert call("POST", "/v1/lists/a/import", content=file).json()["unchanged"] == 1
    assert store.get_list("a").references == 1


def test_json_is_read_whatever_its_content_type(call: Caller) -> None:
    answer = call("POST", "/v1/lists", content=json.dumps({"name": "a"}).encode())

    assert answer.status_code == 201
