"""Which decoders a command or the service gets, by its settings and by what the system has.

On Linux nothing is decoded outside the cage unless somebody has said so. Other systems have no
cage: there a command decodes in its own process, and every answer says that; a service, which
strangers reach, has to be told to.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import NoCage
from service.media import kernel, starting
from service.media.cage import Cage
from service.media.confinement import MIB, Confinement
from service.media.decoding import Decoding, Uncaged
from service.settings import Sandbox, Settings


@contextmanager
def for_command(settings: Settings) -> Iterator[Decoding]:
    """The decoders of one command; to be asked for before it has threads or secrets."""
    if kernel.machine() is None:
        yield Uncaged(settings.media)
        return
    with _closing(Cage(confinement(settings), starting.forked)) as cage:
        yield cage


@contextmanager
def for_service(settings: Settings) -> Iterator[Decoding]:
    """The decoders of a service, tried and found locked up. Raises NoCage."""
    if kernel.machine() is None:
        if settings.sandbox is not Sandbox.LIMITS_ONLY:
            raise NoCage(
                "this system has no way to lock decoders up; serve from Linux, or say "
                "--sandbox=limits-only"
            )
        yield Uncaged(settings.media)
        return
    with _closing(Cage(confinement(settings))) as cage:
        cage.require()
        yield cage


def confinement(settings: Settings) -> Confinement:
    """What one decoder may have."""
    return Confinement(
        filtered=settings.sandbox is Sandbox.FULL,
        wall_s=settings.check_wall_s,
        cpu_s=settings.check_cpu_s,
        memory_bytes=settings.check_memory_mib * MIB,
        limits=settings.media,
    )


@contextmanager
def _closing(cage: Cage) -> Iterator[Cage]:
    try:
        yield cage
    finally:
        cage.close()
