"""Reporting routes: data that a person relies on in an emergency."""

import pytest

from service import guidance


@pytest.mark.parametrize(
    "contact",
    [
        *("999", "101", "0800 789 321", "gov.uk/report-terrorism", "report-it.org.uk"),
        "tellmamauk.org",
    ],
)
def test_the_united_kingdoms_routes(contact: str) -> None:
    routes = guidance.by_country()[guidance.DEFAULT_COUNTRY].routes

    assert [route.contact for route in routes].count(contact) == 1


def test_the_most_urgent_comes_first() -> None:
    assert guidance.by_country()["GB"].routes[0].contact == "999"


@pytest.mark.parametrize("code", guidance.by_country())
def test_lines_are_short_and_aligned(code: str) -> None:
    lines = guidance.lines(guidance.by_country()[code])

    assert len(code) == 2
    assert code.isupper()
    assert max(map(len, lines)) < 90
    assert len({line.index(": ", line.index(":")) for line in lines if ":  " not in line}) == 1
