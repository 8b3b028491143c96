"""What can go wrong in the core, as one tree. Each leaf has a stable ``code``.

RecircError
├── MediaError                 the clip cannot be read as media
│   ├── EmptyMedia             empty_file          no bytes at all
│   ├── NotMedia               not_media           no decoder recognises the bytes
│   ├── NoVideo                no_video            a container without a picture (audio only)
│   └── UnreadableMedia        decoder_error       recognised, but nothing could be decoded
├── FormatError                a stored or sent form is wrong
│   ├── BadFingerprint         bad_fingerprint     not a fingerprint, or a damaged one
│   └── BadList                bad_list            not a list file of a known version
└── IncompatibleHash           incompatible_hash   hashes made differently were to be compared

The service adds its own branch in ``service/errors.py``. HTTP status and exit code are chosen by
tables at the edge, never here.
"""

from typing import ClassVar


class RecircError(Exception):
    """Base of all that recirc raises on purpose; the text says what is wrong and the mend."""

    code: ClassVar[str] = "internal_error"

    def line(self) -> str:
        """The one line that people see: ``code: what is wrong, and the mend``."""
        return f"{self.code}: {self}"


class MediaError(RecircError):
    """The clip cannot be read as media."""


class EmptyMedia(MediaError):
    """There are no bytes at all."""

    code = "empty_file"


class NotMedia(MediaError):
    """No allowed decoder recognises the bytes."""

    code = "not_media"


class NoVideo(MediaError):
    """A container without a picture, such as audio only."""

    code = "no_video"


class UnreadableMedia(MediaError):
    """The format is known, but not one frame could be decoded."""

    code = "decoder_error"


class FormatError(RecircError):
    """A stored or sent form is wrong."""


class BadFingerprint(FormatError):
    """Not a fingerprint, or a damaged one."""

    code = "bad_fingerprint"


class BadList(FormatError):
    """Not a list file of a known format and version."""

    code = "bad_list"


class IncompatibleHash(RecircError):
    """Hashes made with different algorithms or parameters were to be compared."""

    code = "incompatible_hash"
