"""Watching: ids of requests and traces, and what a line of the log and the metrics say of each."""

import logging
import re

import pytest

from service.logs import FIELDS
from tests.service.calls import Caller, calling

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TRACE = f"00-{'0a' * 16}-{'0b' * 8}-01"


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The fields of each line about a request."""
    return [
        getattr(record, FIELDS) for record in caplog.records if record.name == "service.watching"
    ]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        pytest.param("0123456789abcdef" * 2, True, id="32 hex digits"),
        pytest.param(UUID, True, id="a UUID"),
        pytest.param("+44 7700 900123", False, id="a phone number"),
        pytest.param("447700900123", False, id="its digits"),
        pytest.param("jane.doe@example.org", False, id="an address"),
        pytest.param("a" * 31, False, id="too short"),
        pytest.param("a" * 33, False, id="too long"),
        pytest.param("G" * 32, False, id="no hex"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_an_id_is_taken_only_if_no_person_chose_it(sent: str, taken: bool) -> None:
    with calling() as call:
        given = call("GET", "/livez", headers={"X-Request-Id": sent}).headers["X-Request-Id"]

    assert (given == sent) is taken
    assert taken or re.fullmatch("[0-9a-f]{32}", given)


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        pytest.param(TRACE, True, id="well-formed"),
        pytest.param(TRACE.upper(), False, id="capitals"),
        pytest.param(TRACE.replace("0a", "00"), False, id="no trace"),
        pytest.param(TRACE.replace("0b", "00"), False, id="no span"),
        pytest.param(TRACE.replace("00-", "ff-", 1), False, id="another version"),
        pytest.param(f"{TRACE}-PRIVATE", False, id="more behind it"),
        pytest.param("PRIVATE", False, id="none at all"),
    ],
)
def test_a_trace_is_told_only_if_it_is_well_formed(
    sent: str, taken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), calling() as call:
        call("GET", "/livez", headers={"traceparent": sent})

    (line,) = told(caplog)
    assert ("trace_id" in line) is taken
    assert not taken or (line["trace_id"], line["span_id"]) == ("0a" * 16, "0b" * 8)
    assert "PRIVATE" not in str(line)


def test_a_line_says_how_a_request_ended(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), calling() as call:
        call("POST", "/v1/check", content=b"no clip")
        call("DELETE", "/v1/lists/nosuch")
        call("BREW", "/coffee")

    checked, refused, strange = told(caplog)
    assert checked | {"request_id": "", "ms": 0} == {
        "request_id": "",
        "method": "POST",
        "route": "/v1/check",
        "status": 200,
        "ms": 0,
        "key": "local",
        "verdict": "unscannable",
        "problems": ["not_media"],
    }
    assert (refused["route"], refused["code"]) == ("/v1/lists/{list}", "list_not_found")
    assert (strange["method"], strange["route"], strange["status"]) == ("other", "other", 404)


def value(call: Caller, series: str) -> float:
    """One line of the metrics; 0 where there is none yet."""
    for line in call("GET", "/metrics").text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_requests_are_counted_by_route_and_never_by_path() -> None:
    with calling() as call:
        for name in ("a", "b"):
            call("GET", f"/v1/lists/{name}")
        call("GET", "/v1/nosuch")
        got = 'recirc_requests_total{method="GET",route="%s",status="404"}'

        assert value(call, got % "/v1/lists/{list}") == 2
        assert value(call, got % "other") == 1
        assert value(call, 'recirc_problems_total{code="list_not_found"}') == 2
        assert value(call, 'recirc_request_seconds_count{route="other"}') == 1
        assert "nosuch" not in call("GET", "/metrics").text
