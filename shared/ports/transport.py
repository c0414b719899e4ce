"""Queues and blobs: what makes a delivery durable."""

from typing import Protocol

from shared.messages import Envelope, QueueName
from shared.models.base import ReceiptId, TenantId


class Queues(Protocol):
    """Sends messages that never expire."""

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        """Send one message; raises QueueUnavailable, or Malformed when it exceeds the queue's size."""
        ...

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        """Send bytes as they came, also to a poison queue; raises QueueUnavailable."""
        ...


class RawBodies(Protocol):
    """The bodies of deliveries, as they came, for seven days."""

    async def put(self, tenant_id: TenantId, receipt_id: ReceiptId, body: bytes) -> str:
        """Keep a body and return its pointer; the same receipt writes the same blob; raises BlobUnavailable."""
        ...

    async def get(self, tenant_id: TenantId, pointer: str) -> bytes:
        """The body; raises BlobUnavailable, or Malformed when it is gone or another tenant's."""
        ...
