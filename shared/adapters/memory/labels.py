"""Labels and calibrations in memory."""

from datetime import datetime

from shared.adapters.memory.documents import MemoryDocuments
from shared.adapters.writes import of_kind, require_tenant
from shared.models.base import TenantId
from shared.models.calibration import TenantCalibration
from shared.models.feedback import Label
from shared.ports.labels import MAX_LABELS


class MemoryLabels:
    """Implements LabelStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def keep(self, tenant_id: TenantId, label: Label) -> None:
        """See LabelStore."""
        require_tenant(tenant_id, label)
        self.documents.upsert((tenant_id,), label.to_stored())

    async def forget(self, tenant_id: TenantId, label_id: str) -> None:
        """See LabelStore."""
        held = self.documents.read((tenant_id,), label_id)
        if held and of_kind(Label, held[0]):
            self.documents.delete((tenant_id,), label_id, held[1])

    async def since(self, tenant_id: TenantId, start: datetime, *, limit: int = MAX_LABELS) -> list[Label]:
        """See LabelStore."""
        bodies = [body for body, _ in self.documents.partition((tenant_id,))]
        found = [one for body in bodies if (one := of_kind(Label, body)) and one.labelled_at >= start]
        return sorted(found, key=lambda one: one.labelled_at, reverse=True)[:limit]

    async def calibration(self, tenant_id: TenantId) -> TenantCalibration | None:
        """See LabelStore."""
        held = self.documents.read((tenant_id,), TenantCalibration.id_for())
        return TenantCalibration.from_stored(held[0]) if held else None

    async def keep_calibration(self, tenant_id: TenantId, calibration: TenantCalibration) -> None:
        """See LabelStore."""
        require_tenant(tenant_id, calibration)
        self.documents.upsert((tenant_id,), calibration.to_stored())
