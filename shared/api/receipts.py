"""What became of a delivery."""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFoundYet
from shared.models.base import Instant
from shared.models.receipts import Outcome, ReceiptPart, standing_account

router = APIRouter(tags=["receipts"], responses=PROBLEMS)

# As `accept` makes them; anything else never reaches the store.
_ID = re.compile(r"rcp-[0-9a-f]{32}")


class Receipt(BaseModel):
    """How the alerts of one accepted delivery ended: the outcomes add up to what was accepted."""

    receipt_id: str
    integration_id: str
    received_at: Instant
    recorded_at: Instant = Field(description="When the account was written.")
    delayed_seconds: float = Field(description="How long the tenant's quota held the delivery back.")
    accepted: int = Field(description="How many alerts the delivery held. One that cannot be read counts as one.")
    outcomes: Mapping[Outcome, int] = Field(description="How many alerts ended how.")
    changes: int = Field(description="How many reported changes it held; they are no alerts.")
    ignored: str | None = Field(description="Why the delivery needed no work.")
    redrives: int = Field(description="The re-drive that this account is of; 0 is the delivery as it came.")
    incident_ids: list[str]

    @model_validator(mode="after")
    def _closes(self) -> Self:
        # An account that does not close is a defect: better no answer than one that hides an alert.
        if sum(self.outcomes.values()) != self.accepted:
            raise ValueError("the outcomes do not add up to what was accepted")
        return self

    @classmethod
    def of(cls, part: ReceiptPart) -> "Receipt":
        """From the part that says how it ended."""
        ended = sum(part.outcomes.values())
        accepted = ended if part.accepted is None else part.accepted
        return cls.model_validate({**part.model_dump(), "accepted": accepted, "redrives": part.run})


@router.get("/receipts/{receipt_id}", summary="What became of a delivery?")
async def read_receipt(
    receipt_id: str,
    principal: Annotated[Principal, Depends(allowed("read_receipt"))],
    services: Wired,
) -> Receipt:
    """The receipt that a webhook's 202 named.

    It is there once the delivery has been worked on. Before that, and for a receipt that never was, the answer is a
    404 of the type `urn:sre-copilot:problem:unknown-or-not-processed-yet`.
    """
    parts = []
    if _ID.fullmatch(receipt_id):
        parts = await services.receipts.parts(principal.tenant_id, receipt_id)
    account = standing_account(parts)
    if account is None:
        raise NotFoundYet("There is no such receipt, or its delivery still waits.")
    return Receipt.of(account)
