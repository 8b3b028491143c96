"""Why a request is refused that has nothing wrong with it but its sender, or its time.

RequestError                                        (service.problems)
├── Unauthorized        unauthorized          no API key that is good
├── Forbidden           forbidden             the key's scope is not enough
├── BadIdempotencyKey   bad_idempotency_key   the header is not what it must be
├── IdempotencyConflict  idempotency_conflict another request had the same key before
├── StillWorking        idempotency_running   the same request is being worked on
├── FetchOff            fetch_off             this service fetches nothing
├── FetchRefused        fetch_refused         a URL that it may not fetch
├── FetchFailed         fetch_failed          the other host did not give it
├── FetchTooLarge       fetch_too_large       what is there is longer than the service takes
├── WebhookOff          webhook_off           this service tells no other hosts
├── WebhookRefused      webhook_refused       a webhook's URL that it may not ask
├── KeyBusy             key_busy              as many requests at once as one key may have
└── RateLimited         rate_limited          more requests than one key may make
"""

from service.callers import Scope
from service.problems import TRY_LATER, RequestError


class Unauthorized(RequestError):
    """No API key, or none that is good; the same answer whatever is wrong with it."""

    code = "unauthorized"

    def __init__(self, *, sent: bool) -> None:
        # RFC 6750 section 3.1: no error where no key was sent.
        error = ', error="invalid_token"' if sent else ""
        self.headers = {"WWW-Authenticate": f'Bearer realm="recirc"{error}'}
        super().__init__(
            "the API key is not good: unknown, wrong, expired or revoked"
            if sent
            else "send an API key as `Authorization: Bearer recirc_...`"
        )


class Forbidden(RequestError):
    """The key is good, but its scope is not enough."""

    code = "forbidden"

    def __init__(self, *, needed: Scope, held: Scope) -> None:
        self.headers = {
            "WWW-Authenticate": 'Bearer realm="recirc", error="insufficient_scope", '
            f'scope="{needed.word}"'
        }
        super().__init__(f"this needs a key of scope {needed.word}; yours has scope {held.word}")


class BadIdempotencyKey(RequestError):
    """The header ``Idempotency-Key`` is not one short text."""

    code = "bad_idempotency_key"


class IdempotencyConflict(RequestError):
    """Another request had the same idempotency key before: nothing was done for this one."""

    code = "idempotency_conflict"


class StillWorking(RequestError):
    """The first request with this idempotency key is still being worked on."""

    code = "idempotency_running"
    headers = TRY_LATER


class FetchOff(RequestError):
    """Whoever runs the service has named no host that it may ask."""

    code = "fetch_off"


class FetchRefused(RequestError):
    """A URL that the service may not fetch, or that is not a plain one."""

    code = "fetch_refused"


class FetchFailed(RequestError):
    """The other host does not answer, or not with what was asked for."""

    code = "fetch_failed"


class FetchTooLarge(RequestError):
    """What is at the URL is longer than the service takes."""

    code = "fetch_too_large"


class WebhookOff(RequestError):
    """Whoever runs the service has named no host that may be told, or no secret to sign with."""

    code = "webhook_off"


class WebhookRefused(RequestError):
    """A webhook's URL is not of a host that may be told."""

    code = "webhook_refused"


class KeyBusy(RequestError):
    """As many requests of one key are being worked on as it may have at a time."""

    code = "key_busy"
    headers = TRY_LATER


class RateLimited(RequestError):
    """One key makes more requests than it may; after ``retry_after_s`` it may make another one."""

    code = "rate_limited"

    def __init__(self, text: str, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        self.headers = {"Retry-After": str(retry_after_s)}
        super().__init__(text)
