"""The packed form: exact, small, and closed to everything else."""

import json
import tracemalloc
import zlib
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.errors import BadFingerprint
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Kind
from hashing.formats import fields, packed
from hashing.views import View
from tests.fingerprints import FINGERPRINTS, of, random_hashes, track, video, walk


@given(FINGERPRINTS)
def test_unpack_gives_back_what_was_packed(fingerprint: Fingerprint) -> None:
    unpacked = packed.unpack(packed.pack(fingerprint))

    assert unpacked == fingerprint
    assert unpacked.digest == fingerprint.digest


@given(FINGERPRINTS)
def test_unpacked_arrays_have_the_types_that_a_track_promises(fingerprint: Fingerprint) -> None:
    for part in packed.unpack(packed.pack(fingerprint)).tracks:
        assert part.times_ms.dtype.str == part.spans_ms.dtype.str == np.dtype(np.int64).str
        assert part.qualities.dtype.str == part.hashes.dtype.str == np.dtype(np.uint8).str
        assert part.hashes.shape == (len(part), 32)
        assert part.hashes.flags.c_contiguous


@given(FINGERPRINTS)
def test_packing_is_deterministic(fingerprint: Fingerprint) -> None:
    assert packed.pack(packed.unpack(packed.pack(fingerprint))) == packed.pack(fingerprint)


def test_a_dense_reference_takes_at_most_1200_bytes_a_second() -> None:
    """25 hashes a second in two views that move 28 bits a frame, and PDQ twice a second."""
    seconds = 60
    made = [
        track(walk(1, 25 * seconds, 28)),
        track(walk(2, 25 * seconds, 28), view=View.BORDERLESS),
        track(walk(3, 2 * seconds, 100), algorithm=PDQ, step_ms=500),
    ]
    random = np.random.default_rng(4)
    noisy = [
        replace(part, qualities=random.integers(60, 101, len(part), np.uint8)) for part in made
    ]

    size_bytes = len(packed.pack(Fingerprint(Kind.VIDEO, seconds * 1000, tuple(noisy))))

    assert size_bytes / seconds <= 1200


def test_version_1_is_read_for_ever() -> None:
    """Packed by the first release; databases hold it."""
    stored = (
        "UkNGUAEFAQAAeyJraW5kIjoidmlkZW8iLCJkdXJhdGlvbl9tcyI6MTAwMCwidHJhY2tzIjpbeyJhbGdv"
        "cml0aG0iOiJwaGFzaDI1NiIsInBhcmFtZXRlcnMiOnsiaGFzaF9zaXplIjoxNiwicGxhbmVfcHgiOjY0"
        "fSwidmlldyI6ImFzIGlzIiwic3RyZWFtIjowLCJmcmFtZXMiOjN9LHsiYWxnb3JpdGhtIjoicGRxMjU2"
        "IiwicGFyYW1ldGVycyI6eyJwbGFuZV9weCI6NjR9LCJ2aWV3Ijoid2l0aG91dCBib3JkZXJzLCBtaXJy"
        "b3JlZCIsInN0cmVhbSI6MiwiZnJhbWVzIjoxfV19eAFj8PVlYGRkAAMdhgJGBkEGBkYGBoaUOcYMUBDF"
        "wMjEzMLKxs7BycXNw8vHLyAoJCwiKiYuISklLSMrJ69AACQQAP///f3z+9fPH9+/ff3y+dPHD+/fvX3z"
        "+tXLF8+fPX3y+NHDBwDu4TK50Y4OZw=="
    )

    assert packed.unpack(b64decode(stored)) == golden()


def golden() -> Fingerprint:
    hashes = np.arange(96, dtype=np.uint8).reshape(3, 32)
    first = replace(
        track(hashes, step_ms=333),
        spans_ms=np.array([300, 0, 70_000], np.int64),
        qualities=np.array([100, 0, 51], np.uint8),
    )
    second = track(~hashes[:1], algorithm=PDQ, view=View.BORDERLESS_MIRRORED)
    return of([first, replace(second, stream=2)])


