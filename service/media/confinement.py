"""How a decoder is locked up, and the locking itself."""

import json
import os
from dataclasses import asdict, dataclass, field
from signal import SIGKILL
from typing import Final, Self

from hashing.media import Limits
from service.media import kernel, landlock, rlimits, seccomp
from service.media.decoding import Level

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What one decoder may have.

    ``filtered``: whether system calls are filtered (seccomp, Landlock). ``wall_s`` and ``cpu_s``:
    seconds for one clip. ``memory_bytes``: resident, for all that it maps. ``limits``: what the
    decoding keeps by itself.
    """

    filtered: bool = True
    wall_s: int = 1800
    cpu_s: int = 1800
    memory_bytes: int = 768 * MIB
    limits: Limits = field(default_factory=Limits)

    def level(self) -> Level:
        """The level that this gives on this kernel."""
        if not self.filtered:
            return Level.LIMITS_ONLY
        return Level.FULL if landlock.version() else Level.NO_LANDLOCK

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The confinement that ``to_json`` has written down."""
        plain = json.loads(text)
        return cls(**plain | {"limits": Limits(**plain["limits"])})


@dataclass(frozen=True, slots=True)
class Base:
    """What a zygote holds already, and so every child from its start."""

    mapped_bytes: int
    resident_bytes: int

    @classmethod
    def here(cls) -> Self:
        """Of this process."""
        return cls(rlimits.mapped_bytes(), rlimits.resident_bytes())


class Cell:
    """This process on its way into the cage, in two steps: a child waits between them for its clip.

    Whatever takes time is done in the first. Both raise OSError or ValueError; the process must
    end then.
    """

    def __init__(self, confined: Confinement, base: Base) -> None:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, SIGKILL)  # without its zygote nobody would end it
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # no core dump, no debugger
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        self._confined = confined
        self._filter: seccomp.Filter | None = None
        growth_bytes = max(0, confined.memory_bytes - base.resident_bytes)
        self._space_bytes = base.mapped_bytes + growth_bytes
        if not confined.filtered:
            return
        machine = kernel.machine()
        if machine is None:
            raise OSError("the system calls of this processor are not known")
        landlock_version = landlock.version()
        if landlock_version:
            landlock.install(landlock_version)
        self._filter = seccomp.Filter(machine)

    def lock(self, *, channel: int, clip: int) -> None:
        """Lock it, for ever, with two descriptors: its channel and its clip."""
        _keep(channel, clip)
        rlimits.install(
            space_bytes=self._space_bytes,
            cpu_s=self._confined.cpu_s,
            descriptors=seccomp.CLIP_FD + 1,
        )
        if self._filter is not None:
            self._filter.install()


def _keep(channel: int, clip: int) -> None:
    """Put both descriptors where the filter expects them, and close all others but 0 to 2."""
    channel, clip = os.dup(channel), os.dup(clip)  # so that neither is at the other's place
    high = max(channel, clip, seccomp.CLIP_FD) + 1
    spare = os.dup2(channel, high, inheritable=False)
    os.dup2(clip, seccomp.CLIP_FD)
    os.dup2(spare, seccomp.CHANNEL_FD)
    os.closerange(seccomp.CLIP_FD + 1, os.sysconf("SC_OPEN_MAX"))
