"""What became of a delivery."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.models.base import Instant
from shared.models.receipts import Outcome

router = APIRouter(tags=["receipts"], responses=PROBLEMS)


class Receipt(BaseModel):
    """How the alerts of one accepted delivery ended."""

    receipt_id: str = Field(examples=["rcp-0c5e0e2b7f6c4f0d9d0f3c1a2b3c4d5e"])
    received_at: Instant
    outcomes: Mapping[Outcome, int] = Field(examples=[{"created": 2, "duplicate": 1}])
    incident_ids: list[str]


@router.get("/receipts/{receipt_id}", summary="What became of a delivery?")
async def read_receipt(
    receipt_id: Annotated[str, Path(max_length=64)],
    principal: Annotated[Principal, Depends(allowed("read_receipt"))],
    services: Wired,
) -> Receipt:
    """The receipt that a webhook's 202 named. It is there once the delivery has been worked on."""
    parts = await services.receipts.parts(principal.tenant_id, receipt_id)
    if not parts:
        raise NotFound("There is no such receipt, or its delivery still waits.")
    outcomes: Counter[Outcome] = Counter()
    for part in parts:
        outcomes.update(part.outcomes)
    incidents = sorted({incident for part in parts for incident in part.incident_ids})
    return Receipt(receipt_id=receipt_id, received_at=parts[0].received_at, outcomes=outcomes, incident_ids=incidents)
