"""What people correct: which services belong to one incident, and which do not."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.idempotency import run_of
from shared.api.incident_ids import INCIDENT_ID, known_incident
from shared.api.preconditions import IfMatch, require_match
from shared.api.problems import PROBLEMS
from shared.messages import Envelope
from shared.models.base import IncidentId, ReceiptId
from shared.pipeline import correcting

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)


class MergeRequest(BaseModel):
    """Where all of the incident goes."""

    model_config = ConfigDict(extra="forbid")

    into: str = Field(pattern=f"^{INCIDENT_ID.pattern}$", description="The incident that takes everything over.")


class SplitRequest(BaseModel):
    """What leaves the incident together, for one of its own: services, or signals that are all of their services'."""

    model_config = ConfigDict(extra="forbid")

    services: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(
        default=None, min_length=1, max_length=100
    )
    signal_ids: list[Annotated[str, Field(min_length=1, max_length=64)]] | None = Field(
        default=None, min_length=1, max_length=1000
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.services is None) == (self.signal_ids is None):
            raise ValueError("name either services or signal_ids")
        return self


class Corrected(BaseModel):
    """Where the services are now."""

    incident_id: str


@router.post("/{incident_id}/merge", summary="Merge an incident into another")
async def merge_incident(
    incident_id: str,
    wanted: MergeRequest,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("merge_incident"))],
    services: Wired,
    _: IfMatch = None,
) -> Corrected:
    """Its alerts go to the other incident; whoever reads it afterwards is sent there. The correction is kept."""
    who = _correcting(principal, request, "merge_incident")
    target = await correcting.merge_incidents(
        who, known_incident(incident_id), IncidentId(wanted.into), services, now=datetime.now(UTC)
    )
    return Corrected(incident_id=target)


@router.post("/{incident_id}/split", summary="Split services off an incident")
async def split_incident(
    incident_id: str,
    wanted: SplitRequest,
    request: Request,
    principal: Annotated[Principal, Depends(allowed("split_incident"))],
    services: Wired,
    _: IfMatch = None,
) -> Corrected:
    """Their alerts go to an incident of their own and stay there. The correction is kept."""
    who = _correcting(principal, request, "split_incident")
    target = await correcting.split_incident(
        who,
        known_incident(incident_id),
        wanted.services or (),
        services,
        signal_ids=wanted.signal_ids or (),
        now=datetime.now(UTC),
    )
    return Corrected(incident_id=target)


def _correcting(principal: Principal, request: Request, operation: str) -> correcting.Correcting:
    request_id = str(request.state.request_id)
    message = Envelope(
        tenant_id=principal.tenant_id, receipt_id=ReceiptId(f"api-{request_id}"), correlation_id=request_id
    )
    expects, is_again = partial(require_match, request), run_of(request).is_again
    return correcting.Correcting(message, principal, operation, expects, is_again)
