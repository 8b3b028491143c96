"""Where further films begin in one file: behind a photo, behind another film, inside a picture.

Phones keep a film behind the photo that it belongs to; whoever wants footage to pass for something
else does the same. A player shows either, so all of them are looked at.
"""

import re
from collections.abc import Iterable, Iterator
from io import SEEK_END
from itertools import islice
from typing import BinaryIO, Final

_BOX_HEAD_BYTES: Final = 16  # with the long form of the size
_MOST_BOXES: Final = 100_000  # a fragment of a film takes two or three, and may hold one frame
_CHUNK_BYTES: Final = 1024 * 1024
_ASF: Final = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
# Formats that FFmpeg reads to the file's end, but with the settings of the first film in it.
_SEQUELS: Final = {
    b"FLV\x01": rb"FLV\x01[\x00-\x05]\x00\x00\x00\x09",
    b"\x1aE\xdf\xa3": rb"\x1aE\xdf\xa3.{1,48}(?:webm|matroska)",
    b"DKIF": rb"DKIF\x00\x00\x20\x00",
    _ASF[:4]: re.escape(_ASF),
}
# How a film begins that may stand behind a picture, or inside one.
_FILM: Final = re.compile(
    rb"(?P<boxes>\x00\x00[\x00-\x0f].ftyp)"
    rb"|(?P<ebml>\x1aE\xdf\xa3)"  # Matroska, WebM
    rb"|(?P<flv>FLV\x01[\x00-\x05]\x00\x00\x00\x09)"
    rb"|(?P<riff>RIFF.{4}AVI LIST)"
    rb"|(?P<ogg>OggS\x00\x02)"
    rb"|(?P<ivf>DKIF\x00\x00\x20\x00)"
    rb"|(?P<packets>G.{187}G.{187}G.{187}G.{187}G)"  # five of a transport stream
    rb"|(?P<stream>\x00\x00\x01[\x67\xb3\xba])"  # sequence headers of H.264 and MPEG, and a pack
    rb"|(?P<asf>" + re.escape(_ASF) + rb")",
    re.DOTALL,
)
ONE_TRACK: Final = "one track"
# Their readers find the next packet behind anything: what comes later belongs to the first.
_ENDLESS: Final = frozenset({"packets", "stream"})


def in_picture(stream: BinaryIO, most_bytes: int) -> Iterator[tuple[int, str]]:
    """Where films may begin in a picture file, and of what kind (``is_within``).

    0 where the picture's own boxes hold a film.
    """
    for name, place in islice(_boxes(stream), 1, None):
        if name == b"ftyp":
            break
        if name == b"moov":
            yield 0, ONE_TRACK if _box(stream, place).count(b"trak") == 1 else "boxes"
            break
    stream.seek(0)
    data = stream.read(most_bytes)
    place = 1
    while found := _FILM.search(data, place):
        yield found.start(), found.lastgroup or ""
        place = found.start() + 1


def is_within(kind: str, films: Iterable[str]) -> bool:
    """Whether what looks like a film of this kind belongs to those before it in the file."""
    return kind in _ENDLESS and any(film in _ENDLESS or kind == "stream" for film in films)


def behind_film(stream: BinaryIO, head: bytes) -> Iterator[tuple[int, str]]:
    """Where a further film may begin that FFmpeg passes over when it reads the first."""
    pattern = _SEQUELS.get(head[:4])
    if pattern is not None:
        starts = _repeated(stream, re.compile(pattern, re.DOTALL))
    elif head[4:8] in (b"ftyp", b"moov", b"free", b"skip", b"wide", b"mdat"):
        starts = _further_indexes(stream)
    else:
        return
    for start_bytes in starts:
        yield start_bytes, "sequel"


def _further_indexes(stream: BinaryIO) -> Iterator[int]:
    """Each further index (``moov``), or the ``ftyp`` before it.

    Not one that repeats the first between fragments: FFmpeg goes on with the fragments behind it.
    """
    start, first, in_fragments = 0, b"", False
    for name, place in _boxes(stream):
        if name == b"ftyp":
            start = place
        elif name == b"moof":
            in_fragments = True
        elif name == b"moov":
            index = _box(stream, place)
            if not first:
                first = index
            elif not (in_fragments and index == first):
                yield start or place
            start = 0


def _box(stream: BinaryIO, place: int) -> bytes:
    """A box's bytes, or so many that others like it are told apart."""
    stream.seek(place)
    size_bytes = int.from_bytes(stream.read(4))
    return stream.read(min(size_bytes, _CHUNK_BYTES))


def _boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and place of the top-level boxes (ISO/IEC 14496-12), as far as their sizes lead."""
    place, end = 0, stream.seek(0, SEEK_END)
    for _ in range(_MOST_BOXES):
        if place >= end:  # a box may claim to be longer than any file
            return
        stream.seek(place)
        head = stream.read(_BOX_HEAD_BYTES)
        if len(head) < 8:
            return
        size_bytes = int.from_bytes(head[:4])
        if size_bytes == 1:
            size_bytes = int.from_bytes(head[8:])
        yield head[4:8], place
        if size_bytes < 8:  # to the end of the file, or nonsense
            return
        place += size_bytes


def _repeated(stream: BinaryIO, pattern: re.Pattern[bytes]) -> Iterator[int]:
    """Where the pattern stands, but for the file's own beginning."""
    overlap_bytes = 64  # no pattern here is longer
    stream.seek(1)
    place, held, last = 1, b"", 0
    while chunk := stream.read(_CHUNK_BYTES):
        held += chunk
        for found in pattern.finditer(held):
            if place + found.start() > last:  # else it stood in the overlap
                last = place + found.start()
                yield last
        kept = held[-overlap_bytes:]
        place, held = place + len(held) - len(kept), kept
