"""The doctor: what it finds sound, and that it sees what is not."""

from pathlib import Path

import pytest

import cli
from hashing.errors import UnreadableMedia
from service import doctor, settings
from service.doctor import Health
from service.store.sqlite import SqliteStore
from tests.commands import Recirc


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """The command in an empty folder."""
    return Recirc(tmp_path, monkeypatch, capsys)


def test_a_sound_installation(recirc: Recirc) -> None:
    ran = recirc("doctor")
    lines = ran.out.splitlines()

    assert ran.code == cli.Exit.DONE
    assert not any(line.startswith("problem") for line in lines)
    for name in ("recirc", "Python", "FFmpeg", "OpenCV", "Pillow", "SQLite", "database"):
        assert any(line.startswith(f"ok       {name}: ") for line in lines)
    for codec in ("H.264", "HEVC", "VP9", "AV1"):
        assert f"ok       {codec} decoder: reads a test clip" in lines
    assert any(line.startswith("ok       sandbox: full: seccomp, Landlock") for line in lines)
    assert not recirc.database.exists()


def test_an_empty_database_is_a_warning(recirc: Recirc) -> None:
    SqliteStore(recirc.database).close()

    assert "warning  lists: no references" in recirc("doctor").out


def test_a_database_that_is_none_is_a_problem(recirc: Recirc) -> None:
    ran = recirc("doctor", "--db", recirc.file("nonsense", b"nonsense" * 100))

    assert ran.code == cli.Exit.NOT_DONE
    assert "problem  database: " in ran.out
    assert "--db" in ran.out


def test_a_decoder_that_fails_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise UnreadableMedia("no")

    monkeypatch.setattr(doctor, "extract", broken)
    chosen = settings.from_environment({}, database=tmp_path / "new.sqlite3")

    found = [one for one in doctor.examine(chosen) if one.health is Health.PROBLEM]

    assert [one.name for one in found] == [
        *("H.264 decoder", "HEVC decoder", "VP9 decoder", "AV1 decoder")
    ]
    assert all(one.mend for one in found)


def test_low_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LOW_SPACE_BYTES", 2**70)
    chosen = settings.from_environment({}, database=tmp_path / "new.sqlite3")

    found = {one.name: one.health for one in doctor.examine(chosen)}

    assert found["free space"] is Health.WARNING
