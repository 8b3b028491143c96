"""The wire: what is packed comes back, and whatever else comes is one kind of error."""

import io
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing.coverage import Coverage, Problem
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.extract import CLIP, Extract, extract
from hashing.fingerprint import PDQ, PHASH, Fingerprint, Kind
from hashing.patch_track import PATCH_ALGORITHMS, Look, PatchTrack
from hashing.patches.placing import MOST_MAPS, Placing
from hashing.views import VIEWS
from service.errors import BadAnswer, DecoderCrashed, OutOfMemory
from service.media import blocks, wire
from service.media.blocks import Block
from tests import clips
from tests.fingerprints import random_hashes, track
from tests.patches import TRACKS, random_track
from tests.tiled import reference_track, scene

COVERED: Final = Coverage(9000, 8000, 30, 2, 1, (Problem.DECODER_ERROR, Problem.TRUNCATED))
REAL: Final = extract(clips.encode(clips.moving_scene(1, 1.0)), CLIP)
PACKED: Final = wire.pack(REAL)


def unpack(answer: bytes) -> Extract:
    """The extract in an answer that ends there."""
    stream = io.BytesIO(answer)

    def read(count: int) -> bytes:
        part = stream.read(count)
        if len(part) < count:
            raise BadAnswer("it ends")
        return part

    return wire.unpack(read)


@st.composite
def extracts(draw: st.DrawFn) -> Extract:
    identities = draw(
        st.lists(
            st.tuples(st.sampled_from([PHASH, PDQ]), st.sampled_from(VIEWS), st.integers(0, 15)),
            max_size=5,
            unique=True,
        )
    )
    tracks = []
    for seed, (algorithm, view, stream) in enumerate(identities):
        made = track(random_hashes(seed, draw(st.integers(0, 4))), algorithm=algorithm)
        tracks.append(replace(made, view=view, stream=stream))
    lengths = st.integers(0, 2**53 - 1)
    sampled = draw(st.integers(0, 2**32 - 1))
    coverage = Coverage(
        draw(lengths),
        draw(lengths),
        sampled,
        draw(st.integers(0, sampled)),
        draw(st.integers(0, 2**32 - 1)),
        tuple(sorted(draw(st.sets(st.sampled_from(Problem))))),
    )
    kind = draw(st.sampled_from(Kind))
    return Extract(Fingerprint(kind, draw(lengths), tuple(tracks)), coverage)


@given(extracts())
def test_what_is_packed_comes_back(taken: Extract) -> None:
    assert unpack(wire.pack(taken)) == taken


@pytest.mark.parametrize(
    "error",
    [EmptyMedia(), NotMedia(), NoVideo(), UnreadableMedia(), OutOfMemory(), DecoderCrashed()],
    ids=lambda error: error.code,
)
def test_errors_come_back_without_their_text(error: MediaError) -> None:
    error.args = ("secret",)
    with pytest.raises(MediaError) as raised:
        unpack(wire.pack_error(error))

    assert type(raised.value) is type(error)
    assert "secret" not in str(raised.value)
    assert b"secret" not in wire.pack_error(error)


def test_an_error_that_has_no_number_is_a_crash() -> None:
    with pytest.raises(DecoderCrashed):
        unpack(wire.pack_error(MediaError("new")))


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_a_bad_one(untrusted: bytes) -> None:
    with pytest.raises(MediaError):
        unpack(untrusted)


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_changed_bytes_give_nothing_unsound(changes: list[tuple[int, int]]) -> None:
    """A forged answer may lie about its own clip, but only with values that hashing knows."""
    forged = bytearray(PACKED)
    for place, value in changes:
        forged[place] = value
    try:
        found = unpack(bytes(forged))
    except MediaError:
        return
    assert set(found.coverage.problems) <= set(Problem)
    for one in found.fingerprint.tracks:
        assert one.algorithm in (PHASH, PDQ)
        assert one.view in VIEWS
        assert (np.diff(one.times_ms) >= 0).all()
        assert one.qualities.max(initial=0) <= 100
        assert one.hashes.shape == (len(one), 32)


