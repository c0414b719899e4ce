"""How fast a caller may ask: token buckets in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

Clock = Callable[[], float]

MAX_KEYS = 10_000
IPV6_SITE_BITS = 64


@dataclass(frozen=True)
class Rate:
    """So many a minute in the long run, and so many at once."""

    per_minute: float
    burst: int


class Buckets:
    """One bucket a key. It belongs to this process: with several, a caller has the rate in each of them."""

    def __init__(self, rate: Rate, *, clock: Clock = time.monotonic, max_keys: int = MAX_KEYS) -> None:
        self._interval = 60 / rate.per_minute
        self._slack = self._interval * (rate.burst - 1)
        self._clock = clock
        self._max_keys = max_keys
        # When each bucket would be full again: all that the "virtual scheduling" form of the algorithm has to keep.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one of a key's tokens and return 0, or the seconds until there is one."""
        wait = self.wait_seconds(key)
        if wait:
            return wait
        self._full_at[key] = max(self._full_at.get(key, 0.0), self._clock()) + self._interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return 0.0

    def wait_seconds(self, key: str) -> float:
        """The seconds until a key has a token, 0 when it has one now; takes none."""
        now = self._clock()
        return max(0.0, max(self._full_at.get(key, 0.0), now) - now - self._slack)


def neighbourhood(address: str) -> str:
    """Whom failures are counted for: an IPv4 address, or the IPv6 network in which one site has every address."""
    known = ip_address(address)
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(ip_network((known, IPV6_SITE_BITS), strict=False))
    return str(known)
