"""What correlation looks at beside the alerts: topology, corrections and changes of a tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId
from shared.models.changes import Change
from shared.models.surroundings import Corrections
from shared.models.topology import KnownTopology
from shared.ports.stores import Page, Versioned


class SurroundingsStore(Protocol):
    """Topology and corrections; every method may raise StoreUnavailable."""

    async def topology(self, tenant_id: TenantId) -> Versioned[KnownTopology] | None:
        """The calls measured lately; None when none were."""
        ...

    async def corrections(self, tenant_id: TenantId) -> Versioned[Corrections] | None:
        """What people corrected."""
        ...

    async def keep(self, tenant_id: TenantId, document: KnownTopology | Corrections, etag: str | None) -> None:
        """Replace what was read with this etag, or create it with None; raises Conflict."""
        ...


class ChangeStore(Protocol):
    """Changes of a tenant's systems; every method may raise StoreUnavailable."""

    async def record(self, tenant_id: TenantId, change: Change) -> bool:
        """Keep a change, unless a later report of the same one is there; return whether it was news."""
        ...

    async def between(
        self, tenant_id: TenantId, start: datetime, end: datetime, *, limit: int = 200
    ) -> Sequence[Change]:
        """The changes that took effect in this time, newest first, at most `limit`."""
        ...

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
        """The same, of one service where it is named, page by page; raises Malformed on a cursor that is not ours."""
        ...
