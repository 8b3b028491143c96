"""Request bodies: streamed into memory, never into a file, with limits kept while they stream.

Starlette's own form parser writes files above 1 MB to disk (``formparsers.py``, spool_max_size), so
multipart bodies are parsed here. The bytes stand in one BytesIO, which the decoder reads in place.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from hashing.coverage import Coverage
from hashing.errors import BadFingerprint
from hashing.fingerprint import Fingerprint
from hashing.formats import document, fields
from service import problems
from service.problems import BadMultipart, BodyTimeout, BodyTooLarge, Busy, EncodedBody

MOST_JSON_BYTES: Final = 64 * 1024  # of the small requests about lists and references
_MULTIPART: Final = b"multipart/form-data"
_ONE_PART: Final = (
    "one part with a filename is needed and nothing else; parameters go into the URL's query"
)
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How much the service takes in, and how long it waits for it.

    ``body_bytes``: one body; ``held_bytes``: all bodies in memory at a time, from their first
    chunk until their request is answered. ``idle_s``: between two chunks; ``whole_s``: for all of
    a body. uvicorn has no such deadline (its issue 157): without one, a few slow clients would
    hold all places for ever.
    """

    body_bytes: int
    held_bytes: int
    idle_s: float = 15.0
    whole_s: float = 300.0


class Bodies:
    """Takes in the request bodies of one service, all on one event loop."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies in memory."""
        return self._held_bytes

    @asynccontextmanager
    async def received(
        self, request: Request, most_bytes: int | None = None
    ) -> AsyncIterator[BytesIO]:
        """The whole body (of multipart: its one file), at its start.

        Raises BadMultipart, EncodedBody, BodyTooLarge, BodyTimeout, Busy.
        """
        limit_bytes = min(most_bytes or self._limits.body_bytes, self._limits.body_bytes)
        _refuse_early(request, limit_bytes)
        body, taken_bytes = await self._take(request, _sink(request), limit_bytes)
        try:
            yield body
        finally:
            self._held_bytes -= taken_bytes

    async def _take(self, request: Request, sink: "_Sink", limit_bytes: int) -> tuple[BytesIO, int]:
        """The body, and how many bytes of ``held_bytes`` it takes until it is let go."""
        now_s = asyncio.get_running_loop().time
        end_s = now_s() + self._limits.whole_s
        taken_bytes = 0
        try:
            async with asyncio.timeout(min(self._limits.idle_s, self._limits.whole_s)) as timer:
                async with aclosing(request.stream()) as chunks:
                    async for chunk in chunks:
                        taken_bytes += len(chunk)
                        self._held_bytes += len(chunk)
                        self._require_room(taken_bytes, limit_bytes)
                        sink.write(chunk)
                        timer.reschedule(min(end_s, now_s() + self._limits.idle_s))
            return sink.finish(), taken_bytes
        except BaseException as problem:
            self._held_bytes -= taken_bytes
            if isinstance(problem, TimeoutError):
                raise BodyTimeout(
                    f"{self._limits.idle_s:g} seconds without a byte, or "
                    f"{self._limits.whole_s:g} for all of the body; nothing was kept"
                ) from problem
            raise

    def _require_room(self, taken_bytes: int, limit_bytes: int) -> None:
        if taken_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        if self._held_bytes > self._limits.held_bytes:
            raise Busy("other requests take up all the memory that there is for bodies")


def json_of(body: BytesIO, model: type[Model]) -> Model:
    """A small JSON body as this shape; an empty one is an empty object. Raises InvalidRequest."""
    try:
        return model.model_validate_json(body.getvalue() or b"{}")
    except ValidationError as problem:
        raise problems.of_model(problem) from None


def fingerprint_of(body: BytesIO) -> tuple[Fingerprint, Coverage | None]:
    """A fingerprint document as ``recirc hash --json`` prints it. Raises BadFingerprint."""
    try:
        untrusted = fields.parse(body.getvalue())
    except fields.BadField as problem:
        raise BadFingerprint(f"not a fingerprint document: {problem}") from problem
    return document.from_document(untrusted)


class _Sink(Protocol):
    def write(self, chunk: bytes, /) -> object: ...
    def finish(self) -> BytesIO: ...


class _Raw:
    """A body that is the file itself."""

    def __init__(self) -> None:
        self._file = BytesIO()

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)

    def finish(self) -> BytesIO:
        self._file.seek(0)
        return self._file


class _Multipart:
    """A multipart/form-data body (RFC 7578) with one file part.

    Other fields are refused rather than left out: a ``list`` that was sent as a field and not
    looked at would be a silent miss.
    """

    def __init__(self, boundary: bytes) -> None:
        self._file = BytesIO()
        self._parts = 0
        self._ended = False
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_to_name,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._require_file,
                "on_part_data": self._add_to_file,
                "on_end": self._end,
            },
        )

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as problem:
            raise BadMultipart(f"the multipart body is damaged; {_ONE_PART}") from problem

    def finish(self) -> BytesIO:
        if not self._ended:
            raise BadMultipart("the multipart body ends before its last boundary: it was cut off")
        if self._parts != 1:
            raise BadMultipart(_ONE_PART)
        self._file.seek(0)
        return self._file

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise BadMultipart(_ONE_PART)

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _require_file(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"filename" not in options:
            raise BadMultipart(_ONE_PART)
        encoding = self._headers.get(b"content-transfer-encoding", b"binary").lower()
        if encoding not in (b"binary", b"8bit", b"7bit"):
            raise BadMultipart(
                "the part has a Content-Transfer-Encoding; send its bytes as they are"
            )

    def _add_to_file(self, data: bytes, start: int, end: int) -> None:
        self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True


def _refuse_early(request: Request, limit_bytes: int) -> None:
    """Refuse by the headers alone, before a byte of the body is taken."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise EncodedBody("the body has a Content-Encoding; send it as it is")
    untrusted_length = request.headers.get("content-length", "")
    if untrusted_length.isascii() and untrusted_length.isdigit():
        # As text first: Python refuses to convert numbers of thousands of digits.
        digits = untrusted_length.lstrip("0")
        if len(digits) > 18 or int(digits or "0") > limit_bytes:
            raise _too_large(limit_bytes)


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than the {limit_bytes} bytes that are taken")


def _sink(request: Request) -> _Sink:
    content_type, options = parse_options_header(request.headers.get("content-type"))
    if content_type != _MULTIPART:
        return _Raw()
    try:
        return _Multipart(options[b"boundary"])
    except (KeyError, FormParserError) as problem:
        raise BadMultipart("the Content-Type names no usable boundary") from problem
