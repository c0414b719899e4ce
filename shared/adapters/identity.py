"""The process's own identity in Azure: one credential, so that tokens are cached once."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential


@lru_cache(maxsize=1)
def credential(client_id: str | None) -> "DefaultAzureCredential":
    """Managed identity in Azure; on a developer's machine whatever the Azure CLI is signed in as."""
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id)
