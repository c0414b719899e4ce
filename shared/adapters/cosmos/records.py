"""Records of the directory in Cosmos DB, written under their etags."""

from collections.abc import Sequence
from typing import TypeVar

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import cursor_after_record, of_kind, order_values, require_tenant
from shared.models.base import TenantId
from shared.models.tenants import Record
from shared.ports.stores import Page, Versioned

R = TypeVar("R", bound=Record)

_FIRST_PAGE = "SELECT * FROM c WHERE c.type = @type ORDER BY c.created_at ASC, c.id ASC"
_NEXT_PAGE = (
    "SELECT * FROM c WHERE c.type = @type AND (c.created_at > @at OR (c.created_at = @at AND c.id > @id)) "
    "ORDER BY c.created_at ASC, c.id ASC"
)


class CosmosRecords:
    """Implements RecordStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "directory")

    async def read(self, tenant_id: TenantId, kind: type[R], record_id: str) -> Versioned[R] | None:
        """See RecordStore."""
        found = await self._container.read((tenant_id,), record_id)
        record = of_kind(kind, found)
        return Versioned(record, str(found["_etag"])) if found and record else None

    async def page(
        self, tenant_id: TenantId, kind: type[R], *, limit: int, cursor: str | None = None
    ) -> Page[Versioned[R]]:
        """See RecordStore."""
        text, parameters = _FIRST_PAGE, {"type": kind.model_fields["type"].default}
        if cursor:
            created_at, record_id = order_values(cursor)
            text, parameters = _NEXT_PAGE, {**parameters, "at": created_at, "id": record_id}
        found = await self._container.query((tenant_id,), text, parameters, limit=limit + 1)
        items = [Versioned(kind.from_stored(body), str(body["_etag"])) for body in found[:limit]]
        return Page(items, cursor_after_record(items[-1].value) if len(found) > limit else None)

    async def create(self, tenant_id: TenantId, record: Record) -> str:
        """See RecordStore."""
        require_tenant(tenant_id, record)
        return await self._container.create((tenant_id,), record.to_stored())

    async def replace(self, tenant_id: TenantId, record: Record, etag: str) -> str:
        """See RecordStore."""
        require_tenant(tenant_id, record)
        return await self._container.replace((tenant_id,), record.to_stored(), etag)

    async def replace_together(self, tenant_id: TenantId, records: Sequence[Versioned[Record]]) -> None:
        """See RecordStore."""
        for held in records:
            require_tenant(tenant_id, held.value)
        await self._container.batch((tenant_id,), [(held.value.to_stored(), held.etag) for held in records])

    async def delete(self, tenant_id: TenantId, record_id: str, etag: str) -> None:
        """See RecordStore."""
        await self._container.batch((tenant_id,), [], [(record_id, etag)])
