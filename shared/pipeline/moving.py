"""Move services between incidents. A move is announced first, so whoever meets it half done completes it."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.errors import Conflict
from shared.incidents.moving import arrived, begun, left
from shared.messages import Check, Envelope, QueueName
from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim
from shared.models.incidents import Departure, Incident
from shared.models.schedule import WorkKind
from shared.models.signals import AlertStatus, Signal
from shared.pipeline.measuring import count_incident
from shared.pipeline.recording import pass_on, watch_over
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import continued, logger

log = logger(__name__)

MAX_TRIES = 8
MAX_HOPS = 8
SIGNALS_PER_WRITE = 45
CHECK_AFTER_SECONDS = 60.0


async def move(
    message: Envelope, source_id: IncidentId, departure: Departure, services: Services, *, now: datetime
) -> frozenset[IncidentId]:
    """Move services as wanted, after any move of the source that is half done; returns the incidents changed."""
    changed: set[IncidentId] = set()
    for _ in range(MAX_TRIES):
        source = await services.incidents.read(message.tenant_id, source_id)
        if source is None:
            return frozenset(changed)
        if source.value.departing:
            changed |= await complete(message, source_id, services, now=now)
            continue
        wanted = _still_wanted(source.value, departure)
        if wanted is None or not await _takes(message.tenant_id, wanted.target, services, is_new=wanted.opens_target):
            # Who wanted it may have gone by a list that is behind: another worker made the move and stopped there.
            await _tell(message, (source_id, departure.target), services)
            return frozenset(changed)
        # Sent before the move is begun: it must come to its end although this worker does not.
        await services.queues.send(QueueName.CHECKS, _check_on(message, source_id), delay_seconds=CHECK_AFTER_SECONDS)
        try:
            async with turn(message.tenant_id, source_id):
                await services.incidents.commit(message.tenant_id, begun(source, wanted, now=now))
        except Conflict:
            continue
        log.info("services_moving", extra={"incident_id": source_id, "services": len(wanted.services)})
        return frozenset(changed | await complete(message, source_id, services, now=now))
    raise Conflict(f"incident {source_id} moved {MAX_TRIES} times while services were to leave it")


async def complete(
    message: Envelope, source_id: IncidentId, services: Services, *, now: datetime
) -> frozenset[IncidentId]:
    """Bring a begun move to its end, from wherever it stopped; returns the incidents changed."""
    tenant_id = message.tenant_id
    source = await services.incidents.read(tenant_id, source_id)
    if source is None or source.value.departing is None:
        return frozenset()
    departure = source.value.departing
    held = await _alerts(tenant_id, source_id, services)
    # What fires arrives first: a target that heard of resolved alerts only would be resolved at once.
    going = sorted(
        (one for one in held if one.value.service_name in departure.services),
        key=lambda one: one.value.status is not AlertStatus.FIRING,
    )
    target_id = await _arrive(tenant_id, source.value, [held.value for held in going], services, now=now)
    await _repoint(tenant_id, source_id, target_id, going, departure, services)
    await _leave(tenant_id, source_id, target_id, departure, len(going), services, now=now)
    opened = await services.incidents.read(tenant_id, target_id) if departure.opens_target else None
    if opened:
        await watch_over(tenant_id, opened.value, services, now=now)
    await _tell(message, (source_id, target_id), services)
    return frozenset({source_id, target_id})


async def _alerts(tenant_id: TenantId, source_id: IncidentId, services: Services) -> list[Versioned[Signal]]:
    """What can move: deviations that a look found stay beside its snapshot."""
    return [one for one in await services.incidents.signals(tenant_id, source_id) if one.value.is_alert]


async def _tell(message: Envelope, incident_ids: Sequence[IncidentId], services: Services) -> None:
    """Bring the list up to these incidents, and have looked at what wants it."""
    for incident_id in incident_ids:
        current = await services.incidents.read(message.tenant_id, incident_id)
        if current:
            await pass_on(message, current.value, services, must_look=True)


def _check_on(message: Envelope, source_id: IncidentId) -> Check:
    return Check(
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        correlation_id=message.correlation_id,
        traceparent=continued(message.traceparent),
        work_id=f"move-{source_id}",
        kind=WorkKind.COMPLETE_MOVE,
        subject=source_id,
    )


def _still_wanted(source: Incident, departure: Departure) -> Departure | None:
    """The move as far as it can be made: services that have left meanwhile are left out."""
    present = {node.service_name for node in source.services}
    going = tuple(name for name in departure.services if name in present)
    if not going or source.merged_into or departure.target == source.incident_id:
        return None
    return departure.model_copy(update={"services": going})


async def _takes(tenant_id: TenantId, target_id: IncidentId, services: Services, *, is_new: bool) -> bool:
    target = await services.incidents.read(tenant_id, target_id)
    return is_new if target is None else target.value.is_open


async def _arrive(
    tenant_id: TenantId, source: Incident, going: Sequence[Signal], services: Services, *, now: datetime
) -> IncidentId:
    """Create the signals in the target (or where that was merged into meanwhile), and return where they are."""
    if source.departing is None:
        raise ValueError("nothing is departing")
    target_id = source.departing.target
    for group in _chunks(going):
        target_id = await _arrive_some(tenant_id, source, target_id, group, services, now=now)
    return target_id


async def _arrive_some(
    tenant_id: TenantId,
    source: Incident,
    target_id: IncidentId,
    group: Sequence[Signal],
    services: Services,
    *,
    now: datetime,
) -> IncidentId:
    for _ in range(MAX_TRIES):
        async with turn(tenant_id, target_id):
            target = await services.incidents.read(tenant_id, target_id)
            if target and target.value.merged_into:
                target_id = target.value.merged_into
                continue
            ids = [SignalId(signal.id) for signal in group]
            held = await services.incidents.signals(tenant_id, target_id, ids) if target else []
            present = {one.value.id: one for one in held}
            change = arrived(target, target_id, source, group, present, now=now)
            if change is None:
                return target_id
            try:
                await services.incidents.commit(tenant_id, change)
            except Conflict:
                continue
            return target_id
    raise Conflict(f"incident {target_id} moved {MAX_TRIES} times while services came to it")


async def _repoint(
    tenant_id: TenantId,
    source_id: IncidentId,
    target_id: IncidentId,
    going: Sequence[Versioned[Signal]],
    departure: Departure,
    services: Services,
) -> None:
    """Point the claims at the target. One that is missed leads there too, by what the source says of who left."""
    episodes = [held.value.normalized_data.episode for held in going]
    claims = await services.claims.episodes(tenant_id, episodes)
    opened = await services.claims.open_incidents(tenant_id, list(departure.services))
    held: list[Versioned[EpisodeClaim] | Versioned[OpenIncidentClaim]] = [*claims.values(), *opened.values()]
    of_source = [one for one in held if one.value.incident_id == source_id]
    await asyncio.gather(*(_repointed(tenant_id, one, target_id, services) for one in of_source))


async def _repointed(
    tenant_id: TenantId,
    held: Versioned[EpisodeClaim] | Versioned[OpenIncidentClaim],
    target_id: IncidentId,
    services: Services,
) -> None:
    try:
        moved = held.value.model_copy(update={"incident_id": target_id})
        await services.claims.replace(tenant_id, moved, held.etag)
    except Conflict:
        # Somebody pointed it elsewhere since it was read, which is later news than ours.
        return


async def _leave(
    tenant_id: TenantId,
    source_id: IncidentId,
    target_id: IncidentId,
    departure: Departure,
    going: int,
    services: Services,
    *,
    now: datetime,
) -> None:
    """Remove the signals from the source; those that another worker removed already are left out."""
    for _ in range(MAX_TRIES + going // SIGNALS_PER_WRITE):
        async with turn(tenant_id, source_id):
            source = await services.incidents.read(tenant_id, source_id)
            if source is None or source.value.departing != departure:
                return
            held = await _alerts(tenant_id, source_id, services)
            remaining = [one for one in held if one.value.service_name in departure.services]
            group = remaining[:SIGNALS_PER_WRITE]
            is_last = len(group) == len(remaining)
            staying = [one.value for one in held if one.value.service_name not in departure.services]
            change = left(source, target_id, group, staying, is_last=is_last, now=now)
            try:
                await services.incidents.commit(tenant_id, change)
            except Conflict:
                continue
            if is_last:
                if change.incident.merged_into:
                    count_incident("merged")
                return
    raise Conflict(f"incident {source_id} moved too often while services left it")


def _chunks(signals: Sequence[Signal]) -> Iterator[Sequence[Signal]]:
    for start in range(0, len(signals), SIGNALS_PER_WRITE):
        yield signals[start : start + SIGNALS_PER_WRITE]
