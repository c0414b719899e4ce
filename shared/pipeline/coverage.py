"""Whether a tenant's plan covers a service: what is not covered is kept and marked, and not investigated."""

from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.claims import ServiceRoster
from shared.models.incidents import Coverage
from shared.models.tenants import Tenant
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import Versioned

MAX_RACES = 8


async def coverage(tenant_id: TenantId, tenant: Tenant | None, service_name: str, services: Services) -> Coverage:
    """Whether alerts of this service are investigated. A new service takes a free place of the plan."""
    if tenant is None:
        return Coverage.COVERED
    if not tenant.is_active:
        return Coverage.INACTIVE_TENANT
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
