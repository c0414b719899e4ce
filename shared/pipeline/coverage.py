"""Whether alerts of a service are investigated; those that are not are kept and marked.

A tenant's plan covers so many services, and a maintenance window keeps expected alerts back.
"""

from datetime import datetime

from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.claims import ServiceRoster
from shared.models.incidents import Coverage
from shared.models.policies import Policies
from shared.models.tenants import Tenant
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import Versioned

MAX_RACES = 8


async def policies_of(tenant_id: TenantId, services: Services) -> Policies | None:
    """What the tenant decided; None when it decided nothing."""
    held = await services.records.read(tenant_id, Policies, Policies.id_for())
    return held.value if held else None


async def coverage(
    tenant_id: TenantId,
    tenant: Tenant | None,
    service_name: str,
    services: Services,
    *,
    policies: Policies | None,
    at: datetime,
) -> Coverage:
    """Whether alerts of this service, received at this time, are investigated.

    A new service takes a free place of the plan, unless it is in maintenance.
    """
    if tenant is None:
        return Coverage.COVERED
    if not tenant.is_active:
        return Coverage.INACTIVE_TENANT
    if policies and policies.in_maintenance(service_name, at):
        return Coverage.IN_MAINTENANCE
    # New services come in crowds, and all of a tenant's stand in one document.
    async with turn(tenant_id, "roster"):
        for _ in range(MAX_RACES):
            held = await services.claims.roster(tenant_id)
            known = held.value.services if held else ()
            if service_name in known:
                # A plan that was reduced keeps the services that came first.
                is_first = known.index(service_name) < tenant.max_services
                return Coverage.COVERED if is_first else Coverage.OVER_MAX_SERVICES
            if len(known) >= tenant.max_services:
                return Coverage.OVER_MAX_SERVICES
            if await _added(tenant_id, service_name, held, services):
                return Coverage.COVERED
    raise Conflict(f"the service roster changed {MAX_RACES} times while it was read")


async def _added(
    tenant_id: TenantId, service_name: str, held: Versioned[ServiceRoster] | None, services: Services
) -> bool:
    known = held.value.services if held else ()
    grown = ServiceRoster(id=ServiceRoster.id_for(), tenant_id=tenant_id, services=(*known, service_name))
    try:
        if held:
            await services.claims.replace(tenant_id, grown, held.etag)
        else:
            await services.claims.create(tenant_id, grown)
    except (AlreadyExists, Conflict):
        return False
    return True
