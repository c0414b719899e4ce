"""Azure Storage Queues. The encoding is set explicitly: the SDK's default is none, the host's is base64."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import Malformed, QueueUnavailable
from shared.messages import MAX_MESSAGE_BYTES, Envelope, QueueName
from shared.ports.transport import Line

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient, QueueServiceClient

SEND_SECONDS = 5.0
"""A webhook waits for this; its sender gives up after ten seconds at the earliest."""
NEVER_EXPIRES = -1
MOST_PEEKED = 32
"""More the service does not show at once."""
AnswerT = TypeVar("AnswerT")


class StorageQueues:
    """Implements Queues. Clients are made on first use and belong to the running loop."""

    def __init__(self, service: "QueueServiceClient") -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        """See Queues."""
        await self.send_raw(queue.value, message.encode(), delay_seconds=delay_seconds)

    async def send_raw(self, queue: str, body: bytes, *, delay_seconds: float = 0) -> None:
        """See Queues."""
        if len(body) > MAX_MESSAGE_BYTES:
            raise Malformed(f"a message has at most {MAX_MESSAGE_BYTES} bytes", reason="message_too_large")
        sending = self._client(queue).send_message(
            body, visibility_timeout=round(delay_seconds), time_to_live=NEVER_EXPIRES
        )
        await _bounded(sending, queue)

    async def line(self, queue: str) -> Line:
        """See Queues. The front is looked at, as the service keeps no exact order."""
        client = self._client(queue)
        properties = await _bounded(client.get_queue_properties(), queue)
        peeked = await _bounded(client.peek_messages(max_messages=MOST_PEEKED), queue)
        oldest = min((one.inserted_on for one in peeked if one.inserted_on), default=None)
        return Line(properties.approximate_message_count or 0, oldest)

    def _client(self, queue: str) -> "QueueClient":
        from azure.storage.queue import BinaryBase64EncodePolicy

        if queue not in self._clients:
            self._clients[queue] = self._service.get_queue_client(
                queue, message_encode_policy=BinaryBase64EncodePolicy()
            )
        return self._clients[queue]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()


async def _bounded(calling: Awaitable[AnswerT], queue: str) -> AnswerT:
    from azure.core.exceptions import AzureError

    try:
        async with asyncio.timeout(SEND_SECONDS):
            return await calling
    except TimeoutError as exc:
        raise QueueUnavailable(f"queue {queue} did not answer within {SEND_SECONDS:g} s", reason="timeout") from exc
    except AzureError as exc:
        raise QueueUnavailable(f"queue {queue} did not do as it was asked") from exc


def storage_queues(connection_string: str | None, account_name: str | None, client_id: str | None) -> StorageQueues:
    """Queues by connection string, or by account name with managed identity."""
    from azure.storage.queue.aio import QueueServiceClient

    retries: dict[str, Any] = {
        "retry_total": 2,
        "initial_backoff": 0,
        "increment_base": 1,
        "random_jitter_range": 0,
        # Else aiohttp looks for proxies and netrc files before every request.
        "use_env_settings": False,
    }
    if connection_string:
        return StorageQueues(QueueServiceClient.from_connection_string(connection_string, **retries))
    from shared.adapters.identity import credential

    url = f"https://{account_name}.queue.core.windows.net"
    return StorageQueues(QueueServiceClient(url, credential=credential(client_id), **retries))
