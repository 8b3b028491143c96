"""Skipping: what else lies in a chat's export, and holds no picture that could be compared.

A folder or archive holds more than clips: the chat as text, contacts, voice notes. To call each of
them "not checked" buries the one clip that was not. Nothing is skipped by its name alone: every
file goes through the decoders first, and only what they find no picture in can be skipped at all.
Whoever names a file on the command line gets an answer about that file.
"""

import codecs
import unicodedata
from collections import Counter
from enum import StrEnum
from io import BytesIO
from typing import Final

from hashing.errors import EmptyMedia, NotMedia, NoVideo
from service.paths import Clip, Unread

# A chat of 100,000 messages is about 10 MB; what is longer is not looked through.
MOST_TEXT_BYTES: Final = 32 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_WHITE_SPACE: Final = frozenset("\t\n\r\f")
# Pictures can be written as text: these words are in every SVG, vCard, mail and page with one.
_PICTURE_MARKS: Final = ("base64", "encoding=b", "<svg", "\nbegin 6", "/* xpm")
_SOUND_NAMES: Final = (".opus", ".ogg", ".oga", ".m4a", ".mka", ".weba", ".wma")
# A file that is named like a picture or video and holds none is a broken clip, or a trap.
_PICTURE_NAMES: Final = (
    *(".3gp", ".asf", ".avi", ".avif", ".bmp", ".flv", ".gif", ".heic", ".heif", ".jfif", ".jpeg"),
    *(".jpg", ".jxl", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".svg", ".tif", ".tiff", ".vob", ".webm", ".webp"),
    *(".wmv", ".xbm", ".xpm"),
)


class Skipped(StrEnum):
    """Why a file inside a folder or archive is no clip."""

    TEXT = "text"
    SOUND = "sound only"


class Skipping:
    """What was skipped, and what was not, under one PATH."""

    def __init__(self) -> None:
        self.skipped: Counter[Skipped] = Counter()
        self.others = 0

    def why(self, clip: Clip | Unread, codes: tuple[str, ...]) -> Skipped | None:
        """Why a clip with these problems is skipped, or None; either way it is counted."""
        why = None
        if isinstance(clip, Clip) and clip.inside and len(codes) == 1:
            why = _why(clip, codes[0])
        if why is None:
            self.others += 1
        else:
            self.skipped[why] += 1
        return why

    @property
    def nothing_else(self) -> bool:
        """Whether there was not a single clip: then the wrong path may have been named."""
        return bool(self.skipped) and not self.others


def _why(clip: Clip, code: str) -> Skipped | None:
    name = clip.label.lower()
    if code == NoVideo.code:
        return Skipped.SOUND if name.endswith(_SOUND_NAMES) else None
    if code not in (NotMedia.code, EmptyMedia.code) or name.endswith(_PICTURE_NAMES):
        return None
    return Skipped.TEXT if _is_text(clip) else None


def _is_text(clip: Clip) -> bool:
    """UTF-8 to its last byte, without control characters or a picture written as text."""
    stream = BytesIO(clip.media) if isinstance(clip.media, bytes) else clip.media
    decoder = codecs.getincrementaldecoder("utf-8")()
    seen_bytes, end = 0, "\n"
    try:
        stream.seek(0)
        while chunk := stream.read(_CHUNK_BYTES):
            seen_bytes += len(chunk)
            text = decoder.decode(chunk)
            if seen_bytes > MOST_TEXT_BYTES or not _is_plain(text):
                return False
            searched = end + text.lower()
            if any(mark in searched for mark in _PICTURE_MARKS):
                return False
            end = searched[-max(map(len, _PICTURE_MARKS)) :]  # a mark may lie across two chunks
        decoder.decode(b"", final=True)
    except (OSError, ValueError):  # ValueError: also a UnicodeDecodeError
        return False
    return True


def _is_plain(text: str) -> bool:
    return not any(
        unicodedata.category(one) == "Cc" for one in set(text) if one not in _WHITE_SPACE
    )
