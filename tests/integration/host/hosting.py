"""A host inside the test's event loop, and the queues a test looks into."""

import asyncio
import base64
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import azure.functions as func
import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from dev.host.indexing import index
from dev.host.keys import HostKeys
from dev.host.runtime import FunctionHost
from dev.host.settings import load_host_settings

STORAGE = "AzureWebJobsStorage"
KEYS = HostKeys(master="master-key", host=("host-key",), functions={"guarded": ("own-key",)})
NOWHERE = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:9/a"

logging.getLogger("azure").setLevel(logging.WARNING)


class Queues:
    """The queues of one account, as seen by a client other than the host."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self._service = QueueServiceClient.from_connection_string(connection)

    async def create(self, suffix: str = "") -> str:
        """A new queue with a name of its own."""
        name = self.new_name(suffix)
        await self.client(name).create_queue()
        return name

    @staticmethod
    def new_name(suffix: str = "") -> str:
        return f"q{uuid.uuid4().hex[:12]}{suffix}"

    def client(self, name: str) -> QueueClient:
        return self._service.get_queue_client(name)

    async def put(self, name: str, body: str) -> None:
        """Add a body the way the host expects it by default, in base64."""
        await self.client(name).send_message(encoded(body))

    async def count(self, name: str) -> int:
        """Messages in a queue, visible or not; 0 for a missing queue."""
        try:
            return (await self.client(name).get_queue_properties()).approximate_message_count or 0
        except ResourceNotFoundError:
            return 0

    async def visible(self, name: str) -> list[str]:
        """The raw texts that another consumer could receive now."""
        try:
            return [message.content for message in await self.client(name).peek_messages(32)]
        except ResourceNotFoundError:
            return []

    async def close(self) -> None:
        await self._service.close()


def encoded(body: str) -> str:
    return base64.b64encode(body.encode()).decode()


def an_app() -> func.FunctionApp:
    return func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@asynccontextmanager
async def hosting(
    app: func.FunctionApp,
    folder: Path,
    *,
    connection: str = NOWHERE,
    lease_seconds: float = 30,
    queues: dict[str, object] | None = None,
    **settings: str,
) -> AsyncIterator[httpx.AsyncClient]:
    """Run `app` and give a client of its HTTP side; `queues` overrides that section of host.json."""
    environ = {STORAGE: connection, **settings}
    for name, setting in {"maxPollingInterval": "00:00:00.2", **(queues or {})}.items():
        environ[f"AzureFunctionsJobHost__extensions__queues__{name}"] = str(setting)
    host = FunctionHost(
        index(app, environ),
        folder=folder,
        settings=load_host_settings(folder, environ),
        keys=KEYS,
        environ=environ,
        lease_seconds=lease_seconds,
    )
    host.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(host.web), base_url="http://host") as client:
            yield client
    finally:
        await host.stop(5)
        await host.close()


async def eventually(check: Callable[[], Awaitable[object]], within: float = 15) -> None:
    """Return once `check` answers something truthy; fail the test when it does not in time."""
    async with asyncio.timeout(within):
        while not await check():  # noqa: ASYNC110 - what is awaited happens in Azurite, which sets no event
            await asyncio.sleep(0.05)
