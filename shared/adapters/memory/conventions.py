"""Detected conventions in memory."""

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import require_tenant
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import Detected


class MemoryConventions:
    """Implements ConventionStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def detected(self, tenant_id: TenantId, integration_id: IntegrationId) -> Detected | None:
        """See ConventionStore."""
        held = self.documents.read((tenant_id,), Detected.id_for(integration_id))
        return Detected.from_stored(held[0]) if held else None

    async def keep(self, tenant_id: TenantId, detected: Detected) -> None:
        """See ConventionStore."""
        require_tenant(tenant_id, detected)
        self.documents.upsert((tenant_id,), detected.to_stored())
