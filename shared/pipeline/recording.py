"""Write what alerts change into one incident, and ask for its context. Shared by everything that adds signals."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Conflict
from shared.incidents.correlate import home_after
from shared.incidents.lifecycle import HeldOpen
from shared.incidents.looking import needs_context
from shared.incidents.nodes import is_news
from shared.incidents.recording import PLAIN, Occasion, Work, record
from shared.incidents.silence import schedule_auto_resolve, schedule_damping, schedule_end_of_maintenance
from shared.messages import BuildContext, Envelope, QueueName
from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.incidents import Incident, Suppressed
from shared.models.signals import Signal
from shared.pipeline.measuring import count_incident
from shared.pipeline.telling import tell_list
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.telemetry import continued, logger

log = logger(__name__)

MAX_TRIES = 8
MAX_HOPS = 8
ALERTS_PER_WRITE = 45
"""One batch takes 100 operations and two megabytes: the incident, a signal each, at most five timeline entries."""


@dataclass(frozen=True)
class Recorded:
    """What recording did: where the alerts ended up, and whether correlation may decide differently now."""

    incident_ids: frozenset[IncidentId] = frozenset()
    is_news: bool = False

    def __or__(self, other: "Recorded") -> "Recorded":
        """Both together."""
        return Recorded(self.incident_ids | other.incident_ids, self.is_news or other.is_news)


@dataclass(frozen=True)
class _Written:
    """One write: the incident as it stands afterwards (None: nothing of this was for it), and what it was."""

    incident: Incident | None
    opened: bool = False
    """Whether its context must be looked at."""
    began: bool = False
    """Whether it was opened or reopened."""
    is_news: bool = False
    strays: Sequence[tuple[IncidentId, Work]] = ()


async def record_in_incident(
    message: Envelope,
    incident_id: IncidentId,
    work: Sequence[Work],
    services: Services,
    *,
    occasion: Occasion = PLAIN,
    rerun: bool,
    now: datetime,
) -> Recorded:
    """Record alerts in an incident and pass it on; alerts of services that have left it follow them.

    `rerun`: an earlier run may have recorded them but not passed the incident on.
    """
    recorded = Recorded()
    waiting: dict[IncidentId, list[Work]] = {incident_id: list(work)}
    for _ in range(MAX_HOPS):
        strays: dict[IncidentId, list[Work]] = defaultdict(list)
        for home, group in waiting.items():
            done, gone = await _record_here(message, home, group, services, occasion=occasion, rerun=rerun, now=now)
            recorded |= done
            for elsewhere, one in gone:
                strays[elsewhere].append(one)
        if not strays:
            return recorded
        waiting = strays
    raise Conflict(f"alerts of incident {incident_id} were sent on {MAX_HOPS} times")


async def _record_here(
    message: Envelope,
    incident_id: IncidentId,
    work: Sequence[Work],
    services: Services,
    *,
    occasion: Occasion,
    rerun: bool,
    now: datetime,
) -> tuple[Recorded, list[tuple[IncidentId, Work]]]:
    incident, must_look, began, news = None, rerun, rerun, rerun
    strays: list[tuple[IncidentId, Work]] = []
    for group in _chunks(work):
        async with turn(message.tenant_id, incident_id):
            written = await _write(message.tenant_id, incident_id, group, services, occasion=occasion, now=now)
        incident = written.incident or incident
        must_look, began, news = must_look or written.opened, began or written.began, news or written.is_news
        strays += written.strays
    if incident is None:
        return Recorded(), strays
    if began:
        await watch_over(message.tenant_id, incident, services, now=now)
    if incident.held_open == HeldOpen.FLAPPING:
        await watch_damping(message.tenant_id, incident, services, now=now)
    await pass_on(message, incident, services, must_look=must_look)
    return Recorded(frozenset({incident_id}), news), strays


async def watch_over(tenant_id: TenantId, incident: Incident, services: Services, *, now: datetime) -> None:
    """Have somebody look after an incident that nobody resolves."""
    if incident.is_open:
        tenant = await services.directory.tenant(tenant_id)
        await services.schedule.put(tenant_id, schedule_auto_resolve(tenant, incident, now=now))
        if incident.suppressed is Suppressed.IN_MAINTENANCE:
            await services.schedule.put(tenant_id, schedule_end_of_maintenance(incident, now=now))


async def watch_damping(tenant_id: TenantId, incident: Incident, services: Services, *, now: datetime) -> None:
    """Have an incident that is held open for flapping looked at when its damping period is over."""
    tenant = await services.directory.tenant(tenant_id)
    work = schedule_damping(tenant, incident, now=now)
    for _ in range(MAX_TRIES):
        await services.schedule.put(tenant_id, work)
        held = await services.schedule.read(tenant_id, work.id)
        if held is None:
            continue
        if held.value.due_at <= work.due_at:
            return
        try:
            sooner = held.value.model_copy(update={"due_at": work.due_at})
            await services.schedule.replace(tenant_id, sooner, held.etag)
        except Conflict:
            continue
        return
    raise Conflict(f"due work {work.id} moved {MAX_TRIES} times")


async def pass_on(message: Envelope, incident: Incident, services: Services, *, must_look: bool) -> None:
    """Tell the list, and have the context looked at where that is wanted."""
    await tell_list(message.tenant_id, incident, services)
    if must_look and needs_context(incident):
        await services.queues.send(QueueName.CONTEXT, _build_context(message, incident))


async def list_latest(tenant_id: TenantId, incident_id: IncidentId, services: Services) -> None:
    """Bring the list up to the incident as it stands."""
    current = await services.incidents.read(tenant_id, incident_id)
    if current is not None:
        await tell_list(tenant_id, current.value, services)


async def _write(
    tenant_id: TenantId,
    incident_id: IncidentId,
    work: Sequence[Work],
    services: Services,
    *,
    occasion: Occasion,
    now: datetime,
) -> _Written:
    """Record those alerts whose services are in the incident, and tell where the others went."""
    for attempt in range(MAX_TRIES):
        current = await services.incidents.read(tenant_id, incident_id)
        here, strays = _sorted_by_home(incident_id, current, work)
        if not here:
            return _Written(None, strays=strays)
        # Whoever took a claim just now writes its signal first, unless a write of its own was repeated.
        unsure = [one.signal_id for one in here if attempt or not one.is_fresh]
        known = await _signals(tenant_id, incident_id, unsure, services) if current else {}
        earlier = None if current else await _earlier(tenant_id, incident_id, here, services)
        try:
            change = record(tenant_id, incident_id, current, known, here, occasion=occasion, earlier=earlier, now=now)
        except Conflict:
            # They came by a list that still called it open; without this they would come here again.
            await list_latest(tenant_id, incident_id, services)
            raise
        if change is None:
            # After a conflict the write that is there may be our own, whose answer was lost on the way.
            maybe = attempt > 0
            return _Written(current.value if current else None, maybe, maybe, maybe, strays)
        try:
            await services.incidents.commit(tenant_id, change)
        except Conflict:
            continue
        opened = current is None or current.value.context_trigger != change.incident.context_trigger
        news = is_news(current.value.services if current else (), change.incident.services)
        log.info("signals_recorded", extra={"incident_id": incident_id, "signals": len(here), "opened": opened})
        began = _begins(current, change)
        return _Written(change.incident, opened, began, news, strays)
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while alerts were recorded")


def _begins(current: Versioned[Incident] | None, change: IncidentChange) -> bool:
    """Whether a write opened the incident, or opened it again; it is counted."""
    began = change.incident.is_open and (current is None or not current.value.is_open)
    if began:
        count_incident("reopened" if current else "opened")
    return began


async def _signals(
    tenant_id: TenantId, incident_id: IncidentId, ids: Sequence[SignalId], services: Services
) -> dict[str, Versioned[Signal]]:
    """What is written of these alerts."""
    held = await services.incidents.signals(tenant_id, incident_id, ids) if ids else []
    return {one.value.id: one for one in held}


async def _earlier(
    tenant_id: TenantId, incident_id: IncidentId, work: Sequence[Work], services: Services
) -> IncidentId | None:
    """What the incident to be opened comes after: kept with the claim, since whoever took that may have stopped."""
    names = sorted({one.arrival.alert.service_name for one in work})
    claims = await services.claims.open_incidents(tenant_id, names)
    of_this = [held.value.earlier_incident_id for held in claims.values() if held.value.incident_id == incident_id]
    return next((earlier for earlier in of_this if earlier), None)


def _sorted_by_home(
    incident_id: IncidentId, current: Versioned[Incident] | None, work: Sequence[Work]
) -> tuple[list[Work], list[tuple[IncidentId, Work]]]:
    if current is None:
        return list(work), []
    homes = [(home_after(current.value, one.arrival.alert.service_name), one) for one in work]
    here = [one for home, one in homes if home == incident_id]
    return here, [(home, one) for home, one in homes if home != incident_id]


def _build_context(message: Envelope, incident: Incident) -> BuildContext:
    return BuildContext(
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        correlation_id=message.correlation_id,
        traceparent=continued(message.traceparent),
        incident_id=incident.incident_id,
        trigger=incident.context_trigger,
    )


def _chunks(work: Sequence[Work]) -> Iterator[Sequence[Work]]:
    for start in range(0, len(work), ALERTS_PER_WRITE):
        yield work[start : start + ALERTS_PER_WRITE]
