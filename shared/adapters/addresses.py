"""Which tenant-supplied URLs and addresses we go to: decided without I/O, each refusal with its reason.

A tenant may point us at anything, so a URL is admitted by its form (`admit`) and later every address its host
resolves to is judged by number (`judge`). Nothing is decided by a host's name: names lie, numbers do not.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx

from shared.errors import AddressRefused

MAX_URL_CHARS: Final = 4096
DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class Refusal(StrEnum):
    """Why a URL or an address is refused; the value labels a metric."""

    URL = "url"
    SCHEME = "scheme"
    USERINFO = "userinfo"
    HOST = "host"
    PORT = "port"
    HEADER = "header"
    REDIRECT = "redirect"
    DISGUISED = "disguised_address"
    METADATA = "metadata_address"
    LINK_LOCAL = "link_local_address"
    LOOPBACK = "loopback_address"
    PRIVATE = "private_address"
    RESERVED = "reserved_address"


_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
# inet_aton reads these as IPv4 numbers ("2130706433", "0x7f.1", "0177.1"), so getaddrinfo would dial 127.0.0.1.
_NUMERIC_LABEL = re.compile(r"\d+|0x[0-9a-f]*")

# Below 1024 only the web's own ports: the rest are system services, of use here only to a port scan. Above,
# monitoring lives on any port (3000, 8428, 9090, ...), so only those are refused where an HTTP request could
# pass for a command: WHATWG Fetch's list of bad ports, and Redis and memcached.
_SYSTEM_PORTS: Final = 1024
_LAST_PORT: Final = 65535
_WEB_PORTS: Final = frozenset(DEFAULT_PORTS.values())
_IRC_PORTS: Final = frozenset(range(6665, 6670))
_BAD_PORTS: Final = _IRC_PORTS.union(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6679, 6697, 10080, 11211)
)

# Cloud control planes. They stay refused where private addresses are allowed: 168.63.129.16 is Azure's own
# endpoint inside every virtual network and looks public; the other two are Alibaba's and Amazon's.
_METADATA: Final = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))

_V4_RANGES: Final = tuple(
    (IPv4Network(block), why)
    for block, why in (
        ("127.0.0.0/8", Refusal.LOOPBACK),
        ("10.0.0.0/8", Refusal.PRIVATE),
        ("172.16.0.0/12", Refusal.PRIVATE),
        ("192.168.0.0/16", Refusal.PRIVATE),
        ("100.64.0.0/10", Refusal.PRIVATE),  # carrier-grade NAT
        ("169.254.0.0/16", Refusal.LINK_LOCAL),
        ("0.0.0.0/8", Refusal.RESERVED),  # "this host": Linux dials loopback
        ("192.0.0.0/24", Refusal.RESERVED),  # protocol assignments
        ("192.0.2.0/24", Refusal.RESERVED),  # documentation
        ("192.88.99.0/24", Refusal.RESERVED),  # 6to4 relays
        ("198.18.0.0/15", Refusal.RESERVED),  # benchmarking
        ("198.51.100.0/24", Refusal.RESERVED),  # documentation
        ("203.0.113.0/24", Refusal.RESERVED),  # documentation
        ("224.0.0.0/4", Refusal.RESERVED),  # multicast
        ("240.0.0.0/4", Refusal.RESERVED),  # reserved, broadcast
    )
)
_V6_RANGES: Final = tuple(
    (IPv6Network(block), why)
    for block, why in (
        ("::/128", Refusal.RESERVED),  # unspecified: Linux dials loopback
        ("::1/128", Refusal.LOOPBACK),
        ("fc00::/7", Refusal.PRIVATE),  # unique local
        ("fec0::/10", Refusal.RESERVED),  # site-local, deprecated
        ("fe80::/10", Refusal.LINK_LOCAL),
        # Ways of writing an IPv4 address. Refused whatever they carry: nobody needs one to name a public host.
        ("::/96", Refusal.DISGUISED),  # v4-compatible
        ("::ffff:0:0/96", Refusal.DISGUISED),  # v4-mapped
        ("::ffff:0:0:0/96", Refusal.DISGUISED),  # v4-translated (SIIT)
        ("64:ff9b::/96", Refusal.DISGUISED),  # NAT64
        ("64:ff9b:1::/48", Refusal.DISGUISED),  # NAT64, local
        ("2001::/32", Refusal.DISGUISED),  # Teredo
        ("2002::/16", Refusal.DISGUISED),  # 6to4
        ("2001::/23", Refusal.RESERVED),  # protocol assignments, benchmarking, ORCHID
        ("2001:db8::/32", Refusal.RESERVED),  # documentation
        ("3fff::/20", Refusal.RESERVED),  # documentation
    )
)
_V6_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_ALLOWED_WHEN_PRIVATE: Final = frozenset({Refusal.LOOPBACK, Refusal.PRIVATE})


def admit(url: str, *, allow_private: bool) -> httpx.URL:
    """The parsed URL, when its form and any literal address in it are allowed; raises AddressRefused."""
    parsed = _parse(url)
    schemes = ("https", "http") if allow_private else ("https",)
    if parsed.scheme not in schemes:
        raise AddressRefused(f"The URL's scheme must be {' or '.join(schemes)}.", reason=Refusal.SCHEME)
    if parsed.userinfo:
        raise AddressRefused("The URL must not carry a user name or password.", reason=Refusal.USERINFO)
    _admit_host(parsed.raw_host.decode("ascii"), allow_private=allow_private)
    port = port_of(parsed)
    if port not in _WEB_PORTS and (port in _BAD_PORTS or not _SYSTEM_PORTS <= port <= _LAST_PORT):
        raise AddressRefused(f"Port {port} is not one that we connect to.", reason=Refusal.PORT)
    return parsed


def port_of(url: httpx.URL) -> int:
    """The port that a request to this URL connects to."""
    return DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def judge(address: str, *, allow_private: bool) -> Refusal | None:
    """Why we do not connect to this IP address, or None when we do."""
    if "%" in address:
        return Refusal.LINK_LOCAL  # only link-local addresses have a zone
    number = ip_address(address)
    why = Refusal.METADATA if number in _METADATA else _range_of(number)
    if allow_private and why in _ALLOWED_WHEN_PRIVATE:
        return None
    return why


def refuse_any(host: str, addresses: list[str], *, allow_private: bool) -> None:
    """Raises AddressRefused when even one of the host's addresses is refused: a mixed answer is an attack."""
    for address in addresses:
        if why := judge(address, allow_private=allow_private):
            kind = why.replace("_", " ")
            raise AddressRefused(f"{host} is at a {kind}, where we do not connect.", reason=why)


