"""The integration that a request names: the tenant's own, of the right kind, and in use."""

import re

from shared.models.base import TenantId
from shared.models.tenants import Integration, IntegrationType
from shared.ports.services import Services

# Wider than the ids that we make; anything else never reaches the store.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


async def connected(
    tenant_id: TenantId, integration_id: str, kind: IntegrationType, services: Services
) -> Integration | None:
    """The integration; None when there is none of this kind, it is switched off, or it was never set up."""
    if not _ID.fullmatch(integration_id):
        return None
    held = await services.records.read(tenant_id, Integration, integration_id)
    if held is None or held.value.integration_type is not kind:
        return None
    return held.value if held.value.is_active and held.value.config else None
