"""What recirc answers to hostile bytes, by its public face, with the footage on a list."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from benchmarks.hostility.footage import Clip
from benchmarks.hostility.writing import Track, write
from hashing.lanes import Sampling
from hashing.verdict import Verdict
from service import curating, paths, scanning
from service.checking import Checker
from service.errors import CageFailed
from service.media.cage import Cage
from service.media.decoding import Decoding, Taking, Uncaged
from service.store.sqlite import SqliteStore

LIST: Final = "known"
# What stands for all that one file held: the first of these that any of its clips has.
_STRONGEST: Final = (Verdict.MATCH, Verdict.NEAR_MATCH, Verdict.UNSCANNABLE, Verdict.NO_MATCH)


@dataclass(frozen=True, slots=True)
class Answer:
    """The strongest verdict on what one file held; the reference, where one was found."""

    verdict: Verdict
    problems: tuple[str, ...]
    reference: str | None


def make_database(path: Path, clips: Sequence[Clip]) -> None:
    """A database with these clips on one list, each under its own name."""
    store = SqliteStore(path)
    try:
        for clip in clips:
            media = write(Track(pictures=clip.pictures))
            curating.add_media(
                store, Uncaged(), LIST, media, reference_id=clip.name, label=None, incident=None
            )
    finally:
        store.close()


class Measured:
    """A cage that also tells how much memory its children took. See ``Decoding``."""

    def __init__(self, cage: Cage) -> None:
        self._cage = cage
        self.level, self.notices = cage.level, cage.notices
        self.require, self.close = cage.require, cage.close
        self.peak_bytes = 0

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        """See ``Decoding.opened``."""
        with self._cage.opened(media, sampling) as asking:
            try:
                yield asking
            finally:
                with suppress(CageFailed):
                    self.peak_bytes = max(self.peak_bytes, asking.finished().peak_bytes)


class Answers:
    """Answers by one database and these decoders; to be closed."""

    def __init__(self, database: Path, decoding: Decoding) -> None:
        self._store = SqliteStore(database)
        self._checker = Checker(self._store, decoding)

    def of(self, media: bytes) -> Answer:
        """The answer to one file, as ``recirc check -`` would have it."""
        found = [
            Answer(
                one.result.verdict,
                one.result.problems,
                one.result.matches[0].reference if one.result.matches else None,
            )
            for one in scanning.scan(self._checker, [paths.STDIN], io.BytesIO(media))
            if isinstance(one, scanning.Scanned)
        ]
        return min(found, key=lambda one: _STRONGEST.index(one.verdict))

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()
