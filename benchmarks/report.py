"""What every benchmark prints: tables for people, then one JSON object with the figures.

``--write`` also puts the tables into docs/benchmarks.md, between this benchmark's markers.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

Figure = float | int | str | bool


class Report:
    """Collects what one benchmark found."""

    def __init__(self, name: str, title: str) -> None:
        self._name = name
        self._parts = [f"## {title}"]
        self._figures: dict[str, Figure] = {}

    def text(self, paragraph: str) -> None:
        """Add a paragraph."""
        self._parts.append(paragraph)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; numbers come formatted."""
        lines = [header, ["---"] * len(header), *rows]
        self._parts.append(
            "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
        )

    def figure(self, key: str, value: Figure) -> None:
        """Add a figure to the closing JSON object."""
        self._figures[key] = round(value, 6) if isinstance(value, float) else value

    def finish(self, *, write: bool) -> None:
        """Print all, the JSON object last; write the page's section if asked."""
        command = f"`python -m benchmarks.{self._name}`"
        section = "\n\n".join([*self._parts, f"Measured by {command}."])
        print(section)
        print(json.dumps({"benchmark": self._name, "figures": self._figures}))
        if write:
            _replace_section(self._name, section)


class Page(Report):
    """A report with a page of its own, docs/benchmarks/NAME.md, that begins with ``lead``."""

    def __init__(self, name: str, title: str, lead: str) -> None:
        super().__init__(name, title)
        self._lead = lead

    def finish(self, *, write: bool) -> None:
        """Print all, the JSON object last; with ``write`` put it into the page."""
        super().finish(write=False)
        if write:
            flags = [flag for flag in sys.argv[1:] if flag != "--write"]
            command = " ".join([f"python -m benchmarks.{self._name}", *flags])
            page = "\n\n".join([self._lead, *self._parts, f"Measured by `{command}`."])
            path = _PAGE.parent / "benchmarks" / f"{self._name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page + "\n")


def arguments(description: str, *, parts: Sequence[str] = ()) -> argparse.Namespace:
    """The flags that all benchmarks take: ``--fast`` and ``--write``; in parts: ``--only``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--fast", action="store_true", help="a smaller run for every day")
    parser.add_argument("--write", action="store_true", help="update docs/benchmarks.md")
    if parts:
        parser.add_argument("--only", action="append", choices=parts, help="this part; repeat it")
    return parser.parse_args()


def percent(share: float | None) -> str:
    """For people; a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.3g}"


def _replace_section(name: str, section: str) -> None:
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    page = _PAGE.read_text() if _PAGE.exists() else "# Benchmarks\n"
    block = f"{begin}\n{section}\n{end}"
    marked = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page = marked.sub(lambda _: block, page) if marked.search(page) else f"{page}\n{block}\n"
    _PAGE.write_text(page)
