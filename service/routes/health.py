"""Health: whether the process answers, and whether it can check."""

from fastapi import APIRouter, Response

from service import examples, metrics, schemas
from service.callers import Scope
from service.routes.access import Known, needs
from service.routes.context import Parts, answers

router = APIRouter(tags=["health"])


@router.get(
    "/livez",
    summary="Is it alive?",
    dependencies=[needs(Scope.PUBLIC)],
    responses=answers(200, {"alive": examples.ALIVE}),
)
async def livez() -> schemas.Alive:
    """The process answers; nothing else is looked at."""
    return schemas.Alive(status="alive")


@router.get(
    "/readyz",
    summary="Can it check?",
    dependencies=[needs(Scope.PUBLIC)],
    responses=answers(
        200,
        {"ready": {"status": "ready"}, "ready, to an analyst": examples.READY},
        "store_error",
        "no_cage",
        "loading",
        "stale_list",
        "draining",
    ),
)
def readyz(context: Parts, caller: Known) -> schemas.ReadyInFull | schemas.Ready:
    """The store can be read, the lists are in memory and none is older than it may be, and clips
    can be decoded: a decoders' process that died is replaced.

    A caller with the scope `analyst` is told more. With no references at all, every check is
    `unscannable`.
    """
    found = context.readiness.require()
    if not caller.may(Scope.ANALYST):
        return schemas.Ready(status="ready")
    return schemas.ReadyInFull(
        status="ready",
        sandbox=context.decoding.level.value,
        lists=len(found),
        references=sum(one.references for one in found),
    )


@router.get(
    "/metrics",
    summary="What is counted and timed",
    dependencies=[needs(Scope.ANALYST)],
    response_class=Response,
    responses=answers(200, {"page": examples.METRICS}, content=metrics.PLAIN_TYPE),
)
def page(context: Parts) -> Response:
    """Everything in Prometheus' text form; no label names a list, a key, a clip or a person."""
    return Response(context.metrics.page(), media_type=metrics.MEDIA_TYPE)
