"""The one line about an error that nobody foresaw: where it happened, never what was in hand."""

import traceback
from pathlib import PurePath
from typing import Final

CODE: Final = "internal_error"


def describe(error: BaseException) -> str:
    """Kind and place of the error. Its own text is left out: it may quote media or file names."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {PurePath(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}; please report it; RECIRC_DEBUG=1 shows more"
