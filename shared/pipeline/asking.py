"""Answer a person's question about an incident from its frozen snapshot, by the model where it may and does."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from shared.errors import Conflict, ModelUnavailable, NotAllowed
from shared.hypotheses.guard import ANSWER_FLAGGED, EVIDENCE_FLAGGED
from shared.hypotheses.prose import Checked, ModelProse, Sentence, checked, grounds_of
from shared.hypotheses.questions import (
    PROMPT_VERSION,
    by_words,
    flags_of_prose,
    instructions,
    leading,
    notes_on,
    rendered,
    safe_question,
    subject_of,
)
from shared.hypotheses.suspicion import suspicion_of
from shared.hypotheses.trust import flags_of
from shared.models.base import TenantId
from shared.models.hypotheses import GeneratedBy, HypothesisSet, Receipt
from shared.models.incidents import Incident
from shared.models.snapshots import Snapshot
from shared.pipeline.paying import PaidModel, paid_model
from shared.pipeline.snapshots import whole_snapshot
from shared.ports.model import ModelAnswer
from shared.ports.services import Services
from shared.telemetry import logger

log = logger(__name__)

MODEL_SECONDS = 20.0


@dataclass(frozen=True)
class Answered:
    """An answer in sentences that each cite evidence, who gave it, and why them."""

    question: str
    latest: HypothesisSet
    by: GeneratedBy
    reason: str
    ranked_first: Sentence | None
    sentences: tuple[Sentence, ...]
    notes: tuple[str, ...] = ()
    struck: Mapping[str, int] = field(default_factory=dict)
    receipt: Receipt | None = None
    model: str | None = None
    prompt_version: str | None = None


@dataclass(frozen=True)
class _Looked:
    """What a question is answered from."""

    snapshot: Snapshot
    latest: HypothesisSet
    ranking: HypothesisSet
    """The deterministic one: it alone says whom code suspects."""


async def answer_question(
    tenant_id: TenantId, incident: Incident, question: str, services: Services, *, now: datetime
) -> Answered:
    """The answer from the latest look; the same question about it is answered from what was paid for.

    Raises NotAllowed (`not_looked_at`) before the first look has its hypotheses. A model that cannot or may not
    answer is no error: then the answer is made of what was found, by its words, and `reason` says why.
    """
    looked = await _looked(tenant_id, incident, services)
    safe = safe_question(question)
    model = await _model_for(tenant_id, incident, looked, safe, services, now=now)
    if not isinstance(model, PaidModel):
        answered = _without_model(safe, looked, reason=model)
    else:
        answered = await _by_model(safe, looked, model)
    log.info(
        "question_answered",
        extra={
            "incident_id": incident.incident_id,
            "reason": answered.reason,
            "struck": sum(answered.struck.values()),
            "cost": answered.receipt.cost if answered.receipt else 0.0,
        },
    )
    return answered


async def _looked(tenant_id: TenantId, incident: Incident, services: Services) -> _Looked:
    answers = await services.incidents.all_hypotheses(tenant_id, incident.incident_id)
    latest = next((one for one in answers if one.id == incident.latest_hypotheses_id), None)
    if latest is None:
        raise _not_looked_at()
    snapshot = await whole_snapshot(tenant_id, incident.incident_id, latest.snapshot_id, services)
    if snapshot is None:
        raise _not_looked_at()
    of_snapshot = [one for one in answers if one.snapshot_id == latest.snapshot_id and one.replay_of is None]
    ranking = next((one for one in of_snapshot if one.generated_by is GeneratedBy.RANKER), latest)
    return _Looked(snapshot, latest, ranking)


def _not_looked_at() -> NotAllowed:
    return NotAllowed("this incident has not been looked at yet; ask again in a moment", reason="not_looked_at")


async def _model_for(
    tenant_id: TenantId, incident: Incident, looked: _Looked, question: str, services: Services, *, now: datetime
) -> PaidModel | str:
    """The model, paid for by the tenant; or the reason why none is asked."""
    if flags_of(looked.snapshot):
        return EVIDENCE_FLAGGED
    if looked.latest.flags:
        # The evidence looks harmless, and yet a model gave away what it was told: it is not asked about it again.
        return ANSWER_FLAGGED
    if suspicion_of(question):
        return "question_flagged"
    subject = subject_of(looked.snapshot, question)
    # Nothing keeps an answer's receipt: who finds it again paid nothing.
    model = await paid_model(tenant_id, subject, incident.severity, services, payer=uuid4().hex, now=now)
    return model or "model_not_configured"


async def _by_model(question: str, looked: _Looked, model: PaidModel) -> Answered:
    prompt = rendered(looked.snapshot, looked.ranking, question, fence=secrets.token_hex(12))
    try:
        said = await model.ask(prompt, ModelProse, timeout_seconds=MODEL_SECONDS)
    except (ModelUnavailable, Conflict) as exc:
        # A conflict: somebody asks the same at this moment, or what the tenant spends moves too fast.
        return _without_model(question, looked, reason=exc.reason, receipt=_paid(model))
    if flags_of_prose(said.answer, prompt):
        return _without_model(question, looked, reason=ANSWER_FLAGGED, receipt=_paid(model))
    suspects = {one.suspected_service for one in looked.ranking.hypotheses}
    grounds = grounds_of(looked.snapshot.body, suspects, instructions=instructions())
    left = checked(said.answer, grounds)
    if not left.sentences:
        reason = "model_unsupported" if left.struck else "model_silent"
        return _without_model(question, looked, reason=reason, struck=left, receipt=_paid(model))
    return _stands(question, looked, said, left, model)


def _stands(
    question: str, looked: _Looked, said: ModelAnswer[ModelProse], left: Checked, model: PaidModel
) -> Answered:
    return Answered(
        question=question,
        latest=looked.latest,
        by=GeneratedBy.MODEL,
        reason="verified",
        ranked_first=leading(looked.ranking),
        sentences=left.sentences,
        struck=_told(left),
        receipt=_paid(model),
        model=said.model,
        prompt_version=PROMPT_VERSION,
    )


def _without_model(
    question: str, looked: _Looked, *, reason: str, struck: Checked | None = None, receipt: Receipt | None = None
) -> Answered:
    sentences = by_words(question, looked.ranking, looked.snapshot.body)
    return Answered(
        question=question,
        latest=looked.latest,
        by=GeneratedBy.RANKER,
        reason=reason,
        ranked_first=leading(looked.ranking),
        sentences=sentences,
        notes=notes_on(looked.ranking, sentences),
        struck=_told(struck) if struck else {},
        receipt=receipt,
    )


def _paid(model: PaidModel) -> Receipt | None:
    return model.receipt if model.receipt.calls else None


def _told(left: Checked) -> dict[str, int]:
    return {why.value: count for why, count in left.struck.items()}
