"""Carry out what people say of answers and causes: kept with the incident, told, and made into labels."""

from collections.abc import Callable
from typing import NamedTuple

from shared.errors import NotAllowed
from shared.incidents.acting import Outcome, Person
from shared.incidents.saying import Cause, Said, Verdict, explained, judged
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.evidence import ChangeEvidence
from shared.models.feedback import Feedback, FeedbackVerdict, Resolution
from shared.models.hypotheses import HypothesisSet
from shared.models.incidents import Incident
from shared.pipeline.acting import Acting, act
from shared.pipeline.labelling import keep_labels
from shared.ports.services import Services


class Wanted(NamedTuple):
    """What a person says was the cause, in the API's words; `snapshot_id` None is the latest answer's."""

    root_service: str | None
    root_change: str | None
    cause: str
    fixed_by: str
    snapshot_id: SnapshotId | None


async def give_feedback(
    who: Acting,
    answer: HypothesisSet,
    services: Services,
    *,
    rank: int,
    verdict: FeedbackVerdict,
    note: str,
) -> tuple[Incident, Feedback]:
    """Keep a verdict on a hypothesis that is there; return the incident and the verdict as they then are."""
    one = next(found for found in answer.hypotheses if found.rank == rank)
    given = Verdict(answer, rank, verdict, note, one.raw_confidence)
    incident = await _say(who, answer.incident_id, lambda *on: judged(on[0], given, on[1], on[2]), services)
    feedback_id = Feedback.id_for(answer.id, rank, who.principal.object_id)
    held = await services.incidents.feedback(who.tenant_id, answer.incident_id)
    return incident, next(one.value for one in held if one.value.id == feedback_id)


async def name_cause(
    who: Acting, incident: Incident, wanted: Wanted, services: Services
) -> tuple[Incident, Resolution]:
    """Keep what was the cause; raises NotAllowed for a change that the snapshot does not show."""
    named = await _located(who.tenant_id, incident, wanted, services)
    after = await _say(who, incident.incident_id, lambda *on: explained(on[0], named, on[1], on[2]), services)
    held = await services.incidents.resolution(who.tenant_id, incident.incident_id)
    if held is None:
        raise NotAllowed("the incident of this cause is not there", reason="unknown_incident")
    return after, held.value


async def _say(
    who: Acting,
    incident_id: IncidentId,
    decide: Callable[[Incident, Said, Person], Outcome],
    services: Services,
) -> Incident:
    async def decision(incident: Incident, person: Person) -> Outcome:
        return decide(incident, await said_of(who.tenant_id, incident_id, services), person)

    incident = await act(who, incident_id, decision, services)
    await keep_labels(who.tenant_id, incident_id, services, now=who.now)
    return incident


async def said_of(tenant_id: TenantId, incident_id: IncidentId, services: Services) -> Said:
    """What people said of an incident so far."""
    feedback = await services.incidents.feedback(tenant_id, incident_id)
    return Said(feedback, await services.incidents.resolution(tenant_id, incident_id))


async def _located(tenant_id: TenantId, incident: Incident, wanted: Wanted, services: Services) -> Cause:
    """The cause with the snapshot that shows it and the answer that it judges."""
    answers = await services.incidents.all_hypotheses(tenant_id, incident.incident_id)
    last = next((one for one in answers if one.id == incident.latest_hypotheses_id), None)
    snapshot_id = wanted.snapshot_id or (last.snapshot_id if last else incident.latest_snapshot_id)
    if wanted.root_change is not None:
        await _require_change(tenant_id, incident, snapshot_id, wanted.root_change, services)
    return Cause(
        root_service=wanted.root_service,
        root_change=wanted.root_change,
        words=wanted.cause,
        fixed_by=wanted.fixed_by,
        snapshot_id=snapshot_id,
        hypotheses_id=last.id if last else None,
    )


async def _require_change(
    tenant_id: TenantId, incident: Incident, snapshot_id: SnapshotId | None, change: str, services: Services
) -> None:
    snapshot = (
        await services.incidents.snapshot(tenant_id, incident.incident_id, snapshot_id) if snapshot_id else None
    )
    shown = snapshot.body.evidence() if snapshot else ()
    if not any(isinstance(piece, ChangeEvidence) and piece.id == change for piece in shown):
        raise NotAllowed("the snapshot shows no change with this id", reason="unknown_change")
