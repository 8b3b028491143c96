"""Health: whether the process answers, and whether it can check."""

from fastapi import APIRouter

from service import examples, schemas
from service.routes.context import Parts, answers

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is it alive?", responses=answers(200, {"alive": examples.ALIVE}))
async def livez() -> schemas.Alive:
    """The process answers; nothing else is looked at."""
    return schemas.Alive(status="alive")


@router.get(
    "/readyz",
    summary="Can it check?",
    responses=answers(200, {"ready": examples.READY}, "store_error", "no_cage"),
)
def readyz(context: Parts) -> schemas.Ready:
    """The store can be read, and clips decoded: a decoders' process that died is replaced.

    With no references at all, every check is `unscannable`.
    """
    context.decoding.require()
    found = context.store.lists()
    return schemas.Ready(
        status="ready",
        sandbox=context.decoding.level.value,
        lists=len(found),
        references=sum(one.references for one in found),
    )
