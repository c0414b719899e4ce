"""What is spent on models, in memory."""

from collections.abc import Sequence
from datetime import date

from shared.adapters.memory.documents import MemoryDocuments, Write
from shared.adapters.writes import of_kind, require_tenant
from shared.models.base import TenantId
from shared.models.spending import ModelQuestion, SpendingDay
from shared.ports.spending import SpendingChange
from shared.ports.stores import Versioned


class MemorySpending:
    """Implements SpendingStore."""

    def __init__(self) -> None:
        self.documents = MemoryDocuments()

    async def question(self, tenant_id: TenantId, question_id: str) -> Versioned[ModelQuestion] | None:
        """See SpendingStore."""
        body, etag = self.documents.read((tenant_id,), question_id) or (None, "")
        found = of_kind(ModelQuestion, body)
        return Versioned(found, etag) if found else None

    async def day(self, tenant_id: TenantId, day: date) -> Versioned[SpendingDay] | None:
        """See SpendingStore."""
        body, etag = self.documents.read((tenant_id,), SpendingDay.id_for(day)) or (None, "")
        found = of_kind(SpendingDay, body)
        return Versioned(found, etag) if found else None

    async def days(self, tenant_id: TenantId, days: Sequence[date]) -> list[SpendingDay]:
        """See SpendingStore."""
        read = [await self.day(tenant_id, one) for one in days]
        return [held.value for held in read if held]

    async def commit(self, tenant_id: TenantId, change: SpendingChange) -> None:
        """See SpendingStore."""
        require_tenant(tenant_id, change.question)
        require_tenant(tenant_id, change.day)
        both = [(change.question, change.question_etag), (change.day, change.day_etag)]
        self.documents.batch((tenant_id,), [Write(one.to_stored(), etag) for one, etag in both])