def is_address(host: str) -> bool:
    """Whether the host is a literal IP address, which needs no resolving."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _parse(url: str) -> httpx.URL:
    # httpx would encode a backslash or a blank; other parsers end the host there, and a reader is deceived.
    if len(url) > MAX_URL_CHARS or "\\" in url or any(char.isspace() for char in url):
        raise AddressRefused("The URL is too long or has blanks or backslashes in it.", reason=Refusal.URL)
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as exc:  # UnicodeError: half a surrogate pair cannot be sent
        raise AddressRefused("The URL is not well formed.", reason=Refusal.URL) from exc


def _admit_host(host: str, *, allow_private: bool) -> None:
    if is_address(host):
        refuse_any(host, [host], allow_private=allow_private)
        return
    if not _HOST_NAME.fullmatch(host):
        raise AddressRefused("The URL's host is neither a name nor an address.", reason=Refusal.HOST)
    if _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise AddressRefused("The URL's host is a number in disguise.", reason=Refusal.DISGUISED)


def _range_of(number: IPv4Address | IPv6Address) -> Refusal | None:
    if isinstance(number, IPv4Address):
        return next((why for block, why in _V4_RANGES if number in block), None)
    listed = next((why for block, why in _V6_RANGES if number in block), None)
    # Only 2000::/3 is handed out to hosts; whatever lies outside is refused without a list to forget it in.
    return listed or (None if number in _V6_GLOBAL_UNICAST else Refusal.RESERVED)
