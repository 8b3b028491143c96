"""The commands that say which references checks look at: disable, enable, expire.

Heavy imports wait inside.
"""

# ruff: noqa: PLC0415  # `recirc --help` in 0.3 s

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from service import opening
from service.parameters import Database, ListName

_MOST_DAYS: Final = 36_500
_DAY_MS: Final = 86_400_000

app = typer.Typer()
Ids = Annotated[
    list[str], typer.Argument(metavar="ID", help="Ids of references.", show_default=False)
]


@app.command()
def disable(list_name: ListName, ids: Ids, database: Database = None) -> None:
    """Keep references on their list, but let no check look at them.

    For a reference that gives false alarms, until somebody has looked at it. It holds from the next
    check on; an export leaves them out.
    """
    _change(database, list_name, ids, enabled=False)


@app.command()
def enable(list_name: ListName, ids: Ids, database: Database = None) -> None:
    """Let checks look at references again that were disabled."""
    _change(database, list_name, ids, enabled=True)


@app.command()
def expire(
    list_name: ListName,
    ids: Ids,
    *,
    days: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=_MOST_DAYS,
            help="So many days from now; 0 is now.",
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="At the start of that day, UTC: 2027-01-31."),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Not at all any more.")] = False,
    database: Database = None,
) -> None:
    """Say when references expire.

    From then on no check looks at them. They stay on their list, and --never brings them back.
    """
    from service.errors import BadSetting

    if (days is not None) + (on is not None) + never != 1:
        raise BadSetting("when they expire is not said; say one of --days, --on and --never")
    _change(database, list_name, ids, when=(_moment_ms(days, on),))


def _moment_ms(days: int | None, on: str | None) -> int | None:
    from service.errors import BadSetting
    from service.store.sqlite import now_ms

    if on is not None:
        try:
            return int(datetime.strptime(on, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            raise BadSetting("--on: no date; write it as in 2027-01-31") from None
    return None if days is None else now_ms() + days * _DAY_MS


def _change(
    database: Path | None,
    list_name: str,
    ids: list[str],
    *,
    enabled: bool | None = None,
    when: tuple[int | None] | None = None,
) -> None:
    """Change them and say what was; exit code 2 where one is not there."""
    from service import wording
    from service.escaping import shown
    from service.store.base import Expiry
    from service.store.sqlite import now_ms

    with opening.opened(database) as (console, store):
        expires = None if when is None else Expiry(when[0])
        result = store.set_standing(list_name, ids, enabled=enabled, expires=expires)
        for name in (*result.changed, *result.unchanged):
            standing = store.get_summary(list_name, name).standing
            console.line(f"{shown(name)}: {wording.stands(standing, now_ms())}")
        for name in result.missing:
            console.error("reference_not_found", f"list {list_name} has no reference {name!a}")
    if result.missing:
        raise typer.Exit(2)
