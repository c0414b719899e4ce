"""Due work in Cosmos DB: the partition is the shard, so each shard is asked with one query under its full key."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import require_tenant
from shared.errors import AlreadyExists, Conflict
from shared.models.base import TenantId
from shared.models.schedule import DueWork, WorkKind, shard_of
from shared.ports.stores import Versioned

# Work that a newer version put here must not stop the older one that reads it, so kinds are named.
_DUE = "SELECT * FROM c WHERE c.due_at <= @now AND ARRAY_CONTAINS(@kinds, c.kind) ORDER BY c.due_at"


class CosmosSchedule:
    """Implements ScheduleStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "schedule")

    async def put(self, tenant_id: TenantId, work: DueWork) -> None:
        """See ScheduleStore."""
        require_tenant(tenant_id, work)
        with suppress(AlreadyExists):
            await self._container.create((work.shard,), work.to_stored())

    async def read(self, tenant_id: TenantId, work_id: str) -> Versioned[DueWork] | None:
        """See ScheduleStore."""
        found = await self._container.read((shard_of(work_id),), work_id)
        if found is None or found["tenant_id"] != tenant_id:
            return None
        return Versioned(DueWork.from_stored(found), found["_etag"])

    async def due(self, shard: str, now: datetime, *, limit: int) -> Sequence[Versioned[DueWork]]:
        """See ScheduleStore."""
        moment = now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        parameters = {"now": moment, "kinds": [kind.value for kind in WorkKind]}
        found = await self._container.query((shard,), _DUE, parameters, limit=limit)
        return [Versioned(DueWork.from_stored(body), str(body["_etag"])) for body in found]

    async def replace(self, tenant_id: TenantId, work: DueWork, etag: str) -> str:
        """See ScheduleStore."""
        require_tenant(tenant_id, work)
        return await self._container.replace((work.shard,), work.to_stored(), etag)

    async def done(self, tenant_id: TenantId, work: Versioned[DueWork]) -> None:
        """See ScheduleStore."""
        require_tenant(tenant_id, work.value)
        key, work_id = (work.value.shard,), work.value.id
        try:
            await self._container.batch(key, [], [(work_id, work.etag)])
        except Conflict:
            if await self._container.read(key, work_id):
                raise
