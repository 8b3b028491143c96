"""What codes mean over HTTP: a status, a line, and what the caller does about it.

One table of statuses for all trees of errors; ``service.problems`` answers by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code's status, what it means in one short line, and what the caller does about it."""

    status: HTTPStatus
    title: str
    mend: str


OF_KEYS: Final[Mapping[str, Meaning]] = {
    "unauthorized": Meaning(
        HTTPStatus.UNAUTHORIZED,
        "No API key, or none that is good",
        "Send `Authorization: Bearer` and a key; `recirc keys create` makes one.",
    ),
    "forbidden": Meaning(
        HTTPStatus.FORBIDDEN,
        "The key's scope is not enough",
        "`detail` names the scope that is needed; use a key that has it.",
    ),
    "key_not_found": Meaning(
        HTTPStatus.NOT_FOUND, "No API key has this id", "`GET /v1/keys` gives all ids."
    ),
    "key_ended": Meaning(
        HTTPStatus.CONFLICT,
        "The API key is revoked or has expired",
        "Make another one: a key that has ended stays so.",
    ),
}
OF_THE_SERVER: Final[Mapping[str, Meaning]] = {
    "bad_request": Meaning(
        HTTPStatus.BAD_REQUEST, "What was sent is no HTTP request", "Use an HTTP client."
    ),
    "internal_error": Meaning(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong inside",
        "Treat the clip as not checked; report the `request_id` to whoever runs the service.",
    ),
    "draining": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service is about to stop",
        "Ask another instance, or again in half a minute.",
    ),
    "loading": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The lists are being brought into memory",
        "Only `/readyz` says so; a check waits until they are there.",
    ),
    "stale_list": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A list has had no new reference for longer than RECIRC_LIST_MAX_AGE_S",
        "Only `/readyz` says so, and checks go on; find out why its source is silent.",
    ),
}
OF_LIMITS: Final[Mapping[str, Meaning]] = {
    "fetch_off": Meaning(
        HTTPStatus.FORBIDDEN,
        "This service fetches nothing from other hosts",
        "Send the clip itself; or have whoever runs the service name the host.",
    ),
    "fetch_refused": Meaning(
        HTTPStatus.FORBIDDEN,
        "A URL that this service may not ask",
        "`detail` says why; send the clip itself.",
    ),
    "fetch_failed": Meaning(
        HTTPStatus.BAD_GATEWAY,
        "The other host did not give the clip",
        "Treat the clip as not checked; try again, or send it yourself.",
    ),
    "fetch_too_large": Meaning(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "What is at the URL is longer than the service takes",
        "Hash the clip where it is and send the fingerprint, or raise RECIRC_BODY_LIMIT_BYTES.",
    ),
    "job_not_found": Meaning(
        HTTPStatus.NOT_FOUND,
        "No job of this key has this id",
        "Jobs are forgotten some time after their answers expire; check the clip again.",
    ),
    "bad_idempotency_key": Meaning(
        HTTPStatus.BAD_REQUEST,
        "The header `Idempotency-Key` is not one text of 1 to 255 characters",
        "Make a new UUID for each thing that you want done, and send it with each try.",
    ),
    "idempotency_conflict": Meaning(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Another request had this `Idempotency-Key` within a day",
        "Nothing was done. Take a new one for whatever is not the same request again.",
    ),
    "idempotency_running": Meaning(
        HTTPStatus.CONFLICT,
        "The first request with this `Idempotency-Key` is being worked on",
        "Try again after the seconds in `Retry-After`, to get its answer.",
    ),
    "webhook_off": Meaning(
        HTTPStatus.FORBIDDEN,
        "This service tells no other hosts of its jobs",
        "Ask for the job now and then; or have whoever runs the service name your host.",
    ),
    "webhook_refused": Meaning(
        HTTPStatus.FORBIDDEN,
        "A webhook's URL that this service may not ask",
        "`detail` says why; have whoever runs the service name the host.",
    ),
    "key_busy": Meaning(
        HTTPStatus.TOO_MANY_REQUESTS,
        "As many requests of this key at once as it may have",
        "Wait for an answer before you ask again; `Retry-After` says a time.",
    ),
    "rate_limited": Meaning(
        HTTPStatus.TOO_MANY_REQUESTS,
        "More requests than this key may make",
        "Wait the seconds in `Retry-After`; `RateLimit` says how many are left.",
    ),
}
_WRONG: Final = HTTPStatus.UNPROCESSABLE_ENTITY
_CONFLICT: Final = HTTPStatus.CONFLICT
MEANINGS: Final[Mapping[str, Meaning]] = {
    "bad_multipart": Meaning(
        HTTPStatus.BAD_REQUEST,
        "The multipart body is not one file part and nothing else",
        "Send the bytes as the body itself, or one part with a `filename`; parameters go into "
        "the URL.",
    ),
    "cross_origin": Meaning(
        HTTPStatus.FORBIDDEN,
        "A web page of another origin sent this",
        "Call the service from your server, not from a page.",
    ),
    "not_found": Meaning(HTTPStatus.NOT_FOUND, "There is no such address", "See `/openapi.json`."),
    "list_not_found": Meaning(
        HTTPStatus.NOT_FOUND, "No list has this name", "`GET /v1/lists` names all; or create it."
    ),
    "reference_not_found": Meaning(
        HTTPStatus.NOT_FOUND,
        "The list has no reference with this id",
        "`GET /v1/lists/{list}/references` gives all ids.",
    ),
    "method_not_allowed": Meaning(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The address does not take this method",
        "The header `Allow` says which it takes.",
    ),
    "body_timeout": Meaning(
        HTTPStatus.REQUEST_TIMEOUT,
        "The body came too slowly",
        "Send it again on a better connection; nothing was kept.",
    ),
    "list_exists": Meaning(_CONFLICT, "A list has this name already", "Use it, or another name."),
    "policy_conflict": Meaning(
        _CONFLICT,
        "Block references for an allow list, or the reverse",
        "Import the file under another name.",
    ),
    "reference_conflict": Meaning(
        _CONFLICT,
        "The id belongs to a reference of another clip",
        "Choose another id, or delete that reference first.",
    ),
    "body_too_large": Meaning(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is longer than the service takes",
        "Hash the clip where it is and send the fingerprint, or raise RECIRC_BODY_LIMIT_BYTES.",
    ),
    "encoded_body": Meaning(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body has a Content-Encoding",
        "Send it as it is; media are compressed already.",
    ),
    "wrong_host": Meaning(
        HTTPStatus.MISDIRECTED_REQUEST,
        "This service does not answer for this host name",
        "Use http://127.0.0.1 or http://localhost; a proxy in front has to set `Host` so.",
    ),
    "invalid_request": Meaning(
        _WRONG, "A parameter or the JSON is not what it must be", "`errors` says where."
    ),
    "bad_name": Meaning(
        _WRONG,
        "A name, label, incident or source that recirc does not take",
        "`detail` says what is allowed.",
    ),
    "bad_policy": Meaning(
        _WRONG,
        "A number of false alarms that the list cannot accept",
        "`detail` says what is allowed; null is the default.",
    ),
    "bad_fingerprint": Meaning(
        _WRONG,
        "The body is no fingerprint document, or a damaged one",
        "Send what `recirc hash --json` prints, unchanged.",
    ),
    "bad_list": Meaning(
        _WRONG, "The body is no list file", "Send what `recirc export` writes; nothing was changed."
    ),
    "incompatible_hash": Meaning(
        _WRONG,
        "The hashes were made with other parameters",
        "Hash the media again with this version of recirc.",
    ),
    "nothing_to_compare": Meaning(
        _WRONG,
        "The fingerprint has no hash to compare, so it could never match",
        "The clip is too dark or too even; add another copy of it.",
    ),
    "empty_file": Meaning(_WRONG, "A reference of no bytes", "Send the media as the body."),
    "not_media": Meaning(
        _WRONG,
        "A reference that no decoder recognises",
        "Send the media itself; a fingerprint needs `Content-Type: application/json`.",
    ),
    "no_video": Meaning(_WRONG, "A reference without a picture", "Send a video or an image."),
    "decoder_error": Meaning(
        _WRONG, "A reference of which nothing could be decoded", "Copy the file again."
    ),
    "sandbox_violation": Meaning(
        _WRONG, "A reference whose decoder tried to break out", "Treat the file as hostile."
    ),
    "decoder_crashed": Meaning(
        _WRONG, "A reference that breaks its decoder", "Add another copy of it."
    ),
    "limit_memory": Meaning(
        _WRONG, "A reference that takes too much memory", "Make a smaller copy and add that."
    ),
    "limit_cpu": Meaning(
        _WRONG, "A reference that takes too much processor time", "Add it in parts."
    ),
    "limit_wall": Meaning(_WRONG, "A reference that takes too long", "Add it in parts."),
    "bad_answer": Meaning(
        _WRONG, "A reference whose decoder gives an impossible answer", "Treat it as hostile."
    ),
    "too_dark": Meaning(
        _WRONG, "A reference too dark or plain to be recognised again", "Add a brighter copy."
    ),
    "busy": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "As many requests at once as there is room for",
        "Try again after the seconds in `Retry-After`.",
    ),
    "decoder_killed": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The decoder was killed from outside, as when a machine runs out of memory",
        "Treat the clip as not checked and try again.",
    ),
    "cage_failed": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The process that decodes broke down",
        "Treat the clip as not checked and try again.",
    ),
    "no_cage": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Decoders cannot be locked up now, so nothing is decoded",
        "Treat the clip as not checked; the service's log says why.",
    ),
    "store_error": Meaning(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The lists cannot be read or written now",
        "Treat the clip as not checked and try again; the service's log says why.",
    ),
    **OF_KEYS,
    **OF_LIMITS,
    **OF_THE_SERVER,
}
