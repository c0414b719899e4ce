"""Maintenance windows: what they keep from being investigated, and what becomes of it when they are over."""

from datetime import datetime

from shared.errors import Conflict
from shared.incidents.lifecycle import wanting_context
from shared.incidents.timeline import entry
from shared.messages import Check
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import Coverage, Incident, Suppressed, TimelineEvent
from shared.models.schedule import DueWork
from shared.pipeline.coverage import coverage, policies_of
from shared.pipeline.recording import pass_on
from shared.pipeline.silence import done_with
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 8


async def check_maintenance(message: Check, work: DueWork, services: Services, *, now: datetime) -> None:
    """Have an incident looked at once no window keeps it back any more; until then the work stays due."""
    tenant_id, incident_id = message.tenant_id, IncidentId(work.subject)
    for _ in range(MAX_TRIES):
        current = await services.incidents.read(tenant_id, incident_id)
        if current is None or not current.value.is_open or current.value.suppressed is not Suppressed.IN_MAINTENANCE:
            break
        verdict = await _verdict(tenant_id, current.value, services, now=now)
        if verdict is Coverage.IN_MAINTENANCE:
            return
        try:
            await services.incidents.commit(tenant_id, _after_maintenance(current, verdict, now=now))
        except Conflict:
            continue
        log.info("maintenance_over", extra={"incident_id": incident_id, "coverage": verdict.value})
    else:
        raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times after its maintenance")
    if current:
        # Also when an earlier run stopped after its write: passing on again changes nothing.
        await pass_on(message, current.value, services, must_look=current.value.is_open)
    await done_with(tenant_id, work.id, services)


async def _verdict(tenant_id: TenantId, incident: Incident, services: Services, *, now: datetime) -> Coverage:
    """An incident is investigated once any of its services is; and kept back while any is in maintenance."""
    tenant, policies = await services.directory.tenant(tenant_id), await policies_of(tenant_id, services)
    found = [
        await coverage(tenant_id, tenant, node.service_name, services, policies=policies, at=now)
        for node in incident.services
    ]
    ranked = (Coverage.COVERED, Coverage.IN_MAINTENANCE, Coverage.OVER_MAX_SERVICES, Coverage.INACTIVE_TENANT)
    return next((one for one in ranked if one in found), Coverage.COVERED)


def _after_maintenance(current: Versioned[Incident], verdict: Coverage, *, now: datetime) -> IncidentChange:
    before = current.value
    after = before.model_copy(
        update={"version": before.version + 1, "updated_at": now, "suppressed": verdict.suppressed}
    )
    if verdict is Coverage.COVERED:
        after = wanting_context(after, f"maintenance-over-{after.version}", now=now)
    told = entry(
        after, TimelineEvent.MAINTENANCE_OVER, verdict.value, now=now, text="The maintenance window is over."
    )
    return IncidentChange(incident=after, etag=current.etag, timeline=[told])
