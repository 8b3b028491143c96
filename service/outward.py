"""Outward: which hosts an operator lets the service ask, and what its messages are signed with.

As texts of settings; ``service.targets`` says what a host is.
"""

from base64 import b64decode
from typing import Final

from service.errors import BadSetting
from service.targets import AllowedHost, NotAllowed, allowed_host

_PREFIX: Final = "whsec_"  # standardwebhooks.com: what secrets begin with
_BYTES: Final = range(24, 65)  # as it says


def hosts(name: str, untrusted: str) -> tuple[AllowedHost, ...]:
    """The hosts of the variable ``name``, with commas. Raises BadSetting."""
    try:
        return tuple(allowed_host(one) for one in _parts(untrusted))
    except NotAllowed as problem:
        raise BadSetting(f"{name}: {problem}") from problem


def secrets(name: str, untrusted: str) -> tuple[bytes, ...]:
    """The secrets of the variable ``name``, with commas. Raises BadSetting, repeating none."""
    found = []
    for one in _parts(untrusted):
        try:
            secret = b64decode(one.removeprefix(_PREFIX), validate=True)
        except ValueError:
            secret = b""
        if not one.startswith(_PREFIX) or len(secret) not in _BYTES:
            raise BadSetting(
                f"{name}: not `{_PREFIX}` and 24 to 64 bytes in base64; "
                "`openssl rand -base64 32` makes some"
            )
        found.append(secret)
    return tuple(found)


def _parts(untrusted: str) -> list[str]:
    return [one.strip() for one in untrusted.split(",") if one.strip()]
