"""Labels and calibrations in Cosmos DB (container `caches`)."""

from datetime import datetime

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import of_kind, require_tenant, stored_instant
from shared.models.base import TenantId
from shared.models.calibration import TenantCalibration
from shared.models.feedback import Label
from shared.ports.labels import MAX_LABELS

_SINCE = "SELECT * FROM c WHERE c.type = 'label' AND c.labelled_at >= @start ORDER BY c.labelled_at DESC"


class CosmosLabels:
    """Implements LabelStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._caches = Container(database, "caches")

    async def keep(self, tenant_id: TenantId, label: Label) -> None:
        """See LabelStore."""
        require_tenant(tenant_id, label)
        await self._caches.upsert((tenant_id,), label.to_stored())

    async def forget(self, tenant_id: TenantId, label_id: str) -> None:
        """See LabelStore."""
        held = await self._caches.read((tenant_id,), label_id)
        if held and of_kind(Label, held):
            await self._caches.batch((tenant_id,), [], [(label_id, str(held["_etag"]))])

    async def since(self, tenant_id: TenantId, start: datetime, *, limit: int = MAX_LABELS) -> list[Label]:
        """See LabelStore."""
        found = await self._caches.query((tenant_id,), _SINCE, {"start": stored_instant(start)}, limit=limit)
        return [Label.from_stored(body) for body in found]

    async def calibration(self, tenant_id: TenantId) -> TenantCalibration | None:
        """See LabelStore."""
        found = await self._caches.read((tenant_id,), TenantCalibration.id_for())
        return TenantCalibration.from_stored(found) if found else None

    async def keep_calibration(self, tenant_id: TenantId, calibration: TenantCalibration) -> None:
        """See LabelStore."""
        require_tenant(tenant_id, calibration)
        await self._caches.upsert((tenant_id,), calibration.to_stored())
