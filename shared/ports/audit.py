"""Where the audit trail is kept: a container to which the product may only add."""

from typing import Protocol

from shared.models.audit import AuditIntent
from shared.models.base import TenantId


class AuditTrail(Protocol):
    """The trail of one tenant; every method may raise StoreUnavailable."""

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """Keep what is about to be done; the same intent again changes nothing."""
        ...
