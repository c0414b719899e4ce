"""Refine ranked hypotheses with the model: render, propose, verify, keep. The ranked answer is there already."""

from datetime import datetime

from shared.errors import Conflict, Malformed
from shared.hypotheses.answer import refine
from shared.incidents.timeline import entry
from shared.messages import Hypothesise
from shared.models.base import TenantId
from shared.models.hypotheses import GeneratedBy, HypothesisSet
from shared.models.incidents import Incident, TimelineEvent
from shared.models.quantities import several
from shared.pipeline.checking import run_checks
from shared.pipeline.recording import MAX_TRIES, list_latest
from shared.pipeline.snapshots import whole_snapshot
from shared.pipeline.turns import turn
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.telemetry import logger

log = logger(__name__)

MODEL_SECONDS = 20.0
"""Of the 30 seconds that a page may take to its hypotheses."""


async def hypothesise(message: Hypothesise, services: Services, *, now: datetime) -> None:
    """Answer for one snapshot, once; raises Malformed when its snapshot is not there."""
    tenant_id, incident_id = message.tenant_id, message.incident_id
    snapshot = await whole_snapshot(tenant_id, incident_id, message.snapshot_id, services)
    answers = await services.incidents.all_hypotheses(tenant_id, incident_id)
    of_snapshot = [one for one in answers if one.snapshot_id == message.snapshot_id]
    ranked = next((one for one in of_snapshot if is_ranking(one)), None)
    if snapshot is None or ranked is None:
        raise Malformed("the snapshot of this message is not there", reason="snapshot_gone")
    if any(not is_ranking(one) for one in of_snapshot):
        # An earlier run answered; it may have stopped before it told the list.
        await list_latest(tenant_id, incident_id, services)
        return
    refined = await refine(snapshot, ranked, services.model, now=now, timeout_seconds=MODEL_SECONDS)
    refined = await run_checks(tenant_id, refined, services, at=snapshot.body.window_end)
    log.info("hypotheses_refined", extra={"incident_id": incident_id, "reason": refined.reason})
    await _keep(tenant_id, refined, services, now=now)


def is_ranking(answer: HypothesisSet) -> bool:
    """Whether an answer is the one that stands before the model was asked."""
    return answer.generated_by is GeneratedBy.RANKER and answer.reason == "ranked"


async def _keep(tenant_id: TenantId, answer: HypothesisSet, services: Services, *, now: datetime) -> None:
    for _ in range(MAX_TRIES):
        async with turn(tenant_id, answer.incident_id):
            current = await services.incidents.read(tenant_id, answer.incident_id)
            if current is None:
                raise Malformed("the incident of these hypotheses is not there", reason="incident_gone")
            change = with_answer(current, answer, now=now)
            try:
                await services.incidents.commit(tenant_id, change)
            except Conflict:
                if not await services.incidents.hypotheses(tenant_id, answer.incident_id, answer.id):
                    continue
        await list_latest(tenant_id, answer.incident_id, services)
        return
    raise Conflict(f"incident {answer.incident_id} moved {MAX_TRIES} times while an answer was kept")


def with_answer(current: Versioned[Incident], answer: HypothesisSet, *, now: datetime) -> IncidentChange:
    """The change that adds an answer; it becomes the latest unless a newer snapshot has been taken since."""
    before = current.value
    is_latest = before.latest_snapshot_id == answer.snapshot_id
    after = before.model_copy(
        update={
            "latest_hypotheses_id": answer.id if is_latest else before.latest_hypotheses_id,
            "version": before.version + 1,
            "updated_at": now,
        }
    )
    count = several(len(answer.hypotheses), "hypothesis", "hypotheses")
    words = f"{count} by {answer.generated_by.value} ({answer.reason})"
    told = entry(after, TimelineEvent.HYPOTHESES_REFINED, answer.reason, now=now, text=words)
    return IncidentChange(incident=after, etag=current.etag, timeline=[told], hypotheses=[answer])
