"""Tricks that hide the footage inside its own file: tracks, edits, sound, headers, sizes."""

import io
import struct
from collections.abc import Callable
from functools import partial

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.stream import Disposition
from av.video.stream import VideoStream

from benchmarks.hostility import boxes
from benchmarks.hostility.footage import FPS, Clip, decoy, procedural, resized
from benchmarks.hostility.trick import Trick
from benchmarks.hostility.writing import Box, Coding, Track, write

_VP8 = Coding(codec="libvpx")
_MPEG2 = Coding(codec="mpeg2video")


def tricks() -> list[Trick]:
    """All of them."""
    return [*_tracks(), *_edit_lists(), *_headers(), *_sizes()]


# --- tracks ---------------------------------------------------------------------------------------


def _tracks() -> list[Trick]:
    return [
        *(
            Trick("decoy track", f"black first, in {box}", partial(_behind, 1, box, coding))
            for box, coding in (
                ("mp4", Coding()),
                ("mov", Coding()),
                ("matroska", Coding()),
                ("mpegts", Coding()),
                ("avi", Coding(codec="mpeg4")),
                ("webm", _VP8),
                ("asf", Coding(codec="wmv2")),
            )
        ),
        Trick(
            "decoy track", "fifteen black ones first", partial(_behind, 15, "matroska", Coding())
        ),
        Trick(
            "decoy track",
            "sixteen black ones first: one too many",
            partial(_behind, 16, "matroska", Coding()),
            readable=False,
        ),
        Trick("decoy track", "black second and the default", _before),
        Trick("decoy track", "a harmless scene first", _behind_scene),
        Trick("decoy track", "disabled in its header", _disabled),
        Trick("decoy track", "in a second program", _second_program),
        Trick("decoy track", "cover picture first", _cover_first),
        Trick("sound", "2 MB of it before the picture", _flood),
        Trick("sound", "none of the picture for 23 s", _gap),
        Trick("title", "with bytes that are no text", _title_of_bytes),
        Trick("title", "of 200 kB", _long_title),
    ]


def _behind(count: int, box: str, coding: Coding, clip: Clip) -> bytes:
    first = [Track(pictures=decoy(clip)[: 125 if count == 1 else 5], coding=coding)] * count
    return write([*first, Track(pictures=clip.pictures, coding=coding)], Box(format=box))


def _before(clip: Clip) -> bytes:
    def default(stream: VideoStream) -> None:
        stream.disposition = Disposition.default

    return write(
        [
            Track(pictures=clip.pictures),
            Track(pictures=decoy(clip), prepare=default),
        ],
        Box(format="matroska"),
    )


def _behind_scene(clip: Clip) -> bytes:
    return write([Track(pictures=procedural(5).pictures), Track(pictures=clip.pictures)])


def _disabled(clip: Clip) -> bytes:
    media = write([Track(pictures=decoy(clip)), Track(pictures=clip.pictures)])
    return boxes.edited(
        media, lambda moov: struct.pack_into(">I", list(moov.find(b"tkhd"))[1].body, 0, 0)
    )


def _second_program(clip: Clip) -> bytes:
    """Two single-program streams, the second on other packet ids, joined by one table of both."""
    first = write(Track(pictures=procedural(5).pictures), Box(format="mpegts"))
    second = write(
        Track(pictures=clip.pictures),
        Box(
            format="mpegts",
            options={
                "mpegts_service_id": "2",
                "mpegts_pmt_start_pid": "4100",
                "mpegts_start_pid": "500",
            },
        ),
    )
    both = bytearray()
    for start in range(0, max(len(first), len(second)), 188 * 50):
        both += first[start : start + 188 * 50] + second[start : start + 188 * 50]
    return bytes(both)


def _cover_first(clip: Clip) -> bytes:
    picture = Track(pictures=decoy(clip)[:1], coding=Coding(codec="mjpeg", pixels="yuvj420p"))
    return write([picture, Track(pictures=clip.pictures)], Box(format="mov"))


def _flood(clip: Clip) -> bytes:
    return write(
        Track(pictures=clip.pictures, times=range(22 * FPS, 22 * FPS + len(clip.pictures))),
        Box(format="matroska", sound=True),
    )


def _gap(clip: Clip) -> bytes:
    half = len(clip.pictures) // 2
    times = [*range(half), *range(half + 23 * FPS, 23 * FPS + len(clip.pictures))]
    return write(Track(pictures=clip.pictures, times=times), Box(format="matroska", sound=True))


def _title_of_bytes(clip: Clip) -> bytes:
    media = write(Track(pictures=clip.pictures), Box(metadata={"title": "PLACEHOLDER"}))
    return media.replace(b"PLACEHOLDER", b"PLACE\xff\xfeLDER")


def _long_title(clip: Clip) -> bytes:
    return write(Track(pictures=clip.pictures), Box(metadata={"title": "t" * 200_000}))


