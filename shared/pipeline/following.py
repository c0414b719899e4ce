"""Follow the sender's incident: acknowledgements and notes travel, and its merges are merges of ours."""

from collections.abc import Sequence
from datetime import datetime

from shared.errors import Conflict
from shared.incidents.following import followed, parted_by_merge, told_id
from shared.incidents.recording import Work
from shared.messages import Ingest
from shared.models.base import IncidentId
from shared.models.correlation import Joined, Membership
from shared.models.incidents import Departure
from shared.models.signals import AlertStatus, Arrival, ExternalAction, ExternalUpdate, episode_of
from shared.pipeline.finding import Episode, find_episode
from shared.pipeline.moving import move
from shared.pipeline.recording import record_in_incident
from shared.pipeline.telling import tell_list
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 8


async def follow(message: Ingest, updates: Sequence[ExternalUpdate], services: Services, *, now: datetime) -> None:
    """Do to our incidents what was done at the sender; an incident that we do not know is left alone."""
    for update in updates:
        known = await find_episode(message.tenant_id, update.episode, services)
        if known is None:
            log.info("followed_nothing", extra={"reason": "unknown_incident", "action": update.action.value})
            continue
        if update.action is ExternalAction.MERGED:
            await _merge(message, known, update, services, now=now)
        await _tell(message, known.incident_id, update, services, now=now)


async def _tell(
    message: Ingest, incident_id: IncidentId, update: ExternalUpdate, services: Services, *, now: datetime
) -> None:
    for _ in range(MAX_TRIES):
        async with turn(message.tenant_id, incident_id):
            current = await services.incidents.read(message.tenant_id, incident_id)
            if current is None:
                return
            told = await services.incidents.timeline(message.tenant_id, incident_id)
            change = followed(current, update, now=now)
            after = current.value
            if change and told_id(current.value, update) not in {entry.id for entry in told}:
                try:
                    await services.incidents.commit(message.tenant_id, change)
                except Conflict:
                    continue
                after = change.incident
        # Also when it was told before: an earlier run may have stopped right here.
        await tell_list(message.tenant_id, after, services)
        return
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while its sender was followed")


async def _merge(
    message: Ingest, known: Episode, update: ExternalUpdate, services: Services, *, now: datetime
) -> None:
    """The sender merged its incident into another: ours goes along, and its alert is over without being fixed."""
    signal, other = known.signal, None
    if update.merged_into:
        episode = episode_of(signal.source, update.merged_into, None)
        other = await find_episode(message.tenant_id, episode, services)
    if other and other.incident_id != known.incident_id:
        link = Membership(reason=Joined.BY_SENDER, leans_on=other.signal.service_name, at=update.at)
        departure = Departure(
            services=(signal.service_name,),
            target=other.incident_id,
            memberships={signal.service_name: link},
            by=f"sender:{signal.source.value}",
            at=now,
        )
        await move(message, known.incident_id, departure, services, now=now)
    over = signal.normalized_data.model_copy(
        update={"status": AlertStatus.RESOLVED, "ends_at": update.at, "said_at": update.at}
    )
    arrival = Arrival(
        alert=over,
        received_at=message.received_at,
        receipt_id=message.receipt_id,
        raw_pointer=signal.raw_pointer,
        integration_id=signal.integration_id,
    )
    work = [Work(arrival, known.claim.signal_id)]
    done = await record_in_incident(message, known.incident_id, work, services, rerun=True, now=now)
    if not other:
        for incident_id in done.incident_ids:
            await _close_unfixed(message, incident_id, services, now=now)


async def _close_unfixed(message: Ingest, incident_id: IncidentId, services: Services, *, now: datetime) -> None:
    for _ in range(MAX_TRIES):
        async with turn(message.tenant_id, incident_id):
            current = await services.incidents.read(message.tenant_id, incident_id)
            change = parted_by_merge(current, now=now) if current else None
            if change is None:
                return
            try:
                await services.incidents.commit(message.tenant_id, change)
            except Conflict:
                continue
        await tell_list(message.tenant_id, change.incident, services)
        return
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while it was closed")
