"""Refine ranked hypotheses with the model: render, propose, verify, keep. The ranked answer is there already."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Conflict, Malformed
from shared.hypotheses.answer import ranking_id
from shared.hypotheses.budget import wait_before_asking_again
from shared.hypotheses.checks import first_suspect_stands
from shared.hypotheses.confidence import confident
from shared.hypotheses.propose import PROMPT_VERSION
from shared.hypotheses.refine import final_id, meanwhile_id, refine, standing_meanwhile
from shared.incidents.timeline import entry
from shared.messages import Hypothesise, QueueName
from shared.models.base import SnapshotId
from shared.models.hypotheses import GeneratedBy, HypothesisSet, Receipt
from shared.models.incidents import Incident, TimelineEvent
from shared.models.quantities import several
from shared.models.snapshots import Snapshot
from shared.pipeline.calibrating import curve_in_force
from shared.pipeline.checking import run_checks
from shared.pipeline.measuring import count_answer
from shared.pipeline.paying import PaidModel, budget_of, paid_model
from shared.pipeline.recording import MAX_TRIES, list_latest
from shared.pipeline.sending import send_once_more
from shared.pipeline.snapshots import whole_snapshot
from shared.pipeline.telling import tell_list
from shared.pipeline.turns import turn
from shared.ports.model import Model
from shared.ports.services import Services
from shared.ports.stores import IncidentChange, Versioned
from shared.telemetry import logger

log = logger(__name__)

MODEL_SECONDS = 20.0
"""Of the 30 seconds that a page may take to its hypotheses."""
THROTTLED = "model_throttled"


async def hypothesise(message: Hypothesise, services: Services, *, now: datetime) -> None:
    """Answer for one snapshot, once; raises Malformed when its snapshot is not there."""
    tenant_id, incident_id, began = message.tenant_id, message.incident_id, time.monotonic()
    snapshot, answers, means = await asyncio.gather(
        whole_snapshot(tenant_id, incident_id, message.snapshot_id, services),
        services.incidents.all_hypotheses(tenant_id, incident_id),
        _means(message, services),
    )
    of_snapshot = [one for one in answers if one.snapshot_id == message.snapshot_id]
    ranked = next((one for one in of_snapshot if is_ranking(one)), None)
    if snapshot is None or ranked is None:
        raise Malformed("the snapshot of this message is not there", reason="snapshot_gone")
    if any(one.id == final_id(message.snapshot_id) for one in of_snapshot):
        # An earlier run answered; it may have stopped before it told the list.
        await list_latest(tenant_id, incident_id, services)
        return
    known = means.incident if means else None
    model = await _model_for(snapshot, means, services, now=now)
    refined = await answered(snapshot, ranked, model, services, now=now)
    wait = _wait(message, refined.answer, model)
    if wait is not None:
        await _keep(standing_meanwhile(ranked, reason=THROTTLED, now=now), services, known=known, now=now)
        await _ask_again(message, services, wait_seconds=wait)
        return
    final = _priced(refined.answer, model)
    await _keep(final, services, known=known, now=now)
    _tell(final, model, time.monotonic() - began, refined.checks_seconds)


@dataclass(frozen=True)
class Answered:
    """What stands in the end, and how long its checks took."""

    answer: HypothesisSet
    checks_seconds: float


async def answered(
    snapshot: Snapshot,
    ranked: HypothesisSet,
    model: Model | None,
    services: Services,
    *,
    now: datetime,
    version: str = PROMPT_VERSION,
) -> Answered:
    """What stands in the end for a snapshot; replays come here too, so that both are asked and checked alike."""
    refined = await refine(snapshot, ranked, model, now=now, timeout_seconds=MODEL_SECONDS, version=version)
    began = time.monotonic()
    checked = await run_checks(snapshot.tenant_id, refined, services, at=snapshot.body.window_end)
    took = time.monotonic() - began
    standing = first_suspect_stands(checked, ranked)
    # After every check: what they found is in it.
    return Answered(confident(standing, snapshot.body, await curve_in_force(snapshot.tenant_id, services)), took)


@dataclass(frozen=True)
class _Means:
    """The incident as it is now, and what its tenant may spend in a day."""

    incident: Versioned[Incident]
    budget: float


async def _means(message: Hypothesise, services: Services) -> _Means | None:
    """What decides how much an answer may cost; None where there is no model."""
    if services.model is None:
        return None
    held, budget = await asyncio.gather(
        services.incidents.read(message.tenant_id, message.incident_id), budget_of(message.tenant_id, services)
    )
    if held is None:
        raise Malformed("the incident of this message is not there", reason="incident_gone")
    return _Means(held, budget)


async def _model_for(
    snapshot: Snapshot, means: _Means | None, services: Services, *, now: datetime
) -> PaidModel | None:
    if means is None:
        return None
    asked = snapshot.tenant_id, snapshot.sha256, means.incident.value.severity
    return await paid_model(*asked, services, payer=snapshot.id, now=now, budget=means.budget)


def _wait(message: Hypothesise, refined: HypothesisSet, model: PaidModel | None) -> float | None:
    """Seconds until a model that was too busy is asked again; None when the answer is final."""
    if model is None or refined.reason != THROTTLED:
        return None
    return wait_before_asking_again(message.throttled, message.throttled_seconds, model.retry_after_seconds)


async def _ask_again(message: Hypothesise, services: Services, *, wait_seconds: float) -> None:
    again = message.after_throttling(wait_seconds)
    await send_once_more(QueueName.HYPOTHESES, again, services, delay_seconds=wait_seconds)
    log.warning("model_waited_for", extra={"throttled": again.throttled, "delay_seconds": round(wait_seconds)})


def _priced(answer: HypothesisSet, model: PaidModel | None) -> HypothesisSet:
    if model is None:
        return answer
    was_paid = bool(model.receipt.calls) or answer.generated_by is GeneratedBy.MODEL
    paid = {"rung": model.rung, "receipt": model.receipt}
    return answer.model_copy(update=paid) if was_paid else answer


def _tell(answer: HypothesisSet, model: PaidModel | None, seconds: float, checks_seconds: float) -> None:
    """The measure of the step: how it ended, what it cost, and where its seconds went."""
    count_answer(answer)
    asking, paying = (model.model_seconds, model.paying_seconds) if model else (0.0, 0.0)
    log.info(
        "hypotheses_refined",
        extra={
            "incident_id": answer.incident_id,
            "reason": answer.reason,
            "rung": answer.rung.value,
            "calls": answer.receipt.calls if answer.receipt else 0,
            "cost": round(answer.receipt.cost, 6) if answer.receipt else 0.0,
            "seconds": round(seconds, 3),
            "model_seconds": round(asking, 3),
            "paying_seconds": round(paying, 3),
            "checking_seconds": round(max(0.0, answer.elapsed_seconds - asking - paying), 3),
            "checks_seconds": round(checks_seconds, 3),
        },
    )


def is_ranking(answer: HypothesisSet) -> bool:
    """Whether an answer is the one that stands before the model was asked."""
    return answer.generated_by is GeneratedBy.RANKER and answer.reason == "ranked"


async def _keep(
    answer: HypothesisSet, services: Services, *, known: Versioned[Incident] | None, now: datetime
) -> None:
    """Add an answer to its incident, once. `known` is the incident as it was read before: mostly it still is so."""
    tenant_id, incident_id, current = answer.tenant_id, answer.incident_id, known
    for _ in range(MAX_TRIES):
        async with turn(tenant_id, incident_id):
            current = current or await services.incidents.read(tenant_id, incident_id)
            if current is None:
                raise Malformed("the incident of these hypotheses is not there", reason="incident_gone")
            change = with_answer(current, answer, now=now)
            try:
                await services.incidents.commit(tenant_id, change)
            except Conflict:
                current = None
                if not await services.incidents.hypotheses(tenant_id, incident_id, answer.id):
                    continue
                await list_latest(tenant_id, incident_id, services)
                return
        await tell_list(tenant_id, change.incident, services)
        return
    raise Conflict(f"incident {incident_id} moved {MAX_TRIES} times while an answer was kept")


def _of_snapshot(snapshot_id: SnapshotId) -> tuple[str | None, ...]:
    """The ids under which a look's answers may stand; None where none does."""
    return None, ranking_id(snapshot_id), meanwhile_id(snapshot_id)


