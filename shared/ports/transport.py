"""Queues and blobs: what makes a delivery durable."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.messages import Envelope, QueueName
from shared.models.base import TenantId


@dataclass(frozen=True)
class Line:
    """How many messages wait, about, and since when the oldest does that anybody could take now."""

    length: int
    oldest_at: datetime | None


class Queues(Protocol):
    """Sends messages that never expire."""

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        """Send one message; raises QueueUnavailable, or Malformed when it exceeds the queue's size."""
        ...

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        """Send bytes as they came, also to a poison queue; raises QueueUnavailable."""
        ...

    async def line(self, queue: str) -> Line:
        """How a queue stands; nothing is taken from it. `length` counts delayed messages and those under way, too.

        Raises QueueUnavailable.
        """
        ...


class Bodies(Protocol):
    """Bodies too large for a message or a document: deliveries as they came, or whole snapshots."""

    async def put(self, tenant_id: TenantId, owner_id: str, body: bytes) -> str:
        """Keep a body and return its pointer; the same owner writes the same blob; raises BlobUnavailable."""
        ...

    async def get(self, tenant_id: TenantId, pointer: str) -> bytes:
        """The body; raises BlobUnavailable, or Malformed when it is gone or another tenant's."""
        ...
