"""Ask a source what is firing, and send what never arrived through the same door as everything else."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.errors import AddressRefused, Conflict, KeysUnavailable, SecretUnreadable, SourceUnavailable
from shared.incidents.effects import Effect
from shared.incidents.recording import effect_of
from shared.messages import Check, Ingest, QueueName
from shared.models.base import IncidentId, IntegrationId, ReceiptId, document_id
from shared.models.schedule import DueWork
from shared.models.signals import AlertStatus, Arrival, Origin, Signal, Source
from shared.models.tenants import Integration
from shared.pipeline.finding import find_known
from shared.pipeline.measuring import count_repairs
from shared.pipeline.sending import send_once_more
from shared.ports.alert_sources import AlertSource, FiringAlert, FiringNow
from shared.ports.services import Services
from shared.signals.reconcile import Repairs, bodies, repairs
from shared.signals.sources import parse
from shared.telemetry import logger

log = logger(__name__)

MAX_READING = 8
MAX_TRIES = 8
FIRES_PER_LOOK = 100
_NO_NEWS = frozenset({Effect.NOTHING_NEW, Effect.REPEATS})


async def reconcile(message: Check, work: DueWork, services: Services, *, now: datetime) -> None:
    """Repair what an integration's webhook has not told. A source that does not answer changes nothing."""
    tenant_id, integration_id = message.tenant_id, IntegrationId(work.subject)
    integration = await services.directory.integration(tenant_id, integration_id)
    if integration is None or not integration.is_active:
        return
    try:
        source = await services.alert_sources.of_integration(tenant_id, integration)
        if source is None:
            return
        firing = await source.firing(now=now)
    except (SourceUnavailable, AddressRefused, SecretUnreadable, KeysUnavailable) as exc:
        log.warning("source_not_asked", extra={"integration_id": integration_id, "reason": exc.reason})
        # What was missing before the outage must be found missing afresh: the source may have been restarted.
        await _remember(work, {}, services)
        await services.directory.note_sync(tenant_id, integration_id, at=now, error=str(exc))
        return
    made_good = await _repairs(integration, work, source, firing, services)
    for body in bodies(made_good, receiver=source.receiver):
        await send_once_more(QueueName.SIGNALS, _delivery(integration, body, now=now), services)
    await _remember(work, made_good.missing, services)
    await services.directory.note_sync(tenant_id, integration_id, at=now, error=None)
    fires, resolves = len(made_good.fires), len(made_good.resolves)
    count_repairs(fires=fires, resolves=resolves)
    log.info("reconciled", extra={"integration_id": integration_id, "fires": fires, "resolves": resolves})


async def _repairs(
    integration: Integration, work: DueWork, source: AlertSource, firing: FiringNow, services: Services
) -> Repairs:
    # Asked first and read after: what arrived in between is in neither list as missing for long enough.
    held = await _held(integration, services)
    found = repairs(firing, held, work.missing, receiver=source.receiver, grace=source.grace)
    return replace(found, fires=await _unknown(integration, found.fires, services, now=firing.asked_at))


async def _held(integration: Integration, services: Services) -> list[Signal]:
    """Firing signals in open incidents that came through this integration."""
    reading = asyncio.Semaphore(MAX_READING)

    async def firing_in(incident_id: IncidentId) -> list[Signal]:
        async with reading:
            signals = await services.incidents.signals(integration.tenant_id, incident_id)
        return [one.value for one in signals if one.value.status is AlertStatus.FIRING]

    open_ones = await services.incident_list.open_ones(integration.tenant_id)
    found = await asyncio.gather(*(firing_in(IncidentId(one.id)) for one in open_ones if one.firing_count))
    return [signal for signals in found for signal in signals if signal.integration_id == integration.id]


async def _unknown(
    integration: Integration, fires: Sequence[FiringAlert], services: Services, *, now: datetime
) -> tuple[FiringAlert, ...]:
    """Those fires that ingestion would do something with; alerts of closed incidents are known as well."""
    unknown: list[FiringAlert] = []
    for start in range(0, len(fires), FIRES_PER_LOOK):
        group = fires[start : start + FIRES_PER_LOOK]
        arrivals = [_arrival(integration, one, now=now) for one in group]
        looked_up = await find_known(integration.tenant_id, arrivals, services)
        recorded = {one.arrival.alert.episode for one in looked_up if effect_of(one.arrival, one.signal) in _NO_NEWS}
        pairs = zip(group, arrivals, strict=True)
        unknown += [one for one, arrival in pairs if arrival.alert.episode not in recorded]
    return tuple(unknown)


def _arrival(integration: Integration, one: FiringAlert, *, now: datetime) -> Arrival:
    """As it will arrive, read by the source's own parser, so that its episode is the one it will be claimed by."""
    (body,) = bodies(Repairs(fires=(one,)), receiver=None)
    (alert,) = parse(Source(integration.integration_type.value), body, received_at=now).alerts
    return Arrival(alert=alert, received_at=now, receipt_id=ReceiptId("rcp-none"), raw_pointer=None)


def _delivery(integration: Integration, body: bytes, *, now: datetime) -> Ingest:
    """The repair as a delivery; its receipt derives from its content, so that sending it twice is one delivery."""
    receipt_id = ReceiptId(document_id("rcp", integration.tenant_id, integration.id, body.decode()))
    delivery = Ingest(
        tenant_id=integration.tenant_id,
        receipt_id=receipt_id,
        correlation_id=receipt_id,
        integration_id=integration.id,
        source=Source(integration.integration_type.value),
        received_at=now,
        origin=Origin.RECONCILED,
    )
    return delivery.with_body(body)


async def _remember(work: DueWork, missing: Mapping[str, datetime], services: Services) -> None:
    """Keep what is missing for the next time; written only when it changed."""
    for _ in range(MAX_TRIES):
        held = await services.schedule.read(work.tenant_id, work.id)
        if held is None or dict(held.value.missing) == dict(missing):
            return
        try:
            remembering = held.value.model_copy(update={"missing": dict(missing)})
            await services.schedule.replace(work.tenant_id, remembering, held.etag)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work.id} moved {MAX_TRIES} times")
