"""A tenant's runbooks as the context engine reads them: all at once, for every incident."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId
from shared.models.runbooks import Runbook


class RunbookLibrary(Protocol):
    """Runbooks, which may be as they were up to an hour ago."""

    async def of_tenant(self, tenant_id: TenantId, *, now: datetime) -> Sequence[Runbook]:
        """Every runbook that is not removed, at most MAX_RUNBOOKS of them; raises StoreUnavailable."""
        ...
