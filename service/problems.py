"""Problem details (RFC 9457) for every HTTP error: a stable ``code``, and one table of statuses.

RecircError
└── RequestError           something is wrong with the request itself
    ├── InvalidRequest      invalid_request       a parameter or the JSON is not what it must be
    ├── BadMultipart        bad_multipart         not one file part and nothing else
    ├── EncodedBody         encoded_body          a compressed request body
    ├── BodyTooLarge        body_too_large        longer than the service takes
    ├── BodyTimeout         body_timeout          the body came too slowly
    ├── WrongHost           wrong_host            a host name that is not this service
    ├── CrossOrigin         cross_origin          a browser sends it for another site's page
    └── Busy                busy                  as many requests at once as there is room for

The trees of ``hashing.errors`` and ``service.errors`` come out by the same table.
"""

import logging
import traceback
import uuid
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from hashing.errors import RecircError
from service import meanings
from service.errors import CageFailed, NoCage, StoreError
from service.schemas import Problem, WrongField

MEANINGS: Final = meanings.MEANINGS
MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2  # a check of a short clip takes less
TRY_LATER: Final[Mapping[str, str]] = MappingProxyType({"Retry-After": str(RETRY_AFTER_S)})
_MOST_DETAIL: Final = 500  # characters; texts repeat names that a caller may make very long
_MOST_FIELDS: Final = 20  # wrong fields that one problem lists
_log = logging.getLogger(__name__)


class RequestError(RecircError):
    """Something is wrong with the request itself. ``headers``: of its answer."""

    headers: Mapping[str, str] = MappingProxyType({})


class InvalidRequest(RequestError):
    """A parameter or the JSON body is not what it must be; ``fields`` says where."""

    code = "invalid_request"

    def __init__(self, fields: Iterable[WrongField]) -> None:
        self.fields = tuple(fields)
        super().__init__(
            "; ".join(f"{field.location}: {field.detail}" for field in self.fields[:_MOST_FIELDS])
        )


class BadMultipart(RequestError):
    """A multipart body that is damaged, or not one file part and nothing else."""

    code = "bad_multipart"


class EncodedBody(RequestError):
    """The body is compressed: what it unpacks to is nobody's guess."""

    code = "encoded_body"


class BodyTooLarge(RequestError):
    """The body is longer than the service takes."""

    code = "body_too_large"


class BodyTimeout(RequestError):
    """The body did not come in time."""

    code = "body_timeout"


class WrongHost(RequestError):
    """The request is for a host name that is not this service's: DNS rebinding looks like this."""

    code = "wrong_host"


class CrossOrigin(RequestError):
    """A browser sends the request on behalf of another site's page."""

    code = "cross_origin"


class Busy(RequestError):
    """As many requests are being worked on as there is room for."""

    code = "busy"
    headers = TRY_LATER


# Codes of HTTP itself, for errors that Starlette raises before a route is found.
_PLAIN: Final = {404: "not_found", 405: "method_not_allowed"}
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
# These texts may name files of the machine, or say more than is known to be harmless.
_WITHHELD: Final = frozenset({"internal_error", "store_error", "no_cage"})


def request_id(scope: Scope) -> str:
    """The id that answer and log have in common; empty where no guard has given one."""
    return str(scope.get("state", {}).get("request_id", ""))


def respond(scope: Scope, error: RecircError) -> Response:
    """The answer to an error. Those whose cause is the operator's are logged here."""
    if isinstance(error, StoreError | NoCage | CageFailed):
        _log.error("request %s: %s", request_id(scope), error.line())
    fields = error.fields if isinstance(error, InvalidRequest) else ()
    headers = error.headers if isinstance(error, RequestError) else None
    return _response(scope, error.code, str(error), fields=fields, headers=headers)


def of_no_request() -> Response:
    """The answer to what is no HTTP request, in which there is no route and no guard."""
    answer = _response({"state": {"request_id": uuid.uuid4().hex}}, "bad_request", "")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def respond_unexpected(scope: Scope, error: Exception) -> Response:
    """The answer to a defect. Its text is not logged: it may hold anything of the request."""
    log_unexpected(scope, error)
    return _response(scope, "internal_error", "")


def log_unexpected(scope: Scope, error: BaseException) -> None:
    """Log where a defect showed itself, without its text or any value."""
    # Starlette wraps what is raised once an answer has begun.
    error = error.__cause__ or error
    if isinstance(error, RecircError):
        _log.error("request %s: %s", request_id(scope), error.line())
        return
    places = traceback.extract_tb(error.__traceback__)[-3:]
    trail = " < ".join(f"{place.name}:{place.lineno}" for place in reversed(places))
    _log.error("request %s: %s in %s", request_id(scope), type(error).__name__, trail)


def of_validation(errors: Iterable[Mapping[str, object]]) -> InvalidRequest:
    """Pydantic's findings without the values that were sent."""
    fields = []
    for error in errors:
        where = error.get("loc", ())
        parts = where if isinstance(where, tuple) else (where,)
        location = ".".join(str(part)[:80] for part in parts) or "body"
        fields.append(WrongField(location=location, detail=str(error.get("msg", "wrong"))))
    return InvalidRequest(fields[:_MOST_FIELDS])


def of_model(error: ValidationError) -> InvalidRequest:
    """A JSON body's findings, each with its place in it."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return of_validation({"loc": ("body", *one["loc"]), "msg": one["msg"]} for one in found)


def example(code: str) -> dict[str, object]:
    """The problem document of a code, as an example."""
    meaning = MEANINGS[code]
    return _problem(code, meaning.title, request_id="7f0c2b5e9d1a4c3f").model_dump(
        exclude_defaults=True
    )


def in_order() -> list[tuple[str, meanings.Meaning]]:
    """Every code that HTTP answers with, in order of statuses."""
    return sorted(MEANINGS.items(), key=lambda one: (one[1].status, one[0]))


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error with problem details."""
    app.add_exception_handler(RecircError, _on_recirc_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def _on_recirc_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RecircError):
        raise error
    return respond(request.scope, error)


def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return respond(request.scope, of_validation(error.errors()))


def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _PLAIN.get(error.status_code, "internal_error")
    headers = dict(error.headers or {})
    if code == "method_not_allowed":
        headers["Allow"] = ", ".join(_allowed(request))
    return _response(request.scope, code, "", headers=headers)


def _allowed(request: Request) -> list[str]:
    """The methods of an address: each may be a route of its own, and Starlette names one's."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _response(
    scope: Scope,
    code: str,
    detail: str,
    *,
    fields: tuple[WrongField, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    known = code if code in MEANINGS else "internal_error"
    if known in _WITHHELD or not detail:
        detail = f"{MEANINGS[known].title}. {MEANINGS[known].mend}"
    problem = _problem(known, detail, request_id=request_id(scope), fields=fields)
    scope.setdefault("state", {})["code"] = known  # for the log and the metrics
    extra = dict(headers or {})
    if known == "body_timeout":
        extra["Connection"] = "close"  # what still drips in is nobody's concern
    return JSONResponse(
        problem.model_dump(exclude_defaults=True), problem.status, extra, media_type=MEDIA_TYPE
    )


def _problem(
    code: str, detail: str, *, request_id: str, fields: tuple[WrongField, ...] = ()
) -> Problem:
    meaning = MEANINGS[code]
    return Problem(
        type=f"urn:recirc:problem:{code}",
        title=meaning.title,
        status=meaning.status.value,
        detail=detail[:_MOST_DETAIL],
        code=code,
        request_id=request_id,
        errors=list(fields),
    )
