"""How a queue message ends: done, sent again for a fault of our own, or kept as a dead letter. Never lost."""

import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import CopilotError, Malformed
from shared.messages import Envelope, Ingest, QueueName
from shared.models.receipts import DeadLetter
from shared.pipeline.dead_letters import (
    UNREADABLE_TENANT,
    dead_part,
    frames_of,
    letter_for_failure,
    place_of,
    without_raw_text,
)
from shared.pipeline.measuring import count_letter, time_stage
from shared.pipeline.sending import send_once_more
from shared.ports.services import Services
from shared.telemetry import Span, bound, logger, stage_span, tell_end

log = logger(__name__)

MessageT = TypeVar("MessageT", bound=Envelope)

MAX_DEQUEUES = 5
"""host.json's maxDequeueCount; a test holds the two together."""
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 120.0
POISON_DELAY_SECONDS = 60.0


class StageFailed(Exception):
    """A defect of ours, told by its class and where it was raised."""


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
        unreadable = letter_for_failure(stage.queue, None, body, exc, attempt=dequeue_count, now=now)
        kept = await without_raw_text(unreadable, None, body, services)
        await services.dead_letters.add(UNREADABLE_TENANT, kept)
        count_letter(kept)
        log.error("dead_lettered", extra={"queue": stage.queue.value, "reason": exc.reason})
        return Ending.DEAD_LETTERED
    with (
        bound(tenant_id=message.tenant_id, correlation_id=message.correlation_id, queue=stage.queue.value),
        _timed(stage.queue) as timed,
        _traced(stage.queue, message, dequeue_count) as begun,
    ):
        ending = timed.ending = await _attend(stage, message, body, services, dequeue_count=dequeue_count, now=now)
        tell_end(begun, reason=ending.value)
        return ending


@dataclass
class _Timed:
    """How the work ended; a defect leaves it as it was."""

    ending: str = "failed"


@contextmanager
def _timed(queue: QueueName) -> Iterator[_Timed]:
    began, timed = time.monotonic(), _Timed()
    try:
        yield timed
    finally:
        time_stage(queue, timed.ending, time.monotonic() - began)


def _traced(queue: QueueName, message: Envelope, dequeue_count: int) -> AbstractContextManager[Span]:
    """A part of the trace that brought the message. A re-drive, days later, has one of its own, linked to that."""
    is_redrive = message.redrives > 0
    return stage_span(
        queue.value,
        traceparent=None if is_redrive else message.traceparent,
        linked=(message.linked, message.traceparent if is_redrive else None),
        tenant_id=message.tenant_id,
        correlation_id=message.correlation_id,
        attempt=message.attempt,
        dequeue_count=dequeue_count,
    )


async def _attend(
    stage: Stage[MessageT], message: MessageT, body: bytes, services: Services, *, dequeue_count: int, now: datetime
) -> Ending:
    attempt = message.attempt + dequeue_count - 1
    try:
        await stage.handle(message, services, now=now)
    except CopilotError as exc:
        if exc.retryable:
            return await _send_again(stage.queue, message, exc, services)
        letter = letter_for_failure(stage.queue, message, body, exc, attempt=attempt, now=now)
        return await _dead_letter(stage.queue, message, letter, body, services, now=now)
    except Exception as exc:  # noqa: BLE001 -- the outermost wrapper of a queue function
        # A bug: the host's own retries first, and before the last one fails, a dead letter that names it.
        bug = {"bug": type(exc).__name__, "at": place_of(exc)}
        log.error("stage_failed", extra={"dequeue_count": dequeue_count, **bug})
        if dequeue_count < MAX_DEQUEUES:
            # The host logs what is raised, and what a defect says of itself may hold the payload.
            raise StageFailed(f"{type(exc).__name__} in {frames_of(exc)}") from None
        letter = letter_for_failure(stage.queue, message, body, exc, attempt=attempt, now=now)
        return await _dead_letter(stage.queue, message, letter, body, services, now=now)
    return Ending.DONE


async def attend_poison(queue: QueueName, body: bytes, services: Services, *, now: datetime) -> Ending:
    """Record a message that the host gave up; sends it to the poison queue again when that cannot be done."""
    try:
        await _record_poison(queue, body, services, now=now)
    # Nothing stands behind a poison queue: even a defect of ours must not use up the host's dequeues here.
    except Exception as exc:  # noqa: BLE001 -- the outermost wrapper of a poison function
        reason = exc.reason if isinstance(exc, CopilotError) else f"bug_{type(exc).__name__}"
        log.warning("dead_letter_delayed", extra={"queue": queue.value, "reason": reason})
        await services.queues.send_raw(queue.poison, body, delay_seconds=POISON_DELAY_SECONDS)
        return Ending.SENT_AGAIN
    return Ending.DEAD_LETTERED


async def _record_poison(queue: QueueName, body: bytes, services: Services, *, now: datetime) -> None:
    message = _poisoned(queue, body)
    attempt = message.attempt + MAX_DEQUEUES - 1 if message else MAX_DEQUEUES
    given_up = Malformed("the host gave the message up", reason="too_many_dequeues")
    letter = letter_for_failure(queue, message, body, given_up, attempt=attempt, now=now)
    await _keep(letter, message, body, services, now=now)


def _poisoned(queue: QueueName, body: bytes) -> Envelope | None:
    try:
        return (Ingest if queue is QueueName.SIGNALS else Envelope).decode(body)
    except Malformed:
        return None


async def _send_again(queue: QueueName, message: Envelope, exc: CopilotError, services: Services) -> Ending:
    """A fault of our own: the same message later, without burning the host's dequeues."""
    delay = delay_before(message.attempt, jitter=random.random())  # noqa: S311 -- spreads load, guards nothing
    log.warning("sent_again", extra={"reason": exc.reason, "attempt": message.attempt, "delay_seconds": round(delay)})
    await send_once_more(queue, message.next_attempt(), services, delay_seconds=delay)
    return Ending.SENT_AGAIN


async def _dead_letter(
    queue: QueueName, message: Envelope, letter: DeadLetter, body: bytes, services: Services, *, now: datetime
) -> Ending:
    try:
        await _keep(letter, message, body, services, now=now)
    except CopilotError as failed:
        if not failed.retryable:
            raise
        return await _send_again(queue, message, failed, services)
    return Ending.DEAD_LETTERED


async def _keep(
    letter: DeadLetter, message: Envelope | None, body: bytes, services: Services, *, now: datetime
) -> None:
    letter = await without_raw_text(letter, message, body, services)
    await services.dead_letters.add(letter.tenant_id, letter)
    count_letter(letter)
    if isinstance(message, Ingest):
        await services.receipts.add_part(message.tenant_id, dead_part(message, now=now))
    log.error("dead_lettered", extra={"queue": letter.queue, "reason": letter.reason, "letter_id": letter.id})