# --- edit lists -----------------------------------------------------------------------------------


def _edit_lists() -> list[Trick]:
    return [
        Trick("edit list", "a decoy is cut away", _decoy_cut_away),
        Trick("edit list", "an empty edit first", partial(_edits, [(3000, -1), (5000, 0)])),
        Trick("edit list", "parts exchanged", partial(_edits, [(2500, 2500), (2500, 0)])),
        Trick("edit list", "one part four times", partial(_edits, [(1000, 2000)] * 4)),
        Trick("edit list", "one instant is shown", partial(_edits, [(1, 4000)])),
        Trick("edit list", "nothing is shown", partial(_edits, [(5000, -1)])),
        Trick("edit list", "a start behind the end", partial(_edits, [(5000, 90_000)])),
        Trick(
            "edit list", "a thousand of them", partial(_edits, [(5, n * 5) for n in range(1000)])
        ),
    ]


def _edits(edits: list[tuple[int, int]], clip: Clip) -> bytes:
    return boxes.with_edits(write(Track(pictures=clip.pictures)), edits)


def _decoy_cut_away(clip: Clip) -> bytes:
    height, width = clip.pictures.shape[1:3]
    first = procedural(5, 10, width, height).pictures
    pictures = np.concatenate([first, clip.pictures])
    return boxes.with_edits(write(Track(pictures=pictures)), [(5000, 10_000)])


# --- headers that lie -----------------------------------------------------------------------------


def _headers() -> list[Trick]:
    def mp4(name: str, edit: Callable[[boxes.Node], None]) -> Trick:
        return Trick(
            "lying header",
            name,
            lambda clip: boxes.edited(write(Track(pictures=clip.pictures)), edit),
        )

    def both(factor: float) -> Callable[[boxes.Node], None]:
        def edit(moov: boxes.Node) -> None:
            for name in (b"mvhd", b"mdhd"):
                for node in moov.find(name):
                    (length,) = struct.unpack_from(">I", node.body, 16)
                    struct.pack_into(">I", node.body, 16, min(2**32 - 1, round(length * factor)))

        return edit

    def tkhd(moov: boxes.Node) -> None:
        boxes.fields(moov, b"tkhd", 76, 2 << 16)
        boxes.fields(moov, b"tkhd", 80, 2 << 16)

    def entry(moov: boxes.Node) -> None:
        boxes.fields(moov, b"stsd", 8 + 8 + 24, (16 << 16) | 16)

    return [
        mp4("lasts no time", both(0)),
        mp4("lasts a tenth", both(0.1)),
        mp4("size of 2 by 2 in the track's header", tkhd),
        mp4("size of 16 by 16 in the sample's description", entry),
        Trick("lying header", "an AVI of one frame", _one_frame_avi),
        Trick("lying header", "an AVI without its index", _avi_without_index),
        Trick("lying header", "a brand of pictures", _brand(b"heic")),
        Trick("lying header", "a brand of AVIF pictures", _brand(b"avif")),
        Trick("lying header", "a brand of AVIF sequences", _brand(b"avis")),
        Trick("lying header", "no brand", _no_brand),
        Trick("lying header", "media without an end", _open_mdat),
        Trick("lying header", "media of 64 bits' length", _wide_mdat),
        Trick("lying header", "1 MB of nothing first", _free_first),
        Trick("lying header", "the program's name of a picture", _free_gif),
    ]


def _one_frame_avi(clip: Clip) -> bytes:
    patched = bytearray(
        write(Track(pictures=clip.pictures, coding=Coding(codec="mpeg4")), Box(format="avi"))
    )
    struct.pack_into("<I", patched, patched.find(b"avih") + 8 + 16, 1)  # dwTotalFrames
    struct.pack_into("<I", patched, patched.find(b"strh") + 8 + 32, 1)  # dwLength
    return bytes(patched)


def _avi_without_index(clip: Clip) -> bytes:
    media = write(Track(pictures=clip.pictures, coding=Coding(codec="mpeg4")), Box(format="avi"))
    return media[: media.rfind(b"idx1")]


def _brand(brand: bytes) -> Callable[[Clip], bytes]:
    def make(clip: Clip) -> bytes:
        media = write(Track(pictures=clip.pictures))
        return media[:8] + brand + media[12:]

    return make


def _no_brand(clip: Clip) -> bytes:
    media = write(Track(pictures=clip.pictures))
    size = int.from_bytes(media[:4])
    return size.to_bytes(4) + b"free" + media[8:]


def _open_mdat(clip: Clip) -> bytes:
    media = boxes.with_index_first(write(Track(pictures=clip.pictures)))
    place = media.rfind(b"mdat")
    return media[: place - 4] + bytes(4) + media[place:]


