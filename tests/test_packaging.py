"""The wheel, and the two commands: what a new user's machine gets."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = re.search(r"^UV_VERSION := ([0-9.]+)", MAKEFILE, re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the locked build tool, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(  # noqa: S603  # our own build
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_has_the_code_and_nothing_else(wheel: Path) -> None:
    version = PROJECT["project"]["version"]

    assert {one.split("/")[0] for one in members(wheel)} == {
        "hashing",
        "service",
        "cli.py",
        f"recirc-{version}.dist-info",
    }


def test_the_wheel_has_every_file_of_the_code(wheel: Path) -> None:
    """Data, such as the reporting routes, too."""
    files = {
        str(path.relative_to(ROOT))
        for folder in ("hashing", "service")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert files <= set(members(wheel))


def test_the_wheel_installs_the_command_and_carries_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {one.split("/", 1)[-1]: archive.read(one).decode() for one in archive.namelist()}
    licence = texts["licenses/LICENSE"]

    assert "recirc = cli:main" in texts["entry_points.txt"]
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_bootstrap_installs_the_uv_of_the_lock_file() -> None:
    locked = [package["version"] for package in LOCK["package"] if package["name"] == "uv"]

    assert PINNED is not None
    assert locked == [PINNED[1]]


def test_every_dependency_has_wheels() -> None:
    """A fresh machine has no compiler, and an sdist runs foreign code while it is built."""
    bare = [
        package["name"]
        for package in LOCK["package"]
        if not package.get("wheels") and package["name"] != "recirc"
    ]

    assert bare == []
    assert "--no-build " in MAKEFILE


def test_the_lock_file_is_of_this_project() -> None:
    """Else `uv sync --frozen` would install what an older pyproject.toml asked for."""
    (ours,) = [package for package in LOCK["package"] if package["name"] == "recirc"]
    asked = {re.split(r"[^\w.-]", one)[0] for one in PROJECT["project"]["dependencies"]}

    assert {one["name"] for one in ours["metadata"]["requires-dist"]} == asked
    assert ours["metadata"]["requires-dev"].keys() == PROJECT["dependency-groups"].keys()
    assert ours["version"] == PROJECT["project"]["version"]


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "docs"])
def test_make_has_the_target(target: str) -> None:
    planned = subprocess.run(  # noqa: S603  # prints what it would do, and does nothing
        ["make", "--dry-run", target],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert planned.returncode == 0, planned.stderr
    assert ".venv/bin/" in planned.stdout


def test_what_runs_before_a_change_goes_in_is_executable() -> None:
    run = ROOT / ".ci" / "run"

    assert run.stat().st_mode & 0o111
    assert "set -euo pipefail" in run.read_text(encoding="utf-8")
