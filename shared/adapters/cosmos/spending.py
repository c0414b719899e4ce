"""What is spent on models, in Cosmos DB (container `claims`): a question and its day in one transactional batch."""

import asyncio
from collections.abc import Sequence
from datetime import date

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import of_kind, require_tenant
from shared.models.base import TenantId
from shared.models.spending import ModelQuestion, SpendingDay
from shared.ports.spending import SpendingChange
from shared.ports.stores import Versioned


class CosmosSpending:
    """Implements SpendingStore."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._claims = Container(database, "claims")

    async def question(self, tenant_id: TenantId, question_id: str) -> Versioned[ModelQuestion] | None:
        """See SpendingStore."""
        body = await self._claims.read((tenant_id,), question_id)
        found = of_kind(ModelQuestion, body)
        return Versioned(found, str(body["_etag"])) if body and found else None

    async def day(self, tenant_id: TenantId, day: date) -> Versioned[SpendingDay] | None:
        """See SpendingStore."""
        body = await self._claims.read((tenant_id,), SpendingDay.id_for(day))
        found = of_kind(SpendingDay, body)
        return Versioned(found, str(body["_etag"])) if body and found else None

    async def days(self, tenant_id: TenantId, days: Sequence[date]) -> list[SpendingDay]:
        """See SpendingStore."""
        # Point reads: nothing but the tenant is indexed here, so a query would look at all of a tenant's claims.
        read = await asyncio.gather(*(self.day(tenant_id, one) for one in days))
        return [held.value for held in read if held]

    async def commit(self, tenant_id: TenantId, change: SpendingChange) -> None:
        """See SpendingStore."""
        require_tenant(tenant_id, change.question)
        require_tenant(tenant_id, change.day)
        both = [(change.question, change.question_etag), (change.day, change.day_etag)]
        await self._claims.batch((tenant_id,), [(one.to_stored(), etag) for one, etag in both])
