"""How a clip becomes hashes, as the rest of the service sees it: caged or not, the same face."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import BinaryIO, Final, Protocol, runtime_checkable

from hashing.extract import Extract, Extraction
from hashing.lanes import Sampling
from hashing.media import Limits
from hashing.patch_track import Look, PatchTrack
from hashing.patches.placing import Placing

LIMITS_ONLY: Final = "sandbox_limits_only"


class Level(StrEnum):
    """How well decoders are locked up."""

    FULL = "full"  # seccomp, Landlock, limits
    NO_LANDLOCK = "no-landlock"  # the kernel has none: seccomp, limits
    LIMITS_ONLY = "limits-only"  # a decoder that is taken over can do what this user can


class Taking(Protocol):
    """One clip on its way to a fingerprint; see ``hashing.extract.Extraction``.

    Each question may raise MediaError: a clip may turn out to be unreadable at any of them.
    """

    def key_frames(self) -> Extract:
        """Hashes of key frames from all over the clip; to be asked for first, if at all."""

    def ending(self) -> Extract:
        """The same with samples from the last of them to the end."""

    def whole(self) -> Extract:
        """Hashes of all of the clip."""

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        """Patch hashes of frames that were held on the way through the whole, in these looks."""

    def straightened(self, placing: Placing) -> Extract:
        """Hashes of the picture that this places in those frames."""

    def screen(self) -> Extract:
        """Hashes of what a screen shows that is seen in those frames."""


@runtime_checkable
class Abandoned(Protocol):
    """A taking that can be ended from another thread while somebody waits for its answer."""

    def abandon(self) -> None:
        """End it now: whatever is asked or was asked of it raises a MediaError."""


class Decoding(Protocol):
    """Something that decodes clips. Usable from several threads."""

    @property
    def level(self) -> Level:
        """How well decoders are locked up."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Stable codes that every answer made by it carries: what the installation lacks."""

    def require(self) -> None:
        """Wait until clips can be decoded. Raises NoCage where they cannot be locked up."""

    def close(self) -> None:
        """End whatever it is at: those clips could not be checked. Nothing is decoded any more."""

    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> AbstractContextManager[Taking]:
        """A clip that can be asked about; a stream has to stay open for so long."""


class Uncaged:
    """Decodes in this process, with the limits of ``hashing.media`` alone."""

    level = Level.LIMITS_ONLY
    notices = (LIMITS_ONLY,)

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits

    def require(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        """Nothing: what decodes in this process cannot be ended."""

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        yield Extraction(media, sampling, self._limits)


def extract(decoding: Decoding, media: bytes | BinaryIO, sampling: Sampling) -> Extract:
    """The fingerprint of all of ``media``; see ``hashing.extract.extract``."""
    with decoding.opened(media, sampling) as taking:
        return taking.whole()
