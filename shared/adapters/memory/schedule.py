"""Due work in memory."""

from collections.abc import Sequence
from datetime import datetime

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import require_tenant
from shared.errors import AlreadyExists
from shared.models.base import TenantId
from shared.models.schedule import DueWork, WorkKind, shard_of
from shared.ports.stores import Versioned


class MemorySchedule:
    """Implements ScheduleStore."""

    def __init__(self) -> None:
        self._documents = MemoryDocuments()

    async def put(self, tenant_id: TenantId, work: DueWork) -> None:
        """See ScheduleStore."""
        require_tenant(tenant_id, work)
        try:
            self._documents.create((work.shard,), work.to_stored())
        except AlreadyExists:
            return

    async def read(self, tenant_id: TenantId, work_id: str) -> Versioned[DueWork] | None:
        """See ScheduleStore."""
        held = self._documents.read((shard_of(work_id),), work_id)
        if held is None or held[0]["tenant_id"] != tenant_id:
            return None
        return Versioned(DueWork.from_stored(held[0]), held[1])

    async def due(self, shard: str, now: datetime, *, limit: int) -> Sequence[Versioned[DueWork]]:
        """See ScheduleStore."""
        known = [(body, etag) for body, etag in self._documents.partition((shard,)) if body["kind"] in set(WorkKind)]
        found = [Versioned(DueWork.from_stored(body), etag) for body, etag in known]
        due = [held for held in found if held.value.due_at <= now]
        return sorted(due, key=lambda held: (held.value.due_at, held.value.id))[:limit]

    async def replace(self, tenant_id: TenantId, work: DueWork, etag: str) -> str:
        """See ScheduleStore."""
        require_tenant(tenant_id, work)
        return self._documents.replace((work.shard,), work.to_stored(), etag)

    async def done(self, tenant_id: TenantId, work: Versioned[DueWork]) -> None:
        """See ScheduleStore."""
        require_tenant(tenant_id, work.value)
        if self._documents.read((work.value.shard,), work.value.id):
            self._documents.delete((work.value.shard,), work.value.id, work.etag)
