"""The pages say what the code does: every command, code, setting and link is checked."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

import cli
import hashing
import service
from hashing.errors import RecircError

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
Command = TyperCommand | TyperGroup


def _program() -> Command:
    made = typer.main.get_command(cli.app)
    assert isinstance(made, TyperGroup)
    return made


COMMANDS = _program()
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [*(ROOT / "service").rglob("*.py"), ROOT / "cli.py"]
)


def commands(command: Command, path: str = "recirc") -> Iterator[tuple[str, Command]]:
    """Every command with its full name, groups too."""
    yield path, command
    for name, inner in parts(command).items():
        yield from commands(inner, f"{path} {name}")


def parts(command: Command) -> dict[str, Command]:
    """A group's commands by their names; none of a plain command."""
    if not isinstance(command, TyperGroup):
        return {}
    return {name: one for name, one in command.commands.items() if isinstance(one, Command)}


def modules() -> Iterator[object]:
    """Every module of the tree."""
    for package in (hashing, service):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def error_codes() -> set[str]:
    """The codes of every error class and of every enum of problems."""
    classes: set[type] = set()
    for module in modules():
        classes |= {one for one in vars(module).values() if isinstance(one, type)}
    errors = {one.code for one in classes if issubclass(one, RecircError)}
    problems = {
        str(code)
        for one in classes
        if issubclass(one, StrEnum) and one.__name__.endswith("Problem")
        for code in one
    }
    return errors | problems


EVERY_COMMAND = list(commands(COMMANDS))


@pytest.mark.parametrize(("name", "command"), EVERY_COMMAND, ids=[one for one, _ in EVERY_COMMAND])
def test_every_command_is_in_the_docs_and_has_help(name: str, command: Command) -> None:
    assert command.help
    assert re.search(rf"\b{name}\b", DOCS)


@pytest.mark.parametrize(("name", "command"), EVERY_COMMAND, ids=[one for one, _ in EVERY_COMMAND])
def test_every_option_has_help(name: str, command: Command) -> None:
    assert name
    bare = [
        option.name
        for option in command.params
        if isinstance(option, TyperOption) and not option.help
    ]

    assert bare == []


@pytest.mark.parametrize("code", sorted(error_codes()))
def test_every_code_is_in_the_docs(code: str) -> None:
    assert f"`{code}`" in DOCS


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"\bRECIRC_[A-Z_]+\b", SOURCE))))
def test_every_setting_is_in_the_docs(setting: str) -> None:
    assert setting in DOCS


def test_the_pages_that_are_made_from_the_code_are_current() -> None:
    ran = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr


CONSOLE = sorted(
    {
        line.removeprefix("$ ")
        for page in PAGES
        for block in re.findall(
            r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        )
        for line in block.splitlines()
        if line.startswith("$ ")
    }
)


@pytest.mark.parametrize("line", [one for one in CONSOLE if "make " in one])
def test_make_commands_in_the_docs_exist(line: str) -> None:
    targets = re.findall(r"\bmake ([a-z]+)", line)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_readme_names_the_two_commands() -> None:
    assert "$ make demo\n$ make test\n" in README


RECIRC_LINES = [one for one in CONSOLE if re.search(r"(^|\| )recirc ", one)]


@pytest.mark.parametrize("line", RECIRC_LINES)
def test_recirc_lines_in_the_docs_name_commands_and_options_that_exist(line: str) -> None:
    (call,) = re.findall(r"(?:^|\| )recirc ([^|#>]*)", line)
    words = call.split()
    command: Command = COMMANDS
    while words and words[0] in parts(command):
        command = parts(command)[words.pop(0)]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}

    assert command is not COMMANDS, f"recirc {words[0]} is no command"
    assert {word for word in words if word.startswith("--")} <= known | {"--help"}


LINKS = sorted(
    {
        (page, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if not link.startswith("http")
    }
)


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize(
    ("page", "link"), LINKS, ids=[f"{page.relative_to(ROOT)} {link}" for page, link in LINKS]
)
def test_links_between_pages_lead_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = page if not path else Path(os.path.normpath(page.parent / path))

    assert target.exists()
    assert not anchor or anchor in anchors(target)


def test_python_in_the_docs_compiles() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    for block in blocks:
        compile(block, "docs", "exec")

    assert blocks
