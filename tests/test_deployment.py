"""The Dockerfile and the compose file: what they promise, where no container engine runs.

`make nightly` carries the Dockerfile's steps out, and starts what comes out.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
REPLAY = ROOT / ".ci" / "replay-dockerfile"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions with their arguments, lines joined."""
    bare = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", bare)
    return [(name, rest) for name, rest in re.findall(r"^([A-Z]+) (.*)$", joined, re.MULTILINE)]


ALL = instructions(DOCKERFILE)
LAST = ALL[max(place for place, (name, _) in enumerate(ALL) if name == "FROM") :]


def the(name: str) -> str:
    """What the one instruction of this name says about the image that runs."""
    (argument,) = [rest for one, rest in LAST if one == name]
    return argument


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    ran = subprocess.run(  # noqa: S603  # the developers' tool
        [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (0, "")


def test_every_stage_is_pinned_to_the_same_image() -> None:
    bases = {rest.split(" AS ")[0] for name, rest in ALL if name == "FROM"}

    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)


def test_what_runs_needs_no_shell_and_no_tool() -> None:
    """No RUN, and every command as a list."""
    assert "RUN" not in [name for name, _ in LAST]
    assert json.loads(the("CMD")) == ["recirc", "serve"]
    assert json.loads(the("HEALTHCHECK").partition("CMD ")[2])[0] == "python"


def test_it_runs_as_nobody_in_particular() -> None:
    assert re.fullmatch(r"([1-9]\d{3,}):\1", the("USER"))


def test_only_the_database_has_a_place() -> None:
    assert the("VOLUME") == "/data"
    assert "RECIRC_DB=/data/" in the("ENV")


def test_the_uv_of_the_makefile_makes_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (version,) = re.findall(r"^UV_VERSION := ([0-9.]+)", makefile, re.MULTILINE)

    assert f"uv=={version}" in DOCKERFILE


def test_only_locked_wheels_are_installed() -> None:
    for _, rest in [one for one in ALL if one[0] == "RUN"]:
        for part in re.split(" && ", rest):
            if "uv sync" in part:
                assert {"--frozen", "--no-build"} <= set(part.split())
            if "uv pip install" in part:
                assert {"--offline", "--no-deps"} <= set(part.split())


def test_the_context_is_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {
        word.split("/")[0]
        for name, rest in ALL
        if name == "COPY" and not rest.startswith("--from")
        for word in rest.split()[:-1]
    }

    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


@pytest.mark.parametrize(
    "line",
    [
        "read_only: true",
        'user: "10001:10001"',
        "cap_drop:\n      - ALL",
        "security_opt:\n      - no-new-privileges:true",
        "mem_limit: 6g",
        "memswap_limit: 6g",
        "pids_limit: 256",
        "stop_grace_period: 25s",
        '- "127.0.0.1:8000:8000"',
    ],
)
def test_compose_locks_it_up(line: str) -> None:
    assert COMPOSE.count(f"\n    {line}\n") + COMPOSE.count(f"\n      {line}\n") == 1


def test_compose_gives_no_other_place_to_write() -> None:
    keys = set(re.findall(r"^ *([a-z_]+):", COMPOSE, re.MULTILINE))

    assert not keys & {"tmpfs", "privileged", "cap_add", "devices", "pid", "ipc"}


def test_the_replay_can_be_run() -> None:
    compile(REPLAY.read_text(encoding="utf-8"), str(REPLAY), "exec")

    assert REPLAY.stat().st_mode & 0o111
