"""Dead letters: what failed for good, and what is to be done about it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views import DeadLetterSummaryView, DeadLetterView
from shared.errors import Malformed
from shared.messages import QueueName
from shared.models.receipts import LetterState
from shared.pipeline.auditing import record_view
from shared.pipeline.redrive import (
    MAX_LETTERS,
    Decided,
    Decision,
    Letters,
    discard,
    redrive,
    redrive_reason,
    redrive_these,
)

router = APIRouter(prefix="/dead-letters", tags=["dead letters"], responses=PROBLEMS)

# As `document_id` makes them; anything else never reaches the store.
_ID = re.compile(r"dead-[0-9a-f]{24}")
_NO_SUCH = "There is no such dead letter."

LetterId = Annotated[str, Field(pattern=f"^{_ID.pattern}$")]


class DeadLetterPage(BaseModel):
    """Some dead letters, newest first; ask again with the cursor for more."""

    items: list[DeadLetterSummaryView]
    cursor: str | None


class RedriveRequest(BaseModel):
    """Which dead letters of a queue to re-drive: these ids, or open ones with this reason."""

    model_config = ConfigDict(extra="forbid")

    queue: QueueName
    ids: list[LetterId] | None = Field(default=None, min_length=1, max_length=MAX_LETTERS)
    reason: str | None = Field(default=None, min_length=1, max_length=100)
    limit: int = Field(default=MAX_LETTERS, ge=1, le=MAX_LETTERS, description="With a reason: how many at most.")
    cursor: str | None = Field(default=None, max_length=400, description="With a reason: that of the answer before.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ids is None) == (self.reason is None):
            raise ValueError("name either ids or a reason")
        return self


class DecisionView(BaseModel):
    """What was done about one letter, and how it stands; the state is null when there is none."""

    id: str
    decided: Decided
    state: LetterState | None

    @classmethod
    def of(cls, decision: Decision) -> "DecisionView":
        """From the decision."""
        state = decision.letter.state if decision.letter else None
        return cls(id=decision.letter_id, decided=decision.decided, state=state)


class Redriven(BaseModel):
    """What a call re-drove; while the cursor is not null there is more."""

    sent: int
    letters: list[DecisionView]
    cursor: str | None


@router.get("", summary="List dead letters")
async def list_dead_letters(
    principal: Annotated[Principal, Depends(allowed("list_dead_letters"))],
    services: Wired,
    queue: Annotated[QueueName, Query(description="The queue whose messages failed.")],
    state: Annotated[LetterState | None, Query(description="Only letters in this state.")] = None,
    reason: Annotated[str | None, Query(min_length=1, max_length=100, description="Only with this reason.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> DeadLetterPage:
    """What failed first comes last. A letter keeps its place when it fails again."""
    page = await services.dead_letters.page(
        principal.tenant_id, queue, limit=limit, cursor=cursor, state=state, reason=reason
    )
    items = [DeadLetterSummaryView.of(held.value) for held in page.items]
    return DeadLetterPage(items=items, cursor=page.cursor)


@router.post("/redrive", summary="Re-drive many dead letters")
async def redrive_dead_letters(
    wanted: RedriveRequest,
    principal: Annotated[Principal, Depends(allowed("redrive_dead_letters"))],
    services: Wired,
) -> Redriven:
    """At most 100 a call, by their ids, or the open ones with a reason. Asking twice sends nothing twice."""
    letters = Letters(principal, wanted.queue, "redrive_dead_letters")
    now, cursor = datetime.now(UTC), None
    if wanted.reason is not None:
        decisions, cursor = await redrive_reason(
            letters, wanted.reason, services, limit=wanted.limit, cursor=wanted.cursor, now=now
        )
    else:
        decisions = await redrive_these(letters, wanted.ids or (), services, now=now)
    sent = sum(1 for one in decisions if one.decided is Decided.SENT)
    return Redriven(sent=sent, letters=[DecisionView.of(one) for one in decisions], cursor=cursor)


@router.get("/{queue}/{letter_id}", summary="Read a dead letter with its message")
async def read_dead_letter(
    queue: QueueName,
    letter_id: str,
    principal: Annotated[Principal, Depends(allowed("read_dead_letter"))],
    services: Wired,
) -> DeadLetterView:
    """Why it failed, where and how often, what it was, and who decided what about it. The reading is audited."""
    known = _known(letter_id)
    held = await services.dead_letters.read(principal.tenant_id, queue, known)
    if held is None:
        raise NotFound(_NO_SUCH)
    now = datetime.now(UTC)
    await record_view(principal, "read_dead_letter", "dead_letter", known, services, now=now)
    return DeadLetterView.of(held.value)


@router.post("/{queue}/{letter_id}/redrive", summary="Re-drive a dead letter")
async def redrive_dead_letter(
    queue: QueueName,
    letter_id: str,
    principal: Annotated[Principal, Depends(allowed("redrive_dead_letter"))],
    services: Wired,
) -> DecisionView:
    """Its message is sent again, unless it was already and has not failed since."""
    letters = Letters(principal, queue, "redrive_dead_letter")
    return _answer(await redrive(letters, _known(letter_id), services, now=datetime.now(UTC)))


@router.post("/{queue}/{letter_id}/discard", summary="Discard a dead letter")
async def discard_dead_letter(
    queue: QueueName,
    letter_id: str,
    principal: Annotated[Principal, Depends(allowed("discard_dead_letter"))],
    services: Wired,
) -> DecisionView:
    """Gives an open letter up. It is kept for its 90 days and can still be re-driven."""
    letters = Letters(principal, queue, "discard_dead_letter")
    return _answer(await discard(letters, _known(letter_id), services, now=datetime.now(UTC)))


def _known(letter_id: str) -> str:
    if not _ID.fullmatch(letter_id):
        raise NotFound(_NO_SUCH)
    return letter_id


def _answer(decision: Decision) -> DecisionView:
    match decision.decided:
        case Decided.NOT_THERE:
            raise NotFound(_NO_SUCH)
        case Decided.NOT_REDRIVABLE:
            raise Malformed("the letter's message cannot be read, so it cannot be re-driven", reason="not_redrivable")
        case _:
            return DecisionView.of(decision)
