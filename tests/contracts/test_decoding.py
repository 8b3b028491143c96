"""What every way of decoding promises, caged or not: the same hashes, the same account."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from hashing.coverage import Problem
from hashing.errors import EmptyMedia, MediaError, NotMedia, NoVideo, UnreadableMedia
from hashing.extract import CLIP, REFERENCE, Extraction
from hashing.extract import extract as by_hashing
from hashing.fingerprint import Kind
from hashing.media import Limits
from hashing.patches.placing import Placing
from hashing.views import Region, View
from service import archives
from service.media.cage import Cage
from service.media.confinement import Confinement
from service.media.decoding import Decoding, Uncaged, extract
from tests import cages, clips, corners

SCENE: Final = clips.moving_scene(1, 3.0)
GROUPS: Final = {"g": "25", "preset": "veryfast"}


def _member() -> bytes:
    archive = io.BytesIO(clips.zipped({"a.mp4": clips.encode(SCENE)}))
    (member,) = archives.members(archive, archives.DEFAULT_LIMITS)
    assert isinstance(member, archives.Member)
    return member.data.read()


MEDIA: Final[dict[str, Callable[[], bytes]]] = {
    "mp4": lambda: clips.encode(SCENE, options=GROUPS),
    "mkv": lambda: clips.encode(SCENE, container="matroska"),
    "webm": lambda: clips.encode(SCENE[:25], codec="libvpx-vp9", container="webm"),
    "hevc": lambda: clips.encode(SCENE[:25], codec="libx265"),
    "av1": lambda: clips.encode(SCENE[:25], codec="libsvtav1"),
    "rgb": lambda: clips.encode(SCENE[:25], codec="png", container="mov", pixels="rgb24"),
    "with sound": lambda: clips.encode(SCENE[:25], sound=True),
    "turned": lambda: clips.encode(SCENE[:25], turn=90),
    "letterboxed": lambda: clips.encode(clips.letterboxed(SCENE)),
    "two tracks": lambda: clips.encode_tracks([SCENE, SCENE[::-1]]),
    "cut off": lambda: clips.with_media_cut(clips.encode(SCENE), 0.6),
    "damaged": lambda: clips.with_media_damaged(clips.encode(SCENE), 0.4, 0.6),
    "black": lambda: clips.encode(clips.black()),
    "gif": lambda: clips.animation(SCENE[:20]),
    "animated webp": lambda: clips.animation(SCENE[:10], "WEBP"),
    "animated avif": lambda: clips.animation(SCENE[:10], "AVIF"),
    **{
        name.lower(): partial(clips.picture, SCENE[0], name, orientation=6)
        for name in ("PNG", "JPEG", "WEBP", "AVIF")
    },
    "zip member": _member,
}


@pytest.fixture(params=["uncaged", "caged"])
def decoding(request: pytest.FixtureRequest) -> Decoding:
    return Uncaged() if request.param == "uncaged" else cages.shared()


@pytest.fixture(params=["uncaged", "caged"])
def limited(request: pytest.FixtureRequest) -> Iterator[Decoding]:
    """With limits that small clips reach."""
    limits = Limits(frame_pixels=10_000, media_bytes=20_000)
    if request.param == "uncaged":
        yield Uncaged(limits)
        return
    with closing(Cage(Confinement(limits=limits))) as cage:
        yield cage


@pytest.mark.parametrize("sampling", [CLIP, REFERENCE], ids=["clip", "reference"])
@pytest.mark.parametrize("name", MEDIA)
def test_hashes_and_account_are_those_of_hashing(
    decoding: Decoding, name: str, sampling: object
) -> None:
    wanted = CLIP if sampling is CLIP else REFERENCE
    media = MEDIA[name]()

    assert extract(decoding, media, wanted) == by_hashing(media, wanted)


def test_all_questions_are_answered_as_by_hashing(decoding: Decoding) -> None:
    media = clips.encode(SCENE, options=GROUPS)
    plain = Extraction(media, CLIP)

    with decoding.opened(media, CLIP) as taking:
        asked = [taking.key_frames(), taking.ending(), taking.whole()]

    assert asked == [plain.key_frames(), plain.ending(), plain.whole()]


def test_a_sampling_of_one_s_own(decoding: Decoding) -> None:
    sparse = replace(CLIP, pdq_interval_ms=None, crops_percent=(3,), dense_ms=0)
    media = clips.encode(SCENE)

    assert extract(decoding, media, sparse) == by_hashing(media, sparse)


@pytest.mark.parametrize(
    ("media", "error"),
    [
        pytest.param(b"", EmptyMedia, id="empty"),
        pytest.param(b"Dear moderator" * 50, NotMedia, id="text"),
        pytest.param(clips.audio_only(), NoVideo, id="sound"),
        pytest.param(clips.without_moov(clips.encode(SCENE[:5])), UnreadableMedia, id="no index"),
        *[pytest.param(text, NotMedia, id=name) for name, text in clips.PLAYLISTS.items()],
    ],
)
def test_what_is_no_media_is_said_so(
    decoding: Decoding, media: bytes, error: type[MediaError]
) -> None:
    with pytest.raises(error) as raised:
        extract(decoding, media, CLIP)

    assert type(raised.value) is error
    assert str(raised.value)


def test_files_streams_and_bytes_are_the_same(decoding: Decoding, tmp_path: Path) -> None:
    media = clips.encode(SCENE)
    (tmp_path / "clip").write_bytes(media)
    expected = by_hashing(media, CLIP)

    with (tmp_path / "clip").open("rb") as reading, (tmp_path / "clip").open("r+b") as writing:
        assert extract(decoding, reading, CLIP) == expected
        assert extract(decoding, io.BytesIO(media), CLIP) == expected
        assert extract(decoding, writing, CLIP) == expected
        assert extract(decoding, reading, CLIP) == expected  # wherever the first one left it


class Pipe(io.BytesIO):
    """A stream that cannot seek."""

    def seekable(self) -> bool:
        return False


def test_a_stream_that_cannot_seek_is_held_up_to_its_limit(limited: Decoding) -> None:
    small = clips.encode(clips.moving_scene(2, 1.0, 64, 48))
    long = small + b"\0\0\0\x08free" * 5000
    assert len(small) < 20_000 < len(long)

    held = extract(limited, Pipe(small), CLIP)
    cut = extract(limited, Pipe(long), CLIP)

    assert held.coverage.problems == ()
    assert Problem.LIMIT_BYTES in cut.coverage.problems
    assert cut.fingerprint.tracks == held.fingerprint.tracks


def test_limits_hold(limited: Decoding) -> None:
    found = extract(limited, clips.encode(SCENE), CLIP)

    assert found.coverage.problems == (Problem.LIMIT_FRAME_PIXELS,)
    assert found.fingerprint.frames == 0


def test_a_pipe_of_the_system_is_a_stream(decoding: Decoding) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb") as sink:
        sink.write(clips.picture(SCENE[0], "JPEG"))
        sink.close()
        found = extract(decoding, stream, CLIP)

    assert found.fingerprint.kind is Kind.IMAGE


def test_a_placed_picture_comes_out_of_each_alike(decoding: Decoding) -> None:
    media, sampling = clips.encode(SCENE), replace(CLIP, held_frames=24)
    middle = np.array([[0.5, 0.1, 0.2], [-0.1, 0.5, 0.3], [0.0, 0.1, 1.0]])
    placing = Placing(
        0, True, False, np.array([500, 1500]), np.array([middle, middle * [[1.1], [1.1], [1]]])
    )

    with decoding.opened(media, sampling) as taking:
        taking.whole()
        placed = taking.straightened(placing)
        again = taking.straightened(placing)
        elsewhere = taking.straightened(replace(placing, stream=1))
    plain = Extraction(io.BytesIO(media), sampling)
    plain.whole()

    (track,) = placed.fingerprint.tracks
    assert placed == again == plain.straightened(placing)
    assert (track.view, track.times_ms[0]) == (View.AS_IS, 0)
    assert len(track) > 6
    assert elsewhere.fingerprint.tracks == ()


@pytest.mark.parametrize("is_there", [True, False], ids=["a screen", "none"])
def test_what_a_screen_shows_comes_out_of_each_alike(decoding: Decoding, is_there: bool) -> None:
    footage = corners.on_a_screen(corners.town(0, 2.0)) if is_there else SCENE
    media, sampling = clips.encode(footage), replace(CLIP, held_frames=24)

    with decoding.opened(media, sampling) as taking:
        taking.whole()
        shown = taking.screen()
    plain = Extraction(io.BytesIO(media), sampling)
    plain.whole()

    assert shown == plain.screen()
    inner = View(Region.INNER)
    views = [inner, replace(inner, mirrored=True)] if is_there else []
    assert [track.view for track in shown.fingerprint.tracks] == views


def test_a_picture_has_no_screen(decoding: Decoding) -> None:
    still = clips.picture(corners.on_a_screen(corners.town(0, 0.1))[0], "PNG")

    with decoding.opened(still, replace(CLIP, held_frames=24)) as taking:
        taking.whole()
        assert taking.screen().fingerprint.tracks == ()
