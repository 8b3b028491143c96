"""The commands ``recirc audit``: show the record of changes, and verify it."""

# ruff: noqa: PLC0415  # `recirc --help` in 0.3 s: heavy imports wait inside

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service import opening
from service.parameters import Database, Json

if TYPE_CHECKING:
    from service.audit import Entry
    from service.store.audit import Audit

_PAGE: Final = 500  # entries read at a time

app = typer.Typer(
    help="Show the record of changes to lists and keys, or verify it.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command()
def show(
    list_name: Annotated[
        str | None,
        typer.Option(
            "--list", metavar="NAME", help="Of this list only, also of one that is deleted."
        ),
    ] = None,
    json: Json = False,
    database: Database = None,
) -> None:
    """Show the record, oldest change first.

    Who: key:ID, cli:NUMBER (the system account that ran a command), local (over HTTP before there
    was a key), recirc itself.
    """
    with opening.opened(database) as (console, store):
        for entry in _entries(store.audit, list_name):
            if json:
                console.json(entry.plain())
            else:
                console.line(_line(entry))


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help="A head that was printed before: it has to be in the record still.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    database: Database = None,
) -> None:
    """Prove that nobody has tampered with the record, or name its first wrong entry.

    Prints the head, the hash of the last entry. Keep it on another machine: who can write the
    database can make a whole new record, but none that has a head that you kept.
    """
    from service import audit

    with opening.opened(database) as (console, store), store.audit.whole() as whole:
        found = audit.verify(whole, known_head=None if head is None else head.strip().lower())
        if json:
            console.json({"entries": found.sequence, "head": found.hash})
        else:
            console.line(f"{found.sequence} entries, none of them tampered with; head {found.hash}")


def _entries(record: "Audit", list_name: str | None) -> "Iterator[Entry]":
    after = 0
    while page := record.entries(after=after, limit=_PAGE, list_name=list_name):
        yield from page
        after = page[-1].sequence


def _line(entry: "Entry") -> str:
    from service import moments

    versions = ["-" if one is None else str(one) for one in entry.versions]
    of_list = "" if entry.list is None else f" {entry.list} {' to '.join(versions)}"
    when = moments.shown(entry.time_ms)
    return f"{entry.sequence} {when} {entry.who} {entry.what}{of_list} {entry.change}"
