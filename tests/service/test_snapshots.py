"""Index files: what was written is read, and nothing else is."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashing.fingerprint import PDQ
from hashing.parts import Part
from hashing.segments import FLAT_FRAMES
from service import snapshots
from service.snapshots import BadSnapshot, Shelf
from service.store.base import Mark
from tests.fingerprints import of, random_hashes, track, video

# Joiners, marks of direction and a space that does not break: none is printable to Python.
WRITTEN = "Ж \u0646\u0645\u06cc\u200c\u062e\u200f \u2764\ufe0f\u200d\U0001f525\xa0"
MARK = Mark(7, "0123", read_at_ms=1234)


def shelf() -> Shelf:
    """Two references of pHash, long enough for buckets, and one of PDQ."""
    part = Part.of(
        [video(1, FLAT_FRAMES), video(2, 40), of([track(random_hashes(3, 9), algorithm=PDQ)])]
    )
    return Shelf(part, (("a", "label", None), ("b", None, "incident"), ("c", WRITTEN, None)))


SHELF = shelf()


def same(one: Shelf, other: Shelf) -> bool:
    mine, theirs = snapshots._arrays(one.part), snapshots._arrays(other.part)
    return one.entries == other.entries and all(
        np.array_equal(mine[name], theirs[name]) for name in mine.keys() | theirs.keys()
    )


def test_what_was_written_is_read_and_searched(tmp_path: Path) -> None:
    path = snapshots.path_of(tmp_path / "new", "a")
    snapshots.write(path, SHELF, MARK)
    read, mark = snapshots.read(path)

    assert (mark, mark.read_at_ms) == (MARK, MARK.read_at_ms)
    assert same(read, SHELF)
    assert [one.columns.views for one in read.part.segments] == [
        one.columns.views for one in SHELF.part.segments
    ]
    clip = random_hashes(1, FLAT_FRAMES)[:5]
    for mine, theirs in zip(read.part.segments, SHELF.part.segments, strict=True):
        found, expected = mine.search(clip, 31, quick=False), theirs.search(clip, 31, quick=False)
        for (place, rows), (other_place, other_rows) in zip(found, expected, strict=True):
            assert place == other_place
            assert np.array_equal(np.array(rows), np.array(other_rows))


def test_an_empty_list_has_a_snapshot_too(tmp_path: Path) -> None:
    path = snapshots.path_of(tmp_path, "a")
    snapshots.write(path, Shelf(Part.of([]), ()), MARK)

    assert snapshots.read(path)[0].entries == ()


def test_only_its_owner_can_read_it_and_nothing_else_stays(tmp_path: Path) -> None:
    path = snapshots.path_of(tmp_path, "a")
    snapshots.write(path, SHELF, Mark(1, "other"))
    snapshots.write(path, SHELF, MARK)

    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_being_written_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def synced(descriptor: int) -> None:
        snapshots.sweep(tmp_path)  # another process begins
        real(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    path = snapshots.path_of(tmp_path, "a")
    snapshots.write(path, SHELF, MARK)

    assert same(snapshots.read(path)[0], SHELF)


def test_what_cannot_be_written_leaves_what_is_there(tmp_path: Path) -> None:
    path = snapshots.path_of(tmp_path, "a")
    path.mkdir()  # a file cannot take its place

    with pytest.raises(OSError, match="a"):
        snapshots.write(path, SHELF, MARK)
    assert list(tmp_path.iterdir()) == [path]


Damage = Callable[[bytes], bytes]


def of_other_code(data: bytes) -> bytes:
    """Sound, but its header says that it was made another way."""
    header_bytes = int.from_bytes(data[8:16], "little")
    header: bytes = data[24 : 24 + header_bytes].replace(b"phash256", b"phash257")
    start = data[:16] + zlib.crc32(header).to_bytes(4, "little") + data[20:24]
    return start + header + data[24 + header_bytes :]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(lambda data: b"", "not a snapshot", id="empty"),
        pytest.param(lambda data: data[:20], "not a snapshot", id="less than a start"),
        pytest.param(lambda data: data[:500], "cut off", id="in the header"),
        pytest.param(lambda data: data[:-1], "cut off", id="in the last array"),
        pytest.param(lambda data: data + b"\0", "cut off", id="longer"),
        pytest.param(lambda data: b"RCINDEX\x03" + data[8:], "not a snapshot", id="newer"),
        pytest.param(lambda data: data[:-4096] + bytes(4096), "checksum", id="a page of zeros"),
        pytest.param(of_other_code, "another version", id="of other code"),
    ],
)
def test_a_damaged_file_is_told_and_not_used(tmp_path: Path, damage: Damage, why: str) -> None:
    path = snapshots.path_of(tmp_path, "a")
    snapshots.write(path, SHELF, MARK)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(BadSnapshot, match=why):
        snapshots.read(path)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(place=st.floats(0, 1, exclude_max=True), flips=st.integers(1, 255))
def test_no_damaged_byte_changes_what_is_read(tmp_path: Path, place: float, flips: int) -> None:
    path = snapshots.path_of(tmp_path, "a")
    snapshots.write(path, SHELF, MARK)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= flips
    path.write_bytes(data)

    try:
        read, mark = snapshots.read(path)
    except BadSnapshot:
        return
    assert same(read, SHELF)  # the byte lay between two arrays
    assert mark == MARK


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        snapshots.read(tmp_path / "none")
