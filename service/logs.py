"""Logs of the service: one line an event on standard error, as JSON for machines or for people.

A line never holds what a caller sent or is asked about: no names of clips, no hashes, no bytes, no
paths, addresses or query texts. So errors are told by kind and place alone: their own texts may
quote anything.
"""

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from service import faults
from service.settings import LogForm

FIELDS: Final = "fields"  # under this name in ``extra``: what a line says besides its message
Fields = Mapping[str, object]
_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """An object a line; fields of a record are keys of the object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
        }
        return json.dumps(line, separators=(",", ":"))


class TextLines(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told = [
            f"{name}={value}"
            for name, value in _fields(record).items()
            if value is not None and value != []
        ]
        return " ".join([f"{record.levelname} {record.name}: {_message(record)}", *told])


_FORMS: Final[Mapping[LogForm, type[logging.Formatter]]] = {
    LogForm.JSON: JsonLines,
    LogForm.TEXT: TextLines,
}


def begin(form: LogForm | None) -> None:
    """Log to standard error from now on; None: as text if that is a terminal."""
    if form is None:
        form = LogForm.TEXT if sys.stderr.isatty() else LogForm.JSON
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FORMS[form]())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # It logs bytes of bodies that it cannot parse.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    threading.excepthook = _of_thread


def _of_thread(ended: threading.ExceptHookArgs) -> None:
    """A line for a thread that a defect has ended; Python itself would print the error's text."""
    name = "" if ended.thread is None else ended.thread.name
    error = ended.exc_value
    if error is not None:
        _log.error("thread %s ended", name, exc_info=(type(error), error, error.__traceback__))


def _time(record: logging.LogRecord) -> str:
    """RFC 3339, to the millisecond."""
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    # asyncio tells on further lines what a task was at, and what it raised.
    return record.getMessage().partition("\n")[0]


def _fields(record: logging.LogRecord) -> Fields:
    found = dict(getattr(record, FIELDS, {}))
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        found["error"] = faults.describe(error)
    return found
