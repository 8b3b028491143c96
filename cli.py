"""The command line: parse, one call, print. Heavy imports wait inside the commands."""

# ruff: noqa: PLC0415  # `recirc --help` in 0.3 s: numpy, cv2, av and the rest load when needed

import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Final, NoReturn

import typer

from service import audit_commands, key_commands, opening, standing_commands
from service.parameters import (
    AddPatches,
    Database,
    FalseAlarms,
    Format,
    Json,
    KeepPatches,
    ListFormat,
    ListName,
    OneList,
    OnOff,
    Output,
    Paths,
    Sandboxed,
    WithPatches,
)

_EPILOG: Final = """\b
Exit codes:
  0  nothing was found in any clip
  1  at least one match or possible match (goes before 2)
  2  a clip could not be checked, a path could not be read, or the call was wrong"""

# Set before the libraries that read them load.
_ENVIRONMENT: Final = (
    ("OPENBLAS_NUM_THREADS", "1"),  # numpy's products are too small to be shared out
    ("OMP_NUM_THREADS", "1"),
    ("SVT_LOG", "1"),  # the doctor's AV1 encoder: errors only on standard error
)


class Exit(IntEnum):
    """Exit codes; those of ``check`` are also in its help."""

    DONE = 0  # check: nothing found
    FOUND = 1  # check alone: at least one match or near match; wins over 2
    NOT_DONE = 2  # check: a clip could not be checked; others: not done, and one line says why
    INTERRUPTED = 130  # 128 and SIGINT's number, as shells have it
    PIPE_CLOSED = 141  # 128 and SIGPIPE's number: whoever read the output has gone


app = typer.Typer(
    name="recirc",
    help="Recognise recirculated copies of known attack footage. No media is ever stored.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lists_app = typer.Typer(rich_markup_mode=None, help="Show all lists or one, or set one.")
app.add_typer(lists_app, name="lists", invoke_without_command=True)
app.add_typer(key_commands.app, name="keys")
app.add_typer(audit_commands.app, name="audit")
app.add_typer(standing_commands.app)


@app.command(epilog=_EPILOG)
def check(
    paths: Paths,
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="NAME", help="Check against this list only; repeatable."),
    ] = None,
    json: Json = False,
    database: Database = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Look at all of each clip, also of one that is clearly a copy by its key frames.",
        ),
    ] = False,
    *,
    sandbox: Sandboxed = None,
) -> None:
    """Check clips against the lists, with evidence.

    For each clip: is it a copy of listed footage, which, and how sure is that?
    """
    from service import commands

    with opening.checking(database, sandbox) as (console, store, decoding):
        verdicts = commands.check(
            console,
            store,
            decoding,
            paths,
            lists or [],
            json=json,
            thorough=thorough,
            how=opening.how(),
            index=opening.settings(database).index,
        )
    if any(commands.is_found(verdict) for verdict in verdicts):
        raise typer.Exit(Exit.FOUND)
    _leave(done=not any(commands.is_failure(verdict) for verdict in verdicts))


@app.command()
def add(
    list_name: ListName,
    paths: Paths,
    *,
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is, for people.")
    ] = None,
    incident: Annotated[
        str | None, typer.Option(metavar="NAME", help="The attack that it belongs to.")
    ] = None,
    reference_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Its id, for one clip; else made from its hashes."),
    ] = None,
    patches: AddPatches = None,
    database: Database = None,
    sandbox: Sandboxed = None,
) -> None:
    """Hash media into a list.

    A list that is new is made. The media itself is not kept.

    Adding the same clip again changes nothing. A clip that is cut off goes in with a warning; one
    that is too dark or plain to be recognised again is refused.
    """
    from service import commands

    naming = commands.Naming(reference_id, label, incident, patches)
    with opening.checking(database, sandbox) as (console, store, decoding):
        _leave(
            done=commands.add(
                console, store, decoding, list_name, paths, naming=naming, how=opening.how()
            )
        )


@app.command()
def remove(
    list_name: ListName,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="Ids of references.", show_default=False)
    ],
    database: Database = None,
) -> None:
    """Take references off a list.

    Ids that are not there are named, and the others removed.
    """
    from service import commands

    with opening.opened(database) as (console, store):
        _leave(done=commands.remove(console, store, list_name, ids))


@app.command(name="hash")
def hash_(
    paths: Paths,
    json: Json = False,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference", help="As densely as a reference needs; else as sparsely as a clip may."
        ),
    ] = False,
    sandbox: Sandboxed = None,
) -> None:
    """Print fingerprints; nothing is looked up.

    With --json this is what the API takes.
    """
    from service import commands

    with opening.decoding(None, sandbox) as decoding:
        _leave(
            done=commands.fingerprint(
                opening.console(),
                decoding,
                paths,
                json=json,
                reference=reference,
                how=opening.how(),
            )
        )


