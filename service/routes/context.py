"""What the routes work with, and how they get at it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request

from service import problems, schemas
from service.authentication import Authenticator
from service.bodies import MOST_JSON_BYTES, Bodies, Model, json_of
from service.callers import Caller
from service.checking import Checker
from service.fetching import Fetching
from service.jobs import Jobs
from service.media.decoding import Decoding
from service.metrics import Metrics
from service.readiness import Readiness
from service.slowing import Slowing
from service.store.base import Store
from service.webhooks import Webhooks
from service.workers import Workers

# OpenAPI's parts of a route are plain JSON.
Operation = dict[str, object]
Responses = dict[int | str, dict[str, object]]
_IDEMPOTENCY_KEY: Final[Operation] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A new text for each thing that is to be done, such as a UUID. Sent again "
    "within a day, the same request is answered as it was, with `Idempotent-Replayed: true`, and "
    "nothing is done.",
    "schema": {
        "type": "string",
        "maxLength": 257,
        # As service.idempotency reads it: in quotes (RFC 8941) or without.
        "pattern": r"^(\"([ !#-\[\]-~]|\\[\"\\]){1,255}\"|[!#-\[\]-~]{1,255})$",
    },
    "example": '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
}


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that one service is made of.

    ``lookups``: threads for what needs no decoder; ``changes``: for what writes to the database,
    and so waits while somebody else does.
    """

    store: Store
    decoding: Decoding
    checker: Checker
    bodies: Bodies
    workers: Workers
    lookups: Workers
    changes: Workers
    authenticator: Authenticator
    metrics: Metrics
    readiness: Readiness
    slowing: Slowing
    jobs: Jobs
    job_bodies: Bodies
    fetching: Fetching
    webhooks: Webhooks


# Async, else each of them would cost every request a hop between threads.
async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


async def _caller(request: Request) -> Caller:
    # Set where the route says what scope it needs; no default, lest a route without is open to all.
    caller: Caller = request.scope["state"]["caller"]
    return caller


def _no_names() -> list[str]:
    """``list`` itself would have its signature parsed for every request."""
    return []


Parts = Annotated[Context, Depends(_context)]
From = Annotated[Caller, Depends(_caller)]


async def _store(context: Parts, caller: From) -> Store:
    return context.store.by(caller.who)


# For changes: the audit record says that the caller has made them.
CallersStore = Annotated[Store, Depends(_store)]
ListName = Annotated[
    str,
    Path(alias="list", description="The list's name.", json_schema_extra=schemas.LIST_NAME),
]
ReferenceId = Annotated[
    str,
    Path(alias="id", description="The reference's id.", json_schema_extra=schemas.REFERENCE_ID),
]
ListNames = Annotated[
    list[str],
    Query(
        alias="list",
        default_factory=_no_names,
        description="Check against these lists only; repeat it. Default: all.",
        json_schema_extra={"items": {"type": "string"} | schemas.LIST_NAME},
    ),
]


def json_body(model: type[Model]) -> Callable[[Request, Context], Awaitable[Model]]:
    """A dependency that reads a small JSON body: FastAPI's own reads bodies of any length."""

    async def read(request: Request, context: Parts) -> Model:
        async with context.bodies.received(request, MOST_JSON_BYTES) as body:
            return json_of(body, model)

    return read


def request_body(
    description: str, content: dict[str, object], *, required: bool = True
) -> Operation:
    """The OpenAPI of a body that a route reads itself."""
    body = {"description": description, "required": required, "content": content}
    return {"requestBody": body}


def json_request(model: type[Model], example: object) -> Operation:
    """The OpenAPI of a small JSON body."""
    schema = model.model_json_schema()
    return request_body(
        schema.pop("description"),
        {"application/json": {"schema": schema, "example": example}},
        required="required" in schema,  # an empty body is an empty object
    )


def answers(
    status: int, examples: dict[str, object], *codes: str, content: str = "application/json"
) -> Responses:
    """The OpenAPI of a route's answers: examples of the good one by name, and its error codes."""
    named = {name: {"value": value} for name, value in examples.items()}
    responses: Responses = {status: {"content": {content: {"examples": named}}} if named else {}}
    for code in (*codes, "wrong_host", "cross_origin", "internal_error"):
        of_status = responses.setdefault(problems.MEANINGS[code].status.value, {})
        add_problem(of_status, code)
    return responses


def refusable(responses: dict[str, dict[str, object]]) -> None:
    """Add to the OpenAPI of a route's answers what the limits of a key may answer first."""
    for code in ("key_busy", "rate_limited"):
        add_problem(responses.setdefault(str(problems.MEANINGS[code].status.value), {}), code)


def repeatable(operation: Operation) -> None:
    """Add to an operation of an OpenAPI document that it is done once for each idempotency key."""
    parameters, responses = operation.setdefault("parameters", []), operation["responses"]
    if isinstance(parameters, list):
        parameters.append(_IDEMPOTENCY_KEY)
    for code in ("bad_idempotency_key", "idempotency_conflict", "idempotency_running"):
        if isinstance(responses, dict):
            status = str(problems.MEANINGS[code].status.value)
            add_problem(responses.setdefault(status, {}), code)


def add_problem(response: dict[str, object], code: str) -> None:
    """Add an error code to an answer of an OpenAPI document."""
    titles = response.get("description")
    title = f"`{code}`: {problems.MEANINGS[code].title}"
    response["description"] = f"{titles}. {title}" if titles else title
    content = response.setdefault(
        "content",
        {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {},
            }
        },
    )
    if isinstance(content, dict):
        content[problems.MEDIA_TYPE]["examples"][code] = {"value": problems.example(code)}
