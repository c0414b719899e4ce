"""Asking about an incident in one's own words, and one hypothesis explained in a few."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.incident_ids import held_incident
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_questions import ExplanationView, QuestionAnswerView
from shared.hypotheses.explanation import explanation
from shared.hypotheses.questions import MAX_QUESTION_CHARS, safe_question
from shared.pipeline.asking import answer_question
from shared.pipeline.snapshots import whole_snapshot

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

_NO_SUCH = "There is no such hypothesis."


def _says_something(text: str) -> str:
    if not safe_question(text):
        raise ValueError("it asks nothing")
    return text


class QuestionRequest(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS), AfterValidator(_says_something)] = (
        Field(description="In plain words; secrets in it are masked, and it is shown to the model as data.")
    )


@router.post("/{incident_id}/questions", summary="Ask about an incident")
async def ask_question(
    incident_id: str,
    asked: QuestionRequest,
    principal: Annotated[Principal, Depends(allowed("ask_question"))],
    services: Wired,
) -> QuestionAnswerView:
    """Answered from the latest frozen look, each sentence with the evidence that it rests on, or without a model.

    Nothing is changed. The same question about the same look is paid for once. 409 (`not_looked_at`) until the first
    look has its hypotheses.
    """
    incident = await held_incident(principal.tenant_id, incident_id, services)
    now = datetime.now(UTC)
    return QuestionAnswerView.of(
        await answer_question(principal.tenant_id, incident, asked.question, services, now=now)
    )


@router.get("/{incident_id}/hypotheses/{hypotheses_id}/explanation", summary="Explain a hypothesis in short")
async def explain_hypothesis(
    incident_id: str,
    hypotheses_id: str,
    principal: Annotated[Principal, Depends(allowed("explain_hypothesis"))],
    services: Wired,
    rank: Annotated[int, Query(ge=1, le=100, description="Which hypothesis of the answer.")] = 1,
) -> ExplanationView:
    """At most five sentences with their evidence: what is wrong, since when, why, how sure, what to do first.

    They are made of the hypothesis by code; no model is asked, so reading costs nothing.
    """
    incident = await held_incident(principal.tenant_id, incident_id, services)
    key = (principal.tenant_id, incident.incident_id)
    answers = await services.incidents.all_hypotheses(*key)
    answer = next((one for one in answers if one.id == hypotheses_id), None)
    hypothesis = next((one for one in answer.hypotheses if one.rank == rank), None) if answer else None
    if answer is None or hypothesis is None:
        raise NotFound(_NO_SUCH)
    snapshot = await whole_snapshot(*key, answer.snapshot_id, services)
    if snapshot is None:
        raise NotFound(_NO_SUCH)
    return ExplanationView.of(answer, rank, explanation(hypothesis, answer, snapshot.body))
