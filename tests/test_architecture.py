"""The shape of the code, where neither import-linter nor ruff can see it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES, MOST_FUNCTION_LINES = 400, 40
CODE = sorted([*ROOT.glob("hashing/**/*.py"), *ROOT.glob("service/**/*.py"), ROOT / "cli.py"])
BENCHMARKS = sorted(ROOT.glob("benchmarks/**/*.py"))  # tests are tables, which may be long
CORE = [path for path in CODE if path.is_relative_to(ROOT / "hashing")]
# Builtins that reach outside a pure core. Exact, because import-linter sees imports alone.
IMPURE = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
CLIENTS = {"http.client", "urllib.request", "asyncio.open_connection"}
CONNECTS = {"connect", "connect_ex", "create_connection", "open_connection", "sock_connect"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def impure_calls(source: str) -> set[str]:
    """The builtins of ``IMPURE`` that are called by their own name."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {one.id for one in calls if isinstance(one, ast.Name)} & IMPURE


def test_the_import_contracts_hold() -> None:
    """As in `make check`: who may import whom is in pyproject.toml."""
    ran = subprocess.run(  # noqa: S603  # our own linter, no one else's words
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_opens_and_prints_nothing(path: Path) -> None:
    assert impure_calls(path.read_text(encoding="utf-8")) == set()


def test_an_open_would_be_seen() -> None:
    assert impure_calls("def f():\n    with open('x') as y: print(y)") == {"open", "print"}
    assert impure_calls("media.open(); reopen(); # open()") == set()


def client_sockets(source: str) -> set[str]:
    """What of a module opens a connection to another machine: imports, and calls by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names} & CLIENTS
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{one.name}" for one in node.names} & CLIENTS
            found |= {str(node.module)} & CLIENTS
        elif isinstance(node, ast.Attribute) and node.attr in CONNECTS:
            is_database = isinstance(node.value, ast.Name) and node.value.id == "sqlite3"
            found |= set() if is_database else {node.attr}
    return found


@pytest.mark.parametrize("path", CODE, ids=name)
def test_only_fetch_asks_other_machines(path: Path) -> None:
    """Beside the import contract, which sees whole packages only."""
    found = client_sockets(path.read_text(encoding="utf-8"))

    if path != ROOT / "service" / "fetch.py":
        assert found == set()
    else:
        assert found == {"http.client", "connect"}


def test_a_connection_would_be_seen() -> None:
    seen = "import http.client, urllib.request\nfrom http import client\nx.create_connection(y)"
    assert client_sockets(seen) == {"http.client", "urllib.request", "create_connection"}
    assert client_sockets("from http import HTTPStatus\nimport urllib.parse") == set()


@pytest.mark.parametrize("path", [*CODE, *BENCHMARKS], ids=name)
def test_modules_fit_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", CODE, ids=name)
def test_functions_fit_on_a_screen(path: Path) -> None:
    long = {
        node.name: lines
        for node in nodes(path)
        if isinstance(node, Function)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES
    }

    assert long == {}


@pytest.mark.parametrize("path", [one for one in CODE if one.stat().st_size], ids=name)
def test_modules_and_what_they_offer_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    offered = [
        node
        for node in ast.iter_child_nodes(tree)
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]

    assert [node.name for node in offered if ast.get_docstring(node) is None] == []
    assert ast.get_docstring(tree)


TYPED = [path for path in CODE if path != ROOT / "service" / "app.py"]  # overrides FastAPI's own


@pytest.mark.parametrize("path", TYPED, ids=name)
def test_no_broad_typing(path: Path) -> None:
    """``Any`` in a signature lets a mistake through that mypy would have found."""
    names = {node.id for node in nodes(path) if isinstance(node, ast.Name)}

    assert "Any" not in names


@pytest.mark.parametrize("folder", ["hashing", "service"])
def test_every_folder_of_code_is_a_package(folder: str) -> None:
    folders = {path.parent for path in (ROOT / folder).glob("**/*.py")}

    assert [name(one) for one in folders if not (one / "__init__.py").is_file()] == []
