"""Checks: a clip's bytes or its fingerprint in, a verdict with evidence out."""

from contextlib import nullcontext
from functools import partial
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service import answers, examples, schemas
from service.bodies import fingerprint_of
from service.callers import Caller, Scope
from service.checking import Checker, CheckResult
from service.routes.access import needs
from service.routes.context import Context, From, ListNames, Parts, request_body
from service.routes.context import answers as described
from service.workers import Place

router = APIRouter(tags=["check"])
BODY_CODES = ("body_timeout", "body_too_large", "encoded_body", "bad_multipart", "busy")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
AnyAnswer = schemas.CheckAnswer | schemas.BriefAnswer
MEDIA = {
    "*/*": _BINARY,
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
            "additionalProperties": False,
        }
    },
}
Thorough = Annotated[
    bool,
    Query(
        description="Look at all of the clip. Without it, a check of a clip that is clearly a copy "
        "by its key frames ends early, and `checked_ms` is less than `duration_ms`."
    ),
]


@router.post(
    "/v1/check",
    summary="Check a clip",
    dependencies=[needs(Scope.CHECK)],
    response_model=AnyAnswer,
    responses=described(
        200,
        examples.CHECKS,
        "list_not_found",
        *BODY_CODES,
        "invalid_request",
        "store_error",
        "no_cage",
    ),
    # Not required: no bytes are no media, which is an answer and no error.
    openapi_extra=request_body(
        "The media itself, whatever its content type.", MEDIA, required=False
    ),
)
async def check(
    request: Request, context: Parts, caller: From, lists: ListNames, thorough: Thorough = False
) -> Response:
    """Say whether a clip is a copy of listed footage.

    A key with the scope `check` is told the verdict and for each match its label, incident and list
    and where in the clip it is; the evidence and what is known of the reference need `analyst`.

    Bytes that are no media, also none at all, are answered with 200, `unscannable` and the reason
    in `problems`: never with an error, and never as if they were clean. Nothing of the clip is
    kept.
    """
    with context.workers.place(caller.key) as place:
        await require_lists(context, caller, lists, place)
        async with context.bodies.received(request, meanwhile=place.lent()) as body:
            work = partial(context.checker.check, body, lists=lists, thorough=thorough)
            result = await context.workers.run(work, caller.key)
    return await answered(request, context, caller, result)


@router.post(
    "/v1/check/fingerprint",
    summary="Check a fingerprint",
    dependencies=[needs(Scope.CHECK)],
    response_model=AnyAnswer,
    responses=described(
        200,
        {name: value for name, value in examples.CHECKS.items() if name != "unscannable"},
        "list_not_found",
        *BODY_CODES,
        "bad_fingerprint",
        "incompatible_hash",
        "invalid_request",
        "store_error",
    ),
    openapi_extra=request_body(
        "A fingerprint, as `recirc hash --json` prints it. Other keys are ignored.",
        {"application/json": {"schema": schemas.FINGERPRINT, "example": examples.FINGERPRINT}},
    ),
)
async def check_fingerprint(
    request: Request, context: Parts, caller: From, lists: ListNames
) -> Response:
    """Check a clip that was hashed elsewhere: the media never leaves its holder.

    The answer is as complete as the fingerprint's `coverage` says; without one its sender vouches
    that it is of the whole clip.
    """
    with context.lookups.place(caller.key) as place:
        await require_lists(context, caller, lists, place)
        async with context.bodies.received(request, meanwhile=place.lent()) as body:
            work = partial(_look_up, context.checker, body, lists)
            result = await context.lookups.run(work, caller.key)
    return await answered(request, context, caller, result)


def _look_up(checker: Checker, body: BytesIO, lists: list[str]) -> CheckResult:
    """Read and compared in one turn of a thread."""
    fingerprint, coverage = fingerprint_of(body)
    return checker.check_fingerprint(fingerprint, coverage, lists=lists)


async def require_lists(
    context: Context, caller: Caller, names: list[str], place: Place | None = None
) -> None:
    """Refuse unknown lists before the body is read. ``place``: is for others meanwhile."""
    if not names:
        return  # there is nothing to refuse, and each turn in a thread takes its time
    async with place.lent() if place else nullcontext():
        await context.lookups.run(partial(context.checker.lists, names), caller.key)


async def answered(
    request: Request, context: Context, caller: Caller, result: CheckResult
) -> Response:
    """The answer, once it may leave: whoever seeks a list's limits is answered slowly."""
    request.state.checked = result  # for the line in the log
    context.slowing.note(caller, result)
    await context.slowing.wait(caller)
    answer = seen_by(caller, answers.of_check(result))
    # As it is: FastAPI would validate it again, and once more to write it.
    return Response(answer.model_dump_json(), media_type="application/json")


def seen_by(caller: Caller, answer: answers.CheckAnswer) -> AnyAnswer:
    """The answer in the shape that the caller may see."""
    shape = schemas.CheckAnswer if caller.may(Scope.ANALYST) else schemas.BriefAnswer
    return shape.model_validate(answers.for_caller(answer, caller))