SMALL = packed.pack(video(5))


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(position: int, change: int) -> None:
    damaged = bytearray(SMALL)
    damaged[position] ^= change

    with pytest.raises(BadFingerprint, match="not a packed fingerprint, or a damaged one"):
        packed.unpack(bytes(damaged))


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_a_cut_off_form_is_refused(length: int) -> None:
    with pytest.raises(BadFingerprint):
        packed.unpack(SMALL[:length])


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(untrusted: bytes) -> None:
    with pytest.raises(BadFingerprint):
        packed.unpack(untrusted)


TRACK = {
    "algorithm": "phash256",
    "parameters": {"hash_size": 16, "plane_px": 64},
    "view": "as is",
    "stream": 0,
    "frames": 1,
}
FRAME_BYTES = 41


def form(header: object, body: bytes, *, version: int = 1, length: int | None = None) -> bytes:
    """A form with the right checksum around any header and body."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    whole = b"RCFP" + bytes([version]) + length.to_bytes(4, "little") + text + body
    return whole + zlib.crc32(whole).to_bytes(4, "little")


def head(*tracks: object, **changes: object) -> dict[str, object]:
    return {"kind": "video", "duration_ms": 40, "tracks": list(tracks)} | changes


ONE = zlib.compress(bytes(FRAME_BYTES))
LATE = zlib.compress(b"\0\0\0\xff" + bytes(FRAME_BYTES - 4))
LOUD = zlib.compress(bytes(8) + b"\x65" + bytes(32))


def test_the_hand_made_form_is_right_before_it_is_broken() -> None:
    assert packed.unpack(form(head(TRACK), ONE)).frames == 1


@pytest.mark.parametrize(
    ("untrusted", "why"),
    [
        pytest.param(b"", "start with RCFP", id="nothing"),
        pytest.param(b"RCFP\x01", "cut off", id="magic alone"),
        pytest.param(form(head(TRACK), ONE, version=2), "version 2", id="newer version"),
        pytest.param(form(b"{}", ONE, length=2**32 - 1), "header is too long", id="long header"),
        pytest.param(form(b"[" * 100_000, ONE), "deeply", id="nested header"),
        pytest.param(form(b"\xff", ONE), "not JSON", id="header not UTF-8"),
        pytest.param(form(b"[]", ONE), "header: an object", id="header an array"),
        pytest.param(form(b"1" * 5000, ONE), "not JSON", id="header a huge number"),
        pytest.param(form(head(TRACK, kind="sound"), ONE), "kind: 'sound'", id="kind"),
        pytest.param(form(head(TRACK, kind=1), ONE), "kind: a text", id="kind a number"),
        pytest.param(form(head(TRACK, duration_ms=-1), ONE), "duration_ms: -1", id="duration"),
        pytest.param(form(head(TRACK, duration_ms=1.5), ONE), "fraction", id="duration fraction"),
        pytest.param(form(head(TRACK, duration_ms=True), ONE), "true or false", id="duration bool"),
        pytest.param(form(head(tracks={}), ONE), "tracks: an array", id="tracks an object"),
        pytest.param(form(head(*[TRACK] * 65), ONE), "65 items", id="too many tracks"),
        pytest.param(form(head("x"), ONE), r"tracks\[0\]: an object", id="track a text"),
        pytest.param(
            form(head(TRACK | {"view": "sideways"}), ONE), "view: 'sideways'", id="unknown view"
        ),
        pytest.param(form(head(TRACK | {"stream": -1}), ONE), "stream: -1", id="stream"),
        pytest.param(form(head(TRACK | {"algorithm": ""}), ONE), "algorithm: ''", id="no name"),
        pytest.param(
            form(head(TRACK | {"algorithm": "a\nb"}), ONE), "algorithm", id="name on two lines"
        ),
        pytest.param(
            form(head(TRACK | {"parameters": {"x": 2**53}}), ONE), "x': 9007", id="parameter"
        ),
        pytest.param(
            form(head(TRACK | {"parameters": {str(i): i for i in range(17)}}), ONE),
            "at most 16",
            id="too many parameters",
        ),
        pytest.param(form(head(TRACK | {"frames": None}), ONE), "null", id="no frame count"),
        pytest.param(
            form(head(TRACK | {"frames": fields.MAX_FRAMES + 1}), ONE), "frames", id="frames"
        ),
        pytest.param(
            form(head(*[TRACK | {"frames": fields.MAX_FRAMES}] * 2), ONE),
            "frames in all tracks",
            id="too many frames in all",
        ),
        pytest.param(form(head(TRACK), b"not zlib"), "body is damaged", id="body not zlib"),
        pytest.param(form(head(TRACK), ONE[:-1]), "not as long", id="body cut off"),
        pytest.param(form(head(TRACK), ONE + b"x"), "not as long", id="garbage after the body"),
        pytest.param(form(head(TRACK | {"frames": 2}), ONE), "not as long", id="body too short"),
        pytest.param(form(head(TRACK | {"frames": 0}), ONE), "not as long", id="body too long"),
        pytest.param(form(head(TRACK), LATE), "times_ms: a value", id="time out of range"),
        pytest.param(form(head(TRACK), LOUD), "qualities: a value", id="quality 101"),
        pytest.param(form(head(TRACK), ONE) + b"x", "checksum", id="garbage after the form"),
    ],
)
def test_an_error_says_what_is_wrong(untrusted: bytes, why: str) -> None:
    with pytest.raises(BadFingerprint, match=why) as raised:
        packed.unpack(untrusted)

    assert len(str(raised.value)) < 300
    assert raised.value.code == "bad_fingerprint"


@pytest.mark.parametrize(
    "untrusted",
    [
        pytest.param(
            form(head(TRACK | {"frames": fields.MAX_FRAMES}), ONE), id="many frames announced"
        ),
        pytest.param(form(head(TRACK), zlib.compress(bytes(50_000_000))), id="deflate bomb"),
    ],
)
def test_no_memory_is_taken_on_a_headers_word(untrusted: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadFingerprint):
            packed.unpack(untrusted)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak_bytes < 1_000_000


def test_unknown_algorithms_are_kept_as_they_are() -> None:
    foreign = Algorithm("tomorrow512", (("bands", 3), ("plane_px", -1)))
    fingerprint = of([track(random_hashes(1, 2), algorithm=foreign)])

    assert packed.unpack(packed.pack(fingerprint)).tracks[0].algorithm == foreign


GOOD = track(random_hashes(1, 2))


@pytest.mark.parametrize(
    ("fingerprint", "why"),
    [
        pytest.param(Fingerprint(Kind.VIDEO, -1, ()), "duration_ms", id="duration"),
        pytest.param(
            of([replace(GOOD, times_ms=np.array([40, 0]))]), "time order", id="times not in order"
        ),
        pytest.param(
            of([replace(GOOD, times_ms=np.array([-1, 0]))]), "times_ms", id="time before the start"
        ),
        pytest.param(
            of([replace(GOOD, spans_ms=np.array([0, 2**31]))]), "spans_ms", id="span too long"
        ),
        pytest.param(
            of([replace(GOOD, qualities=np.array([0, 101], np.uint8))]), "qualities", id="quality"
        ),
        pytest.param(
            of([replace(GOOD, hashes=random_hashes(1, 3))]), "hashes: shape", id="one hash more"
        ),
        pytest.param(of([GOOD] * 65), "tracks: 65", id="tracks"),
        pytest.param(
            of([replace(GOOD, algorithm=Algorithm("x", (("b", 1), ("a", 2))))]),
            "in order",
            id="parameters not in order",
        ),
        pytest.param(
            of([replace(GOOD, algorithm=Algorithm("x", (("a", 1), ("a", 2))))]),
            "once",
            id="a parameter twice",
        ),
    ],
)
def test_what_cannot_be_read_back_is_not_packed(fingerprint: Fingerprint, why: str) -> None:
    with pytest.raises(BadFingerprint, match=why):
        packed.pack(fingerprint)


def test_our_own_algorithms_can_be_packed() -> None:
    for algorithm in (PHASH, PDQ):
        assert packed.pack(video(1, algorithm=algorithm))
