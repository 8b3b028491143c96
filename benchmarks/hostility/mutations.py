"""Seeded damage to finished files: the same number always gives the same file."""

import struct
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, TypeAlias

from benchmarks.hostility import boxes
from benchmarks.hostility.footage import Clip
from benchmarks.hostility.writing import Box, Coding, Track, write

_GROUPS: Final = {"g": "12"}
# What is damaged: one file of each.
SOURCES: Final[Mapping[str, tuple[Coding, Box]]] = {
    "mp4 h264": (Coding(options=_GROUPS), Box()),
    "mp4 h264, one key frame": (Coding(options={"g": "999"}), Box()),
    "fragmented mp4": (
        Coding(options=_GROUPS),
        Box(options={"movflags": "frag_keyframe+empty_moov"}),
    ),
    "mp4 hevc": (Coding(codec="libx265", options=_GROUPS), Box()),
    "mp4 av1": (Coding(codec="libsvtav1", options=_GROUPS), Box()),
    "mkv h264": (Coding(options=_GROUPS), Box(format="matroska")),
    "webm vp8": (Coding(codec="libvpx", options=_GROUPS), Box(format="webm")),
    "webm vp9": (Coding(codec="libvpx-vp9", options=_GROUPS), Box(format="webm")),
    "avi mpeg4": (Coding(codec="mpeg4"), Box(format="avi")),
    "ts h264": (Coding(options=_GROUPS), Box(format="mpegts")),
    "ts mpeg2": (Coding(codec="mpeg2video"), Box(format="mpegts")),
    "flv h264": (Coding(options=_GROUPS), Box(format="flv")),
    "ogg vp8": (Coding(codec="libvpx", options=_GROUPS), Box(format="ogg")),
    "mov mjpeg": (Coding(codec="mjpeg", pixels="yuvj420p"), Box(format="mov")),
    "asf wmv2": (Coding(codec="wmv2"), Box(format="asf")),
    "mpeg mpeg1": (Coding(codec="mpeg1video"), Box(format="mpeg")),
}
_ODD_NUMBERS: Final = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEAD_BYTES: Final = 2048

Mutation: TypeAlias = Callable[[bytearray, Random], bytearray]


def source(name: str, clip: Clip) -> bytes:
    """The whole file of this name."""
    coding, box = SOURCES[name]
    return write(Track(pictures=clip.pictures, coding=coding), box)


def mutated(media: bytes, number: int) -> tuple[str, bytes]:
    """The damage of this number: its kind, and the damaged file."""
    random = Random(number)  # noqa: S311  # damage, no secret
    kind = sorted(KINDS)[number % len(KINDS)]
    data = bytearray(media)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = KINDS[kind](data, random)
    return kind, bytes(data)


def _bytes_anywhere(data: bytearray, random: Random) -> bytearray:
    for _ in range(random.choice((1, 4, 16, 64))):
        data[random.randrange(len(data))] = random.randrange(256)
    return data


def _bytes_in_heads(data: bytearray, random: Random) -> bytearray:
    """In the first kilobytes, or the last, where indexes stand."""
    start = random.choice((0, max(0, len(data) - _HEAD_BYTES)))
    for _ in range(random.choice((1, 2, 4, 8))):
        place = min(len(data) - 1, start + random.randrange(_HEAD_BYTES))
        data[place] = random.randrange(256)
    return data


