"""Where a webhook may go: never to an address that only we can reach, or that is not one machine's.

An agency says the address, so that a wrong or hostile one must open nothing inside: not the metadata service of a
cloud (169.254.169.254), not PostgreSQL, not our own listeners. The name is resolved at every try, because what it
stands for changes (DNS rebinding), and ALL that it stands for must be public.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

HTTPS: Final = 443
LONGEST_HOST: Final = 253
"""RFC 1035, 2.3.4, without the dot at the end."""
LONGEST_URL: Final = 2_000
LOCAL: Final = ("127.0.0.1", "localhost")
"""For development alone (PIR_WEBHOOK_LOCAL): receivers on this machine, by http and on any port."""

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_UNICAST: Final = IPv6Network("2000::/3")
"""Global unicast, all that is given out of IPv6 (RFC 4291, 2.4)."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an address of IPv4."""
_RELAYS: Final = IPv4Network("192.88.99.0/24")
"""Of 6to4 (RFC 7526)."""
_DOCUMENTATION: Final = IPv6Network("3fff::/20")
"""RFC 9637, which Python 3.11 does not know."""

Address = IPv4Address | IPv6Address


class UrlRefusedError(Exception):
    """No webhook goes to this address; `code` is for programs, the words for people, and neither repeats it."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Target(NamedTuple):
    """Where to connect, and what to ask for there. `is_local`: a receiver of a developer on this machine."""

    scheme: str
    host: str
    port: int
    path: str
    is_local: bool


def read_url(text: str, *, may_be_local: bool = False) -> Target:
    """The parts of an address that a webhook may go to. Raises UrlRefusedError.

    Only `https://name.example.org/path?query` on port 443. Whatever a lenient reader would take for a number
    (`127.1`, `0x7f000001`) is no name: its last label is a number.
    """
    if len(text) > LONGEST_URL:
        raise UrlRefusedError("url-too-long", f"The address has more than {LONGEST_URL} characters")
    if not text.isascii() or not text.isprintable() or any(each in text for each in ' \\"<>^`{|}'):
        raise UrlRefusedError("url-characters", "The address holds a character that no address has: encode it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UrlRefusedError("url-unreadable", "This is no address of the web") from None
    host = parts.hostname or ""
    if "@" in parts.netloc:
        raise UrlRefusedError("url-user", "The address must not hold a user name or password")
    if parts.fragment or "#" in text:
        raise UrlRefusedError("url-fragment", "The address must not hold a fragment (#)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if may_be_local and host in LOCAL and parts.scheme in ("http", "https"):
        return Target(parts.scheme, host, port or (HTTPS if parts.scheme == "https" else 80), path, is_local=True)
    if parts.scheme != "https":
        raise UrlRefusedError("url-scheme", "The address must begin with https://")
    if port not in (None, HTTPS) or parts.netloc.endswith(":"):
        raise UrlRefusedError("url-port", "The address must be on port 443, the port of https")
    _check_host(host)
    return Target("https", host, HTTPS, path, is_local=False)


def _check_host(host: str) -> None:
    if not host or len(host) > LONGEST_HOST:
        raise UrlRefusedError("url-host", f"The address needs a host name of at most {LONGEST_HOST} characters")
    labels = host.split(".")
    if ":" in host or _NUMBER.fullmatch(labels[-1]):
        raise UrlRefusedError("url-ip", "The address must have a host name, not the number of a machine")
    if len(labels) == 1 or not all(map(_LABEL.fullmatch, labels)):
        raise UrlRefusedError("url-host", "The host name must be a whole one, such as receiver.example.org")


def is_public(address: Address) -> bool:
    """Whether it is one machine's on the public internet, whatever it is wrapped in.

    Python 3.11.7 says `is_global` of 224.0.0.1, of 6to4 (2002:a00:1::) and of NAT64 (64:ff9b::a00:1), which lead to a
    group of machines and to 10.0.0.1.
    """
    if isinstance(address, IPv4Address):
        return _is_public_4(address)
    if address.ipv4_mapped is not None:
        return _is_public_4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public_4(IPv4Address(int(address) & 0xFFFF_FFFF))
    within = [*filter(None, [address.sixtofour]), *(address.teredo or ())]
    return _is_public_6(address) and all(map(_is_public_4, within))


def _is_public_4(address: IPv4Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or address in _RELAYS
    return address.is_global and not is_special


def _is_public_6(address: IPv6Address) -> bool:
    is_special = address.scope_id is not None or address in _DOCUMENTATION
    return address in _UNICAST and address.is_global and not is_special


def all_public(found: Iterable[str]) -> bool:
    """Whether a name stands for public addresses alone; one that stands for none does not."""
    addresses = [ip_address(each) for each in found]
    return bool(addresses) and all(map(is_public, addresses))