def with_answer(current: Versioned[Incident], answer: HypothesisSet, *, now: datetime) -> IncidentChange:
    """The change that adds an answer; it becomes the latest unless a newer snapshot has been taken since, or it names
    nobody while an earlier look's answer stands.
    """
    before = current.value
    is_latest = before.latest_snapshot_id == answer.snapshot_id and (
        bool(answer.hypotheses) or before.latest_hypotheses_id in _of_snapshot(answer.snapshot_id)
    )
    after = before.model_copy(
        update={
            "latest_hypotheses_id": answer.id if is_latest else before.latest_hypotheses_id,
            "model_cost": _cost(before, answer.receipt),
            "version": before.version + 1,
            "updated_at": now,
        }
    )
    count = several(len(answer.hypotheses), "hypothesis", "hypotheses")
    words = f"{count} by {answer.generated_by.value} ({answer.reason})"
    told = entry(after, TimelineEvent.HYPOTHESES_REFINED, answer.reason, now=now, text=words)
    return IncidentChange(incident=after, etag=current.etag, timeline=[told], hypotheses=[answer])


def _cost(incident: Incident, receipt: Receipt | None) -> Receipt | None:
    """What models cost for the incident so far: summed in the write that adds an answer, so each counts once."""
    if receipt is None or not receipt.calls:
        return incident.model_cost
    return (incident.model_cost or Receipt(currency=receipt.currency)).plus(receipt)
