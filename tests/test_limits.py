"""Every limit on media, chosen by its variable, through the real command: each has its own code."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from service import caging, curating
from service.media.decoding import Uncaged
from service.settings import MEDIA_LIMITS
from service.store.sqlite import SqliteStore
from tests import clips
from tests.commands import Recirc, fields

OWN_CAGE: Final = caging.for_command  # ``Recirc`` puts a shared one in its place, with the defaults
SCENE: Final = clips.moving_scene(3, 2.0)


def _video() -> bytes:
    return clips.encode(SCENE)


def _tracks() -> bytes:
    return clips.encode_tracks([SCENE, clips.mirrored(SCENE)])


def _behind_another() -> bytes:
    return _video() + clips.encode(clips.mirrored(SCENE))


def _still() -> bytes:
    return clips.picture(SCENE[0], "JPEG")


def _animation() -> bytes:
    return clips.animation(SCENE[:20])


# A value that is reached, the clip that reaches it, and the code of the answer.
REACHED: Final[dict[str, tuple[int, Callable[[], bytes], str]]] = {
    "frame_pixels": (1000, _video, "limit_frame_pixels"),
    "still_pixels": (1000, _still, "limit_still_pixels"),
    "frames": (10, _video, "limit_frames"),
    "total_pixels": (160 * 120 * 10, _video, "limit_pixels"),
    "seconds": (1, _video, "limit_seconds"),
    "packets": (10, _video, "limit_packets"),
    "tracks": (1, _tracks, "limit_tracks"),
    "films": (0, _behind_another, "limit_films"),
    "media_bytes": (5000, _video, "limit_bytes"),
    "picture_bytes": (1000, _still, "limit_picture_bytes"),
    "animation_pixels": (160 * 120 * 4, _animation, "limit_animation_pixels"),
}


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """The command with other footage on its list."""
    (tmp_path / "folder").mkdir()
    command = Recirc(tmp_path / "folder", monkeypatch, capsys)
    store = SqliteStore(command.database)
    other = clips.encode(clips.moving_scene(9, 2.0))
    curating.add_media(
        store, Uncaged(), "known", other, reference_id="r1", label=None, incident=None
    )
    store.close()
    return command


def test_every_limit_is_tried() -> None:
    assert list(REACHED) == list(MEDIA_LIMITS)


@pytest.mark.parametrize("name", REACHED)
def test_a_limit_that_is_reached_is_no_clean_answer(
    recirc: Recirc, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    value, make, code = REACHED[name]
    clip = make()  # from standard input: that is held in memory
    answers = recirc("check", "--json", "-", stdin=clip).answers()
    assert fields(answers, "verdict") == ["no_match"]

    monkeypatch.setattr(caging, "for_command", OWN_CAGE)
    monkeypatch.setenv(MEDIA_LIMITS[name].name, str(value))
    (answer,) = recirc("check", "--json", "-", stdin=clip).answers()

    assert answer["verdict"] == "unscannable"
    problems = answer["problems"]
    assert isinstance(problems, list)
    assert code in problems
    assert not {one for one in problems if one.startswith("limit_")} - {code}
