"""POST /v1/check and /v1/check/fingerprint."""

import json

import pytest

from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import Fingerprint
from hashing.formats.document import to_document
from hashing.reference import Policy, Reference
from service import issuing, schemas
from service.callers import OF_KEYS, Scope
from tests import clips
from tests.fingerprints import of, video
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, clip, sound

LISTED = clip(1)


@pytest.fixture(scope="module")
def reference() -> Fingerprint:
    return extract(LISTED, REFERENCE).fingerprint


@pytest.fixture
def listed(store: MemoryStore, reference: Fingerprint) -> MemoryStore:
    store.add("a", [Reference("r1", "main video", "an incident", reference)])
    store.add("b", [Reference("other", None, None, video(5))])
    return store


@pytest.mark.usefixtures("listed")
class TestCheck:
    def test_a_copy_is_a_match_with_evidence(self, call: Caller) -> None:
        answer = call("POST", "/v1/check", content=LISTED)

        assert answer.status_code == 200
        checked = schemas.CheckAnswer.model_validate_json(answer.content)
        assert checked.verdict == "match"
        assert checked.complete
        assert checked.kind == "video"
        (match,) = checked.matches
        assert (match.list, match.reference) == ("a", "r1")
        assert (match.label, match.incident) == ("main video", "an incident")
        assert match.clip_coverage > 0.9
        assert [one.name for one in checked.lists] == ["a", "b"]

    @pytest.mark.parametrize(
        "content_type",
        ["video/mp4", "application/octet-stream", "application/x-www-form-urlencoded", "text/html"],
    )
    def test_the_content_type_of_a_raw_body_says_nothing(
        self, call: Caller, content_type: str
    ) -> None:
        headers = {"Content-Type": content_type}

        answer = call("POST", "/v1/check", content=LISTED, headers=headers)

        assert answer.json()["verdict"] == "match"

    def test_multipart_is_the_same_as_raw(self, call: Caller) -> None:
        raw = call("POST", "/v1/check", content=LISTED).json()

        sent = call("POST", "/v1/check", files={"video": ("a name.mp4", LISTED)}).json()

        assert sent | {"elapsed_ms": 0} == raw | {"elapsed_ms": 0}

    def test_another_clip_is_none(self, call: Caller) -> None:
        answer = call("POST", "/v1/check", content=clip(2)).json()

        assert (answer["verdict"], answer["complete"]) == ("no_match", True)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param(b"", "empty_file", id="nothing"),
            pytest.param(b"Dear moderator, " * 9, "not_media", id="text"),
            pytest.param(sound(), "no_video", id="sound only"),
            pytest.param(LISTED[:300], "decoder_error", id="a head without a body"),
            pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n", "not_media", id="playlist"),
        ],
    )
    def test_what_cannot_be_checked_is_unscannable_and_no_error(
        self, call: Caller, content: bytes, problem: str
    ) -> None:
        answer = call("POST", "/v1/check", content=content)

        assert answer.status_code == 200
        found = answer.json()
        assert (found["verdict"], found["problems"]) == ("unscannable", [problem])
        assert (found["complete"], found["kind"]) == (False, None)

    @pytest.mark.parametrize(
        ("query", "verdict", "names"),
        [
            pytest.param("?list=a", "match", ["a"], id="the list that has it"),
            pytest.param("?list=b", "no_match", ["b"], id="another list"),
            pytest.param("?list=b&list=a", "match", ["a", "b"], id="both"),
        ],
    )
    def test_lists_can_be_chosen(
        self, call: Caller, query: str, verdict: str, names: list[str]
    ) -> None:
        answer = call("POST", f"/v1/check{query}", content=LISTED).json()

        assert answer["verdict"] == verdict
        assert [one["name"] for one in answer["lists"]] == names

    def test_thorough_looks_at_all_of_a_clip_that_is_clear(
        self, call: Caller, store: MemoryStore
    ) -> None:
        long = clips.encode(clips.moving_scene(5, 16.0), options={"g": "50"})
        found = extract(long, REFERENCE).fingerprint
        store.add("attack-1", [Reference("long", None, None, found)], policy=Policy.BLOCK)

        usual = call("POST", "/v1/check", content=long).json()
        thorough = call("POST", "/v1/check?thorough=true", content=long).json()

        for answer in (usual, thorough):
            assert (answer["verdict"], answer["complete"]) == ("match", True)
            assert (answer["problems"], answer["duration_ms"]) == ([], 16_000)
        assert (usual["checked_ms"], thorough["checked_ms"]) == (2000, 16_000)
        assert usual["frames"] < thorough["frames"]

    def test_an_allow_list_suppresses(self, call: Caller, store: MemoryStore) -> None:
        found = extract(LISTED, REFERENCE).fingerprint
        store.add("fine", [Reference("known", None, None, found)], policy=Policy.ALLOW)

        answer = call("POST", "/v1/check", content=LISTED).json()

        assert (answer["verdict"], answer["matches"]) == ("no_match", [])
        assert [one["reference"] for one in answer["suppressed"]] == ["r1"]


