"""What is spent on models: each question and its day change together, in one conditional write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from shared.models.base import TenantId
from shared.models.spending import ModelQuestion, SpendingDay
from shared.ports.stores import Versioned


@dataclass(frozen=True)
class SpendingChange:
    """A question and the day that it is paid from, as they become; an etag of None creates."""

    question: ModelQuestion
    question_etag: str | None
    day: SpendingDay
    day_etag: str | None


class SpendingStore(Protocol):
    """Questions and days of one tenant; every method may raise StoreUnavailable."""

    async def question(self, tenant_id: TenantId, question_id: str) -> Versioned[ModelQuestion] | None:
        """A question that was asked, or is being asked."""
        ...

    async def day(self, tenant_id: TenantId, day: date) -> Versioned[SpendingDay] | None:
        """What was spent on a day; None when nothing was."""
        ...

    async def days(self, tenant_id: TenantId, days: Sequence[date]) -> list[SpendingDay]:
        """Those of these days on which something was spent or reserved, in the order asked for."""
        ...

    async def commit(self, tenant_id: TenantId, change: SpendingChange) -> None:
        """Write both or neither; raises Conflict when either moved, or one to create is there."""
        ...
