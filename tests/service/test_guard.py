"""The guard: requests for other hosts and from other origins' pages are refused."""

import pytest

from tests.service.calls import calling


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("[::1]:8000", True),
        ("127.0.0.1.evil.example", False),
        ("evil.example", False),
        ("evil.example:80@127.0.0.1", False),
        ("127.0.0.1/evil.example", False),
        ("127.0.0.1:", False),
        ("127.0.0.1@evil.example", False),
        ("[::1", False),
        ("", False),
        ("10.0.0.1", False),
    ],
)
def test_only_requests_for_this_machine_are_answered(host: str, answered: bool) -> None:
    with calling() as call:
        answer = call("GET", "/livez", headers={"Host": host})

    assert answer.status_code == (200 if answered else 421)


@pytest.mark.parametrize(
    ("origin", "answered"),
    [
        ("http://localhost", True),
        ("http://localhost:3000", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_pages_of_other_origins_are_refused(method: str, origin: str, answered: bool) -> None:
    with calling() as call:
        answer = call(method, "/v1/lists", headers={"Origin": origin})

    assert (answer.status_code != 403) == answered
    assert "access-control-allow-origin" not in answer.headers
