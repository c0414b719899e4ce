"""Large bodies in Azure Blob Storage, each kind in a container of its own."""

import asyncio
from typing import TYPE_CHECKING, Any

from shared.adapters.writes import pointer_to, require_own_pointer
from shared.errors import BlobUnavailable, Malformed
from shared.models.base import TenantId

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

RAW = "raw"
"""Deliveries as they came."""
SNAPSHOTS = "snapshots"
"""Whole bodies of snapshots that are too large for a document."""
CALL_SECONDS = 5.0
MAX_BYTES = 5 * 1024 * 1024


class BlobBodies:
    """Implements Bodies. The blob's name derives from tenant and owner, so a re-run writes the same blob."""

    def __init__(self, service: "BlobServiceClient", container: str) -> None:
        self._service = service
        self._container = container

    async def put(self, tenant_id: TenantId, owner_id: str, body: bytes) -> str:
        """See Bodies."""
        from azure.core.exceptions import AzureError

        pointer = pointer_to(tenant_id, owner_id)
        client = self._service.get_blob_client(self._container, pointer)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                # The same owner has the same bytes, so writing it again changes nothing.
                await client.upload_blob(body, overwrite=True)
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("a body could not be kept") from exc
        return pointer

    async def get(self, tenant_id: TenantId, pointer: str) -> bytes:
        """See Bodies."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        require_own_pointer(tenant_id, pointer)
        client = self._service.get_blob_client(self._container, pointer)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                stream = await client.download_blob()
                if stream.size > MAX_BYTES:
                    raise Malformed("the body is larger than any we accept", reason="payload_too_large")
                return bytes(await stream.readall())
        except ResourceNotFoundError as exc:
            raise Malformed("the body is gone", reason="payload_gone") from exc
        except (AzureError, TimeoutError) as exc:
            raise BlobUnavailable("a body could not be read") from exc

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()


def blob_bodies(
    connection_string: str | None, account_name: str | None, client_id: str | None, *, container: str = RAW
) -> BlobBodies:
    """Blobs by connection string, or by account name with managed identity."""
    return BlobBodies(blob_service(connection_string, account_name, client_id), container)


def blob_service(
    connection_string: str | None, account_name: str | None, client_id: str | None
) -> "BlobServiceClient":
    """The SDK's client; it connects with its first call."""
    from azure.storage.blob.aio import BlobServiceClient

    retries: dict[str, Any] = {
        "retry_total": 2,
        "initial_backoff": 0,
        "increment_base": 1,
        "random_jitter_range": 0,
        # Else aiohttp looks for proxies and netrc files before every request.
        "use_env_settings": False,
    }
    if connection_string:
        return BlobServiceClient.from_connection_string(connection_string, **retries)
    from shared.adapters.identity import credential

    url = f"https://{account_name}.blob.core.windows.net"
    return BlobServiceClient(url, credential=credential(client_id), **retries)
