"""Skipping: what of a folder or archive is no clip, and what never passes as that."""

from io import BytesIO
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import skipping
from service.paths import Clip, Unread
from service.skipping import Skipped, Skipping

CHAT = "[01/01/2026, 10:00] Ann: hello \u200e<attached: VID-1.mp4> \U0001f642\r\n".encode()
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n"
PHOTO = CARD.replace(b"FN:", b"PHOTO;ENCODING=b;TYPE=JPEG:/9j/\r\nFN:")


def why(name: str, media: bytes | BinaryIO, code: str = "not_media") -> Skipped | None:
    """Why such a file in an archive is skipped."""
    return Skipping().why(Clip(f"chat.zip/{name}", media, inside=True), (code,))


@pytest.mark.parametrize(
    ("name", "media", "code", "reason"),
    [
        pytest.param("_chat.txt", CHAT, "not_media", Skipped.TEXT, id="a chat"),
        pytest.param("Ann.vcf", CARD, "not_media", Skipped.TEXT, id="a contact"),
        pytest.param("page.HTML", b"<p>hello\f", "not_media", Skipped.TEXT, id="a page"),
        pytest.param(".nomedia", b"", "empty_file", Skipped.TEXT, id="a marker"),
        pytest.param("PTT-1.opus", b"OggS", "no_video", Skipped.SOUND, id="a voice note"),
        pytest.param("PTT-1.M4A", b"ftyp", "no_video", Skipped.SOUND, id="in capitals"),
        pytest.param("VID-1.mp4", CHAT, "not_media", None, id="text named as a video"),
        pytest.param("VID-1.mp4", b"", "empty_file", None, id="an empty video"),
        pytest.param("VID-1.mp4", b"ftyp", "no_video", None, id="a video without a picture"),
        pytest.param("VID-1.opus", CHAT, "truncated", None, id="another problem"),
        pytest.param("IMG-1.svg", b"<x/>", "not_media", None, id="named as a drawing"),
        pytest.param("drawing", b'<SVG width="9"/>', "not_media", None, id="a drawing"),
        pytest.param("Ann.vcf", PHOTO, "not_media", None, id="a contact's photo"),
        pytest.param("mail", b"begin 644 a.jpg\n", "not_media", None, id="uuencoded"),
        pytest.param("data", CHAT + b"\0", "not_media", None, id="a control character"),
        pytest.param("data", CHAT + b"\xff", "not_media", None, id="no UTF-8"),
        pytest.param("data", CHAT + b"\xe2\x80", "not_media", None, id="cut within a character"),
    ],
)
def test_why(name: str, media: bytes, code: str, reason: Skipped | None) -> None:
    assert why(name, media, code) == why(name, BytesIO(media), code) == reason


def test_what_was_named_itself_is_answered() -> None:
    assert Skipping().why(Clip("_chat.txt", CHAT), ("not_media",)) is None


@given(before=st.integers(0, 2 * 2**18))
def test_a_mark_is_found_wherever_it_stands(before: int) -> None:
    """Also across the pieces in which a file is read."""
    assert why("a.txt", b"x" * before + b" Base64,") is None


def test_long_text_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipping, "MOST_TEXT_BYTES", len(CHAT))

    assert why("a.txt", CHAT) is Skipped.TEXT
    assert why("a.txt", CHAT + b"\n") is None


def test_counts() -> None:
    one = Skipping()
    assert not one.nothing_else  # nor anything at all

    one.why(Clip("f/a.txt", b"a", inside=True), ("not_media",))
    assert one.nothing_else
    one.why(Unread("f/gone", "unreadable_path", "gone"), ("unreadable_path",))

    assert not one.nothing_else
    assert one.skipped == {Skipped.TEXT: 1}
