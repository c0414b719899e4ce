"""Accept a delivery: bound its size, authenticate its raw bytes, make it durable. Nothing else happens before 202."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from shared.errors import Malformed, QueueUnavailable
from shared.messages import MAX_MESSAGE_BYTES, Ingest, QueueName
from shared.models.base import ReceiptId, document_id
from shared.models.signals import Source
from shared.models.tenants import InboundCredential
from shared.ports.services import Services
from shared.signals.credentials import InboundCredentials
from shared.signals.pacing import Pacer, weight_of
from shared.signals.schemes import Presented
from shared.telemetry import continued, logger

log = logger(__name__)

MAX_BODY_BYTES = 4 * 1024 * 1024
ACCEPT_SECONDS = 4.0
"""PagerDuty drops a webhook after five seconds, and switches a subscription off after three drops."""
_DELIVERY_IDS = ("x-webhook-id", "x-github-delivery")


@dataclass(frozen=True)
class Delivery:
    """A webhook request as it came. Headers, query and body are kept out of every representation."""

    source: Source
    integration_id: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""
    code: str | None = field(repr=False)
    traceparent: str | None
    received_at: datetime


async def accept(
    delivery: Delivery,
    credentials: InboundCredentials,
    pacer: Pacer,
    services: Services,
    *,
    within_seconds: float = ACCEPT_SECONDS,
) -> ReceiptId:
    """Put a delivery where it cannot be lost and return its receipt.

    Raises Malformed(`body_too_large`), Unauthenticated, and for faults of our own StoreUnavailable, KeysUnavailable,
    BlobUnavailable or QueueUnavailable: then the sender must send again.
    """
    if len(delivery.body) > MAX_BODY_BYTES:
        raise Malformed(f"the body exceeds {MAX_BODY_BYTES} bytes", reason="body_too_large")
    try:
        async with asyncio.timeout(within_seconds):
            return await _accept(delivery, credentials, pacer, services)
    except TimeoutError as exc:
        raise QueueUnavailable("the delivery could not be made durable in time", reason="accept_timeout") from exc


async def _accept(delivery: Delivery, credentials: InboundCredentials, pacer: Pacer, services: Services) -> ReceiptId:
    presented = Presented(delivery.headers, delivery.body, delivery.code)
    credential = await credentials.authenticate(
        delivery.integration_id, delivery.source, presented, now=delivery.received_at
    )
    tenant_id, now = credential.tenant_id, delivery.received_at
    delay = pacer.delay(tenant_id, now=now).total_seconds()
    message = _message(delivery, credential, delay)
    carrying = await _carrying(message, delivery.body, services)
    await services.queues.send(QueueName.SIGNALS, carrying, delay_seconds=delay)
    weight = weight_of(delivery.source, delivery.body)
    pacer.spend(tenant_id, weight=weight, per_minute=credential.alerts_per_minute, now=now)
    if delay:
        fields = {"tenant_id": tenant_id, "reason": "over_quota", "delay_seconds": delay}
        log.warning("delivery_delayed", extra={**fields, "receipt_id": message.receipt_id})
    return message.receipt_id


def _message(delivery: Delivery, credential: InboundCredential, delay: float) -> Ingest:
    """What travels on; the tenant and the integration are the credential's, never the body's."""
    receipt_id = _receipt_id(delivery, credential)
    return Ingest(
        tenant_id=credential.tenant_id,
        receipt_id=receipt_id,
        correlation_id=receipt_id,
        traceparent=continued(delivery.traceparent),
        integration_id=credential.integration_id,
        source=delivery.source,
        received_at=delivery.received_at,
        delayed_seconds=delay,
    )


def _receipt_id(delivery: Delivery, credential: InboundCredential) -> ReceiptId:
    """A retry of the sender is the same receipt, where the sender tells its retries; else each delivery has its own.

    Whatever follows is idempotent by receipt, so nothing needs to be stored to drop a retry. The body is part of it:
    a sender that gives everything the same id must not lose a page for that.
    """
    named = next((delivery.headers[name] for name in _DELIVERY_IDS if delivery.headers.get(name)), None)
    if named is None:
        return ReceiptId(f"rcp-{uuid.uuid4().hex}")
    return ReceiptId(
        document_id("rcp", credential.tenant_id, credential.integration_id, named, sha256(delivery.body).hexdigest())
    )


async def _carrying(message: Ingest, body: bytes, services: Services) -> Ingest:
    inline = message.with_body(body)
    # The envelope is measured as it will be sent: escaping makes a JSON body inside JSON longer than itself.
    if len(body) <= MAX_MESSAGE_BYTES and len(inline.encode()) <= MAX_MESSAGE_BYTES:
        return inline
    pointer = await services.raw.put(message.tenant_id, message.receipt_id, body)
    return message.model_copy(update={"pointer": pointer})
