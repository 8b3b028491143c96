"""Addresses: whether only this machine reaches the service, and what names it answers for."""

import socket
from ipaddress import ip_address
from typing import Final

from service.errors import BadSetting
from service.settings import Settings

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Address = tuple[socket.AddressFamily, tuple[str, int]]


def resolved(settings: Settings) -> list[Address]:
    """The addresses that the host setting stands for. Raises BadSetting where there is none."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise BadSetting(f"--host: {settings.host!a} is no known address: {problem}") from problem
    return [(family, (str(address[0]), int(address[1]))) for family, *_, address in found]


def is_loopback(host: str) -> bool:
    """Whether an address, as numbers, is this machine's own and nobody else's."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_local(settings: Settings) -> bool:
    """Whether only this machine reaches the service. Raises BadSetting."""
    return all(is_loopback(host) for _, (host, _) in resolved(settings))


def names(settings: Settings) -> frozenset[str] | None:
    """The names, without ports, that requests may be for; None is any. Raises BadSetting.

    A page of a stranger's site that has its name resolved to this machine (DNS rebinding) is
    stopped by its name. Beyond loopback a key is needed in any case, which no page has.
    """
    if settings.hosts or is_local(settings):
        return LOOPBACK_NAMES | settings.hosts | {settings.host.lower()}
    return None
