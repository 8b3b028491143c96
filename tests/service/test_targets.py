"""Targets: no URL has two readings, and no address is one that only this machine reaches."""

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.targets import NotAllowed, Target, allowed_host, is_public, require_allowed, target_of

# name: address. One of each kind that only this machine, its network or nobody reaches.
CLOSED = {
    "this host": "0.0.0.0",  # noqa: S104
    "in this network": "0.1.2.3",
    "private 10": "10.0.0.1",
    "carrier": "100.64.0.1",
    "Alibaba's metadata": "100.100.100.200",
    "loopback": "127.0.0.1",
    "another loopback": "127.255.255.254",
    "Azure's own": "168.63.129.16",
    "link-local": "169.254.0.1",
    "metadata": "169.254.169.254",
    "private 172": "172.16.0.1",
    "private 172, last": "172.31.255.255",
    "IETF": "192.0.0.1",
    "documentation": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "private 192": "192.168.1.1",
    "benchmarking": "198.18.0.1",
    "documentation 2": "198.51.100.1",
    "documentation 3": "203.0.113.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified 6": "::",
    "loopback 6": "::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "compatible loopback": "::127.0.0.1",
    "translated loopback": "64:ff9b::127.0.0.1",
    "translated metadata": "64:ff9b::169.254.169.254",
    "local translation": "64:ff9b:1::1",
    "discard": "100::1",
    "Teredo": "2001:0:7f00:1::1",
    "ORCHID": "2001:20::1",
    "documentation 6": "2001:db8::1",
    "documentation 6 of 2024": "3fff::1",
    "6to4 of loopback": "2002:7f00:1::1",
    "segment routing": "5f00::1",
    "unique local": "fc00::1",
    "AWS's metadata": "fd00:ec2::254",
    "link-local 6": "fe80::1",
    "with a zone": "2606:4700::1%eth0",
    "site-local": "fec0::1",
    "multicast 6": "ff02::1",
}
OPEN = ["1.1.1.1", "93.184.216.34", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", CLOSED.values(), ids=CLOSED)
def test_what_not_everybody_reaches_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_what_everybody_reaches_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_in_another_form_is_no_more_public(address: object) -> None:
    plain = ip_address(str(address))
    for form in ("::ffff:{}", "64:ff9b::{}"):
        assert is_public(IPv6Address(form.format(plain))) is is_public(plain)


@given(st.ip_addresses())
def test_python_agrees_that_what_is_public_is_global(address: object) -> None:
    plain = ip_address(str(address))
    inner = getattr(plain, "ipv4_mapped", None) or plain
    if is_public(plain) and not str(plain).startswith("64:ff9b::"):
        assert inner.is_global


REFUSED = {
    "nothing": "",
    "no scheme": "media.example.test/clip.mp4",
    "a file": "file:///etc/passwd",
    "ftp": "ftp://media.example.test/",
    "gopher": "gopher://media.example.test:11211/",
    "data": "data:video/mp4;base64,AAAA",
    "a user name": "https://media.example.test@127.0.0.1/",
    "a user and password": "https://a:b@media.example.test/",
    "a fragment": "https://media.example.test/#@127.0.0.1/",
    "a backslash": "https://media.example.test\\@127.0.0.1/",
    "backslashes": "https:\\\\media.example.test/",
    "one slash": "https:/media.example.test/",
    "three slashes": "https:///media.example.test/",
    "a blank": "https://media.example.test/a b",
    "a blank before": " https://media.example.test/",
    "a tab in the host": "https://media.example\t.test/",
    "a new line": "https://media.example.test/\r\nHost: internal",
    "a new line at the end": "https://media.example.test/\n",
    "a null": "https://media.example.test/\0",
    "a number": "https://2130706433/",
    "hex": "https://0x7f000001/",
    "octal": "https://0177.0.0.1/",
    "short": "https://127.1/",
    "a dot at the end": "https://media.example.test./",
    "two dots": "https://media..example.test/",
    "one label": "https://localhost/",
    "a number as last label": "https://media.example.1/",
    "hex as last label": "https://media.0x1/",
    "an underscore": "https://media_example.test/",
    "a hyphen first": "https://-media.example.test/",
    "beyond ASCII": "https://mediä.example.test/",
    "full-width digits": "https://１２７.０.０.１/",
    "a dot that is none": "https://127。0。0。1/",
    "escaped host": "https://%6c%6f%63alhost/",
    "port nought": "https://media.example.test:0/",
    "port too high": "https://media.example.test:65536/",
    "port of nothing": "https://media.example.test:/",
    "port in words": "https://media.example.test:https/",
    "an open bracket": "https://[::1/",
    "a zone": "https://[fe80::1%25eth0]/",
    "six without brackets": "https://::1/",
    "four in brackets": "https://[127.0.0.1]/",
    "a name in brackets": "https://[media.example.test]/",
    "quotes": 'https://media.example.test/"',
    "very long": f"https://media.example.test/{'a' * 2048}",
    "a long label": f"https://{'a' * 64}.test/",
    "a long name": f"https://{'a.' * 127}test/",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_a_url_that_is_not_plain_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://media.example.test", Target("https", "media.example.test", 443, "/")),
        ("HTTPS://Media.Example.TEST/A?B=c", Target("https", "media.example.test", 443, "/A?B=c")),
        ("http://a.test:8080/x%20y", Target("http", "a.test", 8080, "/x%20y")),
        ("https://xn--medi-0ra.test?q", Target("https", "xn--medi-0ra.test", 443, "/?q")),
        ("https://127.0.0.1/", Target("https", "127.0.0.1", 443, "/")),
        ("https://[::1]:444/", Target("https", "::1", 444, "/")),
    ],
)
def test_a_plain_url_is_taken_apart(url: str, target: Target) -> None:
    assert target_of(url) == target


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.test/{text}"):
        try:
            target = target_of(url)
        except NotAllowed:
            continue
        assert target.path.isascii()
        assert target.path.isprintable()
        assert target.host.isascii()


