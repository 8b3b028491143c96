"""References over HTTP."""

import re

import pytest

from hashing.extract import REFERENCE, extract
from hashing.formats.document import to_document
from hashing.reference import Policy, Reference
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, clip

MEDIA = clip(1)
_LONG_HEX = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def _list(store: MemoryStore) -> None:
    store.create_list("a", policy=Policy.BLOCK)


def test_media_is_added_and_found_in_the_next_request(call: Caller) -> None:
    path = "/v1/lists/a/references?id=r1&label=main+video&incident=an+incident"
    before = call("POST", "/v1/check", content=MEDIA).json()

    added = call("POST", path, content=MEDIA)
    after = call("POST", "/v1/check", content=MEDIA).json()

    assert (before["verdict"], after["verdict"]) == ("unscannable", "match")
    assert added.status_code == 201
    assert added.headers["Location"] == "/v1/lists/a/references/r1"
    answer = added.json()
    assert (answer["new"], answer["complete"], answer["problems"]) == (True, True, [])
    reference = answer["reference"]
    assert (reference["id"], reference["label"], reference["incident"]) == (
        "r1",
        "main video",
        "an incident",
    )
    assert call("GET", added.headers["Location"]).json() == reference


def test_a_fingerprint_is_the_same_as_its_media(call: Caller) -> None:
    taken = extract(MEDIA, REFERENCE)
    document = to_document(taken.fingerprint, taken.coverage)

    first = call("POST", "/v1/lists/a/references", json=document)
    again = call("POST", "/v1/lists/a/references?id=another", content=MEDIA)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["reference"]["id"] == taken.fingerprint.reference_id
    assert again.json() == first.json() | {"new": False}


def test_multipart_media(call: Caller) -> None:
    answer = call("POST", "/v1/lists/a/references", files={"file": ("x.mp4", MEDIA)})

    assert answer.status_code == 201


def test_a_part_of_a_clip_is_taken_and_said_to_be_one(call: Caller) -> None:
    taken = extract(MEDIA, REFERENCE)
    document = to_document(taken.fingerprint, taken.coverage)
    document["coverage"]["problems"] = ["truncated"]

    answer = call("POST", "/v1/lists/a/references", json=document).json()

    assert (answer["complete"], answer["problems"]) == (False, ["truncated"])


def test_pages(call: Caller, store: MemoryStore) -> None:
    store.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in range(5)])
    path = "/v1/lists/a/references?limit=2"
    seen: list[list[str]] = []
    after = ""
    while after is not None:
        page = call("GET", path + after).json()
        seen.append([one["id"] for one in page["references"]])
        after = page["next_after_id"] and f"&after_id={page['next_after_id']}"

    assert seen == [["r0", "r1"], ["r2", "r3"], ["r4"]]


def test_a_page_that_is_just_full_is_the_last(call: Caller, store: MemoryStore) -> None:
    store.add("a", [Reference(f"r{seed}", None, None, video(seed)) for seed in range(2)])

    assert call("GET", "/v1/lists/a/references?limit=2").json()["next_after_id"] is None


@pytest.mark.parametrize(
    ("patch", "label", "incident"),
    [
        pytest.param({}, "old", "event", id="nothing"),
        pytest.param({"label": "new"}, "new", "event", id="label"),
        pytest.param({"incident": None}, "old", None, id="incident away"),
    ],
)
def test_a_patch_leaves_what_it_does_not_name(
    call: Caller,
    store: MemoryStore,
    patch: dict[str, object],
    label: str | None,
    incident: str | None,
) -> None:
    store.add("a", [Reference("r1", "old", "event", video(1))])

    answer = call("PATCH", "/v1/lists/a/references/r1", json=patch).json()

    assert (answer["label"], answer["incident"]) == (label, incident)
    assert call("GET", "/v1/lists/a/references/r1").json() == answer


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"expires_at_ms": 1}, id="expired"),
    ],
)
def test_what_is_disabled_or_expired_is_not_found_until_it_is_brought_back(
    call: Caller, patch: dict[str, object]
) -> None:
    call("POST", "/v1/lists/a/references?id=r1", content=MEDIA)
    call("POST", "/v1/lists/a/references?id=r2", content=clip(2))

    changed = call("PATCH", "/v1/lists/a/references/r1", json=patch)

    assert patch.items() <= changed.json().items()
    assert call("POST", "/v1/check", content=MEDIA).json()["verdict"] == "no_match"
    back = {"enabled": True, "expires_at_ms": None}
    assert call("PATCH", "/v1/lists/a/references/r1", json=back).status_code == 200
    assert call("POST", "/v1/check", content=MEDIA).json()["verdict"] == "match"


@pytest.mark.parametrize("wrong", [{"enabled": None}, {"enabled": 1}, {"expires_at_ms": -1}])
def test_a_standing_that_cannot_be_is_refused(call: Caller, wrong: dict[str, object]) -> None:
    call("POST", "/v1/lists/a/references?id=r1", content=MEDIA)

    assert call("PATCH", "/v1/lists/a/references/r1", json=wrong).status_code == 422


def test_a_deleted_reference_is_not_found_from_the_next_check_on(call: Caller) -> None:
    call("POST", "/v1/lists/a/references?id=r1", content=MEDIA)
    call("POST", "/v1/lists/a/references?id=r2", content=clip(2))
    assert call("POST", "/v1/check", content=MEDIA).json()["verdict"] == "match"

    gone = call("DELETE", "/v1/lists/a/references/r1")

    assert gone.status_code == 204
    assert call("POST", "/v1/check", content=MEDIA).json()["verdict"] == "no_match"
    assert call("GET", "/v1/lists/a/references/r1").status_code == 404


def test_hashes_are_never_shown(call: Caller) -> None:
    """No answer but the export has anything as long as half a hash in it."""
    added = call("POST", "/v1/lists/a/references?id=r1", content=MEDIA)
    answers = [
        added,
        call("GET", "/v1/lists/a/references"),
        call("GET", "/v1/lists/a/references/r1"),
        call("PATCH", "/v1/lists/a/references/r1", json={"label": "x"}),
        call("POST", "/v1/check", content=MEDIA),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    assert [answer.text for answer in answers if _LONG_HEX.search(answer.text)] == []


def test_a_list_is_not_made_by_adding_to_it(call: Caller, store: MemoryStore) -> None:
    answer = call("POST", "/v1/lists/typo/references", content=MEDIA)

    assert answer.json()["code"] == "list_not_found"
    assert list(store.versions()) == ["a"]
