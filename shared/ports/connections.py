"""Whether a system that a tenant connected can be used, and if not, what is wrong in words a person can act on."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.models.base import TenantId
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType


class Reason(StrEnum):
    """What came of trying a connection; the value is for programs and metrics."""

    REACHED = "reached"
    NO_SERIES = "no_series"
    NO_SUCH_RECEIVER = "no_such_receiver"
    NO_SUCH_REPOSITORY = "no_such_repository"
    UNRESOLVABLE = "unresolvable"
    NOT_LISTENING = "connection_refused"
    TLS = "tls"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    ENTRA_REFUSED = "entra_refused"
    ENTRA_UNAVAILABLE = "entra_unavailable"
    NOT_FOUND = "not_found"
    NOT_JSON = "not_json"
    HTML = "html"
    ANOTHER_SERVICE = "another_service"
    WRONG_PORT = "wrong_port"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_URL = "bad_url"
    BAD_CREDENTIAL = "bad_credential"
    ADDRESS_REFUSED = "address_refused"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """What we stored ourselves cannot be opened."""


@dataclass(frozen=True)
class Finding:
    """What was found. Only REACHED is good; `version` is the system's own, where it told it."""

    reason: Reason
    message: str
    version: str | None = None
    elapsed_seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the connection can be used as it is."""
        return self.reason is Reason.REACHED


class ConnectionChecks(Protocol):
    """Tries connections."""

    def admit(self, url: str) -> None:
        """Raise AddressRefused for a URL that we would never go to; nothing is asked or resolved."""
        ...

    async def check(self, tenant_id: TenantId, kind: IntegrationType, config: ConnectionConfig) -> Finding:
        """Connect for real, within bounded time. Never raises for what is wrong over there: that is the finding.

        Raises SourceUnavailable (`busy`) while too many checks of this tenant are under way.
        """
        ...