def _bits(data: bytearray, random: Random) -> bytearray:
    for _ in range(random.choice((1, 8, 100))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return data


def _truncated(data: bytearray, random: Random) -> bytearray:
    return data[: random.randrange(1, len(data))]


def _beginning_lost(data: bytearray, random: Random) -> bytearray:
    return data[random.randrange(1, max(2, len(data) // 2)) :]


def _overwritten(data: bytearray, random: Random) -> bytearray:
    start, length = _part(data, random)
    filler = random.choice((b"\0", b"\xff", None))
    data[start : start + length] = random.randbytes(length) if filler is None else filler * length
    return data


def _removed(data: bytearray, random: Random) -> bytearray:
    start, length = _part(data, random)
    del data[start : start + length]
    return data


def _doubled(data: bytearray, random: Random) -> bytearray:
    start, length = _part(data, random)
    data[start:start] = data[start : start + length]
    return data


def _moved(data: bytearray, random: Random) -> bytearray:
    start, length = _part(data, random)
    part = data[start : start + length]
    del data[start : start + length]
    place = random.randrange(len(data) + 1)
    data[place:place] = part
    return data


def _part(data: bytearray, random: Random) -> tuple[int, int]:
    length = max(1, round(len(data) * random.choice((0.001, 0.01, 0.1, 0.3)) * random.random()))
    return random.randrange(max(1, len(data) - length)), length


def _number(data: bytearray, random: Random) -> bytearray:
    """Four bytes near either end, where sizes and counts stand, set to an odd number."""
    start = random.choice((0, max(0, len(data) - _HEAD_BYTES)))
    place = min(max(0, len(data) - 4), start + random.randrange(_HEAD_BYTES))
    form = random.choice((">I", "<I", ">H", "B"))
    value = random.choice(_ODD_NUMBERS) & (256 ** struct.calcsize(form) - 1)
    if place + 4 <= len(data):
        struct.pack_into(form, data, place, value)
    return data


def _box_size(data: bytearray, random: Random) -> bytearray:
    """The size of a box, of any depth; another number where the file has none."""
    places = [place - 4 for name in _NAMES for place in _places(data, name) if place >= 4]
    if not places:
        return _number(data, random)
    place = random.choice(places)
    (size,) = struct.unpack_from(">I", data, place)
    value = random.choice((*_ODD_NUMBERS, size - 1, size + 1, size * 2, size // 2))
    struct.pack_into(">I", data, place, value & 0xFFFFFFFF)
    return data


def _box_field(data: bytearray, random: Random) -> bytearray:
    """A field of a box of the index; another number where the file has none."""
    places = [place for name in _NAMES for place in _places(data, name)]
    if not places:
        return _number(data, random)
    place = random.choice(places) + 4 + 4 * random.randrange(24)
    if place + 4 <= len(data):
        struct.pack_into(">I", data, place, random.choice(_ODD_NUMBERS))
    return data


def _box_tree(data: bytearray, random: Random) -> bytearray:
    """A box doubled, left out, or exchanged with another; a part doubled where there are none."""
    nodes = boxes.parsed(bytes(data)) if data[4:8] == b"ftyp" else []
    if not nodes:
        return _doubled(data, random)
    every: list[list[boxes.Node]] = [nodes]
    for siblings in every:
        every += [node.children for node in siblings if node.children]
    siblings = random.choice(every)
    place = random.randrange(len(siblings))
    match random.choice(("doubled", "left out", "exchanged")):
        case "doubled":
            siblings.insert(random.randrange(len(siblings) + 1), siblings[place])
        case "left out":
            del siblings[place]
        case _:
            other = random.randrange(len(siblings))
            siblings[place], siblings[other] = siblings[other], siblings[place]
    return bytearray(boxes.written(nodes))


_NAMES: Final = tuple(
    b"moov mvhd trak tkhd edts elst mdia mdhd hdlr minf stbl stsd stts stss ctts stsc stsz stco "
    b"avcC hvcC av1C moof mfhd traf tfhd tfdt trun mvex trex mdat ftyp free udta meta".split()
)


def _places(data: bytearray, name: bytes) -> Sequence[int]:
    found: list[int] = []
    place = data.find(name)
    while place >= 0 and len(found) < 8:
        found.append(place)
        place = data.find(name, place + 1)
    return found


KINDS: Final[Mapping[str, Mutation]] = {
    "bytes anywhere": _bytes_anywhere,
    "bytes in heads": _bytes_in_heads,
    "bits": _bits,
    "truncated": _truncated,
    "beginning lost": _beginning_lost,
    "a part overwritten": _overwritten,
    "a part removed": _removed,
    "a part doubled": _doubled,
    "a part moved": _moved,
    "a number": _number,
    "a box's size": _box_size,
    "a box's field": _box_field,
    "boxes": _box_tree,
}
