"""What the commands of the command line have in common: arguments and options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
