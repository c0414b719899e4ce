"""How many questions of one tenant are under way at a time, so that one cannot use up the connections of all."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.errors import SourceUnavailable
from shared.models.base import TenantId

_MAX_TENANTS: Final = 1024


class TenantSlots:
    """So many slots for each tenant. Who has asked longest ago is forgotten first, with nothing under way by then."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._of_tenant: OrderedDict[TenantId, asyncio.Semaphore] = OrderedDict()

    @asynccontextmanager
    async def taken(self, tenant_id: TenantId, *, within_seconds: float) -> AsyncIterator[None]:
        """Holds a slot; raises SourceUnavailable (`busy`) when none becomes free in time."""
        mine = self._mine(tenant_id)
        try:
            async with asyncio.timeout(within_seconds):
                await mine.acquire()
        except TimeoutError as exc:
            raise SourceUnavailable("Too many questions of this tenant wait.", reason="busy") from exc
        try:
            yield
        finally:
            mine.release()

    def _mine(self, tenant_id: TenantId) -> asyncio.Semaphore:
        if tenant_id not in self._of_tenant:
            self._of_tenant[tenant_id] = asyncio.Semaphore(self._slots)
        self._of_tenant.move_to_end(tenant_id)
        while len(self._of_tenant) > _MAX_TENANTS:
            self._of_tenant.popitem(last=False)
        return self._of_tenant[tenant_id]
