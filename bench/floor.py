"""The floor: the same bodies put on Azurite's queue (larger ones as blobs), by the product's client, nothing else."""

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.generator import Delivery
from bench.sending import Send, Sent
from shared.adapters.blob import blob_bodies
from shared.adapters.storage_queue import storage_queues
from shared.messages import MAX_MESSAGE_BYTES
from shared.models.base import ReceiptId, TenantId

QUEUE = "bench-floor"
TENANT = TenantId("bench")


@asynccontextmanager
async def the_floor(environment: Mapping[str, str]) -> AsyncIterator[Send]:
    """What sends a body and nothing more; its queue is gone afterwards."""
    from azure.storage.queue.aio import QueueClient

    connection = environment["AzureWebJobsStorage"]
    queues, blobs = storage_queues(connection, None, None), blob_bodies(connection, None, None)

    async def send(delivery: Delivery) -> Sent:
        began, tried = time.time(), time.perf_counter()
        body = delivery.body
        if len(body) > MAX_MESSAGE_BYTES:
            body = (await blobs.put(TENANT, ReceiptId(uuid.uuid4().hex), body)).encode()
        await queues.send_raw(QUEUE, body)
        return Sent(delivery, began, time.perf_counter() - tried)

    async with QueueClient.from_connection_string(connection, QUEUE) as queue:
        await queue.create_queue()
        try:
            yield send
        finally:
            await queue.delete_queue()
            await queues.aclose()
            await blobs.aclose()
