"""The storage accounts an app names, one client each, and the wake-up calls between adders and listeners."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from dev.host.errors import HostRefused

# The account that every storage emulator answers to; its key is published by Microsoft.
_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


class QueueAccounts:
    """Queue clients by connection setting. Open it inside the event loop that uses it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._services: dict[str, QueueServiceClient] = {}
        self._wakes: dict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    def queue(self, connection: str, name: str) -> QueueClient:
        """A client of one queue; raises HostRefused when the connection setting is missing or malformed."""
        if connection not in self._services:
            self._services[connection] = self._open(connection)
        return self._services[connection].get_queue_client(name)

    def wake(self, connection: str, name: str) -> asyncio.Event:
        """Set whenever this host adds to the queue, so that its listener need not wait for the next poll."""
        return self._wakes[connection, name]

    async def add(self, connection: str, name: str, text: str) -> None:
        """Add a message as it is, creating the queue when missing, and wake its listener."""
        client = self.queue(connection, name)
        try:
            await client.send_message(text)
        except ResourceNotFoundError:
            await client.create_queue()
            await client.send_message(text)
        self.wake(connection, name).set()

    async def close(self) -> None:
        """Close every client."""
        for service in self._services.values():
            await service.close()
        self._services.clear()

    def _open(self, connection: str) -> QueueServiceClient:
        text = self._environ.get(f"AzureWebJobs{connection}") or self._environ.get(connection)
        if not text:
            raise HostRefused(f"the app setting {connection}, a storage connection string, is not set")
        if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            text = _EMULATOR
        try:
            # Quick retries: a message that cannot be settled returns by itself when its lease ends. With the
            # environment's settings the client would look for a proxy and a netrc, in a thread, before each request.
            return QueueServiceClient.from_connection_string(
                text,
                retry_total=2,
                initial_backoff=1,
                increment_base=1,
                random_jitter_range=0,
                use_env_settings=False,
            )
        except ValueError as exc:
            raise HostRefused(f"the app setting {connection} is not a storage connection string") from exc
