"""A whole set of services in memory, for tests of the pipeline."""

from shared.adapters.memory import (
    MemoryClaims,
    MemoryDeadLetters,
    MemoryDirectory,
    MemoryIncidentList,
    MemoryIncidents,
    MemoryLookups,
    MemoryQueues,
    MemoryRawBodies,
    MemoryReceipts,
)
from shared.models.base import TenantId
from shared.ports.metrics import MetricsSource
from shared.ports.model import Model
from shared.ports.services import Services


class NoMetrics:
    """A tenant without a Prometheus."""

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        """None is connected."""
        return None


def services_in_memory(*, model: Model | None = None) -> Services:
    """Fresh services with nothing in them."""
    return Services(
        claims=MemoryClaims(),
        incidents=MemoryIncidents(),
        incident_list=MemoryIncidentList(),
        directory=MemoryDirectory(),
        lookups=MemoryLookups(),
        receipts=MemoryReceipts(),
        dead_letters=MemoryDeadLetters(),
        queues=MemoryQueues(),
        raw=MemoryRawBodies(),
        metrics=NoMetrics(),
        model=model,
    )
