"""Every parser of ours that reads what somebody else wrote, as a function of bytes.

Each may raise a ``RecircError`` and nothing else. ``SEEDS`` are whole examples, to be damaged.
"""

import io
import json
import zipfile
from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from benchmarks.hostility.footage import procedural
from benchmarks.hostility.writing import Track, write
from hashing import films
from hashing.errors import RecircError, UnreadableMedia
from hashing.extract import CLIP, extract
from hashing.formats import document, fields, listfile, packed
from hashing.reference import Policy, Reference
from service import archives
from service.archives import ArchiveLimits
from service.errors import BadAnswer
from service.media import wire

_SMALL: Final = ArchiveLimits(member_bytes=1 << 20, total_bytes=1 << 22)


def _packed(data: bytes) -> None:
    packed.unpack(data)


def _document(data: bytes) -> None:
    try:
        untrusted = fields.parse(data)
    except fields.BadField:
        return  # what service.bodies tells the caller
    document.from_document(untrusted)


def _list(data: bytes) -> None:
    _, lines = listfile.read(io.BytesIO(data))
    deque(lines, maxlen=0)


def _archive(data: bytes) -> None:
    deque(archives.members(io.BytesIO(data), _SMALL), maxlen=0)


def _films(data: bytes) -> None:
    deque(films.behind_film(io.BytesIO(data), data[:64]), maxlen=0)
    deque(films.in_picture(io.BytesIO(data), 1 << 20), maxlen=0)


def _wire(data: bytes) -> None:
    stream = io.BytesIO(data)

    def read(wanted_bytes: int) -> bytes:
        part = stream.read(wanted_bytes)
        if len(part) < wanted_bytes:
            raise BadAnswer("the answer ends in the middle")
        return part

    wire.unpack(read)


PARSERS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "packed fingerprint": _packed,
    "fingerprint document": _document,
    "list file": _list,
    "zip archive": _archive,
    "films in a file": _films,
    "decoder's answer": _wire,
}


def seeds() -> dict[str, list[bytes]]:
    """Whole examples for each parser."""
    video = write(Track(pictures=procedural(1, 1, 96, 64).pictures))
    taken = extract(video, CLIP)
    plain = document.to_document(taken.fingerprint, taken.coverage)
    algorithms = tuple(track.algorithm for track in taken.fingerprint.tracks[:1])
    header = listfile.Header("known", Policy.BLOCK, None, algorithms, 1)
    reference = Reference("r1", "a label", "an incident", taken.fingerprint)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "text " * 20)
        archive.writestr("b/c.mp4", bytes(300))
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("d.zip", file.getvalue())
    return {
        "packed fingerprint": [packed.pack(taken.fingerprint)],
        "fingerprint document": [json.dumps(plain).encode()],
        "list file": ["".join(listfile.write(header, [reference])).encode()],
        "zip archive": [file.getvalue(), nested.getvalue()],
        "films in a file": [video, video[-2000:] + video[:3000]],
        "decoder's answer": [wire.pack(taken), wire.pack_error(UnreadableMedia("damaged"))],
    }


def accepts(name: str, data: bytes) -> bool:
    """Whether a parser takes these bytes. Raises whatever it lets out but must not."""
    try:
        PARSERS[name](data)
    except RecircError:
        return False
    return True


def damaged(whole: bytes, random: Random) -> bytes:
    """The example with a few changes; the same for the same ``random``."""
    data = bytearray(whole)
    for _ in range(random.choice((1, 2, 4, 8))):
        place = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0:
                data[place : place + 1] = random.randbytes(1)
            case 1:
                del data[place : place + random.randrange(1, 64)]
            case 2:
                data[place:place] = data[place : place + random.randrange(1, 64)]
            case 3:
                data[place:place] = random.choice(_TOKENS)
            case _:
                data = data[:place] if random.random() < 0.2 else data
    return bytes(data)


_TOKENS: Final = (
    *(b"\0", b"\xff" * 4, b"\x80\0\0\0", b"\n", b"{", b"}", b"[", b"]", b'"', b",", b"-", b"1e999"),
    *(b"NaN", b"null", b"true", b"PK\x03\x04", b"PK\x05\x06", b"\\ud800", b"9" * 40, b"\xc3\x28"),
)
