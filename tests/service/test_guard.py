"""The guard: requests for other hosts and from other origins' pages are refused."""

import pytest

from service.settings import from_environment
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


@pytest.mark.parametrize(
    ("listening", "allowed", "host", "answered"),
    [
        pytest.param(
            "127.0.0.1", "recirc.example", "recirc.example", True, id="a name of one's own"
        ),
        pytest.param(
            "127.0.0.1", "recirc.example", "localhost:8000", True, id="and localhost still"
        ),
        pytest.param("127.0.0.1", "recirc.example", "evil.example", False, id="no other name"),
        pytest.param("127.0.0.1", "[2001:db8::1]", "[2001:db8::1]:80", True, id="an IPv6 address"),
        pytest.param("192.0.2.1", "", "any.example:8000", True, id="beyond loopback any name"),
        pytest.param("192.0.2.1", "", "any.example:", False, id="that is one"),
        pytest.param("192.0.2.1", "a.example,b.example", "b.example", True, id="or those named"),
        pytest.param("192.0.2.1", "a.example,b.example", "c.example", False, id="and no other"),
        pytest.param("192.0.2.1", "a.example", "127.0.0.1", True, id="and the machine itself"),
    ],
)
def test_names_that_are_answered_for_can_be_chosen(
    listening: str, allowed: str, host: str, answered: bool
) -> None:
    hosts = from_environment({"RECIRC_HOSTS": allowed}).hosts
    with calling(host=listening, hosts=hosts) as call:
        answer = call("GET", "/livez", headers={"Host": host})

    assert answer.status_code == (200 if answered else 421)


def test_beyond_loopback_pages_of_other_origins_are_refused_as_well() -> None:
    with calling(host="192.0.2.1") as call:
        origins = {"Host": "recirc.example", "Origin": "https://evil.example"}
        answer = call("GET", "/livez", headers=origins)

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
