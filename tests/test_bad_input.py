"""Bad input through the real command: never "no match", never a stop, never a file left behind."""

import errno
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pytest

import cli
from service import curating, paths
from service.store.sqlite import SqliteStore
from tests import cages, clips
from tests.commands import Recirc, fields

GOOD: Final = "good.mp4"
_SCENE: Final = partial(clips.moving_scene, 7, 2.0)


def _one_frame() -> bytes:
    return clips.encode(_SCENE()[:1])


def _no_length() -> bytes:
    return clips.with_length_claimed(clips.encode(_SCENE()), 0)


def _encrypted() -> bytes:
    """An archive whose member claims to be encrypted, in both of its heads."""
    archive = bytearray(clips.zipped({"clip.mp4": b"secret"}))
    archive[6] |= 1
    archive[archive.find(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def _nested(depth: int) -> bytes:
    """So many archives in one another."""
    data = b"b"
    for _ in range(depth):
        data = clips.zipped({"a.zip": data})
    return data


# What stands in the file, under which name, and the codes that the answer may have.
CASES: Final[dict[str, tuple[str, Callable[[], bytes], set[str]]]] = {
    "empty": ("clip.mp4", bytes, {"empty_file"}),
    "text": ("clip.mp4", lambda: b"This is no clip.\n" * 50, {"not_media"}),
    "audio only": ("clip.mp4", clips.audio_only, {"no_video"}),
    "moov missing": (
        *("clip.mp4", lambda: clips.without_moov(clips.encode(_SCENE()))),
        {"decoder_error"},
    ),
    "mdat cut": (
        *("clip.mp4", lambda: clips.with_media_cut(clips.encode(_SCENE()))),
        {"truncated", "decoder_error"},
    ),
    "one pixel": (
        *("clip.mp4", lambda: clips.encode(np.zeros((10, 1, 1), np.uint8), codec="mpeg4")),
        {"too_dark", "decoder_error"},
    ),
    "all black": ("clip.mp4", lambda: clips.encode(clips.black()), {"too_dark"}),
    "zip bomb": ("clip.zip", clips.zip_bomb, {"zip_limit_ratio"}),
    "encrypted zip": ("clip.zip", _encrypted, {"zip_encrypted"}),
    "zip in zips": ("clip.zip", lambda: _nested(4), {"zip_nested"}),
    "no zip": ("clip.zip", lambda: b"PK\x03\x04 and no more", {"zip_damaged"}),
    "empty zip": ("clip.zip", lambda: clips.zipped({}), {"zip_empty"}),
    **{
        f"playlist {name}": ("clip.mp4", partial(bytes, text), {"not_media"})
        for name, text in clips.PLAYLISTS.items()
    },
}
# What is odd but can be checked in full.
FINE: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "wrong extension": ("clip.txt", lambda: clips.encode(_SCENE())),
    "no extension": ("clip", lambda: clips.encode(_SCENE(), container="matroska")),
    "one frame": ("clip.mp4", _one_frame),
    "no length": ("clip.mp4", _no_length),
}


@pytest.fixture(scope="session")
def good() -> bytes:
    """A clip that every call is given as well: it has to be found."""
    return clips.encode(clips.moving_scene(1, 2.0))


@pytest.fixture
def recirc(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    good: bytes,
) -> Recirc:
    """The command with ``GOOD`` listed, and a home and a temporary folder of its own."""
    for variable in ("HOME", "TMPDIR"):
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is asked for once and remembered
    folder = tmp_path / "folder"
    folder.mkdir()
    command = Recirc(folder, monkeypatch, capsys)
    store = SqliteStore(command.database)
    curating.add_media(
        store, cages.shared(), "known", good, reference_id="good", label=None, incident=None
    )
    store.close()
    command.file(GOOD, good)
    return command


def tree(root: Path) -> dict[str, bytes]:
    """All that lies under a folder, but the database's own files."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
        if path.parent.name != "database"
    }


def check(recirc: Recirc, *paths: str) -> tuple[list[object], list[object], int]:
    """Verdicts, problem codes and the exit code of one call; and nothing was written by it."""
    before = tree(recirc.folder.parent)

    ran = recirc("check", "--json", *paths)

    assert tree(recirc.folder.parent) == before
    assert all(name.startswith("recirc.sqlite3") for name in os.listdir(recirc.database.parent))
    assert "Traceback" not in ran.err
    answers = ran.answers()
    return fields(answers, "verdict"), fields(answers, "problems"), ran.code


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_unscannable_and_the_others_are_checked(recirc: Recirc, case: str) -> None:
    name, make, codes = CASES[case]
    recirc.file(name, make())

    verdicts, problems, code = check(recirc, name, GOOD)

    assert verdicts == ["unscannable", "match"]
    assert isinstance(problems[0], list)
    assert problems[0]
    assert set(problems[0]) <= codes
    assert code == cli.Exit.FOUND
    assert check(recirc, name)[2] == cli.Exit.NOT_DONE


@pytest.mark.parametrize("case", CASES)
def test_bad_input_in_words(recirc: Recirc, case: str) -> None:
    name, make, codes = CASES[case]
    recirc.file(name, make())

    ran = recirc("check", name)

    assert ran.out.startswith(f"NOT CHECKED: {name}")
    assert any(f"[{code}]" in ran.out for code in codes)
    assert "NO MATCH" not in ran.out


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_no_reference(recirc: Recirc, case: str) -> None:
    """Refused with one line a clip, but for what is cut off: that goes in with a warning."""
    name, make, codes = CASES[case]
    recirc.file(name, make())

    ran = recirc("add", "known", name)

    if case == "mdat cut":
        assert (ran.code, ran.err.count("\n")) == (cli.Exit.DONE, 1)
        assert ran.err.startswith("warning: ")
        return
    assert (ran.code, ran.out, ran.err.count("\n")) == (cli.Exit.NOT_DONE, "", 1)
    assert ran.err.split(":")[0] in codes


@pytest.mark.parametrize("case", FINE)
def test_odd_input_is_checked_in_full(recirc: Recirc, case: str) -> None:
    name, make = FINE[case]
    recirc.file(name, make())

    verdicts, problems, code = check(recirc, name, GOOD)

    assert (verdicts, problems, code) == (["no_match", "match"], [[], []], cli.Exit.FOUND)


class TestPaths:
    def test_a_folder_without_media(self, recirc: Recirc) -> None:
        (recirc.folder / "empty").mkdir()
        recirc.file("notes/a.txt", b"text")

        assert check(recirc, "empty", "notes", GOOD) == (
            *(["unscannable", "unscannable", "match"], [["empty_folder"], ["no_clips"], []]),
            cli.Exit.FOUND,
        )

    def test_an_unreadable_file(self, recirc: Recirc, monkeypatch: pytest.MonkeyPatch) -> None:
        """By a stand-in for ``open``: whoever runs the tests as root may read everything."""

        def guarded(path: str, mode: str) -> BinaryIO:
            if path == "secret.mp4":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return Path(path).open("rb")

        recirc.file("secret.mp4", b"x")
        monkeypatch.setattr(paths, "open", guarded, raising=False)

        verdicts, problems, _ = check(recirc, "secret.mp4", GOOD)

        assert (verdicts, problems) == (["unscannable", "match"], [["unreadable_path"], []])

    @pytest.mark.parametrize(
        "path", ["gone.mp4", "gone/clip.mp4", "good.mp4/x", "a\0b", "x" * 5000]
    )
    def test_a_path_that_cannot_be_opened(self, recirc: Recirc, path: str) -> None:
        verdicts, problems, code = check(recirc, path, GOOD)

        assert (verdicts, problems) == (["unscannable", "match"], [["unreadable_path"], []])
        assert code == cli.Exit.FOUND


class TestArchives:
    def test_a_member_that_climbs_is_only_a_label(self, recirc: Recirc, good: bytes) -> None:
        recirc.file("chat.zip", clips.zipped({"../../evil.mp4": good, "/etc/evil.mp4": good}))

        verdicts, problems, code = check(recirc, "chat.zip")

        assert (verdicts, problems, code) == (["match"] * 2, [[], []], cli.Exit.FOUND)
        paths = fields(recirc("check", "--json", "chat.zip").answers(), "path")
        assert paths == ["chat.zip/../../evil.mp4", "chat.zip//etc/evil.mp4"]

    def test_the_other_members_of_a_bad_archive_are_checked(
        self, recirc: Recirc, good: bytes
    ) -> None:
        bomb = bytes(32 * 1024 * 1024)
        recirc.file("chat.zip", clips.zipped({"bomb": bomb, "a.pdf": b"%PDF\0", "VID-1.mp4": good}))

        verdicts, problems, code = check(recirc, "chat.zip")

        assert verdicts == ["unscannable", "unscannable", "match"]
        assert problems == [["zip_limit_ratio"], ["not_media"], []]
        assert code == cli.Exit.FOUND

    @pytest.mark.parametrize(
        ("variable", "value", "code"),
        [
            ("RECIRC_ZIP_LIMIT_MEMBERS", "1", "zip_limit_members"),
            ("RECIRC_ZIP_LIMIT_CONTENTS_BYTES", "50", "zip_limit_contents"),
            ("RECIRC_ZIP_LIMIT_MEMBER_BYTES", "1000", "zip_limit_bytes"),
            ("RECIRC_ZIP_LIMIT_TOTAL_BYTES", "1000", "zip_limit_total"),
            ("RECIRC_ZIP_LIMIT_NESTING", "0", "zip_nested"),
        ],
    )
    @pytest.mark.parametrize(
        "command", [["check", "--json"], ["add", "new"], ["hash"]], ids=" ".join
    )
    def test_a_limit_may_be_chosen(
        self,
        recirc: Recirc,
        good: bytes,
        monkeypatch: pytest.MonkeyPatch,
        *,
        command: list[str],
        variable: str,
        value: str,
        code: str,
    ) -> None:
        recirc.file("chat.zip", clips.zipped({"a.zip": clips.zipped({"b.mp4": good}), "c": good}))
        monkeypatch.setenv(variable, value)

        ran = recirc(*command, "chat.zip")

        assert f"{code}: " in ran.err


class TestSkipped:
    @pytest.fixture
    def export(self, recirc: Recirc) -> str:
        """A chat's export as phones write it, with a clip that is on no list."""
        return recirc.file(
            "chat.zip",
            clips.zipped(
                {
                    "_chat.txt": b"[1/1/26, 10:00] Ann: VID-1.mp4 (file attached)\r\n" * 9,
                    "00000001-Ann.vcf": b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n",
                    "PTT-1.m4a": clips.audio_only(),
                    "STK-1.webp": clips.picture(_SCENE()[0], "WEBP"),
                    "VID-1.mp4": clips.encode(_SCENE()),
                }
            ),
        )

    def test_text_and_sound_beside_clips_are_counted(self, recirc: Recirc, export: str) -> None:
        ran = recirc("check", export)

        assert ran.code == cli.Exit.DONE
        assert ran.out.count("NO MATCH: ") == 2
        assert "NOT CHECKED" not in ran.out
        assert ran.out.count("Skipped, no video or picture in it: 3 files (2 text, 1 sound") == 1

    def test_in_json_they_are_noted_on_the_other_stream(self, recirc: Recirc, export: str) -> None:
        ran = recirc("check", "--json", export)

        assert fields(ran.answers(), "verdict") == ["no_match"] * 2
        assert ran.err == "Skipped, no video or picture in it: 3 files (2 text, 1 sound only).\n"
        assert ran.code == cli.Exit.DONE

    @pytest.mark.parametrize("command", [["add", "new"], ["hash"]], ids=["add", "hash"])
    def test_whatever_is_done_with_the_clips(
        self, recirc: Recirc, export: str, command: list[str]
    ) -> None:
        ran = recirc(*command, export)

        assert ran.code == cli.Exit.DONE
        assert ran.err == "Skipped, no video or picture in it: 3 files (2 text, 1 sound only).\n"

    @pytest.mark.parametrize("command", [["check", "--json"], ["hash"]], ids=["check", "hash"])
    def test_nothing_else_is_no_success(self, recirc: Recirc, command: list[str]) -> None:
        """Whoever names the wrong folder has checked nothing."""
        recirc.file("notes/a.txt", b"text")

        ran = recirc(*command, "notes")

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err.startswith("no_clips: notes: ")
