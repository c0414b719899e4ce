"""Queues and large bodies in memory."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.adapters.writes import pointer_to, require_own_pointer
from shared.errors import Malformed
from shared.messages import MAX_MESSAGE_BYTES, Envelope, QueueName
from shared.models.base import TenantId
from shared.ports.transport import Line


@dataclass(frozen=True)
class Waiting:
    """A message that waits; the delay is kept for who asks."""

    body: bytes
    delay_seconds: float
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


class MemoryQueues:
    """Queues in memory, oldest first; delays are recorded, not waited for."""

    def __init__(self) -> None:
        self.waiting: defaultdict[str, deque[Waiting]] = defaultdict(deque)

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        """See Queues."""
        await self.send_raw(queue.value, message.encode(), delay_seconds=delay_seconds)

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        """See Queues."""
        if len(body) > MAX_MESSAGE_BYTES:
            raise Malformed(f"a message has at most {MAX_MESSAGE_BYTES} bytes", reason="message_too_large")
        self.waiting[queue].append(Waiting(body, delay_seconds))

    async def line(self, queue: str) -> Line:
        """See Queues."""
        waiting = self.waiting[queue]
        return Line(len(waiting), min((one.sent_at for one in waiting if not one.delay_seconds), default=None))

    def take(self, queue: str) -> bytes | None:
        """The oldest message, out of the queue; None when it is empty."""
        return self.waiting[queue].popleft().body if self.waiting[queue] else None


class MemoryBodies:
    """Large bodies in memory."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    async def put(self, tenant_id: TenantId, owner_id: str, body: bytes) -> str:
        """See Bodies."""
        pointer = pointer_to(tenant_id, owner_id)
        self._blobs[pointer] = body
        return pointer

    async def get(self, tenant_id: TenantId, pointer: str) -> bytes:
        """See Bodies."""
        require_own_pointer(tenant_id, pointer)
        if pointer not in self._blobs:
            raise Malformed("the body is gone", reason="payload_gone")
        return self._blobs[pointer]
