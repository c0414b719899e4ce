"""Build an incident's context: collect under one deadline, freeze, rank, keep, then let the model refine."""

from collections.abc import Sequence
from datetime import datetime

from shared.context.reuse import Reuse, is_fresh, reuse_of, with_alerts
from shared.context.snapshot import collect
from shared.context.symptoms import symptoms_of
from shared.errors import BlobUnavailable, Conflict, Malformed, SecretUnreadable
from shared.hypotheses.answer import ranked_set
from shared.incidents.deviations import deviations_in, ids_of, signals_of, told_of
from shared.incidents.looking import is_asked, snapshot_id_for
from shared.incidents.timeline import entry
from shared.messages import BuildContext, Hypothesise, QueueName
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.evidence import SeriesEvidence
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident, TimelineEvent
from shared.models.quantities import several
from shared.models.signals import Signal
from shared.models.snapshots import Snapshot
from shared.pipeline.calibrating import curve_in_force
from shared.pipeline.grouping import regroup
from shared.pipeline.measuring import time_sections
from shared.pipeline.raising import raised
from shared.pipeline.recording import MAX_TRIES, list_latest
from shared.pipeline.snapshots import checked_in, made_whole
from shared.pipeline.surroundings import remember_topology
from shared.pipeline.turns import turn
from shared.ports.metrics import MetricsSource
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.telemetry import continued, logger

log = logger(__name__)

COLLECT_SECONDS = 9.5
"""Of the 10 that a snapshot may take; the rest is for freezing it."""


async def build_context(message: BuildContext, services: Services, *, now: datetime) -> None:
    """Freeze one snapshot for one trigger, however often asked; raises Malformed when the incident is not there."""
    tenant_id, incident_id = message.tenant_id, message.incident_id
    snapshot_id = snapshot_id_for(incident_id, message.trigger)
    if await services.incidents.snapshot(tenant_id, incident_id, snapshot_id) is None:
        snapshot = await _taken(message, snapshot_id, services, now=now)
        learned = await remember_topology(tenant_id, snapshot, services, now=now)
        ranked = ranked_set(snapshot, now=now, curve=await curve_in_force(tenant_id, services))
        kept = await checked_in(tenant_id, snapshot, services)
        await _keep(message, kept, ranked, services, now=now)
        if learned:
            # Who calls whom was not known when the incidents around were opened: they may be one.
            tenant = await services.directory.tenant(tenant_id)
            await regroup(message, tenant, services, now=now)
    else:
        await list_latest(tenant_id, incident_id, services)
    await services.queues.send(
        QueueName.HYPOTHESES,
        Hypothesise(
            tenant_id=tenant_id,
            receipt_id=message.receipt_id,
            correlation_id=message.correlation_id,
            traceparent=continued(message.traceparent),
            incident_id=incident_id,
            snapshot_id=snapshot_id,
        ),
    )


async def _taken(message: BuildContext, snapshot_id: SnapshotId, services: Services, *, now: datetime) -> Snapshot:
    """A snapshot for the trigger: measured, or with the measurements of minutes ago where those still stand."""
    tenant_id, incident_id = message.tenant_id, message.incident_id
    current = await services.incidents.read(tenant_id, incident_id)
    if current is None:
        raise Malformed("the incident of this message is not there", reason="incident_gone")
    incident = current.value
    held = await services.incidents.signals(tenant_id, incident_id)
    signals = [one.value for one in held if one.value.is_alert]
    earlier = await _earlier(message, incident, services, now=now)
    reuse = reuse_of(earlier, incident, signals, now=now)
    log.info("context_looked_at", extra={"incident_id": incident_id, "reuse": reuse.value})
    if earlier is not None and reuse is Reuse.REUSED:
        return with_alerts(earlier, signals, snapshot_id=snapshot_id, now=now)
    source, trouble = await _source(tenant_id, services)
    snapshot = await collect(
        incident,
        signals,
        services,
        source,
        snapshot_id=snapshot_id,
        now=now,
        deadline_seconds=COLLECT_SECONDS,
        source_trouble=trouble,
    )
    time_sections(snapshot)
    return snapshot