@given(st.integers(0, len(PACKED) - 1))
def test_a_shorter_answer_is_a_bad_one(length: int) -> None:
    with pytest.raises(BadAnswer):
        unpack(PACKED[:length])


def forged(block: Block, field: str, value: int, row: int = 0) -> bytes:
    """PACKED with one field of one record changed."""
    answer, start = bytearray(PACKED), 0
    while True:
        kind, count = wire._HEADER.unpack_from(answer, start)
        start += wire._HEADER.size
        record = blocks.SHAPES[Block(kind)].record
        if kind == block:
            records = np.frombuffer(bytes(answer[start:]), record, count).copy()
            records[field][row] = value
            return bytes(answer[:start] + records.tobytes() + answer[start + records.nbytes :])
        start += count * record.itemsize


@pytest.mark.parametrize(
    ("block", "field", "value"),
    [
        (Block.COVERAGE, "kind", 2),
        (Block.COVERAGE, "duration_ms", -1),
        (Block.COVERAGE, "container_ms", 2**53),
        (Block.COVERAGE, "decoded_ms", -(2**63)),
        (Block.COVERAGE, "flat_frames", 2**32 - 1),
        (Block.COVERAGE, "problems", 1 << len(Problem)),
        (Block.COVERAGE, "tracks", 65535),
        (Block.TRACKS, "algorithm", 2),
        (Block.TRACKS, "view", len(VIEWS)),
        (Block.TRACKS, "stream", 2**15 + 1),
        (Block.TRACKS, "frames", 2**32 - 1),
        (Block.FRAMES, "time_ms", -1),
        (Block.FRAMES, "time_ms", 2**31),
        (Block.FRAMES, "span_ms", -1),
        (Block.FRAMES, "quality", 101),
    ],
)
def test_each_value_is_bounded(block: Block, field: str, value: int) -> None:
    with pytest.raises(BadAnswer):
        unpack(forged(block, field, value))


def test_a_track_is_there_once() -> None:
    first = REAL.fingerprint.tracks[0]
    twice = replace(REAL, fingerprint=replace(REAL.fingerprint, tracks=(first, first)))

    with pytest.raises(BadAnswer, match="twice"):
        unpack(wire.pack(twice))


def test_times_are_in_order() -> None:
    last = len(REAL.fingerprint.tracks[0]) - 1

    with pytest.raises(BadAnswer, match="order"):
        unpack(forged(Block.FRAMES, "time_ms", 0, last))


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_has_a_bit(problem: Problem) -> None:
    taken = replace(REAL, coverage=replace(COVERED, problems=(problem,)))

    assert unpack(wire.pack(taken)).coverage.problems == (problem,)


def test_nothing_is_read_ahead_of_a_bound() -> None:
    """A child that announces the world is refused before a byte of it is asked for."""
    asked: list[int] = []
    stream = io.BytesIO(forged(Block.TRACKS, "frames", 2**32 - 1))

    def read(count: int) -> bytes:
        asked.append(count)
        return stream.read(count)

    with pytest.raises(BadAnswer):
        wire.unpack(read)
    assert sum(asked) < 10_000


def unpack_patches(answer: bytes) -> tuple[PatchTrack, ...]:
    """The patch hashes in an answer that ends there."""
    stream = io.BytesIO(answer)

    def read(count: int) -> bytes:
        part = stream.read(count)
        if len(part) < count:
            raise BadAnswer("it ends")
        return part

    return wire.unpack_patches(read)


@given(TRACKS)
def test_patch_hashes_come_back(tracks: tuple[PatchTrack, ...]) -> None:
    assert unpack_patches(wire.pack_patches(tracks)) == tracks
    with_frames = replace(REAL, patches=tracks)
    assert unpack(wire.pack(with_frames)) == with_frames


@given(st.sets(st.sampled_from(Look), min_size=1))
def test_looks_are_asked_for_by_a_byte(looks: set[Look]) -> None:
    byte = wire.asking(list(looks))

    assert byte & wire.Request.PATCHES
    assert byte < 256
    assert set(wire.asked(byte)) == looks


