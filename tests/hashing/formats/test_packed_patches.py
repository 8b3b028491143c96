"""The packed form of patch hashes: exact, small, and closed to everything else."""

import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.errors import BadFingerprint
from hashing.fingerprint import Algorithm
from hashing.formats import packed_patches
from hashing.patch_track import PATCH_BYTES, PatchTrack
from tests.patches import TRACKS, random_track

PACKED = packed_patches.pack((random_track(1),))


@given(TRACKS)
def test_unpack_gives_back_what_was_packed(tracks: tuple[PatchTrack, ...]) -> None:
    packed = packed_patches.pack(tracks)

    assert packed_patches.unpack(packed) == tracks
    assert packed_patches.pack(packed_patches.unpack(packed)) == packed


def test_a_foreign_algorithm_comes_back_with_its_name() -> None:
    foreign = replace(random_track(1), algorithm=Algorithm("other", (("a", 1),)))

    assert packed_patches.unpack(packed_patches.pack((foreign,))) == (foreign,)


def test_a_patch_takes_no_more_than_it_says() -> None:
    many = random_track(2, 60, 17_400)

    assert len(packed_patches.pack((many,))) <= PATCH_BYTES * len(many) + 1000


@given(st.data())
def test_no_damage_passes(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(PACKED) - 1))
    flipped = data.draw(st.integers(1, 255))
    damaged = bytearray(PACKED)
    damaged[place] ^= flipped

    with pytest.raises(BadFingerprint):
        packed_patches.unpack(bytes(damaged))


@given(st.integers(0, len(PACKED) - 1))
def test_no_part_passes(length: int) -> None:
    with pytest.raises(BadFingerprint):
        packed_patches.unpack(PACKED[:length])


def forged(header: object, columns: bytes = b"", descriptors: bytes = b"") -> bytes:
    """Anything, with a right checksum: damage is found by it, forgery is not."""
    text = json.dumps(header).encode()
    whole = b"RCPT\x01" + len(text).to_bytes(4, "little") + text
    whole += len(columns).to_bytes(4, "little") + columns + descriptors
    return whole + zlib.crc32(whole).to_bytes(4, "little")


def track(**changed: object) -> dict[str, object]:
    return {
        "algorithm": "orb256",
        "parameters": {"levels": 8, "side_px": 480},
        "look": "as is",
        "stream": 0,
        "key_frames": 1,
        "patches": 1,
    } | changed


KEY_FRAME = bytes(4) + b"\xff\x80"
PATCH = bytes(2) + bytes(2) + bytes(4)


@pytest.mark.parametrize(
    ("untrusted", "why"),
    [
        pytest.param(b"RCFP" + PACKED[4:], "does not start with RCPT", id="another form"),
        pytest.param(b"RCPT", "cut off", id="only the magic"),
        pytest.param(b"RCPT\x02" + PACKED[5:], "version 2", id="a later version"),
        pytest.param(forged({}), "tracks", id="no tracks"),
        pytest.param(forged({"tracks": [track(look="odd")]}), "is none of", id="an unknown look"),
        pytest.param(
            forged({"tracks": [track(patches=2**40)]}), "not from 0", id="more than there may be"
        ),
        pytest.param(
            forged({"tracks": [track()]}), "as many descriptors", id="fewer than announced"
        ),
        pytest.param(
            forged({"tracks": [track()]}, b"no zlib", bytes(32)), "damaged", id="no columns"
        ),
        pytest.param(
            forged({"tracks": [track()]}, zlib.compress(KEY_FRAME), bytes(32)),
            "not as long",
            id="short columns",
        ),
        pytest.param(
            forged(
                {"tracks": [track()]},
                zlib.compress(KEY_FRAME + b"\x01\x00" + PATCH[2:]),
                bytes(32),
            ),
            "do not fit",
            id="of a key frame that is not there",
        ),
        pytest.param(
            forged(
                {"tracks": [track()]},
                zlib.compress(KEY_FRAME + b"\x01\x00\xff\xff" + PATCH[4:]),
                bytes(32),
            ),
            "not there",
            id="lasting beyond all bounds",
        ),
        pytest.param(
            forged({"tracks": [track()]}, zlib.compress(bytes(6) + PATCH), bytes(32)),
            "do not fit",
            id="a frame without a size",
        ),
    ],
)
def test_what_is_no_packed_form_is_refused(untrusted: bytes, why: str) -> None:
    with pytest.raises(BadFingerprint, match=why):
        packed_patches.unpack(untrusted)


def test_times_that_run_on_for_ever_are_refused() -> None:
    late = replace(random_track(1), times_ms=np.array([0, 1, 2, 2**31], np.int64))

    with pytest.raises(BadFingerprint):
        packed_patches.unpack(packed_patches.pack((late,)))
