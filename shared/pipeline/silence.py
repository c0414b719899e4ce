"""Resolve what has gone silent in an incident, after asking its sources where they can be asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.errors import AddressRefused, Conflict, KeysUnavailable, SecretUnreadable, SourceUnavailable
from shared.incidents.recording import Work
from shared.incidents.silence import (
    Judged,
    Word,
    closed_by_silence,
    judge,
    quiet_ones,
    schedule_auto_resolve,
    together,
    window_of,
)
from shared.messages import Check
from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.incidents import Incident
from shared.models.schedule import DueWork
from shared.models.signals import AlertStatus, Arrival, Origin, Signal, Source
from shared.models.tenants import Integration, IntegrationType, Tenant
from shared.pipeline.recording import list_latest, record_in_incident
from shared.pipeline.telling import tell_list
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.signals.reconcile import fires_still, starts_by_fingerprint
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 8
_ASKABLE: Mapping[Source, IntegrationType] = {
    Source.ALERTMANAGER: IntegrationType.ALERTMANAGER,
    Source.GRAFANA: IntegrationType.GRAFANA,
}


async def check_silence(message: Check, work: DueWork, services: Services, *, now: datetime) -> None:
    """Resolve what has gone silent. Done when the incident is closed; else due again when it may be silent."""
    tenant_id = message.tenant_id
    tenant = await services.directory.tenant(tenant_id)
    current = await services.incidents.read(tenant_id, IncidentId(work.subject))
    if current:
        # An earlier run may have stopped between its write and the list.
        await tell_list(tenant_id, current.value, services)
    incident = await _to_look_after(current, services)
    expected = schedule_auto_resolve(tenant, incident, now=now) if incident else None
    if current is None or expected is None or expected.id != work.id:
        await _hand_over(tenant_id, work.id, expected, services)
        return
    judged = await _resolve_silent(message, current, tenant, services, now=now)
    await _look_again(tenant_id, work.id, judged.look_again_at, services)


async def _to_look_after(current: Versioned[Incident] | None, services: Services) -> Incident | None:
    """The open incident that this work is about: its own, or what that was merged into."""
    incident = current.value if current else None
    if incident and incident.merged_into:
        target = await services.incidents.read(incident.tenant_id, incident.merged_into)
        incident = target.value if target else None
    return incident if incident and incident.is_open else None


async def _hand_over(tenant_id: TenantId, work_id: str, successor: DueWork | None, services: Services) -> None:
    """End this work; what follows it (a merge's target, a later reopening) is put first, should it be missing."""
    if successor:
        await services.schedule.put(tenant_id, successor)
    await done_with(tenant_id, work_id, services)


async def done_with(tenant_id: TenantId, work_id: str, services: Services) -> None:
    """End due work, whoever moves it meanwhile."""
    for _ in range(MAX_TRIES):
        held = await services.schedule.read(tenant_id, work_id)
        if held is None:
            return
        try:
            await services.schedule.done(tenant_id, held)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work_id} moved {MAX_TRIES} times")


async def _resolve_silent(
    message: Check, current: Versioned[Incident], tenant: Tenant | None, services: Services, *, now: datetime
) -> Judged:
    tenant_id, incident_id, window = message.tenant_id, current.value.incident_id, window_of(tenant)
    signals = [one.value for one in await services.incidents.signals(tenant_id, incident_id)]
    words = await _words(tenant_id, quiet_ones(signals, window=window, now=now), services, now=now)
    judged = judge(current.value, signals, words, window=window, now=now)
    if judged.over:
        over = [_over(message, signal, now=now) for signal in judged.over]
        await record_in_incident(message, incident_id, over, services, rerun=False, now=now)
        log.info("silent_alerts_resolved", extra={"incident_id": incident_id, "signals": len(over)})
    if judged.closes_held_open:
        await services.incidents.commit(tenant_id, closed_by_silence(current, now=now))
        await list_latest(tenant_id, incident_id, services)
        log.info("held_incident_closed", extra={"incident_id": incident_id})
    return judged


def _over(message: Check, signal: Signal, *, now: datetime) -> Work:
    alert = signal.normalized_data.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": now})
    arrival = Arrival(
        alert=alert,
        received_at=now,
        receipt_id=message.receipt_id,
        raw_pointer=signal.raw_pointer,
        origin=Origin.SILENCE,
        integration_id=signal.integration_id,
    )
    return Work(arrival, SignalId(signal.id))


async def _words(
    tenant_id: TenantId, quiet: Sequence[Signal], services: Services, *, now: datetime
) -> dict[SignalId, Word]:
    """What the sources of these signals say; each is asked once."""
    words: dict[SignalId, Word] = {}
    for source in sorted({signal.source for signal in quiet} & set(_ASKABLE)):
        mine = [signal for signal in quiet if signal.source is source]
        said = {
            one.id: await _asked(tenant_id, one, mine, services, now=now)
            for one in await services.directory.integrations(tenant_id, _ASKABLE[source])
        }
        for signal in mine:
            # A signal of before integrations were kept in signals may have come through any of them.
            from_its_own = [words_of for name, words_of in said.items() if signal.integration_id in (None, name)]
            words[SignalId(signal.id)] = together(words_of[SignalId(signal.id)] for words_of in from_its_own)
    return words


async def _asked(
    tenant_id: TenantId, integration: Integration, signals: Sequence[Signal], services: Services, *, now: datetime
) -> dict[SignalId, Word]:
    ids = [SignalId(signal.id) for signal in signals]
    try:
        source = await services.alert_sources.of_integration(tenant_id, integration)
        if source is None:
            return dict.fromkeys(ids, Word.NOBODY_TO_ASK)
        starts = starts_by_fingerprint(await source.firing(now=now))
    except (SourceUnavailable, AddressRefused, SecretUnreadable, KeysUnavailable) as exc:
        log.warning("source_not_asked", extra={"integration_id": integration.id, "reason": exc.reason})
        return dict.fromkeys(ids, Word.NO_ANSWER)
    still = [fires_still(signal.normalized_data, starts) for signal in signals]
    return {one: Word.FIRES if fires else Word.OVER for one, fires in zip(ids, still, strict=True)}


async def _look_again(tenant_id: TenantId, work_id: str, at: datetime, services: Services) -> None:
    for _ in range(MAX_TRIES):
        held = await services.schedule.read(tenant_id, work_id)
        if held is None:
            return
        try:
            await services.schedule.replace(tenant_id, held.value.model_copy(update={"due_at": at}), held.etag)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work_id} moved {MAX_TRIES} times")
