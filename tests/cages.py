"""Cages for tests: one for all that only need one, and what to do with clips in them."""

import atexit
from functools import cache

from service.media.cage import Cage
from service.media.confinement import Confinement


@cache
def shared() -> Cage:
    """A cage for the whole run: a zygote takes a good part of a second to start."""
    cage = Cage(Confinement())
    atexit.register(cage.close)
    return cage
