"""Tricks that a bad link or a bad clock could have played: damage, cuts, and odd time stamps."""

import io
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

import av
import numpy as np
from av.packet import Packet
from PIL import Image

from benchmarks.hostility import boxes
from benchmarks.hostility.footage import FPS, Clip, decoy
from benchmarks.hostility.trick import Trick
from benchmarks.hostility.writing import Box, Coding, Track, remuxed, write

_SHORT_GROUPS: Final = Coding(options={"g": "12"})
_MKV: Final = Box(format="matroska")

Lost: TypeAlias = Callable[[int], bool]
Times: TypeAlias = Callable[[int], int]


def tricks() -> list[Trick]:
    """All of them."""
    return [*_damage(), *_stamps(), *_rates(), *_animations()]


# --- damage ---------------------------------------------------------------------------------------


def _damage() -> list[Trick]:
    return [
        *(
            Trick("damage", f"the middle overwritten, in {box}", partial(_middle, box))
            for box in ("mp4", "matroska", "mpegts", "avi", "flv")
        ),
        *(
            Trick(
                "damage", f"one byte in {every} changed, in {box}", partial(_sprinkled, every, box)
            )
            for every in (20_000, 5000)
            for box in ("mp4", "mpegts")
        ),
        *(
            Trick("cut", f"after 70 %, {box}", partial(_cut, box))
            for box in ("mp4, index first", "matroska", "mpegts", "avi", "flv", "webm", "mpeg")
        ),
        Trick("cut", "index last and lost", _index_lost, readable=False),
        Trick("cut", "the first 30 % lost, in ts", _beginning_lost),
        Trick("cut", "without its first key frame", partial(_dropped, lambda number: number == 0)),
        Trick("cut", "every tenth packet lost", partial(_dropped, lambda number: number % 10 == 9)),
        Trick("cut", "a second in the middle lost", partial(_dropped, lambda n: 50 <= n < 75)),
        Trick("damage", "empty packets between", _empty_packets),
    ]


def _of(clip: Clip, box: str, coding: Coding = _SHORT_GROUPS) -> bytes:
    if box == "avi":
        coding = Coding(codec="mpeg4")
    if box == "webm":
        coding = Coding(codec="libvpx", options={"g": "12"})
    if box == "mpeg":
        coding = Coding(codec="mpeg1video")
    if box.startswith("mp4"):
        media = write(Track(pictures=clip.pictures, coding=coding))
        return boxes.with_index_first(media) if "first" in box else media
    return write(Track(pictures=clip.pictures, coding=coding), Box(format=box))


def _middle(box: str, clip: Clip) -> bytes:
    media = _of(clip, box)
    first, last = round(len(media) * 0.4), round(len(media) * 0.6)
    noise = np.random.default_rng(1).integers(0, 256, last - first, np.uint8).tobytes()
    return media[:first] + noise + media[last:]


def _sprinkled(every: int, box: str, clip: Clip) -> bytes:
    media = bytearray(_of(clip, box))
    random = np.random.default_rng(2)
    for place in random.integers(200, len(media) * 9 // 10, len(media) // every):
        media[place] = int(random.integers(0, 256))
    return bytes(media)


def _cut(box: str, clip: Clip) -> bytes:
    media = _of(clip, box)
    return media[: round(len(media) * 0.7)]


def _index_lost(clip: Clip) -> bytes:
    return _cut("mp4", clip)


def _beginning_lost(clip: Clip) -> bytes:
    media = _of(clip, "mpegts")
    return media[len(media) * 3 // 10 :]


def _dropped(lost: Lost, clip: Clip) -> bytes:
    media = _of(clip, "mp4")
    return remuxed(media, _MKV, alter=lambda packet, number: not lost(number))


def _empty_packets(clip: Clip) -> bytes:
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(_of(clip, "mp4")), "r") as source,
        av.open(file, "w", format="matroska") as output,
    ):
        copy = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                empty = Packet(0)
                empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
                for one in (empty, packet):
                    one.stream = copy
                    output.mux(one)
    return file.getvalue()


# --- time stamps ----------------------------------------------------------------------------------


