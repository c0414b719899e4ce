"""The incident that a path names: one of the caller's tenant, or none."""

import re

from shared.api.problems import NotFound
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import Incident
from shared.ports.services import Services

# As `document_id` makes them; anything else never reaches the store.
INCIDENT_ID = re.compile(r"inc-[0-9a-f]{24}")
_NO_SUCH = "There is no such incident."


def known_incident(incident_id: str) -> IncidentId:
    """The id, where it is one that we could have made; raises NotFound."""
    if not INCIDENT_ID.fullmatch(incident_id):
        raise NotFound(_NO_SUCH)
    return IncidentId(incident_id)


async def held_incident(tenant_id: TenantId, incident_id: str, services: Services) -> Incident:
    """The incident; raises NotFound. Another tenant's is under another key: it is simply not there."""
    known = known_incident(incident_id)
    found = await services.incidents.read(tenant_id, known)
    if found is None:
        raise NotFound(_NO_SUCH)
    return found.value
