"""What an installation decides of its API; `bootstrap` makes it from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from shared.api.limits import RequestLimits
from shared.api.pace import Rate

USUAL_LIMITS = RequestLimits()
USUAL_REQUESTS = Rate(per_minute=600, burst=120)
USUAL_FAILURES = Rate(per_minute=10, burst=30)


@dataclass(frozen=True)
class ApiOptions:
    """The defaults trust nobody and allow nothing."""

    client_address_header: str | None = None
    """The header in which the proxy before us writes the caller's address; callers could write any other."""
    public_base_url: str = ""
    """Where senders reach us; without it, addresses of webhooks are shown from their path on."""
    limits: RequestLimits = USUAL_LIMITS
    """How large a request may be."""
    requests: Rate = USUAL_REQUESTS
    """How fast one person or script of one tenant may ask."""
    failures: Rate = USUAL_FAILURES
    """How many requests of one address may fail to authenticate, where its address is believed."""
    cors_origins: tuple[str, ...] = ()
    """The origins, exactly, whose pages may call us from a browser; ours needs no mention."""

    def client_address(self, headers: Mapping[str, str]) -> str | None:
        """The caller's address: the last one of the header, which is the one that our own proxy added."""
        if self.client_address_header is None:
            return None
        last = headers.get(self.client_address_header, "").rpartition(",")[2].strip()
        return _address(last)


PLAIN = ApiOptions()


def _address(text: str) -> str | None:
    host, colon, port = text.rpartition(":")
    # App Service writes `address:port`, with brackets around IPv6.
    plain = host.strip("[]") if colon and port.isdigit() and (host.count(":") == 0 or host.startswith("[")) else text
    try:
        return str(ip_address(plain.strip("[]")))
    except ValueError:
        return None
