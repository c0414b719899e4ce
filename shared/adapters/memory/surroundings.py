"""Topology, corrections and changes in memory."""

from datetime import datetime

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import cursor_after_change, order_values, require_tenant
from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.changes import Change
from shared.models.surroundings import Corrections
from shared.models.topology import KnownTopology
from shared.ports.stores import Page, Versioned


class MemorySurroundings:
    """Implements SurroundingsStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def topology(self, tenant_id: TenantId) -> Versioned[KnownTopology] | None:
        """See SurroundingsStore."""
        held = self.documents.read((tenant_id,), KnownTopology.id_for())
        return Versioned(KnownTopology.from_stored(held[0]), held[1]) if held else None

    async def corrections(self, tenant_id: TenantId) -> Versioned[Corrections] | None:
        """See SurroundingsStore."""
        held = self.documents.read((tenant_id,), Corrections.id_for())
        return Versioned(Corrections.from_stored(held[0]), held[1]) if held else None

    async def keep(self, tenant_id: TenantId, document: KnownTopology | Corrections, etag: str | None) -> None:
        """See SurroundingsStore."""
        require_tenant(tenant_id, document)
        if etag is not None:
            self.documents.replace((tenant_id,), document.to_stored(), etag)
            return
        try:
            self.documents.create((tenant_id,), document.to_stored())
        except AlreadyExists as exc:
            raise Conflict(f"{document.id} is there already") from exc


class MemoryChanges:
    """Implements ChangeStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def record(self, tenant_id: TenantId, change: Change) -> bool:
        """See ChangeStore."""
        require_tenant(tenant_id, change)
        held = self.documents.read((tenant_id,), change.id)
        if held and Change.from_stored(held[0]).reported.said_at >= change.reported.said_at:
            return False
        kept = change.over(Change.from_stored(held[0])) if held else change
        self.documents.upsert((tenant_id,), kept.to_stored())
        return True

    async def between(self, tenant_id: TenantId, start: datetime, end: datetime, *, limit: int = 200) -> list[Change]:
        """See ChangeStore."""
        bodies = [body for body, _ in self.documents.partition((tenant_id,))]
        found = [one for one in map(Change.from_stored, bodies) if start <= one.at <= end]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit]

    async def page(
        self,
        tenant_id: TenantId,
        start: datetime,
        end: datetime,
        *,
        limit: int,
        cursor: str | None = None,
        service: str | None = None,
    ) -> Page[Change]:
        """See ChangeStore."""
        after = order_values(cursor) if cursor else None
        found = [
            (body["at"], body["id"], change)
            for body, _ in self.documents.partition((tenant_id,))
            if start <= (change := Change.from_stored(body)).at <= end
            and service in (None, change.service_name)
            and (after is None or (body["at"], body["id"]) < after)
        ]
        newest = [one for _, _, one in sorted(found, key=lambda one: one[:2], reverse=True)]
        return Page(newest[:limit], cursor_after_change(newest[limit - 1]) if len(newest) > limit else None)
