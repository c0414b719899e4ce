"""Carry out what people do to an incident: decided on what is there, announced, written, told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.access.principals import Principal
from shared.errors import Conflict, NotAllowed
from shared.incidents.acting import Acted, Denied, Outcome, Person, assigned, edited, looked_at_again, moved, noted
from shared.incidents.people import Objection
from shared.messages import Envelope
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere
from shared.models.base import IncidentId, ReceiptId, TenantId
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Severity
from shared.pipeline.auditing import announce
from shared.pipeline.labelling import keep_labels
from shared.pipeline.recording import pass_on, watch_over
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from shared.telemetry import logger

log = logger(__name__)

MAX_TRIES = 8

Decide = Callable[[Incident, Person], Outcome]
Decision = Callable[[Incident, Person], Awaitable[Outcome]]
"""One that has to read what else belongs to the incident; it is asked anew for every try."""


@dataclass(frozen=True)
class Acting:
    """Who acts, in which run of which request; `expects` raises when the incident's version is not what they saw."""

    principal: Principal
    operation: str
    run_id: str
    is_again: bool
    expects: Callable[[int], None]
    now: datetime

    @property
    def tenant_id(self) -> TenantId:
        """Whose incidents."""
        return self.principal.tenant_id

    @property
    def message(self) -> Envelope:
        """What follows is part of this."""
        request_id = self.principal.requested_from.request_id
        return Envelope(
            tenant_id=self.tenant_id, receipt_id=ReceiptId(f"api-{request_id}"), correlation_id=request_id
        )


async def move_incident(who: Acting, incident_id: IncidentId, to: IncidentState, services: Services) -> Incident:
    """Put an incident into another state; raises NotAllowed with the moves that are allowed."""
    return await _act(who, incident_id, lambda incident, person: moved(incident, to, person), services)


async def assign_incident(who: Acting, incident_id: IncidentId, to: str | None, services: Services) -> Incident:
    """Give an incident to an active user of the tenant, or to nobody."""
    user = await services.directory.user_by_object_id(who.tenant_id, to) if to else None
    if to and (user is None or not user.is_active):
        raise NotAllowed("there is no active user with this id", reason="unknown_user")
    return await _act(who, incident_id, lambda incident, person: assigned(incident, to, person), services)


async def edit_incident(
    who: Acting, incident_id: IncidentId, services: Services, *, title: str | None, severity: Severity | None
) -> Incident:
    """Give an incident another title or severity."""
    return await _act(who, incident_id, partial(edited, title=title, severity=severity), services)


async def add_note(who: Acting, incident_id: IncidentId, text: str, services: Services) -> Incident:
    """Write something down at an incident."""
    return await _act(who, incident_id, lambda incident, person: noted(incident, text, person), services)


async def look_again(who: Acting, incident_id: IncidentId, services: Services) -> Incident:
    """Have the context of an incident looked at once more."""
    return await _act(who, incident_id, looked_at_again, services)


async def _act(who: Acting, incident_id: IncidentId, decide: Decide, services: Services) -> Incident:
    async def decision(incident: Incident, person: Person) -> Outcome:
        return decide(incident, person)

    return await act(who, incident_id, decision, services)


async def act(who: Acting, incident_id: IncidentId, decide: Decision, services: Services) -> Incident:
    """Decide and write until one write holds; every try decides on the incident as it then is."""
    person = Person(who.principal.object_id, who.operation, who.run_id, who.now)
    is_announced, maybe_done = False, who.is_again
    for _ in range(MAX_TRIES):
        async with turn(who.tenant_id, incident_id):
            current = await services.incidents.read(who.tenant_id, incident_id)
            if current is None:
                raise NotAllowed(Objection.UNKNOWN_INCIDENT.words, reason=Objection.UNKNOWN_INCIDENT.value)
            before = current.value
            if maybe_done and await _is_told(who.tenant_id, before.incident_id, person, services):
                await _told_on(who, before, services, is_reopened=before.is_open, must_look=True)
                return before
            who.expects(before.version)
            acted = _allowed(await decide(before, person))
            if acted is None:
                return before
            change = _change(who, acted, current.etag)
            if not is_announced:
                await _announce(who, acted, services)
                is_announced = True
            try:
                await services.incidents.commit(who.tenant_id, change)
            except Conflict:
                # The write that is there may be our own, whose answer was lost on the way.
                maybe_done = True
                continue
        log.info("incident_acted_on", extra={"incident_id": incident_id, "operation": who.operation})
        after = acted.incident
        is_reopened = after.is_open and not before.is_open
        must_look = after.context_trigger != before.context_trigger
        await _told_on(who, after, services, is_reopened=is_reopened, must_look=must_look)
        return after
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while somebody acted on it")


async def _is_told(tenant_id: TenantId, incident_id: IncidentId, person: Person, services: Services) -> bool:
    told = await services.incidents.timeline_entry(tenant_id, incident_id, person.told_id(incident_id))
    return told is not None


def _allowed(outcome: Outcome) -> Acted | None:
    if not isinstance(outcome, Denied):
        return outcome
    wait = outcome.retry_after
    raise NotAllowed(
        outcome.words,
        reason=outcome.reason.value,
        allowed=None if outcome.allowed is None else [state.value for state in outcome.allowed],
        retry_after_seconds=max(1, round(wait / timedelta(seconds=1))) if wait else None,
    )


async def _announce(who: Acting, acted: Acted, services: Services) -> None:
    """Before the write: the audit trail hears of it. Whoever seals it passes it on, although this worker may not."""
    incident_id = acted.incident.incident_id
    where = AuditWhere(home=AuditHome.INCIDENTS, id=incident_id, part=incident_id)
    await announce(who.tenant_id, _entry(who, acted), where, services)


def _entry(who: Acting, acted: Acted) -> AuditEntry:
    return who.principal.entry(
        who.operation,
        AuditAction.UPDATE,
        "incident",
        acted.incident.incident_id,
        before=acted.before,
        after=acted.after,
        now=who.now,
    )


def _change(who: Acting, acted: Acted, etag: str) -> IncidentChange:
    incident = acted.incident.with_audit(_entry(who, acted))
    return IncidentChange(
        incident=incident, etag=etag, timeline=[acted.told], said=acted.said, said_anew=acted.said_anew
    )


async def _told_on(
    who: Acting, incident: Incident, services: Services, *, is_reopened: bool, must_look: bool
) -> None:
    if is_reopened:
        await watch_over(who.tenant_id, incident, services, now=who.now)
    await pass_on(who.message, incident, services, must_look=must_look)


async def follow_up(message: Envelope, incident_id: IncidentId, services: Services, *, now: datetime) -> None:
    """What follows from an action, for a worker that did not live to see to it; done before, it changes nothing."""
    held = await services.incidents.read(message.tenant_id, incident_id)
    if held is None:
        return
    await watch_over(message.tenant_id, held.value, services, now=now)
    await pass_on(message, held.value, services, must_look=True)
    if held.value.said_at is not None:
        await keep_labels(message.tenant_id, incident_id, services, now=now)
