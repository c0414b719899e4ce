"""Accept a delivery: bound its size, authenticate its raw bytes, make it durable. Nothing else happens before 202."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import Malformed
from shared.messages import MAX_MESSAGE_BYTES, Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.signals import Source
from shared.ports.services import Services
from shared.signals.credentials import InboundCredentials

MAX_BODY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Delivery:
    """A webhook request as it came. The header is kept out of every representation."""

    source: Source
    integration_id: str
    body: bytes = field(repr=False)
    authorization: str | None = field(repr=False)
    traceparent: str | None
    received_at: datetime


async def accept(delivery: Delivery, credentials: InboundCredentials, services: Services) -> ReceiptId:
    """Put a delivery where it cannot be lost and return its receipt.

    Raises Malformed(`body_too_large`), Unauthenticated, and for faults of our own StoreUnavailable,
    BlobUnavailable or QueueUnavailable: then the sender must send again.
    """
    if len(delivery.body) > MAX_BODY_BYTES:
        raise Malformed(f"the body exceeds {MAX_BODY_BYTES} bytes", reason="body_too_large")
    credential = await credentials.authenticate(
        delivery.integration_id, delivery.source, delivery.authorization, now=delivery.received_at
    )
    receipt_id = ReceiptId(f"rcp-{uuid.uuid4().hex}")
    message = Ingest(
        tenant_id=credential.tenant_id,
        receipt_id=receipt_id,
        correlation_id=receipt_id,
        traceparent=delivery.traceparent,
        integration_id=credential.integration_id,
        source=delivery.source,
        received_at=delivery.received_at,
    )
    await services.queues.send(QueueName.SIGNALS, await _carrying(message, delivery.body, services))
    return receipt_id


async def _carrying(message: Ingest, body: bytes, services: Services) -> Ingest:
    inline = message.with_body(body)
    # The envelope is measured as it will be sent: escaping makes a JSON body inside JSON longer than itself.
    if len(body) <= MAX_MESSAGE_BYTES and len(inline.encode()) <= MAX_MESSAGE_BYTES:
        return inline
    pointer = await services.raw.put(message.tenant_id, message.receipt_id, body)
    return message.model_copy(update={"pointer": pointer})
