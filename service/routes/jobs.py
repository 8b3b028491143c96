"""Jobs: a clip's bytes in, and its answer later."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from service import answers, examples, schemas
from service.bodies import Held
from service.callers import Caller, Scope
from service.checking import CheckResult
from service.jobs import Wanted
from service.routes.access import needs
from service.routes.check import BODY_CODES, MEDIA, Thorough, require_lists
from service.routes.context import Context, From, ListNames, Parts, request_body
from service.routes.context import answers as described
from service.store.jobs import Job

router = APIRouter(tags=["jobs"])
_POLL_S = 2  # for whoever asks again and again: a webhook is better
Callback = Annotated[
    str | None,
    Query(
        description="The URL of a webhook that is told once the job is done, with its answer: a "
        "POST signed as Standard Webhooks has it. Only hosts that whoever runs the service has "
        "named (`RECIRC_WEBHOOK_HOSTS`)."
    ),
]
JobId = Annotated[str, Path(alias="id", description="The job's id.")]


@router.post(
    "/v1/jobs",
    summary="Check a clip later",
    dependencies=[needs(Scope.CHECK)],
    status_code=202,
    response_model=schemas.JobOut,
    responses=described(
        202,
        {"queued": examples.JOB},
        "webhook_off",
        "webhook_refused",
        "list_not_found",
        *BODY_CODES,
        "invalid_request",
        "store_error",
    ),
    openapi_extra=request_body("The media itself, whatever its content type.", MEDIA),
)
async def create_job(
    request: Request,
    response: Response,
    context: Parts,
    caller: From,
    lists: ListNames,
    *,
    thorough: Thorough = False,
    callback: Callback = None,
) -> schemas.JobOut:
    """Take a clip in and answer at once; `Location` is where its answer will be.

    For clips that take longer than a request should. The clip is held in memory and nowhere else
    until it is checked. Where that does not come about, because the service stops or breaks down,
    the job ends with the verdict `unscannable` and the problem `interrupted`.
    """
    if callback is not None:
        context.webhooks.require(callback)
    context.jobs.require_room(caller)
    await require_lists(context, caller, lists)
    await context.slowing.wait(caller)  # before: who is refused for it has no job
    held = await context.job_bodies.take(request)
    wanted = Wanted(
        media=held.body,
        caller=caller,
        lists=lists,
        thorough=thorough,
        callback=callback,
        let_go=partial(_on_loop, asyncio.get_running_loop(), held),
        told=partial(_note, asyncio.get_running_loop(), context, caller),
    )
    try:
        with context.changes.place(caller.key):
            job = await context.changes.run(partial(context.jobs.submit, wanted), caller.key)
    except BaseException:
        held.let_go()
        raise
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.headers["Retry-After"] = str(_POLL_S)
    return job_out(job, caller)


@router.get(
    "/v1/jobs/{id}",
    summary="One job",
    dependencies=[needs(Scope.CHECK)],
    response_model=schemas.JobOut,
    responses=described(
        200,
        {"queued": examples.JOB, "done": examples.JOB_DONE},
        "job_not_found",
        "store_error",
    ),
)
def one_job(context: Parts, caller: From, job_id: JobId) -> schemas.JobOut:
    """How far a job of this key is, and its answer once it is done."""
    return job_out(context.jobs.get(job_id, caller), caller)


@router.delete(
    "/v1/jobs/{id}",
    summary="Cancel a job",
    dependencies=[needs(Scope.CHECK)],
    response_model=schemas.JobOut,
    responses=described(
        200,
        {"cancelled": examples.JOB_CANCELLED, "done": examples.JOB_DONE},
        "job_not_found",
        "busy",
        "store_error",
    ),
)
async def cancel_job(context: Parts, caller: From, job_id: JobId) -> schemas.JobOut:
    """Give a job up, also one that is being decoded. One that has ended stays as it is."""
    with context.changes.place(caller.key):
        cancel = partial(context.jobs.cancel, job_id, caller)
        return job_out(await context.changes.run(cancel, caller.key), caller)


def job_out(job: Job, caller: Caller) -> schemas.JobOut:
    """A job as this caller may see it."""
    return schemas.JobOut.model_validate(answers.of_job(job, caller))


def _note(
    loop: asyncio.AbstractEventLoop, context: Context, caller: Caller, result: CheckResult
) -> None:
    """Count a job's answer as others are, from whatever thread."""
    with suppress(RuntimeError):  # the loop has ended, and with it the service
        loop.call_soon_threadsafe(context.slowing.note, caller, result)


def _on_loop(loop: asyncio.AbstractEventLoop, held: Held) -> None:
    """Let a body go, from whatever thread."""
    with suppress(RuntimeError):  # as above
        loop.call_soon_threadsafe(held.let_go)
