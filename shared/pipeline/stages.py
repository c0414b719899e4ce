"""How a queue message ends: done, sent again for a fault of our own, or kept as a dead letter. Never lost."""

import json
import random
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Generic, TypeVar

from shared.errors import CopilotError, Malformed
from shared.messages import MAX_MESSAGE_BYTES, Envelope, Ingest, QueueName
from shared.models.base import TenantId, document_id
from shared.models.receipts import DeadLetter, Outcome, ReceiptPart
from shared.ports.services import Services
from shared.telemetry import bound, logger

log = logger(__name__)

MessageT = TypeVar("MessageT", bound=Envelope)

MAX_DEQUEUES = 5
"""host.json's maxDequeueCount; a test holds the two together."""
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 120.0
POISON_DELAY_SECONDS = 60.0
UNREADABLE_TENANT = TenantId("unknown")
"""The partition for messages that do not even name a tenant; only an operator reads it."""


class Ending(StrEnum):
    """How a message ended."""

    DONE = "done"
    SENT_AGAIN = "sent_again"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True)
class Stage(Generic[MessageT]):
    """A queue, what travels on it, and what is done with it."""

    queue: QueueName
    message: type[MessageT]
    handle: Callable[..., Awaitable[None]]


def delay_before(attempt: int, *, jitter: float) -> float:
    """Seconds to wait before a message's next attempt: doubling to two minutes; jitter 0..1 spreads a herd."""
    doubled = FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 16)
    return float(min(doubled, LONGEST_DELAY_SECONDS) * (0.75 + 0.5 * jitter))


async def attend(
    stage: Stage[MessageT], body: bytes, services: Services, *, dequeue_count: int, now: datetime
) -> Ending:
    """Handle one message to its end; raises only when neither the work nor a safe end for it was possible."""
    try:
        message = stage.message.decode(body)
    except Malformed as exc:
        await services.dead_letters.add(UNREADABLE_TENANT, _letter(stage.queue, None, body, exc, now=now))
        return Ending.DEAD_LETTERED
    with bound(tenant_id=message.tenant_id, correlation_id=message.correlation_id, queue=stage.queue.value):
        return await _attend(stage, message, body, services, dequeue_count=dequeue_count, now=now)


async def _attend(
    stage: Stage[MessageT], message: MessageT, body: bytes, services: Services, *, dequeue_count: int, now: datetime
) -> Ending:
    try:
        await stage.handle(message, services, now=now)
    except CopilotError as exc:
        if exc.retryable:
            return await _send_again(stage.queue, message, exc, services)
        await _dead_letter(stage.queue, message, body, exc, services, now=now)
        return Ending.DEAD_LETTERED
    except Exception as exc:
        # A bug: the host's own retries first, and before the last one fails, a dead letter that names it.
        bug = {"bug": type(exc).__name__, "at": _place(exc)}
        log.error("stage_failed", extra={"dequeue_count": dequeue_count, **bug})
        if dequeue_count < MAX_DEQUEUES:
            raise
        await _dead_letter(stage.queue, message, body, exc, services, now=now)
        return Ending.DEAD_LETTERED
    return Ending.DONE


async def attend_poison(queue: QueueName, body: bytes, services: Services, *, now: datetime) -> Ending:
    """Record a message that the host gave up; sends it to the poison queue again when that cannot be done."""
    try:
        message = Envelope.decode(body)
    except Malformed:
        message = None
    reason = Malformed("the host gave the message up", reason="too_many_dequeues")
    letter = _letter(queue, message, body, reason, now=now)
    try:
        await services.dead_letters.add(letter.tenant_id, letter)
    except CopilotError as exc:
        log.warning("dead_letter_delayed", extra={"queue": queue.value, "reason": exc.reason})
        await services.queues.send_raw(queue.poison, body, delay_seconds=POISON_DELAY_SECONDS)
        return Ending.SENT_AGAIN
    log.error("dead_lettered", extra={"queue": queue.value, "reason": letter.reason, "letter_id": letter.id})
    return Ending.DEAD_LETTERED


async def _send_again(queue: QueueName, message: Envelope, exc: CopilotError, services: Services) -> Ending:
    """A fault of our own: the same message later, without burning the host's dequeues."""
    delay = delay_before(message.attempt, jitter=random.random())  # noqa: S311 -- spreads load, guards nothing
    log.warning("sent_again", extra={"reason": exc.reason, "attempt": message.attempt, "delay_seconds": round(delay)})
    await services.queues.send(queue, message.next_attempt(), delay_seconds=delay)
    return Ending.SENT_AGAIN


async def _dead_letter(
    queue: QueueName, message: Envelope, body: bytes, exc: Exception, services: Services, *, now: datetime
) -> None:
    letter = _letter(queue, message, body, exc, now=now)
    try:
        await services.dead_letters.add(message.tenant_id, letter)
        if isinstance(message, Ingest):
            await services.receipts.add_part(message.tenant_id, _dead_part(message, now=now))
    except CopilotError as failed:
        if not failed.retryable:
            raise
        await _send_again(queue, message, failed, services)
        return
    log.error("dead_lettered", extra={"reason": letter.reason, "letter_id": letter.id})


def _letter(queue: QueueName, message: Envelope | None, body: bytes, exc: Exception, *, now: datetime) -> DeadLetter:
    reason = exc.reason if isinstance(exc, CopilotError) else f"bug_{type(exc).__name__}"
    text = body[:MAX_MESSAGE_BYTES].decode(errors="replace")
    return DeadLetter(
        id=document_id("dead", queue, _identity(body), reason),
        tenant_id=message.tenant_id if message else UNREADABLE_TENANT,
        queue=queue,
        stage=queue,
        reason=reason,
        detail=str(exc)[:1000],
        attempt=message.attempt if message else 1,
        receipt_id=message.receipt_id if message else None,
        payload_pointer=getattr(message, "pointer", None),
        message=text,
        recorded_at=now,
    )


def _place(exc: Exception) -> str:
    """Where it was raised. The message and the traceback's values may hold payload, so they are not logged."""
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"


def _identity(body: bytes) -> str:
    """The same message is one letter however often it was sent again: its hash, leaving out the attempt."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return sha256(body).hexdigest()
    fields.pop("attempt", None)
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _dead_part(message: Ingest, *, now: datetime) -> ReceiptPart:
    return ReceiptPart(
        id=document_id("part", message.receipt_id, "0"),
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        integration_id=message.integration_id,
        received_at=message.received_at,
        outcomes={Outcome.DEAD_LETTERED: 1},
        recorded_at=now,
    )
