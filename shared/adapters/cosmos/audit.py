"""The audit trail in Cosmos DB: created and read, never replaced."""

from contextlib import suppress

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import require_tenant
from shared.errors import AlreadyExists
from shared.models.audit import AuditIntent
from shared.models.base import TenantId


class CosmosAuditTrail:
    """Implements AuditTrail."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "audit")

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, intent)
        with suppress(AlreadyExists):
            await self._container.create((tenant_id, intent.month), intent.to_stored())
