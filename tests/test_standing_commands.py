"""The commands ``recirc disable``, ``enable`` and ``expire``."""

from pathlib import Path

import pytest

from tests import clips
from tests.commands import Recirc


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """With one clip, that is on a list."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(clips.encode(clips.moving_scene(1, 3.0)))
    (folder / "other.mp4").write_bytes(clips.encode(clips.moving_scene(2, 3.0)))
    made = Recirc(folder, monkeypatch, capsys)
    assert made("add", "a", "clip.mp4", "--id", "r1").code == 0
    assert made("add", "a", "other.mp4", "--id", "r2").code == 0
    return made


@pytest.mark.parametrize(
    ("away", "said", "back"),
    [
        pytest.param(["disable", "a", "r1"], "disabled", ["enable", "a", "r1"], id="disabled"),
        pytest.param(
            ["expire", "a", "r1", "--days", "0"],
            "expired on",
            ["expire", "a", "r1", "--never"],
            id="expired",
        ),
        pytest.param(
            ["expire", "a", "r1", "--on", "2020-02-29"],
            "expired on 2020-02-29",
            ["expire", "a", "r1", "--days", "1"],
            id="on a day that has been",
        ),
    ],
)
def test_no_check_looks_at_it_until_it_is_brought_back(
    recirc: Recirc, away: list[str], said: str, back: list[str]
) -> None:
    ran = recirc(*away)

    assert ran.code == 0
    assert f"r1: {said}" in ran.out
    assert recirc("check", "clip.mp4").code == 0
    assert said in recirc("lists", "show", "a").out
    assert said in recirc("add", "a", "clip.mp4").err
    assert said in recirc("explain", "clip.mp4", "a", "r1").out
    assert '"r1"' not in recirc("export", "a").out
    assert recirc(*back).code == 0
    assert recirc("check", "clip.mp4").code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["disable", "a", "r9"], "reference_not_found", id="no such reference"),
        pytest.param(["disable", "b", "r1"], "list_not_found", id="no such list"),
        pytest.param(["expire", "a", "r1"], "bad_setting", id="no time"),
        pytest.param(["expire", "a", "r1", "--days", "1", "--never"], "bad_setting", id="two"),
        pytest.param(["expire", "a", "r1", "--on", "tomorrow"], "bad_setting", id="no date"),
    ],
)
def test_what_cannot_be_done_is_said(recirc: Recirc, arguments: list[str], code: str) -> None:
    ran = recirc(*arguments)

    assert ran.code == 2
    assert ran.err.startswith(f"{code}: ")


def test_the_others_are_changed_where_one_is_missing(recirc: Recirc) -> None:
    ran = recirc("disable", "a", "r9", "r1")

    assert ran.code == 2
    assert "r1: disabled" in ran.out
    assert recirc("check", "clip.mp4").code == 0


@pytest.mark.parametrize(
    "how", [["disable"], ["expire", "--days", "0"]], ids=["disabled", "expired"]
)
def test_an_export_announces_what_it_has(recirc: Recirc, how: list[str]) -> None:
    """Else whoever imports it is told that it is cut off."""
    recirc(how[0], "a", "r1", *how[1:])
    lines = recirc("export", "a").out
    ran = recirc("import", "copy", "-", stdin=lines.encode())

    assert len(lines.splitlines()) == 2
    assert (ran.code, ran.err) == (0, "")
