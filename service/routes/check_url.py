"""Check by URL: the service fetches the clip itself, from hosts that its operator has named."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service import examples, schemas
from service.callers import Scope
from service.routes.access import needs
from service.routes.check import (
    BODY_CODES,
    AnyAnswer,
    Thorough,
    answered,
    require_lists,
)
from service.routes.context import (
    From,
    ListNames,
    Parts,
    json_body,
    json_request,
)
from service.routes.context import answers as described

router = APIRouter(tags=["check"])


@router.post(
    "/v1/check/url",
    summary="Check a clip by its URL",
    dependencies=[needs(Scope.CHECK)],
    response_model=AnyAnswer,
    responses=described(
        200,
        examples.CHECKS,
        "fetch_off",
        "fetch_refused",
        "fetch_failed",
        "fetch_too_large",
        "list_not_found",
        *(code for code in BODY_CODES if code != "bad_multipart"),
        "invalid_request",
        "store_error",
        "no_cage",
    ),
    openapi_extra=json_request(schemas.UrlIn, examples.URL_IN),
)
async def check_url(
    request: Request,
    context: Parts,
    caller: From,
    wanted: Annotated[schemas.UrlIn, Depends(json_body(schemas.UrlIn))],
    lists: ListNames,
    *,
    thorough: Thorough = False,
) -> Response:
    """Fetch a clip and say whether it is a copy of listed footage.

    Off unless whoever runs the service has named hosts (`RECIRC_FETCH_HOSTS`). Addresses that are
    not public are never asked; up to three redirects are followed, each checked in the same way.
    """
    context.fetching.require(wanted.url)
    with context.fetching.room(caller.key), context.workers.place(caller.key) as place:
        await require_lists(context, caller, lists, place)
        async with place.lent():
            clip = await context.fetching.get(wanted.url)
        work = partial(context.checker.check, clip, lists=lists, thorough=thorough)
        result = await context.workers.run(work, caller.key)
    return await answered(request, context, caller, result)
