"""Tricks that hide the footage behind another file, inside one, or in an archive."""

import io
import zipfile
from functools import partial

from PIL import Image

from benchmarks.hostility import boxes
from benchmarks.hostility.footage import Clip, procedural, resized
from benchmarks.hostility.trick import Trick
from benchmarks.hostility.writing import Box, Coding, Track, write

_VP8 = Coding(codec="libvpx")


def tricks() -> list[Trick]:
    """All of them."""
    return [*_joined(), *_polyglots()]


# --- files behind files ---------------------------------------------------------------------------


def _joined() -> list[Trick]:
    def pair(name: str, box: Box, coding: Coding) -> Trick:
        return Trick("file behind a file", name, partial(_behind_another, box, coding))

    return [
        pair("mp4", Box(), Coding()),
        pair(
            "fragmented mp4",
            Box(options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
            Coding(),
        ),
        pair("mkv", Box(format="matroska"), Coding()),
        pair("webm", Box(format="webm"), _VP8),
        pair("live webm", Box(format="webm", options={"live": "1"}), _VP8),
        pair("ts", Box(format="mpegts"), Coding()),
        pair("mpeg", Box(format="mpeg"), Coding(codec="mpeg1video")),
        pair("ogg", Box(format="ogg"), _VP8),
        pair("flv", Box(format="flv"), Coding()),
        pair("avi", Box(format="avi"), Coding(codec="mpeg4")),
        pair("asf", Box(format="asf"), Coding(codec="wmv2")),
        pair("ivf", Box(format="ivf"), _VP8),
        pair("raw", Box(format="h264"), Coding()),
    ]


def _behind_another(box: Box, coding: Coding, clip: Clip) -> bytes:
    first = write(Track(pictures=procedural(5, 2).pictures, coding=coding), box)
    return first + write(Track(pictures=clip.pictures, coding=coding), box)


# --- polyglots ------------------------------------------------------------------------------------


def _polyglots() -> list[Trick]:
    names = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
    return [
        *(
            Trick("polyglot", f"mp4 behind a {name}", partial(_picture_first, name, False))
            for name in names
        ),
        *(
            Trick("polyglot", f"TS behind a {name}", partial(_picture_first, name, True))
            for name in names
        ),
        Trick("polyglot", "zip behind an mp4", _zip_behind),
        Trick("polyglot", "TS in front of a zip's members", _zip_before),
        Trick("polyglot", "TS in a zip's comment", _zip_comment, readable=False),
        Trick("polyglot", "TS behind 4 kB of text", _text_first),
        Trick("polyglot", "AVIF picture and film in one", _avif_and_film),
        Trick(
            "archive",
            "in a zip",
            lambda clip: zipped({"clip.mp4": write(Track(pictures=clip.pictures))}),
        ),
        Trick(
            "archive",
            "in a zip in a zip",
            lambda clip: zipped(
                {"a.zip": zipped({"clip.mp4": write(Track(pictures=clip.pictures))})}
            ),
        ),
        Trick(
            "archive",
            "named as text",
            lambda clip: zipped({"a.txt": write(Track(pictures=clip.pictures))}),
        ),
        Trick(
            "archive",
            "named as sound",
            lambda clip: zipped({"a.opus": write(Track(pictures=clip.pictures))}),
        ),
    ]


def _picture(name: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(procedural(6, 0.04).pictures[0][:, :, ::-1]).save(file, name)
    return file.getvalue()


def _picture_first(name: str, stream: bool, clip: Clip) -> bytes:
    box = Box(format="mpegts") if stream else Box()
    return _picture(name) + write(Track(pictures=clip.pictures), box)


def zipped(members: dict[str, bytes], prefix: bytes = b"", comment: bytes = b"") -> bytes:
    """A zip archive; ``prefix`` stands before all members and belongs to none."""
    file = io.BytesIO(prefix)
    file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file, "a" if prefix else "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        archive.comment = comment
    return file.getvalue()


def _zip_behind(clip: Clip) -> bytes:
    return zipped({"a.png": _picture("PNG")}, prefix=write(Track(pictures=clip.pictures)))


def _zip_before(clip: Clip) -> bytes:
    prefix = b"PK\x03\x04" + bytes(184) + write(Track(pictures=clip.pictures), Box(format="mpegts"))
    return zipped({"a.png": _picture("PNG")}, prefix=prefix)


def _zip_comment(clip: Clip) -> bytes:
    small = Track(
        pictures=resized(clip.pictures, 96, 64), coding=Coding(options={"crf": "34", "g": "999"})
    )
    return zipped({"a.png": _picture("PNG")}, comment=write(small, Box(format="mpegts"))[:65_000])


def _text_first(clip: Clip) -> bytes:
    return b"Nothing to see here.\n" * 200 + write(
        Track(pictures=clip.pictures), Box(format="mpegts")
    )


def _avif_and_film(clip: Clip) -> bytes:
    """One file that is a harmless AVIF picture and, by its ``moov``, a film."""
    picture = _picture("AVIF")
    film = write(Track(pictures=clip.pictures))
    moved = boxes.parsed(boxes.shifted(film, len(picture) - int.from_bytes(film[:4])))
    return picture + boxes.written(moved[1:])
