"""All that is stored of one tenant, as it is stored: for its backup, and for nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from shared.models.base import TenantId

Stored = Mapping[str, Any]
"""A document as it is stored, whatever its schema, without what the store itself adds."""


class TenantArchive(Protocol):
    """Documents of one tenant; every method may raise StoreUnavailable."""

    async def page(
        self, tenant_id: TenantId, container: str, part: str | None, *, after: str, limit: int
    ) -> Sequence[Stored]:
        """The tenant's documents under one partition key, in the order of their ids, from behind the id `after`.

        `part` is the second level of the key where there are two, and the whole key in `lookups` and `schedule`.
        """
        ...

    async def held(self, tenant_id: TenantId, container: str, document: Stored) -> Stored | None:
        """What lies where this document of the tenant would, whoever's it is."""
        ...

    async def restore(self, tenant_id: TenantId, container: str, document: Stored) -> bool:
        """Create a document; False when just this one is there. Raises AlreadyExists when another one is."""
        ...


class BlobArchive(Protocol):
    """Blobs of one tenant; every method may raise BlobUnavailable."""

    def names(self, tenant_id: TenantId, container: str) -> AsyncIterator[str]:
        """The names of all blobs of the tenant."""
        ...

    async def read(self, tenant_id: TenantId, container: str, name: str) -> bytes | None:
        """A blob; None when it is gone."""
        ...

    async def restore(self, tenant_id: TenantId, container: str, name: str, body: bytes) -> bool:
        """Create a blob; False when just this one is there. Raises AlreadyExists when another one is."""
        ...
