"""Records of the directory in memory, in the same documents as the directory itself."""

from collections.abc import Sequence
from typing import TypeVar

from shared.adapters.memory.documents import Write
from shared.adapters.memory.stores import MemoryDirectory
from shared.adapters.writes import cursor_after_record, of_kind, order_values, require_tenant
from shared.models.base import TenantId
from shared.models.tenants import Record
from shared.ports.stores import Page, Versioned

R = TypeVar("R", bound=Record)


class MemoryRecords:
    """Implements RecordStore."""

    def __init__(self, directory: MemoryDirectory | None = None) -> None:
        self._documents = (directory or MemoryDirectory()).documents

    async def read(self, tenant_id: TenantId, kind: type[R], record_id: str) -> Versioned[R] | None:
        """See RecordStore."""
        held = self._documents.read((tenant_id,), record_id)
        record = of_kind(kind, held[0]) if held else None
        return Versioned(record, held[1]) if held and record else None

    async def page(
        self, tenant_id: TenantId, kind: type[R], *, limit: int, cursor: str | None = None
    ) -> Page[Versioned[R]]:
        """See RecordStore."""
        after = order_values(cursor) if cursor else None
        of_type = kind.model_fields["type"].default
        bodies = [
            held
            for held in self._documents.partition((tenant_id,))
            if held[0]["type"] == of_type and (after is None or (held[0]["created_at"], held[0]["id"]) > after)
        ]
        oldest = sorted(bodies, key=lambda held: (held[0]["created_at"], held[0]["id"]))
        items = [Versioned(kind.from_stored(body), etag) for body, etag in oldest[:limit]]
        return Page(items, cursor_after_record(items[-1].value) if len(oldest) > limit else None)

    async def create(self, tenant_id: TenantId, record: Record) -> str:
        """See RecordStore."""
        require_tenant(tenant_id, record)
        return self._documents.create((tenant_id,), record.to_stored())

    async def replace(self, tenant_id: TenantId, record: Record, etag: str) -> str:
        """See RecordStore."""
        require_tenant(tenant_id, record)
        return self._documents.replace((tenant_id,), record.to_stored(), etag)

    async def replace_together(self, tenant_id: TenantId, records: Sequence[Versioned[Record]]) -> None:
        """See RecordStore."""
        for held in records:
            require_tenant(tenant_id, held.value)
        self._documents.batch((tenant_id,), [Write(held.value.to_stored(), held.etag) for held in records])

    async def delete(self, tenant_id: TenantId, record_id: str, etag: str) -> None:
        """See RecordStore."""
        self._documents.delete((tenant_id,), record_id, etag)
