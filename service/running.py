"""Running one command to its end: whatever it raises becomes an exit code and at most one line."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from typer import Abort
from typer.exceptions import TyperException

from hashing.errors import RecircError
from service import console, faults


@dataclass(frozen=True, slots=True)
class Codes:
    """The exit codes for the ends that a command does not choose itself."""

    done: int
    failed: int
    interrupted: int
    output_closed: int


def run(command: Callable[[], object], codes: Codes, *, debug: bool) -> int:
    """The exit code of a command; with ``debug`` a fault passes, with its whole story."""
    _open_closed_streams()
    code = _ended(command, codes, debug=debug)
    _silence_unwritable()
    return code


def _ended(command: Callable[[], object], codes: Codes, *, debug: bool) -> int:
    try:
        code = command()
        _flush()
    except (KeyboardInterrupt, Abort):
        return codes.interrupted
    except TyperException as error:
        _wrong_call(error)
        return codes.failed
    except RecircError as error:
        _console().problem(error)
        return codes.failed
    except (SystemExit, Exception) as error:  # noqa: BLE001  # the outermost of all
        return _fault(error, codes, debug=debug)
    return code if isinstance(code, int) else codes.done


def _open_closed_streams() -> None:
    """Let streams that the caller has closed lead nowhere: the exit code still tells the verdict.

    Else an exception would end the process with 1, which would mean "found".
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # stays


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise console.unwritable(error) from error


def _fault(error: BaseException, codes: Codes, *, debug: bool) -> int:
    if _is_closed_output(error):
        return codes.output_closed
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else codes.failed
    if debug:
        raise error
    _console().error(faults.CODE, faults.describe(error))
    return codes.failed


def _wrong_call(error: TyperException) -> None:
    """One line for a wrong call; the help where nothing at all was asked for."""
    describe: object = getattr(error, "format_message", None)
    text = str(describe() if callable(describe) else error)
    if text.startswith("Usage:"):
        sys.stderr.write(f"{text}\n")
        return
    path = getattr(getattr(error, "ctx", None), "command_path", "recirc")
    _console().error("bad_usage", f"{text.rstrip('.')}; see {path} --help")


def _is_closed_output(error: BaseException) -> bool:
    # Typer makes an exit of a closed pipe, with 1: which would mean "found".
    chain = (error, error.__context__)
    return any(isinstance(one, BrokenPipeError | console.OutputClosed) for one in chain)


def _console() -> console.Console:
    """Where an error can still be told."""
    _silence_unwritable()
    return console.Console.of_process()


def _silence_unwritable() -> None:
    """Let streams that cannot take what was written lead nowhere: the interpreter flushes at its
    end, would complain once more, and end with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
