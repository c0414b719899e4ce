"""What a dead letter says: of a whole message that failed, or of what a delivery held that cannot be understood."""

import json
import traceback
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from shared.errors import CopilotError
from shared.messages import MAX_MESSAGE_BYTES, Envelope, Ingest, QueueName
from shared.models.base import ReceiptId, TenantId, document_id
from shared.models.receipts import MAX_REJECTED_SHOWN, DeadLetter, Outcome, ReceiptPart
from shared.models.signals import Rejected
from shared.pipeline.sending import body_apart
from shared.ports.services import Services

UNREADABLE_TENANT = TenantId("unknown")
"""The partition for messages that do not even name a tenant; only an operator reads it."""
MAX_FRAMES = 12
PARSE = "parse"
"""The stage of what is rejected of a delivery whose other alerts went through."""

# What differs from one sending of a message to the next.
_OF_THE_SENDING = ("attempt", "redrives", "traceparent", "linked")


def letter_for_failure(
    queue: QueueName, message: Envelope | None, body: bytes, exc: Exception, *, attempt: int, now: datetime
) -> DeadLetter:
    """The letter of a message that failed for good; the same message always has the same letter."""
    return DeadLetter(
        id=document_id("dead", queue, _identity(queue, message, body)),
        tenant_id=message.tenant_id if message else UNREADABLE_TENANT,
        queue=queue,
        stage=queue,
        reason=exc.reason if isinstance(exc, CopilotError) else f"bug_{type(exc).__name__}",
        error=type(exc).__name__,
        detail=_detail(exc),
        attempt=attempt,
        receipt_id=message.receipt_id if message else None,
        payload_pointer=getattr(message, "pointer", None),
        message=body[:MAX_MESSAGE_BYTES].decode(errors="replace"),
        redrives=message.redrives if message else 0,
        recorded_at=now,
    )


def letter_for_rejected(message: Ingest, rejected: Sequence[Rejected], pointer: str, *, now: datetime) -> DeadLetter:
    """The one letter of all alerts that were rejected of a delivery; it stands for `alerts` of them."""
    reasons = tuple(dict.fromkeys(one.reason for one in rejected))
    letter = _letter_of_parsing(
        message, reasons[0], f"{len(rejected)} of its alerts cannot be understood", pointer, now
    )
    shown = tuple(rejected[:MAX_REJECTED_SHOWN])
    return letter.model_copy(update={"reasons": reasons, "alerts": len(rejected), "rejected": shown})


def letter_for_unknown_shape(message: Ingest, reason: str, pointer: str, *, now: datetime) -> DeadLetter:
    """The letter of a well-formed body that is none of the sender's known shapes; it counts as one alert."""
    return _letter_of_parsing(message, reason, "the body is well-formed but of no shape we know", pointer, now)


def dead_part(message: Ingest, *, now: datetime) -> ReceiptPart:
    """What the receipt of a delivery says that failed as a whole; any run that goes through outweighs it."""
    return ReceiptPart(
        id=ReceiptPart.id_for_dead_letter(message.receipt_id),
        tenant_id=message.tenant_id,
        receipt_id=message.receipt_id,
        integration_id=message.integration_id,
        received_at=message.received_at,
        is_dead_letter=True,
        delayed_seconds=message.delayed_seconds,
        accepted=1,
        outcomes={Outcome.DEAD_LETTERED: 1},
        recorded_at=now,
    )


def place_of(exc: BaseException) -> str:
    """Where it was raised. The message and the traceback's values may hold payload, so they are told nowhere."""
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"


def frames_of(exc: BaseException) -> str:
    """The way to where it was raised, the innermost first; for logs, as `place_of` is."""
    frames = traceback.extract_tb(exc.__traceback__)[-MAX_FRAMES:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


async def without_raw_text(
    letter: DeadLetter, message: Envelope | None, body: bytes, services: Services
) -> DeadLetter:
    """The letter with what a sender wrote in a raw blob, which alone keeps it as it came; raises BlobUnavailable.

    Messages of the other queues hold ids and nothing else. One that cannot be read may hold anything.
    """
    if isinstance(message, Ingest):
        apart = await body_apart(message, services)
        return letter.model_copy(update={"message": apart.encode().decode(), "payload_pointer": apart.pointer})
    if message is None:
        pointer = await services.raw.put(letter.tenant_id, ReceiptId(letter.id), body)
        return letter.model_copy(update={"message": None, "payload_pointer": pointer})
    return letter


def _letter_of_parsing(message: Ingest, reason: str, detail: str, pointer: str, now: datetime) -> DeadLetter:
    # The body lies at the pointer by now, so the message that re-ingests the delivery is small.
    again = message.model_copy(update={"body_text": None, "body_base64": None, "pointer": pointer, "attempt": 1})
    return DeadLetter(
        id=document_id("dead", QueueName.SIGNALS, message.receipt_id, PARSE),
        tenant_id=message.tenant_id,
        queue=QueueName.SIGNALS,
        stage=PARSE,
        reason=reason,
        error="Malformed",
        detail=detail,
        attempt=message.attempt,
        receipt_id=message.receipt_id,
        payload_pointer=pointer,
        message=again.encode().decode(),
        redrives=message.redrives,
        recorded_at=now,
    )


def _detail(exc: Exception) -> str:
    return str(exc)[:1000] if isinstance(exc, CopilotError) else f"a defect, at {place_of(exc)}"


def _identity(queue: QueueName, message: Envelope | None, body: bytes) -> str:
    """A delivery is its receipt, whether its body travels inside or not; others are what they say."""
    if message and queue is QueueName.SIGNALS:
        return message.receipt_id
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return sha256(body).hexdigest()
    said = {name: value for name, value in fields.items() if name not in _OF_THE_SENDING}
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
