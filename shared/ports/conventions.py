"""What is remembered of the conventions that a tenant's Prometheus follows."""

from typing import Protocol

from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import Detected


class ConventionStore(Protocol):
    """A cache, by integration; both methods may raise StoreUnavailable."""

    async def detected(self, tenant_id: TenantId, integration_id: IntegrationId) -> Detected | None:
        """What was last detected; None when that is nothing, or too long ago."""
        ...

    async def keep(self, tenant_id: TenantId, detected: Detected) -> None:
        """Keep what was detected instead of what was before; the later write stays."""
        ...
