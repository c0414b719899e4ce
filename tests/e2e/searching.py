"""What a stack keeps and tells after secrets were sent to it, as text that can be searched for them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import uvicorn
from azure.storage.blob import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from fastapi import FastAPI

from dev.demo import ApiClient
from dev.stack import Stack, storage_connection_string
from shared.messages import QueueName
from tests.e2e.leaky import leaks, request_of
from tests.e2e.stacks import incidents_once_quiet


@asynccontextmanager
async def serving(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """The app on a loopback port, any free one without a number."""
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def send_leaks(stack: Stack, client: httpx.AsyncClient) -> None:
    """Every leak of every sender, each accepted."""
    for number, (kind, body) in enumerate(leaks()):
        content = json.dumps(body).encode()
        path, headers = request_of(stack, kind, content, number=number)
        answer = await client.post(path, content=content, headers=headers)
        assert answer.status_code == httpx.codes.ACCEPTED, kind


async def until_queues_are_empty(stack: Stack, *, within_seconds: float) -> None:
    """Until no delivery waits or is worked on: a message counts until it is deleted. Checks are due later."""
    async with QueueServiceClient.from_connection_string(storage_connection_string(stack.options.ports)) as service:
        for _ in range(int(within_seconds / 0.25)):
            clients = [service.get_queue_client(queue.value) for queue in QueueName if queue is not QueueName.CHECKS]
            counts = [(await client.get_queue_properties()).approximate_message_count for client in clients]
            if not any(counts):
                return
            await asyncio.sleep(0.25)
    raise AssertionError(f"after {within_seconds} s there are still messages")


async def told_by_the_api(stack: Stack) -> list[object]:
    """Every incident with all it has, and its snapshot."""
    incidents = await incidents_once_quiet(stack, services=4, within_seconds=60)
    api = ApiClient(stack)
    try:
        pairs = [(one["id"], one["hypotheses"]["snapshot_id"]) for one in incidents]
        snapshots = [await api.snapshot(*pair) for pair in pairs]
    finally:
        await api.aclose()
    return [*incidents, *snapshots]


def blobs_of(stack: Stack) -> Iterator[tuple[str, str]]:
    """Every blob and its container. The files of Azurite mix the raw ones with the others."""
    service = BlobServiceClient.from_connection_string(storage_connection_string(stack.options.ports))
    with service:
        for container in service.list_containers():
            client = service.get_container_client(container.name)
            for blob in client.list_blobs():
                yield container.name, client.download_blob(blob.name).readall().decode(errors="replace")


def files_in(folder: Path) -> str:
    return "".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())


def holds(text: str, secret: str) -> bool:
    """As it is, as JSON spells it (once, and inside a text inside JSON), or as addresses do."""
    once = json.dumps(secret)[1:-1]
    spellings = {secret, once, json.dumps(once)[1:-1], quote(secret), quote(secret, safe="")}
    return any(spelling in text for spelling in spellings)
