"""Ingest a delivery: parse, find what is known, choose incidents, record, converge. Every step may run twice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.incidents.correlate import correlate
from shared.incidents.effects import Effect
from shared.incidents.recording import Occasion, Work, effect_of
from shared.messages import Ingest
from shared.models.base import IncidentId, TenantId
from shared.models.incidents import Coverage
from shared.models.signals import AlertStatus, Arrival, ParsedDelivery
from shared.models.tenants import Tenant
from shared.pipeline.coverage import coverage, policies_of
from shared.pipeline.delivered import arrivals_of, keep_changes, note_delivery, read_delivery
from shared.pipeline.finding import Known, find_known, known_by, with_signals
from shared.pipeline.following import follow
from shared.pipeline.grouping import regroup
from shared.pipeline.placing import DEFAULT_REOPEN_WITHIN, Home, homes_of
from shared.pipeline.receipts import Tally, keep_receipt
from shared.pipeline.recording import Recorded, record_in_incident
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.signals.claims import new_claim, next_generation


@dataclass(frozen=True)
class _Ready:
    """An arrival that is to be recorded (or passed on again), and where."""

    work: Work
    incident_id: IncidentId
    coverage: Coverage | None = None
    is_rerun: bool = False


async def ingest(message: Ingest, services: Services, *, now: datetime) -> None:
    """Turn one delivery into signals; raises Malformed when its body cannot be understood at all."""
    await note_delivery(message, services)
    parsed, pointer = await read_delivery(message, services)
    arrivals, copies = arrivals_of(message, parsed, pointer)
    tally = Tally(message, copies=copies)
    known = await find_known(message.tenant_id, arrivals, services)
    tenant = await _tenant_for(message.tenant_id, arrivals, known, tally, services)
    ready, again = await _known_work(message, known, tenant, tally, services)
    ready += await _new_work(message, arrivals, known, again, tenant, tally, services, now=now)
    recorded = await _record(message, ready, parsed, tenant, services, now=now)
    if recorded.is_news:
        await regroup(message, tenant, services, now=now)
    await follow(message, parsed.updates, services, now=now)
    await keep_changes(message, parsed, tally, services, now=now)
    await keep_receipt(message, parsed, pointer, tally, recorded.incident_ids, services, now=now)


async def _tenant_for(
    tenant_id: TenantId, arrivals: Sequence[Arrival], known: Sequence[Known], tally: Tally, services: Services
) -> Tenant | None:
    """The tenant, unless the whole delivery is a repeat: most are, and must cost next to nothing."""
    repeats = [
        one for one in known if effect_of(one.arrival, one.signal) is Effect.NOTHING_NEW and not tally.is_rerun(one)
    ]
    return await services.directory.tenant(tenant_id) if len(repeats) < len(arrivals) else None


async def _known_work(
    message: Ingest, known: Sequence[Known], tenant: Tenant | None, tally: Tally, services: Services
) -> tuple[list[_Ready], list[Known]]:
    """What known episodes need, and those that would fire in an incident that was closed for good."""
    ready, again = [], []
    for one in known:
        effect = effect_of(one.arrival, one.signal)
        if _would_fire(effect, one) and await _is_closed_for_good(message.tenant_id, one, tenant, services):
            again.append(one)
            continue
        service = one.arrival.alert.service_name
        mine = tally.is_rerun(one)
        covered = Coverage.COVERED
        if mine:
            policies, at = await policies_of(message.tenant_id, services), one.arrival.received_at
            covered = await coverage(message.tenant_id, tenant, service, services, policies=policies, at=at)
        tally.count(effect, one, coverage=covered)
        if effect is not Effect.NOTHING_NEW or mine:
            work = Work(one.arrival, one.claim.value.signal_id)
            is_rerun = mine and effect is Effect.NOTHING_NEW
            ready.append(_Ready(work, one.incident_id, covered if mine else None, is_rerun=is_rerun))
    return ready, again


def _would_fire(effect: Effect, one: Known) -> bool:
    # Claimed and not recorded: a worker stopped in between, and people may have closed the incident since.
    is_unwritten = effect is Effect.JOINS and one.arrival.alert.status is AlertStatus.FIRING
    return effect is Effect.REFIRES or is_unwritten


async def _is_closed_for_good(tenant_id: TenantId, one: Known, tenant: Tenant | None, services: Services) -> bool:
    incident = await services.incidents.read(tenant_id, one.incident_id)
    window = tenant.reopen_within if tenant else DEFAULT_REOPEN_WITHIN
    service, received = one.arrival.alert.service_name, one.arrival.received_at
    return not correlate(incident.value if incident else None, service, reopen_within=window, now=received).joins


async def _new_work(
    message: Ingest,
    arrivals: Sequence[Arrival],
    known: Sequence[Known],
    again: Sequence[Known],
    tenant: Tenant | None,
    tally: Tally,
    services: Services,
    *,
    now: datetime,
) -> list[_Ready]:
    """What new episodes need: a home for their services, and claims that say so before anything is written."""
    tenant_id = message.tenant_id
    claimed = {one.arrival.alert.episode for one in known}
    unclaimed = [one for one in arrivals if one.alert.episode not in claimed]
    if not (unclaimed or again):
        return []
    by_service = _by_service([*unclaimed, *(one.arrival for one in again)])
    homes = await homes_of(tenant_id, by_service, tenant, services, now=now)
    held = await _take(tenant_id, unclaimed, again, homes, services, now=now)
    ready = []
    # Another worker may have claimed an episode since we looked: then its choice stands.
    for one in await _settled(tenant_id, held, homes, services):
        effect = effect_of(one.arrival, one.signal)
        # Whoever claimed it first may have heard another service of it, one without a home in this delivery.
        home = homes.get(one.arrival.alert.service_name, Home(one.incident_id))
        tally.count(effect, one, coverage=home.coverage)
        link = home.link if home.incident_id == one.incident_id else None
        work = Work(one.arrival, one.claim.value.signal_id, link, is_fresh=_is_ours(one, homes))
        is_rerun = effect is Effect.NOTHING_NEW
        ready.append(_Ready(work, one.incident_id, home.coverage, is_rerun=is_rerun))
    return ready


async def _take(
    tenant_id: TenantId,
    unclaimed: Sequence[Arrival],
    again: Sequence[Known],
    homes: Mapping[str, Home],
    services: Services,
    *,
    now: datetime,
) -> list[Known]:
    wanted = {
        one.alert.episode: new_claim(one, homes[one.alert.service_name].incident_id, now=now, tenant_id=tenant_id)
        for one in unclaimed
    }
    taken = await services.claims.take(tenant_id, list(wanted.values())) if wanted else {}
    held = [known_by(one, taken[one.alert.episode]) for one in unclaimed]
    for one in again:
        home = homes[one.arrival.alert.service_name].incident_id
        claim = next_generation(one.claim.value, one.arrival, home)
        etag = await services.claims.replace(tenant_id, claim, one.claim.etag)
        held.append(replace(one, claim=Versioned(claim, etag), incident_id=home, signal=None))
    return held


async def _settled(
    tenant_id: TenantId, held: Sequence[Known], homes: Mapping[str, Home], services: Services
) -> list[Known]:
    """The claims as they stand; signals are looked for only where a claim is not the one we wanted."""
    others = await with_signals(tenant_id, [one for one in held if not _is_ours(one, homes)], services)
    return [*(one for one in held if _is_ours(one, homes)), *others]


def _is_ours(one: Known, homes: Mapping[str, Home]) -> bool:
    return (
        one.claim.value.receipt_id == one.arrival.receipt_id
        and one.arrival.alert.service_name in homes
        and one.incident_id == homes[one.arrival.alert.service_name].incident_id
    )


async def _record(
    message: Ingest,
    ready: Iterable[_Ready],
    parsed: ParsedDelivery,
    tenant: Tenant | None,
    services: Services,
    *,
    now: datetime,
) -> Recorded:
    recorded = Recorded()
    window = tenant.reopen_within if tenant else DEFAULT_REOPEN_WITHIN
    groups: dict[tuple[IncidentId, Coverage | None], list[_Ready]] = defaultdict(list)
    for one in ready:
        groups[one.incident_id, one.coverage].append(one)
    for (incident_id, covered), group in groups.items():
        recorded |= await record_in_incident(
            message,
            incident_id,
            [one.work for one in group],
            services,
            occasion=Occasion(truncated_alerts=parsed.truncated_alerts, coverage=covered, reopen_within=window),
            rerun=any(one.is_rerun for one in group),
            now=now,
        )
    return recorded


def _by_service(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    groups: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        groups[arrival.alert.service_name].append(arrival)
    return groups
