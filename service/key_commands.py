"""The commands ``recirc keys``: make, list, rotate and revoke API keys. Heavy imports wait inside.

They work on the database and need no key: whoever may write that file may do anything.
"""

# ruff: noqa: PLC0415  # `recirc --help` in 0.3 s

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service import opening
from service.parameters import Database, Json

if TYPE_CHECKING:
    from service.console import Console
    from service.issuing import Issued
    from service.keys import KeyInfo

_MOST_DAYS: Final = 3650  # as in service.issuing; a test compares
_MOST_OVERLAP_HOURS: Final = 720
_OVERLAP_HOURS: Final = 24

app = typer.Typer(
    help="Make, list, rotate and revoke the API keys of `recirc serve`.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


class KeyScope(StrEnum):
    """The scopes that a key may have; each allows what those before it do."""

    CHECK = "check"
    ANALYST = "analyst"
    CURATE = "curate"
    ADMIN = "admin"


Id = Annotated[str, typer.Argument(metavar="ID", help="The key's public id.", show_default=False)]
Expires = Annotated[
    int | None,
    typer.Option(
        "--expires",
        metavar="DAYS",
        min=1,
        max=_MOST_DAYS,
        help="It expires so many days from now.",
        show_default=False,
    ),
]


@app.command()
def create(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Who or what uses it; one line.", show_default=False),
    ],
    scope: Annotated[
        KeyScope,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="check, analyst (also sees distances and lists), curate (also changes lists) or "
            "admin (also keys).",
            show_default=False,
        ),
    ],
    expires: Expires = None,
    json: Json = False,
    database: Database = None,
) -> None:
    """Make a key and print it.

    It is printed this once and kept nowhere: of a key the database has a digest. From the first key
    on the service asks for one at every request, whatever becomes of that key.
    """
    from service import issuing
    from service.callers import OF_KEYS

    with opening.opened(database) as (console, store):
        issued = issuing.create(store, name, OF_KEYS[scope.value], days=expires)
        _print_issued(console, issued, json=json)


@app.command(name="list")
def list_(json: Json = False, database: Database = None) -> None:
    """Show all keys, also those that have ended. Nothing secret is shown."""
    from service.escaping import shown
    from service.store.sqlite import now_ms

    with opening.opened(database) as (console, store):
        found = store.keys.all()
        for info in found:
            if json:
                console.json(info.plain(now_ms()))
            else:
                console.line(f"{info.id} {_described(info)}: {shown(info.name)}")
        if not found and not json:
            console.line("There are no keys: the service is on loopback only.")


@app.command()
def rotate(
    key_id: Id,
    overlap: Annotated[
        int,
        typer.Option(
            "--overlap",
            metavar="HOURS",
            min=0,
            max=_MOST_OVERLAP_HOURS,
            help="For how long the key before it stays good.",
        ),
    ] = _OVERLAP_HOURS,
    expires: Expires = None,
    json: Json = False,
    database: Database = None,
) -> None:
    """Print a new key under the same id.

    The one before it stays good for the overlap, those before not. A key that has leaked is not to
    be rotated but revoked.
    """
    from service import issuing

    with opening.opened(database) as (console, store):
        issued = issuing.rotate(store, key_id, overlap_hours=overlap, days=expires)
        _print_issued(console, issued, json=json)


@app.command()
def revoke(key_id: Id, database: Database = None) -> None:
    """End a key, from the next request on. It stays in the list of keys."""
    from service import issuing

    with opening.opened(database) as (console, store):
        issuing.revoke(store, key_id)
        console.note(f"key {key_id} is revoked")


def _print_issued(console: "Console", issued: "Issued", *, json: bool) -> None:
    """The key alone on standard output, so that a script can take it from there."""
    from service.store.sqlite import now_ms

    if json:
        console.json({"key": issued.key, "info": issued.info.plain(now_ms())})
        return
    console.note(f"key {issued.info.id} ({_described(issued.info)}); it is shown this once:")
    console.data(issued.key)


def _described(info: "KeyInfo") -> str:
    from service import moments
    from service.store.sqlite import now_ms

    state = info.state(now_ms())
    parts = [info.scope.word, state.value]
    if info.revoked_at_ms is None and info.expires_at_ms is not None:
        parts.append(f"until {moments.shown(info.expires_at_ms)}")
    if info.overlap_until_ms is not None and info.overlap_until_ms > now_ms():
        parts.append(f"with the one before it until {moments.shown(info.overlap_until_ms)}")
    used = info.last_used_at_ms
    parts.append("never used" if used is None else f"used {moments.shown(used)}")
    return ", ".join(parts)