def _wide_mdat(clip: Clip) -> bytes:
    media = write(Track(pictures=clip.pictures))
    place = media.find(b"mdat") - 4
    size = int.from_bytes(media[place : place + 4])
    wide = struct.pack(">I4sQ", 1, b"mdat", size + 8)
    moved = boxes.shifted(media, 8)
    return moved[:place] + wide + moved[place + 8 :]


def _free_first(clip: Clip) -> bytes:
    media = boxes.shifted(write(Track(pictures=clip.pictures)), 1 << 20)
    return struct.pack(">I4s", 1 << 20, b"free") + bytes((1 << 20) - 8) + media


def _free_gif(clip: Clip) -> bytes:
    """A first box whose size reads as the start of a picture's name."""
    return (
        struct.pack(">I4s", 32, b"wide")
        + b"GIF89a"
        + bytes(18)
        + boxes.shifted(write(Track(pictures=clip.pictures)), 32)
    )


# --- sizes that change ----------------------------------------------------------------------------


def _sizes() -> list[Trick]:
    return [
        Trick("size changes", "in a transport stream", partial(_resized, "mpegts", Coding())),
        Trick("size changes", "in a raw stream", partial(_resized, "h264", Coding())),
        Trick("size changes", "from a tiny decoy", _tiny_first),
        # FFmpeg keeps a packet id's first codec.
        Trick("size changes", "and the codec with it", _codec_changes, readable=False),
        Trick("orientation", "turned by 90", partial(_turned, 90, False)),
        Trick("orientation", "turned by 180", partial(_turned, 180, False)),
        Trick("orientation", "turned by 270 and mirrored", partial(_turned, 270, True)),
        Trick("orientation", "mirrored", partial(_turned, 0, True)),
        Trick("orientation", "a matrix of zeros", _no_matrix),
        Trick(
            "odd size", "odd width and height", partial(_scaled, 179, 101, Coding(pixels="yuv444p"))
        ),
        Trick("odd size", "2 by 2 thousand", partial(_scaled, 320, 2000, Coding())),
        Trick("odd size", "48 by 32", partial(_scaled, 48, 32, Coding())),
        Trick("odd size", "cropped by the codec", _cropped),
    ]


def _scaled(width: int, height: int, coding: Coding, clip: Clip) -> bytes:
    return write(Track(pictures=resized(clip.pictures, width, height), coding=coding))


def _resized(box: str, coding: Coding, clip: Clip) -> bytes:
    half = len(clip.pictures) // 2
    first = Track(pictures=clip.pictures[:half], coding=coding)
    second = Track(
        pictures=resized(clip.pictures[half:], 160, 120),
        coding=coding,
        times=range(half, len(clip.pictures)),
    )
    return write(first, Box(format=box)) + write(second, Box(format=box))


def _tiny_first(clip: Clip) -> bytes:
    tiny = Track(pictures=resized(decoy(clip), 16, 16)[:25])
    real = Track(pictures=clip.pictures, times=range(25, 25 + len(clip.pictures)))
    return write(tiny, Box(format="mpegts")) + write(real, Box(format="mpegts"))


def _codec_changes(clip: Clip) -> bytes:
    first = Track(pictures=decoy(clip)[:50])
    real = Track(pictures=clip.pictures, coding=_MPEG2, times=range(50, 50 + len(clip.pictures)))
    return write(first, Box(format="mpegts")) + write(real, Box(format="mpegts"))


def _turned(turn: int, mirrored: bool, clip: Clip) -> bytes:
    """Stored as it is; the header tells players to turn it back, as cameras do."""
    pictures = clip.pictures
    if mirrored:
        pictures = pictures[:, :, ::-1]
    pictures = np.rot90(pictures, -turn // 90, axes=(1, 2))
    return write(
        Track(
            pictures=np.ascontiguousarray(pictures),
            prepare=lambda stream: stream.set_display_rotation(turn, hflip=mirrored),
        )
    )


def _no_matrix(clip: Clip) -> bytes:
    def edit(moov: boxes.Node) -> None:
        for node in moov.find(b"tkhd"):
            node.body[40:76] = bytes(36)

    return boxes.edited(write(Track(pictures=clip.pictures)), edit)


def _cropped(clip: Clip) -> bytes:
    """Coded with a broad grey margin that the sequence's header tells players to cut away."""
    wide = np.pad(clip.pictures, ((0, 0), (0, 76), (0, 0), (0, 0)), constant_values=120)
    media = write(Track(pictures=np.ascontiguousarray(wide)), Box(format="h264"))
    file = io.BytesIO()
    with av.open(io.BytesIO(media), "r") as source:
        stream = source.streams.video[0]
        cut = BitStreamFilterContext("h264_metadata=crop_bottom=76", stream)
        for packet in source.demux(stream):
            for one in cut.filter(packet):
                file.write(bytes(one))
    return file.getvalue()
