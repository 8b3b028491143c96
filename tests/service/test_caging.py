"""Who gets which decoders: nothing is decoded uncaged unless somebody said so."""

from pathlib import Path

import pytest

import cli
from service import caging, doctor
from service.doctor import Health
from service.errors import NoCage
from service.media import kernel
from service.media.cage import Cage
from service.media.confinement import MIB
from service.media.decoding import Level, Uncaged
from service.settings import Settings, from_environment
from tests.commands import Recirc

LIMITS_ONLY = {"RECIRC_SANDBOX": "limits-only"}


def settings(folder: Path, **environment: str) -> Settings:
    return from_environment(environment, database=folder / "new.sqlite3")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system that has no cage."""
    monkeypatch.setattr(kernel, "machine", lambda: None)


@pytest.mark.parametrize("way", [caging.for_command, caging.for_service])
def test_the_default_is_the_cage(tmp_path: Path, way: object) -> None:
    chosen = caging.for_command if way is caging.for_command else caging.for_service
    with chosen(settings(tmp_path)) as decoding:
        decoding.require()

        assert isinstance(decoding, Cage)
        assert decoding.level in (Level.FULL, Level.NO_LANDLOCK)
        assert decoding.notices == ()


def test_the_limits_are_those_of_the_settings(tmp_path: Path) -> None:
    chosen = {"WALL_S": "7", "CPU_S": "8", "MEMORY_MIB": "192"}
    limits = settings(tmp_path, **{f"RECIRC_CHECK_{name}": text for name, text in chosen.items()})
    confined = caging.confinement(limits)

    assert (confined.wall_s, confined.cpu_s, confined.memory_bytes) == (7, 8, 192 * MIB)


def test_who_says_so_gets_limits_alone(tmp_path: Path) -> None:
    with caging.for_service(settings(tmp_path, **LIMITS_ONLY)) as decoding:
        assert decoding.level is Level.LIMITS_ONLY
        assert decoding.notices == ("sandbox_limits_only",)


@pytest.mark.usefixtures("elsewhere")
class TestElsewhere:
    def test_a_command_decodes_and_says_so(self, tmp_path: Path) -> None:
        with caging.for_command(settings(tmp_path)) as decoding:
            assert isinstance(decoding, Uncaged)
            assert decoding.notices == ("sandbox_limits_only",)

    def test_a_service_has_to_be_told(self, tmp_path: Path) -> None:
        with pytest.raises(NoCage, match="--sandbox=limits-only"):
            caging.for_service(settings(tmp_path)).__enter__()
        with caging.for_service(settings(tmp_path, **LIMITS_ONLY)) as decoding:
            assert isinstance(decoding, Uncaged)

    def test_the_doctor_sees_it(self, tmp_path: Path) -> None:
        found = {one.name: one for one in doctor.examine(settings(tmp_path))}

        assert found["sandbox"].health is Health.PROBLEM
        assert found["H.264 decoder"].health is Health.OK


def test_the_doctor_warns_of_limits_alone(tmp_path: Path) -> None:
    found = {one.name: one for one in doctor.examine(settings(tmp_path, **LIMITS_ONLY))}

    assert found["sandbox"].health is Health.WARNING
    assert found["sandbox"].mend


def test_a_level_that_is_none_is_a_bad_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Recirc(tmp_path, monkeypatch, capsys)("check", "x", "--sandbox", "none")

    assert ran.code == cli.Exit.NOT_DONE
    assert ran.err.startswith("bad_setting: RECIRC_SANDBOX (--sandbox): ")
