"""Sealing what tenants entrust to us."""

from typing import Protocol

from shared.models.base import IntegrationId, TenantId


class SecretBox(Protocol):
    """Seals text so that it opens only for the same tenant and integration."""

    async def seal(self, tenant_id: TenantId, integration_id: IntegrationId, plaintext: str) -> str:
        """The sealed text, printable; raises KeysUnavailable."""
        ...

    async def open(self, tenant_id: TenantId, integration_id: IntegrationId, sealed: str) -> str:
        """The plain text; raises SecretUnreadable when it was altered or sealed for another, KeysUnavailable."""
        ...


class DataKeys(Protocol):
    """Where the key that seals comes from: a local file, or Key Vault."""

    async def data_key(self) -> bytes:
        """The 32 bytes of the environment's data key; raises KeysUnavailable."""
        ...
