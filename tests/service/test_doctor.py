"""The doctor: what it finds sound, and that it sees what is not."""

from pathlib import Path

import pytest

import cli
from hashing.errors import UnreadableMedia
from hashing.parts import Part
from service import doctor, settings, snapshots
from service.doctor import Health
from service.store.base import Mark
from service.store.sqlite import SqliteStore
from tests.commands import Recirc
from tests.fingerprints import video


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


def test_index_files_are_read_and_what_is_wrong_with_them_is_told(recirc: Recirc) -> None:
    SqliteStore(recirc.database).close()
    folder = settings.from_environment({}, database=recirc.database).index
    assert folder is not None
    shelf = snapshots.Shelf(Part.of([video(1, 30)]), (("r1", None, None),))
    for name in ("broken", "sound"):
        snapshots.write(snapshots.path_of(folder, name), shelf, Mark(3, "token"))
    snapshots.path_of(folder, "broken").write_bytes(b"nonsense")
    out = recirc("doctor").out

    assert "ok       index of sound: sound, version 3, 30 frames" in out
    assert "warning  index of broken: not used: not a snapshot of this version" in out


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