async def _earlier(
    message: BuildContext, incident: Incident, services: Services, *, now: datetime
) -> Snapshot | None:
    """The latest snapshot, unless a person asked for a new look: who asks wants to know how it is now.

    Whole only where it is fresh, and never at the price of the new look: a blob that cannot be read is measured anew.
    """
    tenant_id, latest_id = message.tenant_id, incident.latest_snapshot_id
    if latest_id is None or is_asked(message.trigger):
        return None
    held = await services.incidents.snapshot(tenant_id, incident.incident_id, latest_id)
    if held is None or not is_fresh(held, now=now):
        return held
    try:
        return await made_whole(tenant_id, held, services)
    except BlobUnavailable:
        return held


async def _source(tenant_id: TenantId, services: Services) -> tuple[MetricsSource | None, str | None]:
    """The tenant's Prometheus. A configuration we cannot open is trouble to show, not a reason to retry for ever."""
    try:
        return await services.metrics.of_tenant(tenant_id), None
    except (SecretUnreadable, Malformed) as exc:
        return None, exc.reason


async def _keep(
    message: BuildContext, snapshot: Snapshot, ranked: HypothesisSet, services: Services, *, now: datetime
) -> None:
    tenant_id, found = message.tenant_id, deviations_in(snapshot.body)
    for _ in range(MAX_TRIES):
        async with turn(tenant_id, snapshot.incident_id):
            current = await services.incidents.read(tenant_id, snapshot.incident_id)
            if current is None:
                raise Malformed("the incident of this snapshot is not there", reason="incident_gone")
            known = await _known(tenant_id, snapshot.incident_id, found, services)
            new = signals_of(snapshot, found, known, receipt_id=message.receipt_id, now=now)
            change = with_snapshot(current, snapshot, ranked, message.trigger, new, now=now)
            try:
                await services.incidents.commit(tenant_id, change)
            except Conflict:
                if not await services.incidents.snapshot(tenant_id, snapshot.incident_id, SnapshotId(snapshot.id)):
                    continue
        await list_latest(tenant_id, snapshot.incident_id, services)
        return
    raise Conflict(f"incident {snapshot.incident_id} moved {MAX_TRIES} times while its context was kept")


async def _known(
    tenant_id: TenantId, incident_id: IncidentId, found: Sequence[SeriesEvidence], services: Services
) -> set[str]:
    """Which of these deviations an earlier look has found already."""
    ids = {signal_id for piece in found for signal_id in ids_of(incident_id, piece)}
    held = await services.incidents.signals(tenant_id, incident_id, sorted(ids)) if ids else []
    return {one.value.id for one in held}


def _latest(before: Incident, snapshot: Snapshot, ranked: HypothesisSet, trigger: str) -> dict[str, object]:
    """What a look changes of its incident; nothing where a newer trigger's look is there already."""
    if trigger != before.context_trigger and before.latest_snapshot_id is not None:
        return {}
    found: dict[str, object] = {"latest_snapshot_id": snapshot.id, "symptoms": symptoms_of(snapshot.body.evidence())}
    if ranked.hypotheses or before.latest_hypotheses_id is None or is_asked(trigger):
        # Else what an earlier look found stands: a fault that has lasted for long is its own normal, and whoever
        # opens the incident late must not see nothing. Who asks for a look wants to know what that one says.
        found["latest_hypotheses_id"] = ranked.id
    return found


def with_snapshot(
    current: Versioned[Incident],
    snapshot: Snapshot,
    ranked: HypothesisSet,
    trigger: str,
    deviations: Sequence[Signal] = (),
    *,
    now: datetime,
) -> IncidentChange:
    """The change that adds a snapshot, its ranking and what it found to deviate; a newer trigger's snapshot stays the
    latest.
    """
    before = current.value
    latest = _latest(before, snapshot, ranked, trigger)
    after = before.model_copy(update={**latest, "version": before.version + 1, "updated_at": now})
    after, why_severe = raised(after, snapshot.body, now=now)
    sections = ", ".join(f"{s.name.value} {s.status.value}" for s in snapshot.body.sections)
    told = [
        entry(after, TimelineEvent.CONTEXT_FROZEN, trigger, now=now, text=f"Looked at: {sections}"),
        entry(
            after,
            TimelineEvent.HYPOTHESES_RANKED,
            ranked.conclusion.value,
            now=now,
            text=f"{several(len(ranked.hypotheses), 'hypothesis', 'hypotheses')} ranked",
        ),
        *why_severe,
        *told_of(after, deviations, now=now),
    ]
    return IncidentChange(
        incident=after,
        etag=current.etag,
        created_signals=deviations,
        timeline=told,
        snapshots=[snapshot],
        hypotheses=[ranked],
    )
