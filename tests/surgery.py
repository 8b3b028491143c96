"""Cuts, damage and lies in the bytes of finished video files."""

import struct

import numpy as np


def boxes(mp4: bytes) -> list[tuple[str, bytes]]:
    """The top-level boxes of an mp4 file: their names and their bytes, head included."""
    found, start = [], 0
    while start + 8 <= len(mp4):
        size = int.from_bytes(mp4[start : start + 4])
        found.append((mp4[start + 4 : start + 8].decode("latin-1"), mp4[start : start + size]))
        start += size
    return found


def without_moov(mp4: bytes) -> bytes:
    """What is left of a recording that was never finished: no index."""
    return b"".join(data for name, data in boxes(mp4) if name != "moov")


def index_first(mp4: bytes) -> bytes:
    """The same file with its index before its media, as for the web."""
    parts = dict(boxes(mp4))
    moov = parts["moov"]
    before, shift = b"".join([parts["ftyp"], moov]), len(moov)
    return (
        before[: len(parts["ftyp"])]
        + _shifted(moov, shift)
        + b"".join(data for name, data in boxes(mp4) if name not in ("ftyp", "moov"))
    )


def _shifted(moov: bytes, shift: int) -> bytes:
    """``moov`` with all chunk offsets (box ``stco``) moved by ``shift`` bytes."""
    patched, place = bytearray(moov), moov.find(b"stco")
    while place >= 0:
        (count,) = struct.unpack_from(">I", moov, place + 8)
        for entry in range(place + 12, place + 12 + 4 * count, 4):
            struct.pack_into(">I", patched, entry, struct.unpack_from(">I", moov, entry)[0] + shift)
        place = moov.find(b"stco", place + 4)
    return bytes(patched)


def with_media_cut(mp4: bytes, kept_share: float = 0.4) -> bytes:
    """A download that stopped: the index is whole, the media ends early."""
    web = index_first(mp4)
    start = web.find(b"mdat") + 4
    return web[: start + round((len(web) - start) * kept_share)]


def with_media_damaged(mp4: bytes, start_share: float = 0.4, end_share: float = 0.6) -> bytes:
    """A part of the media overwritten with noise; index and sizes stay."""
    start = mp4.find(b"mdat") + 4
    length = int.from_bytes(mp4[start - 8 : start - 4]) - 8
    first, last = start + round(length * start_share), start + round(length * end_share)
    noise = np.random.default_rng(1).integers(0, 256, last - first, np.uint8).tobytes()
    return mp4[:first] + noise + mp4[last:]


def with_length_claimed(mp4: bytes, factor: float) -> bytes:
    """The header's durations (``mvhd``, ``mdhd``) multiplied; the media stays as it is."""
    patched = bytearray(mp4)
    for name in (b"mvhd", b"mdhd"):
        place = mp4.find(name)
        while place >= 0:  # version 0: flags, created, modified, time scale, duration
            (length,) = struct.unpack_from(">I", mp4, place + 20)
            struct.pack_into(">I", patched, place + 20, round(length * factor))
            place = mp4.find(name, place + 4)
    return bytes(patched)


def with_equal_times(mp4: bytes) -> bytes:
    """All frames at nearly one time: every sample delta (box ``stts``) set to 1."""
    patched = bytearray(mp4)
    place = mp4.find(b"stts")
    (count,) = struct.unpack_from(">I", mp4, place + 8)
    for entry in range(count):
        struct.pack_into(">I", patched, place + 12 + 8 * entry + 4, 1)
    return bytes(patched)


def claiming_one_frame(avi: bytes) -> bytes:
    """An AVI whose headers declare a single frame."""
    patched = bytearray(avi)
    struct.pack_into("<I", patched, avi.find(b"avih") + 8 + 16, 1)  # dwTotalFrames
    struct.pack_into("<I", patched, avi.find(b"strh") + 8 + 32, 1)  # dwLength
    return bytes(patched)