@given(
    st.integers(0, 15),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 2**31), max_size=20),
)
def test_a_placing_comes_to_the_child(
    stream: int, mirrored: bool, negative: bool, times_ms: list[int]
) -> None:
    maps = np.random.default_rng(len(times_ms)).normal(size=(len(times_ms), 3, 3))
    placing = Placing(stream, mirrored, negative, np.array(times_ms, np.int64), maps)

    came = wire.unpack_placing(io.BytesIO(wire.pack_placing(placing)).read)

    assert (came.stream, came.mirrored, came.negative) == (stream, mirrored, negative)
    assert np.array_equal(came.times_ms, placing.times_ms)
    assert np.array_equal(came.maps, maps)


def test_more_maps_than_frames_can_be_held_are_not_sent() -> None:
    many = MOST_MAPS + 1
    placing = Placing(0, False, False, np.zeros(many, np.int64), np.zeros((many, 3, 3)))

    with pytest.raises(ValueError, match="more than"):
        wire.pack_placing(placing)


def test_an_error_over_patches_comes_back() -> None:
    with pytest.raises(OutOfMemory):
        unpack_patches(wire.pack_error(OutOfMemory()))


PATCHES: Final = wire.pack_patches((random_track(1), random_track(2, look=Look.MIRRORED)))


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(st.integers(0, len(PATCHES) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_changed_patches_give_nothing_unsound(changes: list[tuple[int, int]]) -> None:
    forged_answer = bytearray(PATCHES)
    for place, value in changes:
        forged_answer[place] = value
    try:
        found = unpack_patches(bytes(forged_answer))
    except MediaError:
        return
    assert all(track.is_sound for track in found)
    assert len({(one.algorithm, one.look, one.stream) for one in found}) == len(found)


@given(st.integers(0, len(PATCHES) - 1))
def test_a_shorter_answer_with_patches_is_a_bad_one(length: int) -> None:
    with pytest.raises(BadAnswer):
        unpack_patches(PATCHES[:length])


def test_a_track_of_patches_that_is_there_twice_is_a_bad_answer() -> None:
    twice = wire.pack_patches((random_track(1), random_track(1)))

    with pytest.raises(BadAnswer, match="twice"):
        unpack_patches(twice)


def forged_patches(field: str, value: int, size_bytes: int) -> bytes:
    """An answer with one track of patches of which one field says something else."""
    start = len(wire._block(Block.PATCHED, np.zeros(1, blocks.SHAPES[Block.PATCHED].record)))
    answer = bytearray(wire.pack_patches((random_track(1),)))
    fields = blocks.SHAPES[Block.PATCH_TRACKS].record.fields
    assert fields is not None
    place = start + wire._HEADER.size + fields[field][1]
    answer[place : place + size_bytes] = value.to_bytes(size_bytes, "little")
    return bytes(answer)


def test_more_key_frames_than_a_track_may_have_are_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="more key frames"):
        unpack_patches(forged_patches("key_frames", 70_000, 4))


@pytest.mark.parametrize("field", ["algorithm", "look"])
@pytest.mark.parametrize("value", [len(Look), 255])
def test_a_number_that_stands_for_nothing_is_a_bad_answer(field: str, value: int) -> None:
    with pytest.raises(BadAnswer, match="stands for nothing"):
        unpack_patches(forged_patches(field, value, 1))


@pytest.mark.parametrize("number", range(len(PATCH_ALGORITHMS)))
def test_the_number_says_how_patches_were_made(number: int) -> None:
    (track,) = unpack_patches(forged_patches("algorithm", number, 1))

    assert track == replace(random_track(1), algorithm=PATCH_ALGORITHMS[number])


def test_the_first_number_after_the_last_algorithm_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="stands for nothing"):
        unpack_patches(forged_patches("algorithm", len(PATCH_ALGORITHMS), 1))


def test_patches_and_tiles_of_one_look_and_track_cross_together() -> None:
    both = tuple(random_track(1, algorithm=algorithm) for algorithm in PATCH_ALGORITHMS)

    assert unpack_patches(wire.pack_patches(both)) == both
    assert unpack(wire.pack(replace(REAL, patches=both))).patches == both


def test_tiles_cross_as_they_were_cut() -> None:
    tiles = reference_track(scene(1, 2.0))

    assert unpack_patches(wire.pack_patches((tiles,))) == (tiles,)
