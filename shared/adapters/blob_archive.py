"""A tenant's blobs in Azure Blob Storage, read and restored as they are."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from shared.adapters.blob import blob_service
from shared.adapters.writes import require_own_name
from shared.errors import AlreadyExists, BlobUnavailable
from shared.models.base import TenantId

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

CALL_SECONDS = 30.0


class BlobTenantArchive:
    """Implements BlobArchive: every name begins with the tenant's id."""

    def __init__(self, service: "BlobServiceClient") -> None:
        self._service = service

    async def names(self, tenant_id: TenantId, container: str) -> AsyncIterator[str]:
        """See BlobArchive."""
        from azure.core.exceptions import AzureError

        require_own_name(tenant_id, f"{tenant_id}/any")
        try:
            async for name in self._service.get_container_client(container).list_blob_names(
                name_starts_with=f"{tenant_id}/"
            ):
                yield name
        except AzureError as exc:
            raise BlobUnavailable("the blobs of a tenant could not be listed") from exc

    async def read(self, tenant_id: TenantId, container: str, name: str) -> bytes | None:
        """See BlobArchive."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        require_own_name(tenant_id, name)
        client = self._service.get_blob_client(container, name)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return bytes(await (await client.download_blob()).readall())
        except ResourceNotFoundError:
            return None
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("a blob could not be read") from exc

    async def restore(self, tenant_id: TenantId, container: str, name: str, body: bytes) -> bool:
        """See BlobArchive."""
        from azure.core.exceptions import AzureError, ResourceExistsError

        require_own_name(tenant_id, name)
        client = self._service.get_blob_client(container, name)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                # Without overwriting the SDK sends If-None-Match: *.
                await client.upload_blob(body, overwrite=False)
        except ResourceExistsError as exc:
            if await self.read(tenant_id, container, name) != body:
                raise AlreadyExists("another blob of this name is there") from exc
            return False
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("a blob could not be restored") from exc
        return True

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()


def blob_archive(connection_string: str | None, account_name: str | None, client_id: str | None) -> BlobTenantArchive:
    """Blobs by connection string, or by account name with managed identity."""
    return BlobTenantArchive(blob_service(connection_string, account_name, client_id))
