"""Detected conventions in Cosmos DB (container `caches`)."""

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import require_tenant
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import Detected


class CosmosConventions:
    """Implements ConventionStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._caches = Container(database, "caches")

    async def detected(self, tenant_id: TenantId, integration_id: IntegrationId) -> Detected | None:
        """See ConventionStore."""
        found = await self._caches.read((tenant_id,), Detected.id_for(integration_id))
        return Detected.from_stored(found) if found else None

    async def keep(self, tenant_id: TenantId, detected: Detected) -> None:
        """See ConventionStore."""
        require_tenant(tenant_id, detected)
        await self._caches.upsert((tenant_id,), detected.to_stored())