@pytest.mark.usefixtures("listed")
class TestScopes:
    @pytest.mark.parametrize("path", ["/v1/check", "/v1/check/fingerprint"])
    @pytest.mark.parametrize("scope", OF_KEYS.values())
    def test_evidence_and_references_are_for_analysts(
        self, call: Caller, store: MemoryStore, scope: Scope, path: str
    ) -> None:
        taken = extract(LISTED, CLIP)
        document = json.dumps(to_document(taken.fingerprint, taken.coverage)).encode()
        body = LISTED if path == "/v1/check" else document
        whole = call("POST", path, content=body).json()
        key = issuing.create(store, "a name", scope).key

        answer = call.with_key(key)("POST", path, content=body)

        seen = answer.json()
        (match,), (full,) = seen["matches"], whole["matches"]
        assert (seen["verdict"], match["list"], match["label"]) == ("match", "a", "main video")
        assert match["clip_ranges_ms"] == full["clip_ranges_ms"]
        if scope > Scope.CHECK:
            assert match == full
        else:
            assert set(match) == {"verdict", "list", "label", "incident", "clip_ranges_ms"}
            assert '"r1"' not in answer.text
            assert str(full["mean_distance_bits"]) not in answer.text

    def test_what_an_allow_list_explains_is_cut_as_well(
        self, call: Caller, store: MemoryStore, reference: Fingerprint
    ) -> None:
        store.add("fine", [Reference("known", None, None, reference)], policy=Policy.ALLOW)
        key = issuing.create(store, "a name", Scope.CHECK).key

        answer = call.with_key(key)("POST", "/v1/check", content=LISTED).json()

        (one,) = answer["suppressed"]
        assert set(one) == {"verdict", "list", "label", "incident", "clip_ranges_ms"}


def test_with_nothing_listed_nothing_is_clean(call: Caller) -> None:
    answer = call("POST", "/v1/check", content=LISTED).json()

    assert (answer["verdict"], answer["problems"]) == ("unscannable", ["no_references"])


@pytest.mark.usefixtures("listed")
class TestCheckFingerprint:
    def test_it_is_found_as_its_media_is(self, call: Caller) -> None:
        taken = extract(LISTED, CLIP)
        document = to_document(taken.fingerprint, taken.coverage)
        media = call("POST", "/v1/check", content=LISTED).json()

        answer = call("POST", "/v1/check/fingerprint", json=document).json()

        assert answer["verdict"] == "match"
        assert answer | {"elapsed_ms": 0} == media | {"elapsed_ms": 0}

    def test_its_coverage_counts(self, call: Caller) -> None:
        taken = extract(clip(2), CLIP)
        document = to_document(taken.fingerprint, taken.coverage)
        document["coverage"]["problems"] = ["truncated"]

        answer = call("POST", "/v1/check/fingerprint", json=document).json()

        assert (answer["verdict"], answer["problems"]) == ("unscannable", ["truncated"])

    def test_an_empty_one_is_not_clean(self, call: Caller) -> None:
        answer = call("POST", "/v1/check/fingerprint", json=to_document(of([]), None)).json()

        assert answer["verdict"] == "unscannable"

    @pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"[" * 100_000, LISTED])
    def test_what_is_no_fingerprint_is_an_error(self, call: Caller, body: bytes) -> None:
        answer = call("POST", "/v1/check/fingerprint", content=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "bad_fingerprint")


def test_each_answer_is_counted_and_may_be_held_back(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By ``service.slowing``, before it leaves: else who seeks a list's limits is not slowed."""
    steps: list[str] = []

    async def wait(_: object) -> None:
        steps.append("wait")

    monkeypatch.setattr(call.context.slowing, "note", lambda *_: steps.append("note"))
    monkeypatch.setattr(call.context.slowing, "wait", wait)
    call("POST", "/v1/check", content=b"x")
    call("POST", "/v1/check/fingerprint", json=to_document(video(1), None))

    assert steps == ["note", "wait"] * 2
