"""The JSON form: exact, and errors that name the place."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import bits
from hashing.coverage import Coverage, Problem
from hashing.errors import BadFingerprint
from hashing.fingerprint import Fingerprint
from hashing.formats import fields
from hashing.formats.document import from_document, to_document
from tests.fingerprints import COVERAGES, FINGERPRINTS, of, random_hashes, track, video

COVERAGE = Coverage(4000, 3000, 8, 1, 2, (Problem.TRUNCATED,))


@given(FINGERPRINTS, st.none() | COVERAGES)
def test_a_document_is_read_back_from_its_json(
    fingerprint: Fingerprint, coverage: Coverage | None
) -> None:
    text = json.dumps(to_document(fingerprint, coverage), allow_nan=False)

    assert from_document(json.loads(text)) == (fingerprint, coverage)
    assert from_document(to_document(fingerprint, coverage)) == (fingerprint, coverage)


def test_the_document_is_what_the_contract_shows() -> None:
    hashes = random_hashes(1, 2)

    assert json.loads(json.dumps(to_document(of([track(hashes)]), COVERAGE))) == {
        "recirc_fingerprint": 1,
        "kind": "video",
        "duration_ms": 1000,
        "tracks": [
            {
                "algorithm": "phash256",
                "parameters": {"hash_size": 16, "plane_px": 64},
                "view": "as is",
                "stream": 0,
                "frames": [
                    [0, 0, 90, bits.to_hex(hashes[0])],
                    [40, 0, 90, bits.to_hex(hashes[1])],
                ],
            }
        ],
        "coverage": {
            "container_ms": 4000,
            "decoded_ms": 3000,
            "sampled_frames": 8,
            "flat_frames": 1,
            "decode_errors": 2,
            "problems": ["truncated"],
        },
    }


def test_other_keys_are_ignored_and_parameters_have_no_order() -> None:
    document = json.loads(json.dumps(to_document(video(1), None)))
    document |= {"path": "clip.mp4", "coverage": None}
    document["tracks"][0]["parameters"] = {"plane_px": 64, "hash_size": 16}

    assert from_document(document) == (video(1), None)


def test_hex_digits_may_be_capitals() -> None:
    document = json.loads(json.dumps(to_document(video(1), None)))
    for frame in document["tracks"][0]["frames"]:
        frame[3] = frame[3].upper()

    assert from_document(document)[0] == video(1)


HEX = "0f" * 32
DELETED = object()


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        pytest.param("recirc_fingerprint", 2, "recirc_fingerprint: 2", id="newer version"),
        pytest.param("recirc_fingerprint", True, "recirc_fingerprint: True", id="version bool"),
        pytest.param("recirc_fingerprint", DELETED, "recirc_fingerprint: None", id="no version"),
        pytest.param("kind", "sound", "kind: 'sound' is none of video, image", id="kind"),
        pytest.param("kind", DELETED, "kind: a text is needed, this is missing", id="no kind"),
        pytest.param("duration_ms", 2**31, "duration_ms: 2147483648 is not", id="duration"),
        pytest.param("duration_ms", 1.0, "a number with a fraction", id="duration fraction"),
        pytest.param("duration_ms", 10**60, "...", id="a long number is not repeated"),
        pytest.param("tracks", "x", "tracks: an array is needed, this is a text", id="tracks"),
        pytest.param("tracks", [[]] * 65, "tracks: 65 items", id="too many tracks"),
        pytest.param("tracks 0", None, "tracks[0]: an object", id="track"),
        pytest.param("tracks 0 algorithm", "a" * 65, "tracks[0].algorithm: ", id="algorithm"),
        pytest.param("tracks 0 parameters", [], "tracks[0].parameters", id="parameters"),
        pytest.param("tracks 0 parameters x", "1", "tracks[0].parameters.'x'", id="parameter"),
        pytest.param("tracks 0 view", "odd", "tracks[0].view: 'odd' is not a view", id="view"),
        pytest.param("tracks 0 stream", 2**16, "tracks[0].stream", id="stream"),
        pytest.param("tracks 0 frames", {}, "tracks[0].frames: an array", id="frames"),
        pytest.param("tracks 0 frames 1", 5, "tracks[0].frames[1]: frame: an array", id="frame"),
        pytest.param(
            "tracks 0 frames 1", [0, 0, 9], "[1]: [time_ms, span_ms, quality, hash]", id="short"
        ),
        pytest.param("tracks 0 frames 1", [0] * 5, "frames[1]: frame: 5 items", id="long"),
        pytest.param("tracks 0 frames 1 0", -1, "frames[1]: time_ms: -1", id="time"),
        pytest.param("tracks 0 frames 1 1", None, "frames[1]: span_ms: a whole", id="span"),
        pytest.param("tracks 0 frames 1 2", 101, "frames[1]: quality: 101", id="quality"),
        pytest.param("tracks 0 frames 1 3", HEX[1:], "frames[1]: hash: ", id="63 digits"),
        pytest.param("tracks 0 frames 1 3", HEX + "0", "frames[1]: hash: ", id="65 digits"),
        pytest.param("tracks 0 frames 1 3", "x" * 64, "frames[1]: hash: ", id="not hex"),
        pytest.param("tracks 0 frames 1 3", " " * 4 + HEX[4:], "[1]: hash: ", id="blanks"),
        pytest.param("tracks 0 frames 1 0", 80, "frames[2]: time_ms: 79 is before", id="order"),
        pytest.param("coverage", 1, "coverage: an object", id="coverage"),
        pytest.param("coverage decoded_ms", -1, "coverage.decoded_ms: -1", id="decoded"),
        pytest.param("coverage flat_frames", DELETED, "coverage.flat_frames", id="no count"),
        pytest.param("coverage problems", "x", "coverage.problems: an array", id="problems"),
        pytest.param("coverage problems 0", 1, "coverage.problems[0]: a text", id="problem"),
        pytest.param(
            "coverage problems 0", "new", "coverage.problems[0]: 'new' is not", id="unknown"
        ),
    ],
)
def test_an_error_names_the_place(place: str, value: object, why: str) -> None:
    document = json.loads(json.dumps(to_document(video(1), COVERAGE)))
    document["tracks"][0]["frames"][2][0] = 79
    assert from_document(document)  # right before it is broken
    *way, last = (int(key) if key.isdigit() else key for key in place.split())
    inner = document
    for key in way:
        inner = inner[key]
    if value is DELETED:
        del inner[last]
    else:
        inner[last] = value

    with pytest.raises(BadFingerprint) as raised:
        from_document(document)

    assert why in str(raised.value)
    assert len(str(raised.value)) < 300


def test_the_limit_of_frames_is_for_all_tracks() -> None:
    document = json.loads(json.dumps(to_document(video(1, 1), None)))
    row = document["tracks"][0]["frames"][0]
    document["tracks"].append(document["tracks"][0] | {"frames": [row] * fields.MAX_FRAMES})

    with pytest.raises(BadFingerprint, match=r"tracks\[1\].frames: 2000000 items, at most 1999999"):
        from_document(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(JSON)
def test_other_json_is_refused(untrusted: object) -> None:
    with pytest.raises(BadFingerprint, match="not a fingerprint document"):
        from_document(untrusted)


@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    """Never another exception, whatever stands where."""
    document = deepcopy(json.loads(json.dumps(to_document(video(1, 1), COVERAGE))))
    inner = document
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or data.draw(st.booleans()):
            inner[key] = data.draw(JSON)
            break
        inner = inner[key]

    try:
        fingerprint, _ = from_document(document)
    except BadFingerprint:
        return
    fields.require_sound(fingerprint)
