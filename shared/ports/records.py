"""The records of a tenant that people write through the API: one port for all of them."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from shared.models.base import TenantId
from shared.models.tenants import Record
from shared.ports.stores import Page, Versioned

R = TypeVar("R", bound=Record)


class RecordStore(Protocol):
    """Records of the directory, told apart by their kind; every method may raise StoreUnavailable."""

    async def read(self, tenant_id: TenantId, kind: type[R], record_id: str) -> Versioned[R] | None:
        """One record; None when there is none of this kind with this id."""
        ...

    async def page(
        self, tenant_id: TenantId, kind: type[R], *, limit: int, cursor: str | None = None
    ) -> Page[Versioned[R]]:
        """Records of a kind, oldest first; raises Malformed on a cursor that is not ours."""
        ...

    async def create(self, tenant_id: TenantId, record: Record) -> str:
        """Keep a new record and return its etag; raises AlreadyExists."""
        ...

    async def replace(self, tenant_id: TenantId, record: Record, etag: str) -> str:
        """Keep a changed record and return its new etag; raises Conflict when it moved or is gone."""
        ...

    async def replace_together(self, tenant_id: TenantId, records: Sequence[Versioned[Record]]) -> None:
        """Keep several changed records, all or none; raises Conflict when one of them moved or is gone."""
        ...

    async def delete(self, tenant_id: TenantId, record_id: str, etag: str) -> None:
        """Remove a record; raises Conflict when it moved or is gone."""
        ...
