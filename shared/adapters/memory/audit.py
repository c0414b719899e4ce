"""The audit trail in memory."""

from contextlib import suppress

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import require_tenant
from shared.errors import AlreadyExists
from shared.models.audit import AuditIntent
from shared.models.base import TenantId


class MemoryAuditTrail:
    """Implements AuditTrail."""

    def __init__(self) -> None:
        self._documents = MemoryDocuments()

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, intent)
        with suppress(AlreadyExists):
            self._documents.create((tenant_id, intent.month), intent.to_stored())
