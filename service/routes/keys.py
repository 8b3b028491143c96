"""API keys: see, make, rotate, revoke."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Response

from service import admin_examples, issuing
from service.admin_schemas import KeyIn, KeyIssued, KeyOut, KeyRotation, KeysOut
from service.callers import OF_KEYS, Scope
from service.issuing import Issued
from service.keys import KeyInfo
from service.routes.access import needs
from service.routes.context import CallersStore, Context, Parts, answers, json_body, json_request

router = APIRouter(tags=["keys"])
_JSON_BODY: Final = ("body_timeout", "body_too_large", "encoded_body", "busy", "invalid_request")
KeyId = Annotated[str, Path(alias="id", description="The key's public id.")]


@router.get(
    "/v1/keys",
    summary="All API keys",
    dependencies=[needs(Scope.ADMIN)],
    responses=answers(200, {"keys": admin_examples.KEYS}, "store_error"),
)
def all_keys(context: Parts) -> KeysOut:
    """All keys in order of their making, also those that have ended. Nothing secret is shown."""
    return KeysOut(keys=[_out(context, info) for info in context.store.keys.all()])


@router.post(
    "/v1/keys",
    summary="Make an API key",
    status_code=201,
    dependencies=[needs(Scope.ADMIN)],
    responses=answers(201, {"key": admin_examples.ISSUED}, "bad_name", *_JSON_BODY, "store_error"),
    openapi_extra=json_request(KeyIn, admin_examples.KEY_IN),
)
def create_key(
    context: Parts,
    store: CallersStore,
    response: Response,
    wanted: Annotated[KeyIn, Depends(json_body(KeyIn))],
) -> KeyIssued:
    """Make a key. It is shown in this answer and never again.

    Once a key was made the service asks for one at every request, whatever becomes of that key.
    """
    issued = issuing.create(store, wanted.name, OF_KEYS[wanted.scope], days=wanted.expires_days)
    response.headers["Location"] = f"/v1/keys/{issued.info.id}"
    return _issued(context, issued)


@router.post(
    "/v1/keys/{id}/rotate",
    summary="Rotate an API key",
    dependencies=[needs(Scope.ADMIN)],
    responses=answers(
        200,
        {"key": admin_examples.ISSUED},
        "key_not_found",
        "key_ended",
        *_JSON_BODY,
        "store_error",
    ),
    openapi_extra=json_request(KeyRotation, admin_examples.ROTATION),
)
def rotate_key(
    context: Parts,
    store: CallersStore,
    key_id: KeyId,
    wanted: Annotated[KeyRotation, Depends(json_body(KeyRotation))],
) -> KeyIssued:
    """A new key under the same id. The one before it stays good for the overlap, those before not.

    A leaked key is not to be rotated but revoked.
    """
    issued = issuing.rotate(
        store, key_id, overlap_hours=wanted.overlap_hours, days=wanted.expires_days
    )
    return _issued(context, issued)


@router.delete(
    "/v1/keys/{id}",
    summary="Revoke an API key",
    status_code=204,
    dependencies=[needs(Scope.ADMIN)],
    responses=answers(204, {}, "key_not_found", "store_error"),
)
def revoke_key(store: CallersStore, key_id: KeyId) -> None:
    """End a key from the next request on. It stays in the list of keys. Again changes nothing."""
    issuing.revoke(store, key_id)


def _issued(context: Context, issued: Issued) -> KeyIssued:
    return KeyIssued(key=issued.key, info=_out(context, issued.info))


def _out(context: Context, info: KeyInfo) -> KeyOut:
    return KeyOut.model_validate(info.plain(context.authenticator.now_ms()))
