"""Idempotency: a request that is sent again with the same ``Idempotency-Key`` is done once.

After draft-ietf-httpapi-idempotency-key-header-07, for the POST requests that change something. A
check changes nothing and is never answered from here: it might hide what was listed since. Nor are
keys made so: their answers hold secrets. A good answer is kept for a day with a keyed digest of the
request's body, whose key is the record's own. Other answers are not: nothing was done.
"""

import hashlib
import hmac
import logging
import re
import secrets
from functools import partial
from io import BytesIO
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problems
from service.bodies import Bodies
from service.callers import Caller
from service.errors import StoreError
from service.jobs import Jobs
from service.problems import RequestError
from service.refusals import BadIdempotencyKey, IdempotencyConflict, StillWorking
from service.store.base import Store
from service.store.idempotency import Answered, Asked, Record
from service.workers import Workers

HEADER: Final = "Idempotency-Key"
KEPT_MS: Final = 24 * 3600 * 1000
_PATHS: Final = re.compile(r"/v1/jobs|/v1/lists(/.*)?")
# A String of RFC 8941, as the draft has it, or without its quotes, as many clients send it.
_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_BARE: Final = re.compile(r"[!#-\[\]-~]{1,255}")
_SALT_BYTES: Final = 32
_MOST_ANSWER_BYTES: Final = 1024 * 1024  # answers to changes are short; an import lists bad lines
_KEPT_HEADERS: Final = frozenset({b"content-type", b"location", b"retry-after"})
_log = logging.getLogger(__name__)


def honours(method: str, path: str) -> bool:
    """Whether the header means something to a request for this path."""
    return method == "POST" and _PATHS.fullmatch(path) is not None


class Idempotency:
    """ASGI middleware, inside what tells callers."""

    def __init__(
        self, app: ASGIApp, store: Store, bodies: Bodies, jobs: Jobs, changes: Workers
    ) -> None:
        self._app = app
        self._store = store
        self._bodies = bodies
        self._jobs = jobs
        self._changes = changes
        # Of this process: nothing was done for these, and the store could not be told.
        self._undone: set[tuple[str, str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] == "http" and honours(scope["method"], scope["path"]):
            untrusted = Headers(scope=scope).getlist(HEADER)
            if untrusted:
                try:
                    await self._once(untrusted, scope, receive, send)
                except (RequestError, StoreError) as error:
                    await problems.respond(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _once(self, untrusted: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(untrusted, scope)
        salt = secrets.token_bytes(_SALT_BYTES)
        with self._changes.place(asked.key):
            record = await self._changes.run(partial(self._begin, asked, salt), asked.key)
        if record is None:
            await self._first(asked, salt, scope, receive, send)
            return
        if record.parameters != asked.parameters:
            raise IdempotencyConflict("another request was sent with this key before")
        if record.answered is None:
            raise StillWorking("the first request with this key is being worked on")
        digest = _Digest(record.salt)
        held = await self._bodies.take(Request(scope, receive), sink=digest)
        held.let_go()
        if not hmac.compare_digest(digest.value(), record.answered.body_digest):
            raise IdempotencyConflict("another body was sent with this key before")
        await _send_again(record.answered, send)

    def _begin(self, asked: Asked, salt: bytes) -> Record | None:
        """What is known of a request; one whose process has ended was never answered."""
        kept, boot_id = self._store.requests, self._jobs.boot_id
        while True:
            record = kept.begin(asked, salt=salt, boot=boot_id, keep_ms=KEPT_MS)
            if record is None or record.answered:
                return record
            if asked.identity not in self._undone and not self._store.boots.is_over(record.boot):
                return record
            kept.drop(asked)
            self._undone.discard(asked.identity)

    def _drop(self, asked: Asked) -> None:
        try:
            self._store.requests.drop(asked)
        except StoreError as error:
            _log.warning("%s", error.line())
            self._undone.add(asked.identity)

    def _finish(self, asked: Asked, kept: Answered) -> None:
        try:
            self._store.requests.finish(asked, kept)
        except StoreError as error:
            # It is done, and whoever asked has to know; sent again it is not done again, though it
            # gets no answer.
            _log.warning("%s", error.line())

    async def _first(
        self, asked: Asked, salt: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        digest, taken = _Digest(salt), _Answer()

        async def receive_and_digest() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                digest.write(message.get("body", b""))
                digest.whole = not message.get("more_body", False)
            return message

        kept: Answered | None = None
        try:
            await self._app(scope, receive_and_digest, taken.send)
            kept = taken.kept(digest.value()) if digest.whole else None
        finally:
            if kept is None:
                await self._changes.run(partial(self._drop, asked), asked.key)
        if kept is not None:
            await self._changes.run(partial(self._finish, asked, kept), asked.key)
        # Sent only now: whoever has the answer gets the same one again.
        for message in taken.messages:
            await send(message)


class _Digest:
    """Of a request's body, as it was sent; ``whole``: all of it has come."""

    def __init__(self, salt: bytes) -> None:
        self._hmac = hmac.new(salt, digestmod=hashlib.sha256)
        self.whole = False

    def write(self, chunk: bytes) -> None:
        self._hmac.update(chunk)

    def finish(self) -> BytesIO:
        return BytesIO()

    def value(self) -> bytes:
        return self._hmac.digest()


class _Answer:
    """An answer, held back until it is whole."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    def kept(self, body_digest: bytes) -> Answered | None:
        """What is kept of it; None where it is not to be: nothing was done, or it is too long."""
        start, *rest = self.messages
        body = b"".join(message.get("body", b"") for message in rest)
        if not 200 <= start["status"] < 300 or len(body) > _MOST_ANSWER_BYTES:
            return None
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start["headers"]
            if name.lower() in _KEPT_HEADERS
        )
        return Answered(body_digest, start["status"], headers, body)


def _asked(untrusted: list[str], scope: Scope) -> Asked:
    """Raises BadIdempotencyKey."""
    text = untrusted[0].strip()
    quoted, bare = _QUOTED.fullmatch(text), _BARE.fullmatch(text)
    if len(untrusted) != 1 or not (quoted or bare):
        raise BadIdempotencyKey(
            'send one text of 1 to 255 characters in quotes, such as a UUID: "8e03978e-40d5"'
        )
    caller: Caller = scope["state"]["caller"]
    name = quoted[1] if quoted else text
    content_type = Headers(scope=scope).get("content-type", "")
    parameters = b"\0".join((scope["query_string"], content_type.encode("latin-1")))
    return Asked(
        key=caller.key,
        route=f"{scope['method']} {scope['path']}",
        token=hashlib.sha256(name.encode()).hexdigest(),
        parameters=hashlib.sha256(parameters).hexdigest(),
    )


async def _send_again(answered: Answered, send: Send) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers
    ]
    headers += [
        (b"content-length", str(len(answered.body)).encode()),
        (b"idempotent-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body})
