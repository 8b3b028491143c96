"""Targets: which URLs the service may fetch from or tell of a job, and at which addresses. Pure.

An operator names hosts; a caller names URLs. A caller must not get at what only this machine can
reach: itself, its network, its cloud's metadata. So a URL is taken apart by rules that leave no two
readings of it, its host has to be named by the operator, and the addresses that the host stands for
have to be ones that anybody could reach.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_MOST_URL: Final = 2048
# RFC 3986 without user names, which are only good for deception, and without a fragment. A host is
# a name of letters and digits or, in brackets, an address; `0x7f.1` and `2130706433` are neither.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
)
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# IANA's special-purpose registries. Python's own `is_global` has changed from release to release
# (bpo-113171), so both have to agree.
_PRIVATE: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services, as seen from its machines
        "169.254.0.0/16",  # also the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_UNICAST: Final = IPv6Network("2000::/3")  # all of IPv6 that is given out
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_32_BITS: Final = 0xFFFF_FFFF


def is_public(address: Address) -> bool:
    """Whether anybody on the internet reaches the same machine at this address."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & _LOW_32_BITS))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST or address.scope_id is not None:
            return False
    return address.is_global and not any(
        address.version == network.version and address in network for network in _PRIVATE
    )


class NotAllowed(ValueError):
    """A URL that is not a plain one, or of a host that the operator has not named."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. ``host``: a name, or an address without brackets; ``path`` with query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The address that the host is; None where it is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """Host and port, for the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry of an operator's list: a host, or with ``below`` all names that end in it."""

    scheme: str
    host: str
    port: int
    below: bool = False

    def allows(self, target: Target) -> bool:
        """Whether this entry is for the target."""
        if (self.scheme, self.port) != (target.scheme, target.port):
            return False
        if self.below:
            return target.address is None and target.host.endswith(f".{self.host}")
        return target.host == self.host


def target_of(untrusted_url: str) -> Target:
    """A URL taken apart. Raises NotAllowed for one that is not quite plain."""
    lowered = _lower_host(untrusted_url[: _MOST_URL + 1])
    parsed = _URL.fullmatch(lowered)
    if parsed is None or len(lowered) > _MOST_URL:
        raise NotAllowed(
            "the URL is not a plain one: https://host/path, in ASCII, without a user name, a "
            "fragment or anything that is not escaped"
        )
    host = parsed["host"].strip("[]")
    _require_host(host, bracketed="[" in parsed["host"])
    port = int(parsed["port"][1:]) if parsed["port"] else DEFAULT_PORTS[parsed["scheme"]]
    if not 1 <= port <= 65_535:
        raise NotAllowed(f"there is no port {port}")
    path = (parsed["path"] or "/") + (parsed["query"] or "")
    return Target(parsed["scheme"], host, port, path)


def require_allowed(target: Target, allowed: Sequence[AllowedHost]) -> None:
    """Raise NotAllowed for a target that the operator has not named."""
    if not any(one.allows(target) for one in allowed):
        raise NotAllowed(
            f"{target.scheme}://{target.authority} is not among the hosts that this service may "
            "ask; whoever runs it can name it"
        )


def allowed_host(text: str) -> AllowedHost:
    """An entry of an operator's list: ``[http://][*.]host[:port]``. Raises NotAllowed."""
    scheme, _, rest = text.rpartition("://")
    below = rest.startswith("*.")
    try:
        target = target_of(f"{scheme or 'https'}://{rest.removeprefix('*.')}")
    except NotAllowed as problem:
        raise NotAllowed(f"{text[:80]!a} is not a host as in media.example.org") from problem
    if target.path != "/" or (below and target.address is not None):
        raise NotAllowed(f"{text[:80]!a} is not a host as in media.example.org")
    return AllowedHost(target.scheme, target.host, target.port, below)


def _lower_host(url: str) -> str:
    """Scheme and host in lower case; the path has its own case."""
    scheme, separator, rest = url.partition("://")
    for place, character in enumerate(rest):
        if character in "/?#":
            return f"{scheme.lower()}{separator}{rest[:place].lower()}{rest[place:]}"
    return url.lower()


def _require_host(host: str, *, bracketed: bool) -> None:
    if _NAME.fullmatch(host) and not bracketed:
        return
    try:
        is_six = ip_address(host).version == 6
    except ValueError:
        is_six = not bracketed  # of neither kind
    if is_six != bracketed:
        raise NotAllowed("the URL's host is neither a whole name, in ASCII, nor an address")
