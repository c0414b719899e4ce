"""People put services where they belong: merge and split. Their word is kept first, so that nothing undoes it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.access.principals import Principal
from shared.errors import Conflict, NotAllowed
from shared.incidents.people import Objection, Plan, merge, services_of, split
from shared.messages import Envelope
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere
from shared.models.base import IncidentId, TenantId
from shared.models.correlation import Correction
from shared.models.incidents import Incident
from shared.models.surroundings import Corrections
from shared.pipeline.auditing import announce
from shared.pipeline.moving import complete, move
from shared.pipeline.placing import DEFAULT_REOPEN_WITHIN
from shared.ports.services import Services

MAX_TRIES = 4
MAX_NAMED_CHARS = 500
_CORRECTIONS = AuditWhere(home=AuditHome.CLAIMS, id=Corrections.id_for())


@dataclass(frozen=True)
class Correcting:
    """Who corrects, through which operation of the API, and the message that what follows is part of."""

    message: Envelope
    principal: Principal
    operation: str
    expects: Callable[[int], None] = lambda _: None
    """Raises when the incident's version is not the one that they saw."""
    is_again: bool = False
    """Whether an earlier run of the same request may have done it."""

    @property
    def tenant_id(self) -> TenantId:
        """Whose incidents."""
        return self.message.tenant_id

    @property
    def by(self) -> str:
        """Who corrects."""
        return self.principal.object_id

    def entry(self, plan: Plan, *, now: datetime) -> AuditEntry:
        """What moves where, for the audit trail."""
        moving = ", ".join(plan.departure.services)[:MAX_NAMED_CHARS]
        return self.principal.entry(
            self.operation,
            AuditAction.UPDATE,
            "incident",
            plan.source,
            before={"services": moving, "incident_id": plan.source},
            after={"services": moving, "incident_id": plan.departure.target, "corrections": len(plan.corrections)},
            now=now,
        )


async def merge_incidents(
    who: Correcting, source_id: IncidentId, target_id: IncidentId, services: Services, *, now: datetime
) -> IncidentId:
    """Move everything of one incident into another and return that; raises NotAllowed with the reason why not."""
    source = await _settled(who, source_id, services, now=now)
    if who.is_again and source.merged_into == target_id:
        return target_id
    who.expects(source.version)
    target = await _settled(who, target_id, services, now=now)
    tenant = await services.directory.tenant(who.tenant_id)
    window = tenant.reopen_within if tenant else DEFAULT_REOPEN_WITHIN
    return await _carry_out(who, merge(source, target, by=who.by, now=now, reopen_within=window), services, now=now)


async def split_incident(
    who: Correcting,
    source_id: IncidentId,
    names: Collection[str] | Objection,
    services: Services,
    *,
    signal_ids: Collection[str] = (),
    now: datetime,
) -> IncidentId:
    """Move some services to an incident of their own and return that; raises NotAllowed with the reason why not.

    `signal_ids` names services by all of their signals.
    """
    source = await _settled(who, source_id, services, now=now)
    who.expects(source.version)
    if signal_ids:
        held = await services.incidents.signals(who.tenant_id, source_id)
        names = services_of(signal_ids, [one.value for one in held if one.value.is_alert])
    plan = names if isinstance(names, Objection) else split(source, names, by=who.by, now=now)
    return await _carry_out(who, plan, services, now=now)


async def _settled(who: Correcting, incident_id: IncidentId, services: Services, *, now: datetime) -> Incident:
    """The incident after any move that a crash left half done."""
    await complete(who.message, incident_id, services, now=now)
    held = await services.incidents.read(who.tenant_id, incident_id)
    if held is None:
        raise _refused(Objection.UNKNOWN_INCIDENT)
    return held.value


async def _carry_out(who: Correcting, plan: Plan | Objection, services: Services, *, now: datetime) -> IncidentId:
    if isinstance(plan, Objection):
        raise _refused(plan)
    entry = who.entry(plan, now=now)
    await announce(who.tenant_id, entry, _CORRECTIONS, services)
    await _keep(who, plan.corrections, entry, services)
    await move(who.message, plan.source, plan.departure, services, now=now)
    return plan.departure.target


def _refused(objection: Objection) -> NotAllowed:
    return NotAllowed(objection.words, reason=objection.value)


async def _keep(who: Correcting, corrections: Sequence[Correction], entry: AuditEntry, services: Services) -> None:
    """Keep a person's word, and with it the audit entry: it is the first that changes, and what leads to the rest."""
    for _ in range(MAX_TRIES):
        held = await services.surroundings.corrections(who.tenant_id)
        kept = held.value if held else Corrections(id=Corrections.id_for(), tenant_id=who.tenant_id)
        for correction in corrections:
            kept = kept.with_correction(correction)
        audited = kept.with_audit(entry)
        try:
            await services.surroundings.keep(who.tenant_id, audited, held.etag if held else None)
        except Conflict:
            continue
        return
    raise Conflict(f"the corrections changed {MAX_TRIES} times while one was added")
