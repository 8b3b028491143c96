"""Where to report what was found: routes by country, as data in ``guidance.json``.

Countries are named by their ISO 3166-1 codes; the United Kingdom is the first and the default.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

DEFAULT_COUNTRY: Final = "GB"


@dataclass(frozen=True, slots=True)
class Route:
    """One place to report to. ``contact`` is a web address without scheme, or a phone number."""

    when: str
    name: str
    contact: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """The routes of one country, the most urgent first."""

    country: str
    routes: tuple[Route, ...]


@cache
def by_country() -> dict[str, Guidance]:
    """All guidance by country code."""
    text = (resources.files("service") / "guidance.json").read_text(encoding="utf-8")
    return {
        code: Guidance(entry["country"], tuple(Route(**route) for route in entry["routes"]))
        for code, entry in json.loads(text).items()
    }


def lines(guidance: Guidance) -> list[str]:
    """The routes as aligned lines for people."""
    width = max(len(route.when) for route in guidance.routes)
    return [
        f"{route.when + ':':<{width + 1}} {route.contact} ({route.name})"
        for route in guidance.routes
    ]
