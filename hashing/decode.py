"""The front door of decoding: bytes or a stream in, a ``Media`` out.

The first bytes decide which reader gets a clip: still pictures and picture animations go to Pillow
(``hashing.stills``), everything else to PyAV (``hashing.container``). Names and claimed types of
files are never looked at.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO, Final

from hashing import films
from hashing.container import Container
from hashing.coverage import Coverage, Problem
from hashing.errors import EmptyMedia, MediaError, NotMedia, UnreadableMedia
from hashing.fingerprint import Kind
from hashing.joined import Joined
from hashing.media import Limits, LumaFrame, Media
from hashing.stills import Stills, picture_format

__all__ = ["Limits", "LumaFrame", "Media", "open_media"]

_HEAD_BYTES: Final = 64
_TRIES_A_FILM: Final = 8  # places that only look like a film's beginning cost a look each
# ISO base media boxes that start a file, at byte 4 (ISO/IEC 14496-12), with those of old QuickTime.
_ISO_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp")
_CONTAINER_MAGIC: Final = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM: EBML
    b"FLV\x01",
    b"OggS",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"DKIF",  # IVF
)


def open_media(media: bytes | BinaryIO, limits: Limits) -> Media:
    """The clip in ``media``, recognised and ready to be decoded.

    A stream that cannot seek is read into memory first, up to ``limits.media_bytes``; others are
    read in place and must stay open. Raises EmptyMedia, NotMedia, NoVideo or UnreadableMedia.
    """
    if isinstance(media, bytes):
        return _recognised(BytesIO(media), limits)
    if media.seekable():
        return _recognised(media, limits)
    held = media.read(limits.media_bytes + 1)
    opened = _recognised(BytesIO(held[: limits.media_bytes]), limits)
    return opened if len(held) <= limits.media_bytes else _Beginning(opened)


def _recognised(stream: BinaryIO, limits: Limits) -> Media:
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    if not head:
        raise EmptyMedia("the file has no bytes; copy it again")
    name = picture_format(head)
    readings: list[Media] = []
    wrong: MediaError | None = None
    try:
        readings.append(_first(stream, head, name, limits))
    except MediaError as error:
        wrong = error
    animated = any(reading.kind is Kind.VIDEO for reading in readings)
    behind, problem = _films(stream, head, name, limits, animated=animated)
    readings += behind
    if wrong is not None and not readings:
        raise wrong
    for place, reading in enumerate(tuple(readings)):
        if isinstance(reading, Container) and reading.repeats_frames:
            readings[place], problem = reading.as_stored(), Problem.LIMIT_FRAMES
        elif isinstance(reading, Container) and reading.hides_frames:
            readings.append(reading.as_stored())
    if len(readings) == 1 and problem is None:
        return readings[0]
    return Joined(readings, 2 * limits.tracks, problem)


def _films(
    stream: BinaryIO, head: bytes, name: str | None, limits: Limits, *, animated: bool
) -> tuple[list[Container], Problem | None]:
    """The further films of a file, and whether there is more than may be looked at."""
    if name is None:
        starts = films.behind_film(stream, head)
    else:
        starts = films.in_picture(stream, limits.picture_bytes)
    found: list[Container] = []
    kinds: list[str] = []
    tries = 0
    for start_bytes, kind in starts:
        if films.is_within(kind, kinds) or (animated and kind == films.ONE_TRACK):
            continue  # part of what is read already; an animated AVIF is a film of one track
        tries += 1
        if len(found) == limits.films or tries > _TRIES_A_FILM * limits.films:
            return found, Problem.LIMIT_FILMS
        film = _film(stream, start_bytes, limits)
        if film is not None:
            found.append(film)
            kinds.append(kind)
    return found, None


def _film(stream: BinaryIO, start_bytes: int, limits: Limits) -> Container | None:
    """The film that begins here, if any part of it can be shown or a limit forbids that."""
    try:
        film = Container(stream, limits, start_bytes)
    except MediaError:
        return None
    if any(True for _ in film.frames(1000, economical=True)):
        return film
    unread = set(film.coverage().problems) - {Problem.DECODER_ERROR, Problem.TRUNCATED}
    return film if unread else None


def _first(stream: BinaryIO, head: bytes, name: str | None, limits: Limits) -> Media:
    if name is not None:
        return Stills(stream, name, limits)
    try:
        return Container(stream, limits)
    except NotMedia as error:
        if not _is_container(head):
            raise
        raise UnreadableMedia(
            "the file is a video's beginning or a damaged one, and cannot be opened; copy it again"
        ) from error


def _is_container(head: bytes) -> bool:
    riff = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return riff or head[4:8] in _ISO_BOXES or head.startswith(_CONTAINER_MAGIC)


class _Beginning:
    """The part of a clip that fits into ``Limits.media_bytes``; its coverage says so."""

    def __init__(self, held: Media) -> None:
        self._held = held

    @property
    def kind(self) -> Kind:
        return self._held.kind

    def key_frames(self) -> Iterator[LumaFrame]:
        return self._held.key_frames()

    def first_frames(self) -> Iterator[LumaFrame]:
        return self._held.first_frames()

    def ending(self, interval_ms: int) -> Iterator[LumaFrame]:
        return self._held.ending(interval_ms)

    def frames(
        self, interval_ms: int, *, economical: bool, dense_ms: int = 0
    ) -> Iterator[LumaFrame]:
        return self._held.frames(interval_ms, economical=economical, dense_ms=dense_ms)

    def coverage(self) -> Coverage:
        seen = self._held.coverage()
        problems = {*seen.problems, Problem.LIMIT_BYTES}
        return replace(seen, problems=tuple(sorted(problems)))
