"""Surgery on mp4 files: their boxes as a tree that can be changed and written again.

Offsets of media are not moved: what is changed has to lie behind the media, where PyAV writes the
index. ``with_index_first`` moves it, and them, at the end.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

_PARENTS: Final = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"moof", b"traf", b"mvex"}
)
_HEAD_BYTES: Final = 8


@dataclass(slots=True)
class Node:
    """A box: either children or a body."""

    name: bytes
    body: bytearray = field(default_factory=bytearray)
    children: list["Node"] = field(default_factory=list)

    def find(self, name: bytes) -> Iterator["Node"]:
        """All boxes of this name inside, depth first."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.find(name)

    def written(self) -> bytes:
        """The box with its head."""
        body = b"".join(child.written() for child in self.children) or bytes(self.body)
        return struct.pack(">I4s", len(body) + _HEAD_BYTES, self.name) + body


def parsed(data: bytes) -> list[Node]:
    """The boxes of a well-formed file, in order."""
    nodes, start = [], 0
    while start + _HEAD_BYTES <= len(data):
        size, name = struct.unpack_from(">I4s", data, start)
        end = start + size if size >= _HEAD_BYTES else len(data)
        body = data[start + _HEAD_BYTES : end]
        nodes.append(
            Node(name, children=parsed(body)) if name in _PARENTS else Node(name, bytearray(body))
        )
        start = end
    return nodes


def written(nodes: list[Node]) -> bytes:
    """The file of these boxes."""
    return b"".join(node.written() for node in nodes)


def edited(mp4: bytes, edit: Callable[[Node], None]) -> bytes:
    """The file with its ``moov`` edited in place."""
    nodes = parsed(mp4)
    for node in nodes:
        if node.name == b"moov":
            edit(node)
    return written(nodes)


def with_index_first(mp4: bytes) -> bytes:
    """The same file with its index before its media, as for the web."""
    nodes = sorted(
        parsed(mp4),
        key=lambda node: (
            (b"ftyp", b"moov").index(node.name) if node.name in (b"ftyp", b"moov") else 2
        ),
    )
    moov = next(node for node in nodes if node.name == b"moov")
    before = parsed(mp4)
    names = [node.name for node in before]
    if names.index(b"moov") < names.index(b"mdat"):
        return mp4
    _move(moov, len(moov.written()))
    return written(nodes)


def shifted(mp4: bytes, by_bytes: int) -> bytes:
    """The same file, to be put behind so many other bytes."""
    return edited(mp4, lambda moov: _move(moov, by_bytes))


def fields(moov: Node, name: bytes, offset: int, value: int, form: str = ">I") -> None:
    """Set a field in every box of this name; ``offset`` counts from behind the head."""
    for node in moov.find(name):
        struct.pack_into(form, node.body, offset, value)


def with_edits(mp4: bytes, edits: list[tuple[int, int]], track: int = 0) -> bytes:
    """The file with an edit list: for each part its length and its media's start (-1: nothing is
    shown), both in thousandths of a second."""

    def edit(moov: Node) -> None:
        scale = struct.unpack_from(">I", next(moov.find(b"mvhd")).body, 12)[0]
        trak = [node for node in moov.children if node.name == b"trak"][track]
        media_scale = struct.unpack_from(">I", next(trak.find(b"mdhd")).body, 12)[0]
        rows = b"".join(
            struct.pack(
                ">IiI",
                length_ms * scale // 1000,
                -1 if start_ms < 0 else start_ms * media_scale // 1000,
                0x10000,
            )
            for length_ms, start_ms in edits
        )
        body = bytearray(struct.pack(">II", 0, len(edits)) + rows)
        trak.children = [child for child in trak.children if child.name != b"edts"]
        trak.children.insert(1, Node(b"edts", children=[Node(b"elst", body)]))

    return edited(mp4, edit)


def _move(moov: Node, by_bytes: int) -> None:
    for node in moov.find(b"stco"):
        (count,) = struct.unpack_from(">I", node.body, 4)
        for place in range(8, 8 + 4 * count, 4):
            (offset,) = struct.unpack_from(">I", node.body, place)
            struct.pack_into(">I", node.body, place, offset + by_bytes)
