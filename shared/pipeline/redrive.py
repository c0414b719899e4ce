"""Decide on dead letters: send what failed once more, or give it up. A letter is marked after its message is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Conflict, Malformed
from shared.messages import BuildContext, Check, Envelope, Hypothesise, Ingest, QueueName
from shared.models.base import TenantId
from shared.models.receipts import DeadLetter, LetterState
from shared.pipeline.sending import send_once_more
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_LETTERS = 100
"""What one call decides on at most."""
MAX_RACES = 8

_MESSAGES: dict[QueueName, type[Envelope]] = {
    QueueName.SIGNALS: Ingest,
    QueueName.CONTEXT: BuildContext,
    QueueName.HYPOTHESES: Hypothesise,
    QueueName.CHECKS: Check,
}


class Decided(StrEnum):
    """What a decision did to a letter."""

    SENT = "sent"
    DISCARDED = "discarded"
    UNCHANGED = "unchanged"
    """It was re-driven already and has not failed since, or is discarded already."""
    NOT_THERE = "not_there"
    NOT_REDRIVABLE = "not_redrivable"
    """Its message cannot be read any more."""


@dataclass(frozen=True)
class Decision:
    """What became of one letter; `letter` is how it stands now, None when there is none."""

    letter_id: str
    decided: Decided
    letter: DeadLetter | None


@dataclass(frozen=True)
class Letters:
    """Which queue's letters of which tenant are decided on, and by whom."""

    tenant_id: TenantId
    queue: QueueName
    by: str


async def redrive(letters: Letters, letter_id: str, services: Services, *, now: datetime) -> Decision:
    """Send a letter's message again, unless that was done and it has not failed since. Running twice is harmless.

    Raises QueueUnavailable, BlobUnavailable or StoreUnavailable: then ask again.
    """
    held = await services.dead_letters.read(letters.tenant_id, letters.queue, letter_id)
    if held is None:
        return Decision(letter_id, Decided.NOT_THERE, None)
    return await _redrive(letters, held, services, now=now)


async def redrive_these(letters: Letters, ids: Sequence[str], services: Services, *, now: datetime) -> list[Decision]:
    """Re-drive letters by their ids, in that order."""
    return [await redrive(letters, letter_id, services, now=now) for letter_id in dict.fromkeys(ids)]


async def redrive_reason(
    letters: Letters, reason: str, services: Services, *, limit: int, cursor: str | None, now: datetime
) -> tuple[list[Decision], str | None]:
    """Re-drive open letters with a reason, newest first; the cursor goes on with the next ones.

    Letters that fail again keep their place, behind the cursor: going on to the end always ends.
    """
    page = await services.dead_letters.page(
        letters.tenant_id, letters.queue, limit=limit, cursor=cursor, state=LetterState.OPEN, reason=reason
    )
    return [await _redrive(letters, held, services, now=now) for held in page.items], page.cursor


async def discard(letters: Letters, letter_id: str, services: Services, *, now: datetime) -> Decision:
    """Give an open letter up; it can still be re-driven. A re-driven one stays as it is until it fails again."""
    for _ in range(MAX_RACES):
        held = await services.dead_letters.read(letters.tenant_id, letters.queue, letter_id)
        if held is None:
            return Decision(letter_id, Decided.NOT_THERE, None)
        if held.value.state is not LetterState.OPEN:
            return Decision(letter_id, Decided.UNCHANGED, held.value)
        decided = _decided(held.value, LetterState.DISCARDED, letters.by, now=now)
        try:
            await services.dead_letters.replace(letters.tenant_id, decided, held.etag)
        except Conflict:
            continue
        log.info("dead_letter_discarded", extra={"queue": letters.queue.value, "reason": decided.reason})
        return Decision(letter_id, Decided.DISCARDED, decided)
    raise Conflict(f"dead letter {letter_id} moved {MAX_RACES} times")


async def _redrive(letters: Letters, held: Versioned[DeadLetter], services: Services, *, now: datetime) -> Decision:
    letter = held.value
    if letter.state is LetterState.REDRIVEN:
        return Decision(letter.id, Decided.UNCHANGED, letter)
    message = _next_run(letters.queue, letter)
    if message is None:
        return Decision(letter.id, Decided.NOT_REDRIVABLE, letter)
    await send_once_more(letters.queue, message, services)
    log.info("dead_letter_redriven", extra={"queue": letters.queue.value, "reason": letter.reason})
    return Decision(letter.id, Decided.SENT, await _mark(letters, held, message.redrives, services, now=now))


async def _mark(
    letters: Letters, held: Versioned[DeadLetter], run: int, services: Services, *, now: datetime
) -> DeadLetter:
    """Mark a letter re-driven, unless it knows of this run by now: it may have failed before we came to mark it."""
    for _ in range(MAX_RACES):
        letter = held.value
        if letter.redrives >= run:
            return letter
        marked = _decided(letter, LetterState.REDRIVEN, letters.by, now=now).model_copy(update={"redrives": run})
        try:
            await services.dead_letters.replace(letters.tenant_id, marked, held.etag)
        except Conflict:
            found = await services.dead_letters.read(letters.tenant_id, letters.queue, letter.id)
            if found is None:
                return marked
            held = found
            continue
        return marked
    raise Conflict(f"dead letter {held.value.id} moved {MAX_RACES} times")


def _next_run(queue: QueueName, letter: DeadLetter) -> Envelope | None:
    """The letter's message for its next run, with all attempts before it; None when it cannot be read."""
    if letter.message is None:
        return None
    try:
        message = _MESSAGES[queue].decode(letter.message.encode())
    except Malformed:
        return None
    return message.model_copy(update={"attempt": 1, "redrives": letter.redrives + 1})


def _decided(letter: DeadLetter, state: LetterState, by: str, *, now: datetime) -> DeadLetter:
    return letter.model_copy(update={"state": state, "decided_by": by, "decided_at": now})
