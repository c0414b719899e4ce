"""What the receipts say: read as blobs, so that those that the sender never heard of count too."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from shared.adapters.blob_receipts import CONTAINER
from shared.models.receipts import Outcome, ReceiptPart, standing_account

AT_ONCE = 8


async def accounts(environment: Mapping[str, str], tenant_id: str) -> dict[str, ReceiptPart]:
    """The account of every receipt of a tenant, by the receipt's id."""
    from azure.storage.blob.aio import ContainerClient

    parts = defaultdict[str, list[ReceiptPart]](list)
    limit = asyncio.Semaphore(AT_ONCE)

    async def read(name: str) -> None:
        async with limit:
            body: Any = await (await container.download_blob(name)).readall()
        part = ReceiptPart.model_validate_json(body)
        parts[part.receipt_id].append(part)

    async with ContainerClient.from_connection_string(environment["AzureWebJobsStorage"], CONTAINER) as container:
        names = [blob.name async for blob in container.list_blobs(name_starts_with=f"{tenant_id}/")]
        await asyncio.gather(*(read(name) for name in names))
    return {receipt_id: account for receipt_id, found in parts.items() if (account := standing_account(found))}


def created(found: Mapping[str, ReceiptPart]) -> int:
    """How many alerts all receipts together claim to have been the first to bring."""
    first = (Outcome.CREATED, Outcome.SUPPRESSED)
    return sum(account.outcomes.get(outcome, 0) for account in found.values() for outcome in first)


def wrong(found: Mapping[str, ReceiptPart], delivered: Mapping[str, int]) -> int:
    """How many of the acknowledged deliveries have no receipt that accounts for each of their alerts once."""
    return sum(
        1
        for receipt_id, alerts in delivered.items()
        if (account := found.get(receipt_id)) is None or sum(account.outcomes.values()) != alerts
    )
