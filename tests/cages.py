"""Cages for tests: one for all that only need one, and what to do with clips in them."""

import atexit
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from hashing.extract import Extract
from hashing.lanes import Sampling
from service.errors import DecoderCrashed
from service.media.cage import Cage
from service.media.confinement import Confinement
from service.media.decoding import Decoding, Taking
from tests import hostile


@cache
def shared() -> Cage:
    """A cage for the whole run: a zygote takes a good part of a second to start."""
    cage = Cage(Confinement())
    atexit.register(cage.close)
    return cage


@cache
def taken_over() -> Cage:
    """A cage whose decoders do what their clips say; see ``tests.hostile``."""
    cage = Cage(Confinement(wall_s=20), hostile.as_root)
    atexit.register(cage.close)
    return cage


def run(script: str, stdin: bytes = b"") -> str:
    """What a script prints, in an interpreter of its own with one thread."""
    environment = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(  # noqa: S603  # this interpreter with a script from a test
        [sys.executable, "-c", script],
        input=stdin,
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parents[1],
        env=environment,
    ).stdout.decode()


class Dying:
    """Decoders that break down over the whole of a clip, or at once."""

    notices = ()

    def __init__(self, decoding: Decoding, *, at_once: bool = False) -> None:
        self._decoding = decoding
        self._at_once = at_once

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        with self._decoding.opened(media, sampling) as taking:
            yield _DyingTaking(taking, at_once=self._at_once)


class _DyingTaking:
    def __init__(self, taking: Taking, *, at_once: bool) -> None:
        self._taking = taking
        self._at_once = at_once

    def key_frames(self) -> Extract:
        if self._at_once:
            raise DecoderCrashed("broken")
        return self._taking.key_frames()

    def ending(self) -> Extract:
        raise DecoderCrashed("broken")

    def whole(self) -> Extract:
        raise DecoderCrashed("broken")
