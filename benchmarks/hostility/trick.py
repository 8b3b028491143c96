"""A trick: one way to send listed footage so that a decoding loop may not see it."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.hostility.footage import Clip


@dataclass(frozen=True, slots=True)
class Trick:
    """``make`` gives the file. ``readable``: a player could show the footage and recirc's allowed
    formats and codecs hold it; any other has to be ``unscannable``."""

    family: str
    name: str
    make: Callable[[Clip], bytes]
    readable: bool = True
