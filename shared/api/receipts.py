"""What became of a delivery."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.models.base import Instant
from shared.models.receipts import Outcome

router = APIRouter(tags=["receipts"], responses=PROBLEMS)

# As `accept` makes them; anything else never reaches the store.
_ID = re.compile(r"rcp-[0-9a-f]{32}")


class Receipt(BaseModel):
    """How the alerts of one accepted delivery ended."""

    receipt_id: str
    received_at: Instant
    outcomes: Mapping[Outcome, int] = Field(description="How many alerts ended how.")
    incident_ids: list[str]


@router.get("/receipts/{receipt_id}", summary="What became of a delivery?")
async def read_receipt(
    receipt_id: str,
    principal: Annotated[Principal, Depends(allowed("read_receipt"))],
    services: Wired,
) -> Receipt:
    """The receipt that a webhook's 202 named. It is there once the delivery has been worked on."""
    parts = []
    if _ID.fullmatch(receipt_id):
        parts = await services.receipts.parts(principal.tenant_id, receipt_id)
    if not parts:
        raise NotFound("There is no such receipt, or its delivery still waits.")
    outcomes: Counter[Outcome] = Counter()
    for part in parts:
        outcomes.update(part.outcomes)
    incidents = sorted({incident for part in parts for incident in part.incident_ids})
    return Receipt(receipt_id=receipt_id, received_at=parts[0].received_at, outcomes=outcomes, incident_ids=incidents)
