"""What people say of an incident's answers, and what really was its cause."""

import re
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.incident_actions import acting_as
from shared.api.incident_ids import held_incident
from shared.api.preconditions import show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views_directory import Name
from shared.api.views_feedback import CauseView, FeedbackView, ResolutionView, SaidPage
from shared.incidents.causes import case_of
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.feedback import MAX_SAID_CHARS, FeedbackVerdict
from shared.models.hypotheses import HypothesisSet
from shared.pipeline.acting import Acting
from shared.pipeline.saying import Wanted, give_feedback, name_cause, said_of
from shared.ports.services import Services
from shared.redaction import safe_text

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

# As `document_id` makes them; anything else never reaches the store.
HYPOTHESES_ID = re.compile(r"hyp-[0-9a-f]{24}")
SNAPSHOT_ID = r"^snap-[0-9a-f]{24}$"
MAX_RANK = 100


def _kept(text: str) -> str:
    return safe_text(text, MAX_SAID_CHARS)


Words = Annotated[str, Field(max_length=MAX_SAID_CHARS), AfterValidator(_kept)]
"""Kept as one line of plain text, with secrets and personal data masked."""


class FeedbackRequest(BaseModel):
    """What is said of one hypothesis of an answer."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(ge=1, le=MAX_RANK, description="Which hypothesis of the answer.")
    verdict: FeedbackVerdict
    note: Words = ""


class ResolutionRequest(BaseModel):
    """What really was the cause."""

    model_config = ConfigDict(extra="forbid")

    is_known: bool = Field(default=True, description="False says that nobody found out; it takes back a named cause.")
    root_service: Name | None = Field(default=None, description="The service that it began in.")
    root_change: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="The evidence id of the change that was it."
    )
    cause: Words = ""
    fixed_by: Words = ""
    snapshot_id: Annotated[str, Field(pattern=SNAPSHOT_ID)] | None = Field(
        default=None, description="The snapshot that shows it; by default that of the latest answer."
    )

    @model_validator(mode="after")
    def _names_it_or_does_not(self) -> Self:
        if self.is_known and self.root_service is None:
            raise ValueError("name the root_service, or say is_known false")
        if not self.is_known and (self.root_service is not None or self.root_change is not None):
            raise ValueError("a cause that is not known names neither a service nor a change")
        return self

    def wanted(self) -> Wanted:
        """The same for the use case."""
        snapshot_id = SnapshotId(self.snapshot_id) if self.snapshot_id else None
        return Wanted(self.root_service, self.root_change, self.cause, self.fixed_by, snapshot_id)


@router.post("/{incident_id}/hypotheses/{hypotheses_id}/feedback", summary="Say whether a hypothesis is right")
async def give_hypothesis_feedback(
    incident_id: str,
    hypotheses_id: str,
    wanted: FeedbackRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("give_hypothesis_feedback"))],
    services: Wired,
) -> FeedbackView:
    """Confirmed, or wrong. A person has one verdict on a hypothesis; a later one replaces it."""
    incident = await held_incident(who.tenant_id, incident_id, services)
    answer = await known_answer(who.tenant_id, incident.incident_id, hypotheses_id, services)
    if all(one.rank != wanted.rank for one in answer.hypotheses):
        raise NotFound("There is no such hypothesis.")
    after, given = await give_feedback(
        who, answer, services, rank=wanted.rank, verdict=wanted.verdict, note=wanted.note
    )
    show_version(response, after.version)
    return FeedbackView.of(given)


@router.get("/{incident_id}/feedback", summary="Read what people said of its answers and its cause")
async def read_incident_feedback(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_incident_feedback"))],
    services: Wired,
) -> SaidPage:
    """Verdicts, the named cause, and whether the incident is a regression case."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    said = await said_of(principal.tenant_id, incident.incident_id, services)
    case = case_of(incident)
    show_version(response, incident.version)
    return SaidPage(
        items=[FeedbackView.of(held.value) for held in said.feedback],
        resolution=ResolutionView.of(said.resolution.value) if said.resolution else None,
        cause=CauseView.of(incident.cause) if incident.cause else None,
        is_regression_case=case is not None and case.is_active,
    )


@router.post("/{incident_id}/resolution", summary="Name the cause of an incident")
async def name_incident_cause(
    incident_id: str,
    wanted: ResolutionRequest,
    response: Response,
    who: Annotated[Acting, Depends(acting_as("name_incident_cause"))],
    services: Wired,
) -> ResolutionView:
    """An incident has one; a later one replaces it. It moves no state: an incident that is or gets resolved becomes a
    regression case by it.
    """
    incident = await held_incident(who.tenant_id, incident_id, services)
    if wanted.snapshot_id is not None:
        named = SnapshotId(wanted.snapshot_id)
        if await services.incidents.snapshot(who.tenant_id, incident.incident_id, named) is None:
            raise NotFound("There is no such snapshot.")
    after, resolution = await name_cause(who, incident, wanted.wanted(), services)
    show_version(response, after.version)
    return ResolutionView.of(resolution)


async def known_answer(
    tenant_id: TenantId, incident_id: IncidentId, hypotheses_id: str, services: Services
) -> HypothesisSet:
    """The answer with this id; raises NotFound."""
    found = (
        await services.incidents.hypotheses(tenant_id, incident_id, hypotheses_id)
        if HYPOTHESES_ID.fullmatch(hypotheses_id)
        else None
    )
    if found is None:
        raise NotFound("There is no such answer.")
    return found
