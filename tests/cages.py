"""Cages for tests: one for all that only need one, and what to do with clips in them."""

import atexit
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

from hashing.coverage import Problem
from hashing.errors import RecircError
from hashing.extract import Extract
from hashing.lanes import Sampling
from hashing.patch_track import Look, PatchTrack
from hashing.patches.placing import Placing
from service.errors import CageFailed
from service.media.cage import Cage
from service.media.confinement import MIB, Confinement
from service.media.decoding import Decoding, Level, Taking
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
    return _hostile(Confinement())


@cache
def short() -> Cage:
    """The same with little time: only for what never ends by itself."""
    return _hostile(Confinement(wall_s=1))


@cache
def tight() -> Cage:
    """The same with little memory."""
    return _hostile(Confinement(memory_bytes=200 * MIB))


@cache
def busy() -> Cage:
    """The same with little processor time."""
    return _hostile(Confinement(cpu_s=1))


@cache
def small() -> Cage:
    """A cage with little memory."""
    cage = Cage(Confinement(memory_bytes=150 * MIB))
    atexit.register(cage.close)
    return cage


def _hostile(confined: Confinement) -> Cage:
    cage = Cage(confined, hostile.as_root)
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
    """Decoders that fail in one way over the whole of a clip; without others, at once."""

    level = Level.FULL
    notices = ()

    def __init__(self, error: type[RecircError], decoding: Decoding | None = None) -> None:
        self._error = error
        self._decoding = decoding

    def require(self) -> None:
        """It is there, and then it fails."""

    def close(self) -> None:
        """It fails anyway."""

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        if self._decoding is None:
            raise self._error("it fails")
        with self._decoding.opened(media, sampling) as taking:
            yield _DyingTaking(taking, self._error)


class Late(Dying):
    """Decoders whose time is up before the first frame of the whole."""

    def __init__(self, decoding: Decoding) -> None:
        super().__init__(CageFailed, decoding)

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        with super().opened(media, sampling) as taking:
            yield _LateTaking(taking)


class _LateTaking:
    def __init__(self, taking: Taking) -> None:
        self._keys = taking.key_frames()
        self.ending = taking.ending

    def key_frames(self) -> Extract:
        return self._keys

    def whole(self) -> Extract:
        keys = self._keys
        coverage = replace(keys.coverage, decoded_ms=0, problems=(Problem.LIMIT_WALL,))
        return Extract(replace(keys.fingerprint, tracks=()), coverage)

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        return ()

    def straightened(self, placing: Placing) -> Extract:
        raise NotImplementedError  # without patches there is nothing to place

    def screen(self) -> Extract:
        return replace(self.whole(), patches=())


class _DyingTaking:
    def __init__(self, taking: Taking, error: type[RecircError]) -> None:
        self._taking = taking
        self._error = error

    def key_frames(self) -> Extract:
        return self._taking.key_frames()

    def ending(self) -> Extract:
        raise self._error("it fails")

    def whole(self) -> Extract:
        raise self._error("it fails")

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        raise self._error("it fails")

    def straightened(self, placing: Placing) -> Extract:
        raise self._error("it fails")

    def screen(self) -> Extract:
        raise self._error("it fails")
