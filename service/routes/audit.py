"""The audit record, for admins."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from service import admin_examples
from service.admin_schemas import AuditEntry, AuditOut
from service.callers import Scope
from service.routes.access import needs
from service.routes.context import Parts, answers

router = APIRouter(tags=["audit"])
MOST_SHOWN: Final = 1000
_MOST_SEQUENCE: Final = 2**53 - 1  # that every JSON parser reads
After = Annotated[
    int, Query(ge=0, le=_MOST_SEQUENCE, description="The number of the last entry of a page.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_SHOWN)]
OfList = Annotated[
    str | None, Query(alias="list", description="Of this list only, also of a deleted one.")
]


@router.get(
    "/v1/audit",
    summary="The record of changes",
    dependencies=[needs(Scope.ADMIN)],
    responses=answers(200, {"page": admin_examples.AUDIT}, "invalid_request", "store_error"),
)
def audit(
    context: Parts, list_name: OfList = None, after: After = 0, limit: Limit = 100
) -> AuditOut:
    """One page of the record of all changes to lists and keys, in order.

    `recirc audit verify` on the service's machine proves that nobody has changed it.
    """
    record = context.store.audit
    found = record.entries(after=after, limit=limit + 1, list_name=list_name)
    page = found[:limit]
    return AuditOut(
        entries=[AuditEntry.model_validate(entry.plain()) for entry in page],
        next_after=page[-1].sequence if len(found) > limit else None,
        head=record.head().hash,
    )
