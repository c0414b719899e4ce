"""Sending a message once more: it may have grown since it was accepted, and must still fit its queue."""

from shared.messages import MAX_MESSAGE_BYTES, Envelope, Ingest, QueueName
from shared.ports.services import Services
from shared.telemetry import current_traceparent


async def send_once_more(
    queue: QueueName, message: Envelope, services: Services, *, delay_seconds: float = 0
) -> None:
    """Send a message, its body in a blob if it no longer fits; raises QueueUnavailable or BlobUnavailable.

    It stays a part of its trace, and is linked to the span that sends it.
    """
    linked = message.model_copy(update={"linked": current_traceparent() or message.linked})
    await services.queues.send(queue, await _fitting(linked, services), delay_seconds=delay_seconds)


async def _fitting(message: Envelope, services: Services) -> Envelope:
    # A message of the largest size grows by a digit with its tenth attempt.
    if not isinstance(message, Ingest) or len(message.encode()) <= MAX_MESSAGE_BYTES:
        return message
    return await body_apart(message, services)


async def body_apart(message: Ingest, services: Services) -> Ingest:
    """The message with its body in a blob, where raw bodies lie; raises BlobUnavailable."""
    body = message.inline_body()
    if body is None:
        return message
    pointer = await services.raw.put(message.tenant_id, message.receipt_id, body)
    return message.model_copy(update={"body_text": None, "body_base64": None, "pointer": pointer})
