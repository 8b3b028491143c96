"""Text that somebody else chose, made safe for a terminal.

Whoever sends a clip chooses its name: escape sequences move cursors and recolour verdicts, and
reordering marks make ``gpj.exe`` out of ``exe.jpg``.
"""

from typing import Final

_MOST_SHOWN: Final = 200  # characters
_JOINERS: Final = "\u200c\u200d"  # invisible, but Persian and Hindi are misspelt without them


def escaped(untrusted: str) -> str:
    """The text with everything that is not printable spelt out. Twice is the same as once."""
    if untrusted.isprintable():
        return untrusted
    return "".join(
        one if one.isprintable() or one in _JOINERS else ascii(one)[1:-1] for one in untrusted
    )


def shown(untrusted: str) -> str:
    """The text escaped, and short enough for a line."""
    text = escaped(untrusted)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
