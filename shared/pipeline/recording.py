"""Write what alerts change into one incident, and ask for its context. Shared by everything that adds signals."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.errors import Conflict
from shared.incidents.recording import record
from shared.messages import BuildContext, Envelope, QueueName
from shared.models.base import IncidentId, SnapshotId, TenantId, document_id
from shared.models.incidents import Incident, IncidentSummary
from shared.models.signals import Arrival
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 8
ALERTS_PER_WRITE = 45
"""One batch takes 100 operations: the incident, a signal each, and at most five timeline entries."""


def snapshot_id_for(incident_id: IncidentId, trigger: str) -> SnapshotId:
    """The snapshot that a trigger leads to; the same trigger always leads to the same one."""
    return SnapshotId(document_id("snap", incident_id, trigger))


async def record_in_incident(
    message: Envelope,
    incident_id: IncidentId,
    arrivals: Sequence[Arrival],
    services: Services,
    *,
    rerun: bool,
    now: datetime,
) -> None:
    """Record alerts in an incident and pass it on. `rerun`: an earlier run may have recorded but not passed it on."""
    incident, must_look = None, rerun
    for group in _chunks(arrivals):
        incident, opened = await _write(message.tenant_id, incident_id, group, services, now=now)
        must_look = must_look or opened
    if incident is None:
        return
    await services.incident_list.put(message.tenant_id, IncidentSummary.of(incident))
    if must_look and needs_context(incident):
        await services.queues.send(QueueName.CONTEXT, _build_context(message, incident))


async def list_latest(tenant_id: TenantId, incident_id: IncidentId, services: Services) -> None:
    """Bring the list up to the incident as it stands."""
    current = await services.incidents.read(tenant_id, incident_id)
    if current is not None:
        await services.incident_list.put(tenant_id, IncidentSummary.of(current.value))


def needs_context(incident: Incident) -> bool:
    """Whether the latest reason to look at the context has not led to a snapshot yet."""
    expected = snapshot_id_for(incident.incident_id, incident.context_trigger)
    return incident.firing_count > 0 and incident.latest_snapshot_id != expected


async def _write(
    tenant_id: TenantId, incident_id: IncidentId, arrivals: Sequence[Arrival], services: Services, *, now: datetime
) -> tuple[Incident | None, bool]:
    """The incident as it stands afterwards, and whether this write opened or reopened it (or may have)."""
    for attempt in range(MAX_TRIES):
        current = await services.incidents.read(tenant_id, incident_id)
        ids = [a.alert.signal_id for a in arrivals]
        signals = await services.incidents.signals(tenant_id, incident_id, ids) if current else []
        known = {s.value.normalized_data.signal_id: s for s in signals}
        change = record(tenant_id, incident_id, current, known, arrivals, now=now)
        if change is None:
            # After a conflict the write that is there may be our own, whose answer was lost on the way.
            return (current.value if current else None), attempt > 0
        try:
            await services.incidents.commit(tenant_id, change)
        except Conflict:
            continue
        opened = current is None or current.value.context_trigger != change.incident.context_trigger
        log.info("signals_recorded", extra={"incident_id": incident_id, "signals": len(arrivals), "opened": opened})
        return change.incident, opened
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while alerts were recorded")


def _build_context(message: Envelope, incident: Incident) -> BuildContext:
    return BuildContext(
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        correlation_id=message.correlation_id,
        traceparent=message.traceparent,
        incident_id=incident.incident_id,
        trigger=incident.context_trigger,
    )


def _chunks(arrivals: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    for start in range(0, len(arrivals), ALERTS_PER_WRITE):
        yield arrivals[start : start + ALERTS_PER_WRITE]
