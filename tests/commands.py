"""Running ``recirc`` in tests: in this process, with its own database, and its output at hand."""

import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli
from service import caging
from service.media.decoding import Decoding
from service.settings import Sandbox, Settings
from tests import cages


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    def answers(self) -> list[dict[str, object]]:
        """The JSON objects on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@contextmanager
def _shared(settings: Settings) -> Iterator[Decoding]:
    """The cage of all tests: each command would start one of its own."""
    assert settings.sandbox is Sandbox.FULL
    yield cages.shared()


class Recirc:
    """The command in a folder of its own; ``database`` is what it uses."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.database = folder.parent / "database" / "recirc.sqlite3"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("RECIRC_DB", str(self.database))
        monkeypatch.delenv("RECIRC_DEBUG", raising=False)
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "SVT_LOG"):
            monkeypatch.setenv(name, "1")  # the command sets them; set here they are undone
        monkeypatch.chdir(folder)
        monkeypatch.setattr(caging, "for_command", _shared)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """Run it to its end."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capsys.readouterr()
        code = cli.run(arguments)
        streams = self._capsys.readouterr()
        return Ran(code, streams.out, streams.err)

    def file(self, name: str, data: bytes) -> str:
        """A file in the folder; its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name


def fields(answers: Sequence[dict[str, object]], key: str) -> list[object]:
    """One field of each answer."""
    return [answer[key] for answer in answers]
