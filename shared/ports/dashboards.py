"""What a tenant's Grafana is asked for: which dashboards there are, and what they can be narrowed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.models.base import TenantId
from shared.models.tenants import Integration


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as the search lists it."""

    uid: str
    title: str
    tags: tuple[str, ...] = ()
    folder: str | None = None


@dataclass(frozen=True)
class GrafanaAddress:
    """Where people open it: the base URL without a trailing slash, and the organisation when one is configured."""

    base_url: str
    org_id: str | None = None


class DashboardSource(Protocol):
    """A Grafana. Methods raise SourceUnavailable, or AddressRefused for a URL we do not go to."""

    @property
    def address(self) -> GrafanaAddress:
        """What links begin with."""
        ...

    async def search(
        self, *, query: str = "", tags: Sequence[str] = (), limit: int = 100, page: int = 1
    ) -> Sequence[Dashboard]:
        """Dashboards whose title has the text and that carry all of the tags."""
        ...

    async def variables(self, uid: str) -> frozenset[str]:
        """The names of a dashboard's template variables."""
        ...


class DashboardSources(Protocol):
    """Finds the Grafana of an integration."""

    async def of_integration(self, tenant_id: TenantId, integration: Integration) -> DashboardSource | None:
        """How to ask it, or None when it has no URL; raises KeysUnavailable or SecretUnreadable."""
        ...
