"""References of a list: add media or fingerprints, see, change, delete. Hashes are never shown."""

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from hashing.coverage import Coverage
from hashing.fingerprint import Fingerprint
from hashing.patch_track import PatchTrack
from service import examples, lists, schemas
from service.bodies import fingerprint_of
from service.callers import Scope
from service.curating import hash_reference
from service.errors import ReferenceNotFound
from service.lists import Added
from service.media.decoding import Decoding
from service.routes.access import needs
from service.routes.check import MEDIA
from service.routes.context import (
    CallersStore,
    From,
    ListName,
    Parts,
    ReferenceId,
    answers,
    json_body,
    json_request,
    request_body,
)
from service.store.base import KEEP, Expiry, ReferenceSummary, Store

router = APIRouter(tags=["references"])
MOST_LISTED: Final = 1000
_JSON: Final = "application/json"
_FOUND = ("list_not_found", "reference_not_found", "store_error")
Label = Annotated[
    schemas.Line | None, Query(description="What people call it; 1 to 200 characters.")
]
Incident = Annotated[schemas.Line | None, Query(description="The event that it belongs to.")]
Id = Annotated[
    schemas.Id | None, Query(description="Its id; else the start of the digest.", alias="id")
]
AfterId = Annotated[str | None, Query(description="Where the last page ended.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]


@router.get(
    "/v1/lists/{list}/references",
    summary="References of a list",
    dependencies=[needs(Scope.ANALYST)],
    responses=answers(
        200,
        {"page": examples.REFERENCES},
        "list_not_found",
        "invalid_request",
        "store_error",
    ),
)
def references(
    context: Parts, name: ListName, after_id: AfterId = None, limit: Limit = 100
) -> schemas.ReferencesOut:
    """One page, in order of ids, without hashes."""
    found = context.store.references(name, after_id=after_id, limit=limit + 1)
    page = found[:limit]
    return schemas.ReferencesOut(
        references=[_out(one) for one in page],
        next_after_id=page[-1].id if len(found) > limit else None,
    )


@router.post(
    "/v1/lists/{list}/references",
    summary="Add a reference",
    dependencies=[needs(Scope.CURATE)],
    status_code=201,
    response_model=schemas.ReferenceAdded,
    responses={
        200: {
            "model": schemas.ReferenceAdded,
            "description": "The list has this fingerprint already; nothing was changed.",
            "content": {
                _JSON: {"examples": {"known": {"value": examples.REFERENCE_ADDED | {"new": False}}}}
            },
        },
        **answers(
            201,
            {"added": examples.REFERENCE_ADDED},
            "list_not_found",
            "reference_conflict",
            "bad_name",
            "bad_fingerprint",
            "incompatible_hash",
            "nothing_to_compare",
            "empty_file",
            "not_media",
            "no_video",
            "decoder_error",
            "too_dark",
            "sandbox_violation",
            "decoder_crashed",
            "limit_memory",
            "limit_cpu",
            "limit_wall",
            "bad_answer",
            "decoder_killed",
            "cage_failed",
            "no_cage",
            "body_timeout",
            "body_too_large",
            "encoded_body",
            "bad_multipart",
            "busy",
            "store_error",
        ),
    },
    openapi_extra=request_body(
        "Media, of any content type; or a fingerprint, as application/json.",
        MEDIA | {_JSON: {"schema": schemas.FINGERPRINT, "example": examples.FINGERPRINT}},
    ),
)
async def add_reference(
    request: Request,
    response: Response,
    context: Parts,
    caller: From,
    store: CallersStore,
    *,
    name: ListName,
    reference_id: Id = None,
    label: Label = None,
    incident: Incident = None,
) -> schemas.ReferenceAdded:
    """Hash media, or take a fingerprint, and put it on a list that exists.

    It is matchable in the next request. The media is not kept. A second time changes nothing, and
    gives the id under which the list has it.
    """
    with context.workers.place(caller.key) as place:
        info = await context.lookups.run(partial(store.get_list, name), caller.key)
        async with context.bodies.received(request, meanwhile=place.lent()) as body:
            hashed = partial(_hashed, context.decoding, patches=info.patches)
            work = partial(_read if _is_json(request) else hashed, body)
            taken = await context.workers.run(work, caller.key)
    add = partial(
        _added, store, name, taken, reference_id=reference_id, label=label, incident=incident
    )
    added, summary = await context.changes.run(add, caller.key)
    if not added.new:
        response.status_code = 200
    response.headers["Location"] = f"/v1/lists/{name}/references/{added.reference_id}"
    found = [] if taken.coverage is None else [one.value for one in taken.coverage.problems]
    return schemas.ReferenceAdded(
        new=added.new, complete=not found, problems=found, reference=_out(summary)
    )


@router.get(
    "/v1/lists/{list}/references/{id}",
    summary="One reference",
    dependencies=[needs(Scope.ANALYST)],
    responses=answers(200, {"reference": examples.REFERENCE}, *_FOUND),
)
def one_reference(
    context: Parts, name: ListName, reference_id: ReferenceId
) -> schemas.ReferenceOut:
    """One reference without its hashes."""
    return _out(context.store.get_summary(name, reference_id))


@router.patch(
    "/v1/lists/{list}/references/{id}",
    summary="Change a reference",
    dependencies=[needs(Scope.CURATE)],
    responses=answers(
        200,
        {"reference": examples.REFERENCE},
        *_FOUND,
        "bad_name",
        "body_timeout",
        "body_too_large",
        "encoded_body",
        "busy",
        "invalid_request",
    ),
    openapi_extra=json_request(schemas.ReferencePatch, examples.REFERENCE_PATCH),
)
def change_reference(
    store: CallersStore,
    name: ListName,
    reference_id: ReferenceId,
    patch: Annotated[schemas.ReferencePatch, Depends(json_body(schemas.ReferencePatch))],
) -> schemas.ReferenceOut:
    """Change label, incident, or whether and until when checks look at it.

    What is left out of the body stays. A reference that is disabled or has expired is not found
    from the next check on, and can be enabled again.
    """
    given = patch.model_fields_set
    changed = store.update_reference(
        name,
        reference_id,
        label=patch.label if "label" in given else KEEP,
        incident=patch.incident if "incident" in given else KEEP,
        enabled=patch.enabled if "enabled" in given else None,
        expires=Expiry(patch.expires_at_ms) if "expires_at_ms" in given else None,
    )
    return _out(changed)


@router.delete(
    "/v1/lists/{list}/references/{id}",
    summary="Delete a reference",
    dependencies=[needs(Scope.CURATE)],
    status_code=204,
    responses=answers(204, {}, *_FOUND),
)
def delete_reference(store: CallersStore, name: ListName, reference_id: ReferenceId) -> None:
    """Take a reference off its list; from the next check on it is not found."""
    if lists.remove(store, name, [reference_id]).missing:
        raise ReferenceNotFound(f"list {name} has no reference {reference_id!a}")


def _is_json(request: Request) -> bool:
    content_type = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == _JSON


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a body held; ``coverage`` is None where nobody knows how much was hashed."""

    fingerprint: Fingerprint
    coverage: Coverage | None
    patches: tuple[PatchTrack, ...]


def _read(body: BytesIO) -> _Taken:
    fingerprint, coverage = fingerprint_of(body)
    return _Taken(fingerprint, coverage, ())


def _hashed(decoding: Decoding, body: BytesIO, *, patches: bool) -> _Taken:
    taken = hash_reference(decoding, body, patches=patches)
    return _Taken(taken.fingerprint, taken.coverage, taken.patches)


def _added(
    store: Store,
    name: str,
    taken: _Taken,
    *,
    reference_id: str | None,
    label: str | None,
    incident: str | None,
) -> tuple[Added, ReferenceSummary]:
    """What the list has of it now, or had already."""
    added = lists.add_fingerprint(
        store,
        name,
        taken.fingerprint,
        reference_id=reference_id,
        label=label,
        incident=incident,
        patches=taken.patches,
    )
    return added, store.get_summary(name, added.reference_id)


def _out(summary: ReferenceSummary) -> schemas.ReferenceOut:
    return schemas.ReferenceOut(
        id=summary.id,
        label=summary.label,
        incident=summary.incident,
        added_at_ms=summary.added_at_ms,
        kind=summary.kind.value,
        duration_ms=summary.duration_ms,
        frames=summary.frames,
        algorithms=[
            schemas.AlgorithmOut(name=one.name, parameters=dict(one.parameters))
            for one in summary.algorithms
        ],
        enabled=summary.standing.enabled,
        expires_at_ms=summary.standing.expires_at_ms,
    )