ALLOWED = [
    allowed_host(one)
    for one in (
        "media.example.test",
        "*.cdn.example.test",
        "http://old.example.test:8080",
        "1.1.1.1",
    )
]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://media.example.test/a", True),
        ("https://a.cdn.example.test/", True),
        ("https://a.b.cdn.example.test/", True),
        ("http://old.example.test:8080/", True),
        ("https://1.1.1.1/", True),
        ("http://media.example.test/", False),
        ("https://media.example.test:8443/", False),
        ("https://amedia.example.test/", False),
        ("https://media.example.test.evil.test/", False),
        ("https://a.media.example.test/", False),
        ("https://cdn.example.test/", False),
        ("https://acdn.example.test/", False),
        ("http://old.example.test/", False),
        ("https://old.example.test:8080/", False),
        ("https://1.1.1.2/", False),
    ],
)
def test_hosts_are_those_that_were_named(url: str, *, allowed: bool) -> None:
    if allowed:
        require_allowed(target_of(url), ALLOWED)
    else:
        with pytest.raises(NotAllowed):
            require_allowed(target_of(url), ALLOWED)


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "*.127.0.0.1", "a.test/x", "ftp://a.test", "a b.test",
     "https://", "media.*.test", "a.test?x", "user@a.test"],
)  # fmt: skip
def test_an_entry_that_is_no_host_is_an_error(text: str) -> None:
    with pytest.raises(NotAllowed, match="is not a host"):
        allowed_host(text)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://a.test/", "a.test"),
        ("https://a.test:80/", "a.test:80"),
        ("http://a.test:80/", "a.test"),
        ("https://[::1]:444/", "[::1]:444"),
    ],
)
def test_the_host_header_is_by_name(url: str, authority: str) -> None:
    assert target_of(url).authority == authority
