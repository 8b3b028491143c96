"""Further films in one file: where they begin, and that each is decoded on tracks of its own."""

import io

import pytest

from benchmarks.hostility import boxes
from hashing import films
from hashing.coverage import Problem
from hashing.decode import Limits, open_media
from hashing.errors import UnreadableMedia
from hashing.fingerprint import Kind
from tests import clips
from tests.decoding import decoded

SCENE = clips.moving_scene(1, 2.0)
SMALL = clips.scaled(clips.moving_scene(2, 2.0), 96, 64)
MP4 = clips.encode(SCENE)
PICTURE = clips.picture(SCENE[0], "JPEG")
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def starts(data: bytes) -> list[int]:
    """Where a further film may begin behind the first."""
    return [start for start, _ in films.behind_film(io.BytesIO(data), data[:64])]


@pytest.mark.parametrize("container", ["mp4", "matroska", "flv", "mpegts", "avi"])
def test_a_film_has_no_other_behind_it(container: str) -> None:
    assert starts(clips.encode(SCENE, container=container)) == []


@pytest.mark.parametrize(
    ("codec", "container"),
    [
        ("libx264", "mp4"),
        ("libx264", "matroska"),
        ("libvpx", "webm"),
        ("libx264", "flv"),
        ("wmv2", "asf"),
        ("libvpx", "ivf"),
    ],
)
def test_a_film_behind_a_film_is_decoded(codec: str, container: str) -> None:
    first = clips.encode(SCENE, codec=codec, container=container)
    second = clips.encode(SMALL, codec=codec, container=container)

    assert starts(first + second) == [len(first)]
    frames, _ = decoded(first + second)
    behind = [frame for frame in frames if frame.stream > 0]
    assert {frame.luma.shape for frame in behind} == {(64, 96)}
    assert len(behind) == len(SMALL)


def test_a_film_is_found_once_wherever_a_piece_of_the_file_ends() -> None:
    head = b"FLV\x01\x05\0\0\0\x09"
    for place in range(1024 * 1024 - 70, 1024 * 1024 + 4):
        data = head + bytes(place - len(head)) + head + bytes(200)

        assert starts(data) == [place]


def test_a_box_longer_than_any_file_ends_the_search() -> None:
    """Found by fuzzing: no stream can be sought so far."""
    box = (1).to_bytes(4) + b"free" + b"\xff" * 8

    assert starts(box + MP4) == []
    assert list(films.in_picture(io.BytesIO(box + bytes(40)), 1000)) == []


def test_an_index_without_a_head_begins_a_film() -> None:
    headless = boxes.parsed(clips.encode(SMALL))[1:]

    assert starts(MP4 + boxes.written(headless)) == [len(MP4) + len(boxes.written(headless[:-1]))]


def test_an_index_that_is_repeated_between_fragments_begins_no_film() -> None:
    """As in a recording of a broadcast, whose every part has it."""
    nodes = boxes.parsed(clips.encode(SCENE, options={"g": "10"}))
    assert [node.name for node in nodes][-1] == b"moov"
    head = boxes.written([nodes[0], nodes[-1]])
    fragment = boxes.Node(b"moof", bytearray(8)).written()

    assert starts(head + fragment + head + fragment) == []
    assert starts(head + head) == [len(head)]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_a_film_behind_a_picture_is_decoded(name: str) -> None:
    """As phones keep it behind a photo that moves."""
    data = clips.picture(SCENE[0], name) + clips.encode(SMALL)

    opened = open_media(data, Limits())
    frames = [(frame.stream, frame.luma.shape) for frame in opened.frames(40, economical=False)]

    assert opened.kind is Kind.VIDEO
    assert frames[0] == (0, (120, 160))
    assert len([one for one in frames if one[0] > 0]) == len(SMALL)
    assert opened.coverage().problems == ()


def test_what_only_looks_like_a_film_is_none() -> None:
    data = PICTURE + b"\0\0\0\x18ftypisom" + bytes(100)

    opened = open_media(data, Limits())

    assert opened.kind is Kind.IMAGE
    assert opened.coverage().problems == ()


def test_a_film_behind_a_picture_that_no_decoder_reads_is_a_problem() -> None:
    frames, coverage = decoded(PICTURE + clips.encode(SCENE, codec="ffv1", container="matroska"))

    assert len(frames) == 1
    assert coverage.problems == (Problem.UNSUPPORTED_TRACK,)


@pytest.mark.parametrize("most", [1, 2])
def test_more_films_than_the_limit_are_a_problem(most: int) -> None:
    frames, coverage = decoded(MP4 * 4, Limits(films=most))

    assert len({frame.stream for frame in frames}) == 1 + most
    assert coverage.problems == (Problem.LIMIT_FILMS,)


def test_a_thousand_false_beginnings_are_not_all_tried() -> None:
    data = PICTURE + (b"\0\0\0\x18ftypisom" + bytes(20)) * 1000

    frames, coverage = decoded(data)

    assert len(frames) == 1
    assert coverage.problems == (Problem.LIMIT_FILMS,)


def test_nothing_behind_what_is_no_film() -> None:
    with pytest.raises(UnreadableMedia):
        open_media(MP4[:200], Limits())


class TestEditLists:
    def test_what_is_cut_away_is_looked_at_on_a_track_of_its_own(self) -> None:
        media = boxes.with_edits(MP4, [(400, 1000)])

        frames, coverage = decoded(media)

        assert len([frame for frame in frames if frame.stream == 0]) == 10
        assert len([frame for frame in frames if frame.stream > 0]) == len(SCENE)
        assert coverage.problems == ()

    def test_an_edit_list_that_hides_next_to_nothing_costs_no_second_look(self) -> None:
        frames, _ = decoded(boxes.with_edits(MP4, [(1800, 100)]))

        assert {frame.stream for frame in frames} == {0}

    def test_frames_that_are_shown_again_and_again_are_decoded_once(self) -> None:
        """Each edit has a group of frames decoded from its start: a minute of work from 12 kB."""
        media = boxes.with_edits(MP4, [(5, 1900)] * 1000)

        frames, coverage = decoded(media)

        assert len(frames) == len(SCENE)
        assert coverage.problems == (Problem.LIMIT_FRAMES,)
