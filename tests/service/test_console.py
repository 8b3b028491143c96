"""Output: colours and folding on a terminal only, and nothing that a name could smuggle in."""

import io

import pytest

from service.console import Console, OutputClosed, Tone
from service.errors import ListNotFound


class Terminal(io.StringIO):
    """A stream that says it is a terminal (of 80 columns, as nobody knows better)."""

    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize(
    ("out", "environment", "written"),
    [
        pytest.param(Terminal(), {}, "\x1b[1;31mMATCH\x1b[0m\n", id="terminal"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, "MATCH\n", id="no colours wanted"),
        pytest.param(io.StringIO(), {}, "MATCH\n", id="pipe"),
    ],
)
def test_colours(out: io.StringIO, environment: dict[str, str], written: str) -> None:
    Console(out, io.StringIO(), environment).line("MATCH", Tone.ALARM)

    assert out.getvalue() == written


def test_details_are_folded_on_a_terminal_only() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for out in (terminal, pipe):
        Console(out, io.StringIO(), {}).detail("word " * 40)

    assert max(map(len, terminal.getvalue().splitlines())) <= 80
    assert all(line.startswith("  word") for line in terminal.getvalue().splitlines())
    assert pipe.getvalue().count("\n") == 1


def test_escape_sequences_are_spelt_out_everywhere() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, {})
    console.line("\x1b[2J", Tone.ALARM)
    console.detail("\x1b[2J")
    console.note("\x1b[2J")
    console.json({"path": "\x1b[2J\u202e"})
    console.problem(ListNotFound("a\n\x1b[2J"))

    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert out.getvalue().isascii()
    assert err.getvalue().splitlines()[1] == "list_not_found: a \\x1b[2J"


def test_data_is_left_as_it_is() -> None:
    out = io.StringIO()

    Console(out, io.StringIO(), {}).data('{"label":"a\u200bb"}')

    assert out.getvalue() == '{"label":"a\u200bb"}\n'


def test_a_closed_pipe_is_told_apart_from_faults() -> None:
    with pytest.raises(OutputClosed):
        Console(Closed(), io.StringIO(), {}).line("MATCH")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_on_standard_error_of_a_terminal_only(*, terminal: bool) -> None:
    out, err = io.StringIO(), Terminal() if terminal else io.StringIO()
    console = Console(out, err, {})

    with console.working():
        console.at_work_on("checking [bold]clip[/bold]")
        console.line("MATCH")

    assert out.getvalue() == "MATCH\n"
    assert ("checking [bold]clip[/bold]" in err.getvalue()) == terminal
