"""Where a command's words go: results to standard output, all else to standard error.

Colours and progress only on a terminal, and never as the only carrier of meaning.
"""

import os
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from json import dumps
from typing import TYPE_CHECKING, Final, TextIO

from hashing.errors import RecircError
from service.escaping import escaped

if TYPE_CHECKING:
    from rich.status import Status

_RESET: Final = "\x1b[0m"
_INDENT: Final = "  "
_WIDEST: Final = 100  # columns; longer lines are hard to read when tired


class Tone(StrEnum):
    """How a line is coloured on a terminal: SGR sequences of ECMA-48."""

    ALARM = "\x1b[1;31m"
    DOUBT = "\x1b[1;33m"
    CALM = "\x1b[32m"
    HEADING = "\x1b[1m"


class OutputClosed(Exception):
    """Whoever read the output has gone, as ``head`` does: no error, and nothing left to say."""


def unwritable(error: OSError) -> RecircError:
    """That the result cannot be written, as to a file on a full disk."""
    from service.errors import UnreadablePath  # noqa: PLC0415  # brings numpy along

    return UnreadablePath(f"standard output: {error.strerror}; make room, or choose another place")


class Console:
    """The two streams of one command. Not for several threads."""

    def __init__(self, out: TextIO, err: TextIO, environment: Mapping[str, str]) -> None:
        self._out = out
        self._err = err
        self._status: Status | None = None
        self._colours = out.isatty() and not environment.get("NO_COLOR")  # no-color.org
        self._width = _columns(out)

    @classmethod
    def of_process(cls) -> "Console":
        """The console of this process. A character that a stream cannot show is spelt out."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdout, sys.stderr, os.environ)

    def line(self, text: str = "", tone: Tone | None = None) -> None:
        """One line of the result."""
        safe = escaped(text)
        self._write(self._out, f"{tone.value}{safe}{_RESET}" if tone and self._colours else safe)

    def detail(self, text: str) -> None:
        """An indented line of the result; on a terminal it is folded at its width."""
        safe = escaped(text)
        if self._width is None:
            self._write(self._out, _INDENT + safe)
            return
        for part in textwrap.wrap(safe, self._width - len(_INDENT)) or [""]:
            self._write(self._out, _INDENT + part)

    def json(self, value: Mapping[str, object]) -> None:
        """One JSON object as one line of ASCII, whatever the names in it hold."""
        self._write(self._out, dumps(value))

    def data(self, line: str) -> None:
        """One line for machines, as it is."""
        self._write(self._out, line)

    def note(self, text: str) -> None:
        """One line for people on standard error."""
        self._write(self._err, escaped(text))

    def error(self, code: str, text: str) -> None:
        """The one line of an error."""
        self.note(f"{code}: {' '.join(text.split())}")

    def problem(self, error: RecircError) -> None:
        """The one line of an error that recirc raised on purpose."""
        self.error(error.code, str(error))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Show on standard error that work goes on, where that is a terminal."""
        if self._err.isatty():
            from rich.console import Console as RichConsole  # noqa: PLC0415  # a tenth of a second
            from rich.status import Status  # noqa: PLC0415

            self._status = Status("", console=RichConsole(file=self._err))
        try:
            yield
        finally:
            if self._status is not None:
                self._status.stop()
                self._status = None

    def at_work_on(self, text: str) -> None:
        """What is being worked on, until the next line of output."""
        if self._status is not None:
            from rich.text import Text  # noqa: PLC0415  # no markup: the text may hold brackets

            self._status.update(Text(text))
            self._status.start()

    def _write(self, stream: TextIO, text: str) -> None:
        if self._status is not None:
            self._status.stop()
        try:
            stream.write(text + "\n")
            stream.flush()  # whoever reads a pipe gets each clip when it is done
        except BrokenPipeError as error:
            raise OutputClosed from error
        except OSError as error:
            if stream is self._out:  # of standard error nobody could be told
                raise unwritable(error) from error


def _columns(out: TextIO) -> int | None:
    """Where to fold lines; None for a file or pipe, whose lines stay whole."""
    if not out.isatty():
        return None
    try:
        columns = os.get_terminal_size(out.fileno()).columns
    except OSError:
        columns = 80
    return max(30, min(_WIDEST, columns or 80))
