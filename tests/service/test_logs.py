"""Lines of the log: their two forms, and that an error's own text is in neither."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping

import pytest

from service import logs
from service.settings import LogForm


def record(message: str, fields: Mapping[str, object] | None = None) -> logging.LogRecord:
    made = logging.LogRecord("service.x", logging.WARNING, "x.py", 1, message, None, None)
    made.created = 1_774_000_000.1239
    if fields is not None:
        setattr(made, logs.FIELDS, fields)
    return made


def failed() -> logging.LogRecord:
    made = record("it failed")
    try:
        raise RuntimeError("a private value")
    except RuntimeError:
        made.exc_info = sys.exc_info()
    return made


def test_json_is_an_object_a_line() -> None:
    line = logs.JsonLines().format(record("request", {"status": 200, "problems": ["a\nb"]}))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-03-20T09:46:40.123Z",
        "level": "warning",
        "logger": "service.x",
        "message": "request",
        "status": 200,
        "problems": ["a\nb"],
    }


def test_text_is_for_people_and_leaves_out_what_is_not_there() -> None:
    line = logs.TextLines().format(record("request", {"status": 200, "code": None, "problems": []}))

    assert line == "WARNING service.x: request status=200"


@pytest.mark.parametrize("form", [logs.JsonLines(), logs.TextLines()], ids=["json", "text"])
def test_an_error_is_told_by_kind_and_place_alone(form: logging.Formatter) -> None:
    line = form.format(failed())

    assert "RuntimeError in test_logs.py line" in line
    assert "private" not in line
    assert "Traceback" not in line


@pytest.mark.parametrize("form", [logs.JsonLines(), logs.TextLines()], ids=["json", "text"])
def test_only_the_first_line_of_a_message_counts(form: logging.Formatter) -> None:
    told = record("Task exception was never retrieved\nfuture: RuntimeError('a private value')")

    assert "private" not in form.format(told)


@pytest.mark.parametrize(
    ("form", "begins"),
    [("LogForm.JSON", "{"), ("LogForm.TEXT", "INFO service.x: said"), ("None", "{")],
)
def test_it_begins_as_it_is_told_or_as_standard_error_is(form: str, begins: str) -> None:
    """In a process of its own: the root logger is one for all tests."""
    script = (
        "import logging; from service import logs; from service.settings import LogForm; "
        f"logs.begin({form}); logging.getLogger('service.x').info('said'); "
        "logging.getLogger('uvicorn.error').info('PRIVATE'); "
        "logging.getLogger('python_multipart.multipart').error('PRIVATE')"
    )
    ran = subprocess.run(  # noqa: S603  # this interpreter with a script from this file
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert ran.stderr.startswith(begins)
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stdout == ""


def test_a_thread_that_a_defect_ends_is_told_of_without_its_text() -> None:
    script = (
        "import threading; from service import logs; from service.settings import LogForm\n"
        "logs.begin(LogForm.JSON)\n"
        "def fail(): raise RuntimeError('PRIVATE')\n"
        "one = threading.Thread(target=fail, name='recirc-x'); one.start(); one.join()\n"
    )
    ran = subprocess.run(  # noqa: S603  # this interpreter with a script from this file
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    (line,) = ran.stderr.splitlines()
    assert json.loads(line)["message"] == "thread recirc-x ended"
    assert "RuntimeError in <string> line 3" in json.loads(line)["error"]
    assert "PRIVATE" not in line


def test_every_form_has_lines() -> None:
    assert set(logs._FORMS) == set(LogForm)
