"""What the commands of the command line have in common: arguments and options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class OnOff(StrEnum):
    """A setting that is on or off."""

    ON = "on"
    OFF = "off"


class ListFormat(StrEnum):
    """The file formats of lists."""

    RECIRC = "recirc"


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Files, folders (walked), zip archives (read in memory), or - for standard input.",
        show_default=False,
    ),
]
ListName = Annotated[
    str, typer.Argument(metavar="LIST", help="Name of the list.", show_default=False)
]
OneList = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="FILE",
        help="The database of lists; else RECIRC_DB, else one in your data folder.",
        show_default=False,
    ),
]
Sandboxed = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="LEVEL",
        help="How decoders are locked up: full or limits-only; else RECIRC_SANDBOX, else full.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on standard output, no other text.")
]
Format = Annotated[
    ListFormat, typer.Option("--format", metavar="F", help="Format of the file: recirc.")
]
AddPatches = Annotated[
    bool | None,
    typer.Option(
        "--patches/--no-patches",
        help="Also patch hashes, which find crops and filmed screens; else as the list has it.",
        show_default=False,
    ),
]
FalseAlarms = Annotated[
    str | None,
    typer.Option(
        "--false-alarms-per-100k",
        metavar="N",
        help="How many false alarms in 100,000 clips it accepts: 0.001 to 100, or default.",
        show_default=False,
    ),
]
KeepPatches = Annotated[
    OnOff | None,
    typer.Option("--patches", help="Whether it keeps patch hashes.", show_default=False),
]
Output = Annotated[
    str, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is standard output.")
]
WithPatches = Annotated[
    bool,
    typer.Option(
        "--with-patches", help="Patch hashes too, which show more of a picture than others."
    ),
]
