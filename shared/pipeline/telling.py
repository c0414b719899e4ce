"""Tell what is made from an incident that it has changed: the list's line, and the regression case that it may be."""

from shared.errors import AlreadyExists, Conflict
from shared.incidents.causes import next_case
from shared.models.base import TenantId
from shared.models.feedback import RegressionCase
from shared.models.incidents import Incident, IncidentSummary
from shared.ports.services import Services

MAX_TRIES = 8


async def tell_list(tenant_id: TenantId, incident: Incident, services: Services) -> None:
    """Bring both up to this version of the incident, unless they are of a newer one."""
    await services.incident_list.put(tenant_id, IncidentSummary.of(incident))
    if incident.said_at is not None:
        await _keep_case(tenant_id, incident, services)


async def _keep_case(tenant_id: TenantId, incident: Incident, services: Services) -> None:
    case_id = RegressionCase.id_for(incident.incident_id)
    for _ in range(MAX_TRIES):
        held = await services.records.read(tenant_id, RegressionCase, case_id)
        case = next_case(incident, held.value if held else None)
        if case is None:
            return
        try:
            if held is None:
                await services.records.create(tenant_id, case)
            else:
                await services.records.replace(tenant_id, case, held.etag)
        except (AlreadyExists, Conflict):
            continue
        return
    raise Conflict(f"the case of incident {incident.incident_id} moved {MAX_TRIES} times")
