"""How a clip becomes hashes, as the rest of the service sees it: caged or not, the same face."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Final, Protocol

from hashing.extract import Extract, Extraction
from hashing.lanes import Sampling
from hashing.media import Limits

LIMITS_ONLY: Final = "sandbox_limits_only"


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


class Decoding(Protocol):
    """Something that decodes clips. Usable from several threads."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Stable codes that every answer made by it carries: what the installation lacks."""

    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> AbstractContextManager[Taking]:
        """A clip that can be asked about; a stream has to stay open for so long."""


class Uncaged:
    """Decodes in this process, with the limits of ``hashing.media`` alone."""

    notices = (LIMITS_ONLY,)

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        yield Extraction(media, sampling, self._limits)


def extract(decoding: Decoding, media: bytes | BinaryIO, sampling: Sampling) -> Extract:
    """The fingerprint of all of ``media``; see ``hashing.extract.extract``."""
    with decoding.opened(media, sampling) as taking:
        return taking.whole()
