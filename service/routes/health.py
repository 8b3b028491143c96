"""Health: whether the process answers, and whether it can check."""

from fastapi import APIRouter

from service import examples, schemas
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
    ),
)
def readyz(context: Parts, caller: Known) -> schemas.ReadyInFull | schemas.Ready:
    """The store can be read, and clips decoded: a decoders' process that died is replaced.

    A caller with the scope `analyst` is told more. With no references at all, every check is
    `unscannable`.
    """
    context.decoding.require()
    found = context.store.lists()
    if not caller.may(Scope.ANALYST):
        return schemas.Ready(status="ready")
    return schemas.ReadyInFull(
        status="ready",
        sandbox=context.decoding.level.value,
        lists=len(found),
        references=sum(one.references for one in found),
    )
