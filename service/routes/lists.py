"""Lists: make, see, change, delete, import, export."""

from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from hashing.formats.listfile import bounded_lines
from hashing.reference import Policy
from service import examples, lists, schemas
from service.callers import Scope
from service.lists import ImportReport
from service.routes.access import needs
from service.routes.context import (
    CallersStore,
    From,
    ListName,
    Parts,
    answers,
    json_body,
    json_request,
    request_body,
)
from service.store.base import KEEP, ListInfo

router = APIRouter(tags=["lists"])
JSON_LINES: Final = "application/jsonl"
_JSON_BODY = ("body_timeout", "body_too_large", "encoded_body", "busy", "invalid_request")
WithPatches = Annotated[
    bool,
    Query(description="Patch hashes too: they show more of a picture than other hashes."),
]
_EXPORTED_AT_ONCE: Final = 256 * 1024  # characters; a hop between threads costs more than a line


@router.get(
    "/v1/lists",
    summary="All lists",
    dependencies=[needs(Scope.ANALYST)],
    responses=answers(200, {"lists": {"lists": [examples.LIST]}}, "store_error"),
)
def all_lists(context: Parts) -> schemas.ListsOut:
    """All lists in order of names."""
    return schemas.ListsOut(lists=[_out(info) for info in context.store.lists()])


@router.post(
    "/v1/lists",
    summary="Make a list",
    dependencies=[needs(Scope.CURATE)],
    status_code=201,
    responses=answers(
        201,
        {"list": examples.LIST},
        "bad_name",
        "bad_policy",
        "list_exists",
        *_JSON_BODY,
        "store_error",
    ),
    openapi_extra=json_request(schemas.ListIn, examples.LIST_IN),
)
def create_list(
    store: CallersStore,
    response: Response,
    wanted: Annotated[schemas.ListIn, Depends(json_body(schemas.ListIn))],
) -> schemas.ListOut:
    """Make an empty list."""
    info = store.create_list(
        wanted.name,
        policy=Policy(wanted.policy),
        source=wanted.source,
        false_alarms_per_100k=wanted.false_alarms_per_100k,
        patches=wanted.patches,
    )
    response.headers["Location"] = f"/v1/lists/{info.name}"
    return _out(info)


@router.get(
    "/v1/lists/{list}",
    summary="One list",
    dependencies=[needs(Scope.ANALYST)],
    responses=answers(200, {"list": examples.LIST}, "list_not_found", "store_error"),
)
def one_list(context: Parts, name: ListName) -> schemas.ListOut:
    """One list without its references."""
    return _out(context.store.get_list(name))


@router.patch(
    "/v1/lists/{list}",
    summary="Change a list",
    dependencies=[needs(Scope.CURATE)],
    responses=answers(
        200,
        {"list": examples.LIST},
        "list_not_found",
        "bad_name",
        "bad_policy",
        *_JSON_BODY,
        "store_error",
    ),
    openapi_extra=json_request(schemas.ListPatch, examples.LIST_PATCH),
)
def change_list(
    store: CallersStore,
    name: ListName,
    patch: Annotated[schemas.ListPatch, Depends(json_body(schemas.ListPatch))],
) -> schemas.ListOut:
    """Change policy, source, what the list accepts or keeps; what is left out of the body stays."""
    given = patch.model_fields_set
    changed = store.update_list(
        name,
        policy=None if patch.policy is None else Policy(patch.policy),
        source=patch.source if "source" in given else KEEP,
        false_alarms_per_100k=patch.false_alarms_per_100k
        if "false_alarms_per_100k" in given
        else KEEP,
        patches=patch.patches,
    )
    return _out(changed)


@router.delete(
    "/v1/lists/{list}",
    summary="Delete a list",
    dependencies=[needs(Scope.CURATE)],
    status_code=204,
    responses=answers(204, {}, "list_not_found", "store_error"),
)
def delete_list(store: CallersStore, name: ListName) -> None:
    """Delete a list with all its references."""
    store.delete_list(name)


@router.post(
    "/v1/lists/{list}/import",
    summary="Import a list file",
    dependencies=[needs(Scope.CURATE)],
    responses=answers(
        200,
        {"report": examples.IMPORT},
        "bad_list",
        "bad_name",
        "policy_conflict",
        "bad_multipart",
        *_JSON_BODY,
        "store_error",
    ),
    openapi_extra=request_body(
        "A list file, as an export gives it: JSON Lines, the header first.",
        {JSON_LINES: {"schema": {"type": "string"}, "example": examples.EXPORT}},
    ),
)
async def import_list(
    request: Request, context: Parts, caller: From, store: CallersStore, name: ListName
) -> schemas.ImportOut:
    """Add a list file's references; a list that does not exist is made.

    Bad lines are reported with their numbers and all others go in, in one transaction. Doing it
    again changes nothing.
    """
    with context.changes.place(caller.key) as place:
        async with context.bodies.received(request, meanwhile=place.lent()) as body:
            work = partial(lists.import_file, store, name, bounded_lines(body))
            return _report(await context.changes.run(work, caller.key))


@router.get(
    "/v1/lists/{list}/export",
    summary="Export a list",
    dependencies=[needs(Scope.CURATE)],
    response_class=StreamingResponse,
    responses=answers(
        200,
        {"file": examples.EXPORT},
        "list_not_found",
        "invalid_request",
        "store_error",
        content=JSON_LINES,
    ),
)
def export_list(context: Parts, name: ListName, patches: WithPatches = False) -> StreamingResponse:
    """The list's file with all its hashes, as the list is now. Treat it as sensitive.

    The header line says how many references follow: an answer that was cut off is shorter.
    """
    return StreamingResponse(
        _batches(lists.export(context.store, name, patches=patches)),
        media_type=JSON_LINES,
        headers={"Content-Disposition": f'attachment; filename="{name}.jsonl"'},
    )


async def _batches(lines: Iterator[str]) -> AsyncIterator[str]:
    """The lines, some at a time; the database is let go when the client goes away."""
    batches = _joined(lines)
    try:
        while batch := await run_in_threadpool(next, batches, ""):
            yield batch
    finally:
        await run_in_threadpool(batches.close)


def _joined(lines: Iterator[str]) -> Generator[str, None, None]:
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size >= _EXPORTED_AT_ONCE:
            yield "".join(batch)
            batch, size = [], 0
    if batch:
        yield "".join(batch)


def _out(info: ListInfo) -> schemas.ListOut:
    return schemas.ListOut.model_validate(asdict(info) | {"policy": info.policy.value})


def _report(report: ImportReport) -> schemas.ImportOut:
    return schemas.ImportOut(
        added=report.added,
        unchanged=report.unchanged,
        bad_lines=[
            schemas.BadLineOut(line=bad.number, code=bad.code.value, detail=bad.text)
            for bad in report.bad_lines
        ],
    )
