"""Why a request is refused that has nothing wrong with it but its sender.

RequestError                                        (service.problems)
├── Unauthorized        unauthorized          no API key that is good
└── Forbidden           forbidden             the key's scope is not enough
"""

from service.callers import Scope
from service.problems import RequestError


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
