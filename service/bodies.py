"""Request bodies: streamed into memory, never into a file, with limits kept while they stream.

Starlette's own form parser writes files above 1 MB to disk (``formparsers.py``, spool_max_size), so
multipart bodies are parsed here. The bytes stand in one BytesIO, which the decoder reads in place.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from functools import partial
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
from service.callers import OWNER, Caller
from service.problems import BadMultipart, BodyTimeout, BodyTooLarge, Busy, EncodedBody
from service.refusals import KeyBusy

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
    chunk until their request is answered; ``key_held_bytes``: those of one key. ``idle_s``: between
    two chunks; ``whole_s``: for all of a body; after ``grace_s`` it has to have come at
    ``least_bytes_per_s``. uvicorn has no such deadline (its issue 157): without one, slow clients
    would be waited for for ever.
    """

    body_bytes: int
    held_bytes: int
    key_held_bytes: int | None = None
    idle_s: float = 15.0
    whole_s: float = 300.0
    grace_s: float = 10.0
    least_bytes_per_s: float = 1.0


@dataclass(slots=True)
class _Account:
    """What one body takes of ``held_bytes`` until it is let go, on its key's account."""

    key: str
    limit_bytes: int
    bytes: int = 0


class Bodies:
    """Takes in the request bodies of one service, all on one event loop."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._held_bytes = 0
        self._held_by: Counter[str] = Counter()

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies in memory."""
        return self._held_bytes

    @asynccontextmanager
    async def received(
        self,
        request: Request,
        most_bytes: int | None = None,
        meanwhile: AbstractAsyncContextManager[None] | None = None,
    ) -> AsyncIterator[BytesIO]:
        """The whole body (of multipart: its one file), at its start.

        ``meanwhile``: what to be in while it comes. Raises BadMultipart, EncodedBody,
        BodyTooLarge, BodyTimeout, and Busy or KeyBusy where there is no room for it.
        """
        held = await self.take(request, most_bytes, meanwhile)
        try:
            yield held.body
        finally:
            held.let_go()

    async def take(
        self,
        request: Request,
        most_bytes: int | None = None,
        meanwhile: AbstractAsyncContextManager[None] | None = None,
        sink: "Sink | None" = None,
    ) -> "Held":
        """The same, for who keeps the body for longer than the request; it has to be let go.

        ``sink``: what takes its bytes in another way.
        """
        limit_bytes = min(most_bytes or self._limits.body_bytes, self._limits.body_bytes)
        account = _Account(key=_key(request), limit_bytes=limit_bytes)
        # Only looked at: who announces much and sends nothing takes nothing from others.
        self._require_room(account, announced_bytes=_announced(request, limit_bytes))
        try:
            async with meanwhile or nullcontext():
                with _sending(request):
                    body = await self._take(request, sink or _sink(request), account)
        except BaseException:
            self._let_go(account)
            raise
        return Held(body, partial(self._let_go, account))

    async def _take(self, request: Request, sink: "Sink", account: _Account) -> BytesIO:
        limits, now_s = self._limits, asyncio.get_running_loop().time
        start_s = now_s()
        end_s = start_s + limits.whole_s
        try:
            async with asyncio.timeout(min(limits.idle_s, limits.whole_s)) as timer:
                async with aclosing(request.stream()) as chunks:
                    async for chunk in chunks:
                        self._count(account, len(chunk))
                        self._require_room(account)
                        sink.write(chunk)
                        due_s = start_s + limits.grace_s + account.bytes / limits.least_bytes_per_s
                        timer.reschedule(min(end_s, due_s, now_s() + limits.idle_s))
            return sink.finish()
        except TimeoutError as problem:
            raise BodyTimeout(
                f"{limits.idle_s:g} seconds without a byte, {limits.whole_s:g} for all of the "
                f"body, or less than {limits.least_bytes_per_s:g} bytes a second after the first "
                f"{limits.grace_s:g}; nothing was kept"
            ) from problem

    def _count(self, account: _Account, more_bytes: int) -> None:
        account.bytes += more_bytes
        self._held_bytes += more_bytes
        self._held_by[account.key] += more_bytes

    def _let_go(self, account: _Account) -> None:
        self._count(account, -account.bytes)
        if not self._held_by[account.key]:
            del self._held_by[account.key]

    def _require_room(self, account: _Account, announced_bytes: int = 0) -> None:
        """Raise where this body is too long, or so many bytes more are too much."""
        if account.bytes > account.limit_bytes:
            raise _too_large(account.limit_bytes)
        if self._held_bytes + announced_bytes > self._limits.held_bytes:
            raise Busy("other requests take up all the memory that there is for bodies")
        most_bytes = self._limits.key_held_bytes
        if most_bytes and self._held_by[account.key] + announced_bytes > most_bytes:
            raise KeyBusy(f"the bodies of this key take up {most_bytes} bytes; wait for an answer")


class Held:
    """A body in memory, until it is let go; letting go twice does nothing."""

    def __init__(self, body: BytesIO, let_go: Callable[[], None]) -> None:
        self.body = body
        self._let_go: Callable[[], None] | None = let_go

    def let_go(self) -> None:
        """Others may have its memory. On the event loop."""
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go()


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


class Sink(Protocol):
    """Takes in a body as it comes."""

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


def _sending(request: Request) -> AbstractContextManager[None]:
    """What counts the request not among its key's while its body comes."""
    admission = request.scope.get("state", {}).get("admission")
    return nullcontext() if admission is None else admission.sending()


def _key(request: Request) -> str:
    caller: Caller = request.scope.get("state", {}).get("caller", OWNER)
    return caller.key


def _announced(request: Request, limit_bytes: int) -> int:
    """How long the body says it is, 0 if it does not, before a byte of it is taken.

    Raises EncodedBody, BodyTooLarge.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise EncodedBody("the body has a Content-Encoding; send it as it is")
    untrusted_length = request.headers.get("content-length", "")
    if untrusted_length.isascii() and untrusted_length.isdigit():
        # As text first: Python refuses to convert numbers of thousands of digits.
        digits = untrusted_length.lstrip("0")
        if len(digits) > 18 or int(digits or "0") > limit_bytes:
            raise _too_large(limit_bytes)
        return int(digits or "0")
    return 0


def _too_large(limit_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than the {limit_bytes} bytes that are taken")


def _sink(request: Request) -> Sink:
    content_type, options = parse_options_header(request.headers.get("content-type"))
    if content_type != _MULTIPART:
        return _Raw()
    try:
        return _Multipart(options[b"boundary"])
    except (KeyError, FormParserError) as problem:
        raise BadMultipart("the Content-Type names no usable boundary") from problem
