"""Where due work lives. Every method may raise StoreUnavailable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId
from shared.models.schedule import DueWork
from shared.ports.stores import Versioned


class ScheduleStore(Protocol):
    """Due work of all tenants. Only `due` reads across tenants, one shard at a time, under its full key."""

    async def put(self, tenant_id: TenantId, work: DueWork) -> None:
        """Keep work; what is there already stands."""
        ...

    async def read(self, tenant_id: TenantId, work_id: str) -> Versioned[DueWork] | None:
        """The work of this tenant with this id; None when it is done, or another tenant's."""
        ...

    async def due(self, shard: str, now: datetime, *, limit: int) -> Sequence[Versioned[DueWork]]:
        """What is due in a shard, the longest due first; kinds this version does not know are left out."""
        ...

    async def replace(self, tenant_id: TenantId, work: DueWork, etag: str) -> str:
        """Keep changed work, to move it for one, and return its new etag; raises Conflict when the etag is stale."""
        ...

    async def done(self, tenant_id: TenantId, work: Versioned[DueWork]) -> None:
        """Remove work; nothing happens when it is gone. Raises Conflict when the etag is stale."""
        ...