def _stamps() -> list[Trick]:
    every = range(100 * FPS)
    jumping = [number + 36_000 * FPS * (number // FPS) for number in every]
    return [
        Trick(
            "time stamps",
            "begin at 26 hours",
            partial(_stamped, [26 * 3600 * FPS + number for number in every], "mpegts"),
        ),
        Trick(
            "time stamps", "jump by ten hours each second", partial(_stamped, jumping, "matroska")
        ),
        Trick("time stamps", "jump, in ts", partial(_stamped, jumping, "mpegts")),
        Trick("time stamps", "all but equal", partial(_deltas, 1)),
        Trick("time stamps", "all equal", partial(_deltas, 0)),
        Trick("time stamps", "2 thousandths apart", partial(_deltas, 26)),
        Trick("time stamps", "6 thousandths apart", partial(_deltas, 77)),
        Trick("time stamps", "a second apart", partial(_deltas, 12_800)),
        Trick("time stamps", "a minute apart", partial(_deltas, 60 * 12_800)),
        Trick("time stamps", "an hour apart", partial(_deltas, 3600 * 12_800)),
        Trick("time stamps", "an absurd time apart", partial(_deltas, 2**31 - 1)),
        Trick("time stamps", "run backwards, in mkv", _backwards),
        Trick("time stamps", "all zero, in mkv", _zeros),
        Trick("time stamps", "in disorder, in mkv", _disorder),
        Trick("time stamps", "negative", partial(_composition, -(2**20))),
        Trick("time stamps", "shown much later than decoded", partial(_composition, 2**30)),
        Trick("time stamps", "a clock of 1 Hz", partial(_scale, 1)),
        Trick("time stamps", "a clock of 4 GHz", partial(_scale, 2**32 - 1)),
        Trick("time stamps", "a clock of 0 Hz", partial(_scale, 0)),
        Trick("time stamps", "fewer than samples", _few_deltas),
        Trick("time stamps", "a scale of mkv a thousand times as fine", partial(_mkv_scale, 1000)),
        Trick(
            "time stamps", "a scale of mkv a thousand times as coarse", partial(_mkv_scale, 10**9)
        ),
    ]


def _stamped(times: Sequence[int], box: str, clip: Clip) -> bytes:
    return write(
        Track(pictures=clip.pictures, times=times[: len(clip.pictures)]),
        Box(format=box),
    )


def _deltas(step: int, clip: Clip) -> bytes:
    def edit(moov: boxes.Node) -> None:
        for node in moov.find(b"stts"):
            for place in range(12, len(node.body), 8):
                struct.pack_into(">I", node.body, place, step)

    return boxes.edited(write(Track(pictures=clip.pictures)), edit)


def _few_deltas(clip: Clip) -> bytes:
    return boxes.edited(
        write(Track(pictures=clip.pictures)), lambda moov: boxes.fields(moov, b"stts", 8, 10)
    )


def _scale(hertz: int, clip: Clip) -> bytes:
    return boxes.edited(
        write(Track(pictures=clip.pictures)), lambda moov: boxes.fields(moov, b"mdhd", 12, hertz)
    )


def _composition(offset: int, clip: Clip) -> bytes:
    def edit(moov: boxes.Node) -> None:
        table = next(moov.find(b"stbl"))
        body = struct.pack(">IIIi", 1 << 24, 1, len(clip.pictures), offset)
        table.children.insert(1, boxes.Node(b"ctts", bytearray(body)))

    return boxes.edited(write(Track(pictures=clip.pictures)), edit)


def _mkv_times(new: Times, clip: Clip) -> bytes:
    """Matroska, each block's own time overwritten: clusters keep theirs."""
    media = bytearray(write(Track(pictures=clip.pictures, coding=_SHORT_GROUPS), _MKV))
    place, number = media.find(b"\x1f\x43\xb6\x75"), 0
    while (place := media.find(b"\xa3", place + 1)) >= 0:
        # A simple block: its size in 1 to 8 bytes, the track's number, the time, flags.
        size_bytes = 9 - media[place + 1].bit_length()
        at = place + 1 + size_bytes
        if at + 4 < len(media) and media[at] == 0x81 and media[at + 3] in (0, 0x80):
            struct.pack_into(">h", media, at + 1, new(number))
            number += 1
    return bytes(media)


def _backwards(clip: Clip) -> bytes:
    return _mkv_times(lambda number: 20_000 - 40 * number, clip)


def _zeros(clip: Clip) -> bytes:
    return _mkv_times(lambda number: 0, clip)


def _disorder(clip: Clip) -> bytes:
    return _mkv_times(lambda number: number * 7919 % 20_000, clip)


def _mkv_scale(nanoseconds: int, clip: Clip) -> bytes:
    media = write(Track(pictures=clip.pictures), _MKV)
    place = media.find(b"\x2a\xd7\xb1") + 3  # TimestampScale
    size_bytes = media[place] & 0x7F
    if nanoseconds >= 1 << 8 * size_bytes:
        nanoseconds = (1 << 8 * size_bytes) - 1
    return media[: place + 1] + nanoseconds.to_bytes(size_bytes) + media[place + 1 + size_bytes :]


# --- rates ----------------------------------------------------------------------------------------


def _rates() -> list[Trick]:
    return [
        Trick("rate", "240 a second", partial(_rate, 240)),
        Trick("rate", "1000 a second, in mkv", partial(_rate, 1000)),
        Trick("rate", "5 a second", partial(_thinned, 5)),
        Trick("rate", "variable", _variable),
        Trick("rate", "every frame ten times", _repeated),
    ]


def _rate(rate: int, clip: Clip) -> bytes:
    rows = np.arange(len(clip.pictures) * rate // FPS) * FPS // rate
    pictures = clip.pictures[rows]
    box = _MKV if rate == 1000 else Box()
    return write(Track(pictures=pictures, rate=rate, coding=Coding(options={"g": "480"})), box)


def _thinned(rate: int, clip: Clip) -> bytes:
    return write(Track(pictures=clip.pictures[:: FPS // rate], rate=rate))


def _variable(clip: Clip) -> bytes:
    steps = np.random.default_rng(3).integers(1, 5, len(clip.pictures))
    rows = np.cumsum(steps)
    rows = rows[rows < len(clip.pictures)]
    return write(Track(pictures=clip.pictures[rows], times=[int(row) for row in rows]), _MKV)


def _repeated(clip: Clip) -> bytes:
    return write(Track(pictures=np.repeat(clip.pictures, 10, axis=0), rate=10 * FPS))


# --- animations -----------------------------------------------------------------------------------


def _animations() -> list[Trick]:
    return [
        *(
            Trick("animation", name, partial(_animation, name, 80))
            for name in ("GIF", "PNG", "WEBP", "AVIF")
        ),
        *(
            Trick("animation", f"{name}, frames of no duration", partial(_animation, name, 0))
            for name in ("GIF", "PNG", "WEBP")
        ),
        Trick("animation", "PNG behind a default picture", _apng_default),
        Trick("animation", "GIF behind 2000 empty frames", _gif_flood),
        Trick("animation", "GIF cut at 70 %", _gif_cut),
        Trick("animation", "WEBP cut at 70 %", _webp_cut, readable=False),
        Trick("animation", "GIF of single frames, one behind the other", _gif_chain),
    ]


def _images(clip: Clip, step: int = 2) -> list[Image.Image]:
    return [Image.fromarray(one[:, :, ::-1]) for one in clip.pictures[::step]]


def _animation(name: str, frame_ms: int, clip: Clip) -> bytes:
    file, images = io.BytesIO(), _images(clip)
    images[0].save(file, name, save_all=True, append_images=images[1:], duration=frame_ms)
    return file.getvalue()


def _apng_default(clip: Clip) -> bytes:
    file, images = io.BytesIO(), _images(clip)
    Image.fromarray(decoy(clip)[0]).save(
        file, "PNG", save_all=True, append_images=images, duration=80, default_image=True
    )
    return file.getvalue()


def _gif_flood(clip: Clip) -> bytes:
    """One pixel each, the same again and again: 23 bytes a frame."""
    media = _animation("GIF", 80, clip)
    head = 13 + 3 * 2 ** ((media[10] & 7) + 1) * (media[10] >> 7)
    frame = bytes.fromhex("21f904000100000000") + bytes.fromhex("2c0000000001000100000202440100")
    return media[:head] + frame * 2000 + media[head:]


def _gif_cut(clip: Clip) -> bytes:
    media = _animation("GIF", 80, clip)
    return media[: len(media) * 7 // 10]


def _webp_cut(clip: Clip) -> bytes:
    media = _animation("WEBP", 80, clip)
    return media[: len(media) * 7 // 10]


def _gif_chain(clip: Clip) -> bytes:
    """Whole files behind one another."""
    parts = []
    for image in _images(clip, 4):
        file = io.BytesIO()
        image.save(file, "GIF")
        parts.append(file.getvalue())
    return b"".join(parts)
