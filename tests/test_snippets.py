"""What the pages for integrators and operators tell to type or to copy, done for real."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashing.extract import CLIP, REFERENCE, extract
from hashing.formats.document import to_document
from hashing.reference import Reference
from service import issuing
from service.callers import Scope
from service.errors import DecoderCrashed
from service.store.sqlite import SqliteStore
from tests import cages
from tests.fingerprints import video
from tests.memory_store import MemoryStore
from tests.service import calls
from tests.service.calls import LIMITS, calling, clip, serving

DOCS = Path(__file__).parents[1] / "docs"
INTEGRATING = (DOCS / "integrating.md").read_text(encoding="utf-8")
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
LISTED, OTHER = clip(1), clip(2)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A list with one reference."""
    path = tmp_path / "lists.sqlite3"
    store = SqliteStore(path)
    store.add("incident-x", [Reference("r1", None, None, extract(LISTED, REFERENCE).fingerprint)])
    store.close()
    return path


@pytest.fixture
def key(database: Path) -> str:
    """A key as an integrator has it."""
    store = SqliteStore(database)
    made = issuing.create(store, "upload-queue", Scope.CHECK).key
    store.close()
    return made


@pytest.fixture
def address(database: Path, key: str) -> Iterator[str]:
    """A service that asks for the key."""
    assert key
    with serving(database) as running:
        yield running


def test_the_python_does_what_it_says(
    address: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECIRC_URL", address)
    monkeypatch.setenv("RECIRC_KEY", key)
    found: dict[str, object] = {}
    (code,) = blocks(INTEGRATING, "python")
    exec(code, found)  # noqa: S102  # our own text
    may_pass, not_checked = found["may_pass"], found["NotChecked"]
    assert callable(may_pass)
    assert isinstance(not_checked, type)

    assert not may_pass(LISTED)
    assert may_pass(OTHER)
    assert not may_pass(b"no clip")
    with pytest.raises(not_checked, match="body_too_large"):
        may_pass(bytes(LIMITS.body_bytes + 1))
    found["KEY"] = "recirc_not_good"
    with pytest.raises(not_checked, match="unauthorized"):
        may_pass(OTHER)
    found["SERVICE"], found["TRIES"] = "http://127.0.0.1:9", 1
    with pytest.raises(not_checked, match="ConnectError"):
        may_pass(OTHER)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
def test_the_javascript_does_what_it_says(address: str, key: str, tmp_path: Path) -> None:
    (code,) = blocks(INTEGRATING, "javascript")
    (tmp_path / "recirc.mjs").write_text(code, encoding="utf-8")
    for name, media in {"listed": LISTED, "other": OTHER, "none": b"no clip"}.items():
        (tmp_path / name).write_bytes(media)
    (tmp_path / "large").write_bytes(bytes(LIMITS.body_bytes + 1))
    (tmp_path / "main.mjs").write_text(
        "import { readFileSync } from 'node:fs';\n"
        "import { mayPass } from './recirc.mjs';\n"
        "for (const name of ['listed', 'other', 'none', 'large']) {\n"
        "  console.log(await mayPass(readFileSync(name)).catch((error) => error.message));\n"
        "}\n",
        encoding="utf-8",
    )

    ran = subprocess.run(
        ["node", "main.mjs"],  # noqa: S607
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RECIRC_URL": address, "RECIRC_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    listed, other, none, large = ran.stdout.splitlines()
    assert (listed, other, none) == ("false", "true", "false"), ran.stderr
    assert large.startswith("not checked: body_too_large ")


CURL = [line[2:] for block in blocks(INTEGRATING, "console") for line in block.splitlines()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("line", [line for line in CURL if "curl " in line])
def test_the_lines_of_curl_are_answered(line: str, address: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(LISTED)
    # `recirc hash` itself is tried in test_cli.py; a process of it here would be slow.
    taken = extract(LISTED, CLIP)
    document = json.dumps(to_document(taken.fingerprint, taken.coverage))
    (tmp_path / "hashes.json").write_text(document, encoding="utf-8")
    typed = line.replace("http://127.0.0.1:8000", address)
    typed = typed.replace("recirc hash clip.mp4 --json", "cat hashes.json")

    ran = subprocess.run(  # noqa: S603  # our own text
        ["sh", "-c", typed],  # noqa: S607
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RECIRC_KEY": key},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert json.loads(ran.stdout)["verdict"] == "match", ran.stdout


@pytest.fixture
def metrics() -> str:
    """The metrics of a service in which everything that is counted has happened."""
    store = MemoryStore()
    store.add("a", [Reference("r1", None, None, video(1))])
    with calling(store, decoding=cages.Dying(DecoderCrashed)) as call:
        call("POST", "/v1/check", content=b"x")
        call("GET", "/nosuch")
        return call("GET", "/metrics").text


def test_the_metrics_are_those_of_the_page(metrics: str) -> None:
    """Both ways: none is made up, and of ours none is left out."""
    there = set(re.findall(r"^(\w+)[{ ]", metrics, re.MULTILINE))
    families = {re.sub("_(bucket|sum|count)$", "", one) for one in there}
    told = set(re.findall(r"\b(?:recirc|process)_\w+(?=[`{)\[ ])", OPERATING)) - {"recirc_key"}

    assert told <= there | families
    assert {one for one in families if one.startswith("recirc_")} <= told


def test_the_labels_in_the_page_are_there(metrics: str) -> None:
    used = re.findall(r"(recirc_\w+)\{(\w+)=", OPERATING)

    assert len(used) > 5
    for name, label in used:
        assert re.search(rf"^{name}\{{.*\b{label}=", metrics, re.MULTILINE), name


def test_a_backup_is_whole_while_the_service_writes(tmp_path: Path) -> None:
    """The line of the page, on a database that changes all the time."""
    (line,) = [one for one in OPERATING.splitlines() if "backup(" in one]
    (code,) = re.findall(r'python -c "(.*)"', line)
    store = SqliteStore(tmp_path / "recirc.db")
    store.add("a", [Reference("first", None, None, video(0))])
    stop = threading.Event()

    def write() -> None:
        seed = 1
        while not stop.is_set():
            store.add("a", [Reference(f"r{seed}", None, None, video(seed))])
            seed += 1

    writing = threading.Thread(target=write)
    writing.start()
    exec(code.replace("/data", str(tmp_path)), {})  # noqa: S102  # our own text
    stop.set()
    writing.join()
    store.close()

    copy = sqlite3.connect(tmp_path / "recirc.db.backup")
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    restored = SqliteStore(tmp_path / "recirc.db.backup")
    assert restored.get_reference("a", "first").fingerprint == video(0)
    assert restored.get_list("a").references == len(restored.references("a", limit=100_000))
    restored.close()


def test_a_key_of_the_page_is_told_apart_from_a_placeholder() -> None:
    """Nobody copies a key that works from a page."""
    for page in (INTEGRATING, OPERATING):
        assert not re.search(r"recirc_[0-9a-f]{12}_\w{20}", page)


def test_both_languages_ask_again_after_the_same_answers() -> None:
    retried = set(re.findall(r"AGAIN = (?:new Set\()?[{\[]+([\d, ]+)", INTEGRATING))

    assert retried == {"429, 500, 502, 503, 504"}


def test_the_service_asks_for_a_key(address: str) -> None:
    assert calls.post(f"{address}/v1/check", content=OTHER).status_code == 401
