"""Decide on dead letters: send what failed once more, or give it up. A letter is marked after its message is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.access.principals import Principal
from shared.errors import Conflict, Malformed
from shared.messages import BuildContext, Check, Envelope, Hypothesise, Ingest, QueueName
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditWhere, Facts
from shared.models.base import TenantId
from shared.models.receipts import DeadLetter, LetterState
from shared.pipeline.auditing import announce
from shared.pipeline.sending import send_once_more
from shared.ports.services import Services
from shared.ports.stores import Versioned
from shared.telemetry import logger

log = logger(__name__)

MAX_LETTERS = 100
"""What one call decides on at most."""
MAX_RACES = 8

_DISCARDED: Facts = {"state": LetterState.DISCARDED.value}

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
    """Which queue's letters are decided on, by whom, through which operation of the API."""

    principal: Principal
    queue: QueueName
    operation: str

    @property
    def tenant_id(self) -> TenantId:
        """Whose letters."""
        return self.principal.tenant_id

    @property
    def by(self) -> str:
        """Who decides."""
        return self.principal.object_id

    def where(self, letter: DeadLetter) -> AuditWhere:
        """Where a letter lies."""
        return AuditWhere(home=AuditHome.DEAD_LETTERS, id=letter.id, part=self.queue.value)

    def entry(self, letter: DeadLetter, decided: Facts, *, now: datetime) -> AuditEntry:
        """What is decided of a letter, for the audit trail."""
        before: Facts = {"queue": self.queue.value, "state": letter.state.value, "redrives": letter.redrives}
        return self.principal.entry(
            self.operation, AuditAction.UPDATE, "dead_letter", letter.id, before=before, after=decided, now=now
        )


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
    entry: AuditEntry | None = None
    for _ in range(MAX_RACES):
        held = await services.dead_letters.read(letters.tenant_id, letters.queue, letter_id)
        if held is None:
            return Decision(letter_id, Decided.NOT_THERE, None)
        if held.value.state is not LetterState.OPEN:
            return Decision(letter_id, Decided.UNCHANGED, held.value)
        entry = entry or await _announced(letters, held.value, _DISCARDED, services, now=now)
        decided = _decided(held.value, LetterState.DISCARDED, letters.by, now=now).with_audit(entry)
        try:
            await services.dead_letters.replace(letters.tenant_id, decided, held.etag)
        except Conflict:
            continue
        log.info("dead_letter_discarded", extra={"queue": letters.queue.value, "reason": decided.reason})
        return Decision(letter_id, Decided.DISCARDED, decided)
    raise Conflict(f"dead letter {letter_id} moved {MAX_RACES} times")


async def _redrive(letters: Letters, held: Versioned[DeadLetter], services: Services, *, now: datetime) -> Decision:
    entry: AuditEntry | None = None
    for _ in range(MAX_RACES):
        letter = held.value
        if letter.state is LetterState.REDRIVEN:
            return Decision(letter.id, Decided.UNCHANGED, letter)
        message = _next_run(letters.queue, letter)
        if message is None:
            return Decision(letter.id, Decided.NOT_REDRIVABLE, letter)
        after: Facts = {"state": LetterState.REDRIVEN.value, "redrives": message.redrives}
        entry = entry or await _announced(letters, letter, after, services, now=now)
        try:
            # Before the message goes out: what was sent must not be said not to have been.
            await services.dead_letters.replace(letters.tenant_id, letter.with_audit(entry), held.etag)
        except Conflict:
            moved = await services.dead_letters.read(letters.tenant_id, letters.queue, letter.id)
            if moved is None:
                return Decision(letter.id, Decided.NOT_THERE, None)
            held = moved
            continue
        return await _send(letters, letter, message, services, now=now)
    raise Conflict(f"dead letter {held.value.id} moved {MAX_RACES} times")


async def _send(
    letters: Letters, letter: DeadLetter, message: Envelope, services: Services, *, now: datetime
) -> Decision:
    await send_once_more(letters.queue, message, services)
    log.info("dead_letter_redriven", extra={"queue": letters.queue.value, "reason": letter.reason})
    return Decision(letter.id, Decided.SENT, await _mark(letters, letter, message.redrives, services, now=now))


async def _announced(
    letters: Letters, letter: DeadLetter, decided: Facts, services: Services, *, now: datetime
) -> AuditEntry:
    entry = letters.entry(letter, decided, now=now)
    await announce(letters.tenant_id, entry, letters.where(letter), services)
    return entry


async def _mark(letters: Letters, sent: DeadLetter, run: int, services: Services, *, now: datetime) -> DeadLetter:
    """Mark a letter re-driven, unless it knows of this run by now: it may have failed before we came to mark it."""
    for _ in range(MAX_RACES):
        held = await services.dead_letters.read(letters.tenant_id, letters.queue, sent.id)
        if held is None or held.value.redrives >= run:
            return held.value if held else sent
        marked = _decided(held.value, LetterState.REDRIVEN, letters.by, now=now).model_copy(update={"redrives": run})
        try:
            await services.dead_letters.replace(letters.tenant_id, marked, held.etag)
        except Conflict:
            continue
        return marked
    raise Conflict(f"dead letter {sent.id} moved {MAX_RACES} times")


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
