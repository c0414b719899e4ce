"""Receipts in Azure Blob Storage: one small blob a part, written once."""

import asyncio
import json
from typing import TYPE_CHECKING

from shared.adapters.blob import CALL_SECONDS, blob_service
from shared.adapters.writes import part_pointer, receipt_folder
from shared.errors import BlobUnavailable
from shared.models.base import TenantId
from shared.models.receipts import ReceiptPart

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

CONTAINER = "receipts"


class BlobReceipts:
    """Implements ReceiptStore as `<tenant>/<receipt>/<part>.json`."""

    def __init__(self, service: "BlobServiceClient") -> None:
        self._service = service

    async def add_part(self, tenant_id: TenantId, part: ReceiptPart) -> None:
        """See ReceiptStore."""
        from azure.core.exceptions import AzureError, ResourceExistsError

        client = self._service.get_blob_client(CONTAINER, part_pointer(tenant_id, part))
        try:
            async with asyncio.timeout(CALL_SECONDS):
                # Without overwriting the SDK sends If-None-Match: *, so the first writer's part stands.
                await client.upload_blob(part.model_dump_json().encode(), overwrite=False)
        except ResourceExistsError:
            return
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("the part of a receipt could not be kept") from exc

    async def parts(self, tenant_id: TenantId, receipt_id: str) -> list[ReceiptPart]:
        """See ReceiptStore."""
        from azure.core.exceptions import AzureError

        folder = receipt_folder(tenant_id, receipt_id)
        if folder is None:
            return []
        try:
            async with asyncio.timeout(CALL_SECONDS):
                bodies = await self._bodies_in(folder)
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("a receipt could not be read") from exc
        return [ReceiptPart.from_stored(json.loads(body)) for body in bodies]

    async def _bodies_in(self, folder: str) -> list[bytes]:
        container = self._service.get_container_client(CONTAINER)
        names = [name async for name in container.list_blob_names(name_starts_with=folder)]
        return [await (await container.download_blob(name)).readall() for name in names]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()


def blob_receipts(connection_string: str | None, account_name: str | None, client_id: str | None) -> BlobReceipts:
    """Receipts by connection string, or by account name with managed identity."""
    return BlobReceipts(blob_service(connection_string, account_name, client_id))