@lists_app.callback()
def lists(context: typer.Context, json: Json = False, database: Database = None) -> None:
    """Show what lists there are."""
    from service import listing

    context.obj = (json, database)  # options may stand before a command as well as after it
    if context.invoked_subcommand is None:
        with opening.opened(database) as (console, store):
            listing.show_lists(console, store, json=json)


@lists_app.command()
def show(
    context: typer.Context, name: OneList, json: Json = False, database: Database = None
) -> None:
    """Show the references of one list. Their hashes are not shown."""
    from service import listing

    json_before, database_before = context.obj
    with opening.opened(database or database_before) as (console, store):
        listing.show_list(console, store, name, json=json or json_before)


@lists_app.command(name="set")
def set_(
    context: typer.Context,
    name: OneList,
    *,
    false_alarms: FalseAlarms = None,
    patches: KeepPatches = None,
    json: Json = False,
    database: Database = None,
) -> None:
    """Set how many false alarms a list accepts, and whether it keeps patch hashes.

    False alarms are in 100,000 clips that have nothing to do with the lists. With more, weaker
    copies are found and more of what is found is wrong. The default is 0.1; an allow list accepts
    no more than that.

    Patch hashes find crops to half, windows, turns and filmed screens. With off those that the
    list has are deleted; after on, adding a clip again gives its reference new ones.

    Both hold from the next check on and are not exported.
    """
    from service import listing

    wanted = listing.Wanted(false_alarms, None if patches is None else patches is OnOff.ON)
    json_before, database_before = context.obj
    with opening.opened(database or database_before) as (console, store):
        listing.change(console, store, name, wanted, json=json or json_before)


@app.command(name="import")
def import_(
    list_name: ListName,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A list file, or - for standard input."),
    ],
    list_format: Format = ListFormat.RECIRC,
    database: Database = None,
) -> None:
    """Add the references of a list file.

    Bad lines are reported with their numbers and left out; all others go in. The exit code is 2
    when any line was bad.
    """
    from service import commands

    del list_format  # one for now
    with opening.opened(database) as (console, store):
        _leave(done=commands.import_list(console, store, list_name, file, opening.how()))


@app.command()
def export(
    list_name: ListName,
    *,
    list_format: Format = ListFormat.RECIRC,
    output: Output = "-",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there already.")
    ] = False,
    with_patches: WithPatches = False,
    database: Database = None,
) -> None:
    """Write a list as a file.

    In one step: the file is never half written, and one that is there stays without --force.
    Hashes can be partly inverted into pictures: treat the file as sensitive.
    """
    from service import commands

    del list_format  # one for now
    with opening.opened(database) as (console, store):
        commands.export_list(console, store, list_name, output, replace=force, patches=with_patches)


@app.command()
def explain(
    path: Annotated[str, typer.Argument(metavar="PATH", help="One clip.", show_default=False)],
    list_name: ListName,
    reference_id: Annotated[
        str, typer.Argument(metavar="ID", help="A reference's id.", show_default=False)
    ],
    json: Json = False,
    database: Database = None,
    *,
    sandbox: Sandboxed = None,
) -> None:
    """Say why a clip does or does not match.

    Shows the distances to one reference, and which threshold decided.
    """
    from service import commands

    with opening.checking(database, sandbox) as (console, store, decoding):
        commands.explain(
            console,
            store,
            decoding,
            path,
            list_name=list_name,
            reference_id=reference_id,
            json=json,
            index=opening.settings(database).index,
        )


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(metavar="H", help="Address to listen on; else RECIRC_HOST, else 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="P", help="Port to listen on; else RECIRC_PORT, else 8000."),
    ] = None,
    database: Database = None,
    sandbox: Sandboxed = None,
) -> None:
    """Answer the same checks over HTTP.

    Without keys it listens on loopback only.
    """
    opening.prepare()
    from service import app as http

    http.serve(opening.settings(database, host=host, port=port, sandbox=sandbox))


@app.command()
def demo() -> None:
    """Prove that this installation works.

    Makes a harmless clip, lists it, and checks edited copies of it and an unrelated clip.
    Your own lists are not touched and nothing is downloaded.
    """
    from service import proofs

    with opening.decoding(None, None) as decoding:
        _leave(done=proofs.demo(opening.console(), decoding))


@app.command()
def doctor(database: Database = None) -> None:
    """Examine this installation.

    Says how to mend what is wrong.
    """
    opening.prepare()
    from service import proofs

    _leave(done=proofs.doctor(opening.console(), opening.settings(database)))


def main() -> NoReturn:
    """The command ``recirc``."""
    from service import dumps

    dumps.forbid()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    for name, value in _ENVIRONMENT:
        os.environ.setdefault(name, value)
    from service import running

    command = typer.main.get_command(app)
    return running.run(
        lambda: command.main(list(arguments), prog_name="recirc", standalone_mode=False),
        running.Codes(Exit.DONE, Exit.NOT_DONE, Exit.INTERRUPTED, Exit.PIPE_CLOSED),
        debug=opening.debug(),
    )


def _leave(*, done: bool) -> None:
    if not done:
        raise typer.Exit(Exit.NOT_DONE)
