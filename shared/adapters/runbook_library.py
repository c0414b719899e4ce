"""Runbooks kept in the process for an hour: reading all of them for every incident would cost more than it tells."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.models.base import TenantId
from shared.models.runbooks import Runbook
from shared.ports.records import RecordStore

KEPT_FOR = timedelta(hours=1)
MAX_RUNBOOKS = 500
MAX_KEPT_CHARS = 64_000_000
"""Of one process, of all tenants: a large library alone has half of it."""
_PAGE = 100


class RecordedRunbooks:
    """Implements RunbookLibrary over the records."""

    def __init__(self, records: RecordStore, *, max_chars: int = MAX_KEPT_CHARS) -> None:
        self._records = records
        self._max_chars = max_chars
        self._kept: OrderedDict[TenantId, tuple[datetime, Sequence[Runbook]]] = OrderedDict()

    async def of_tenant(self, tenant_id: TenantId, *, now: datetime) -> Sequence[Runbook]:
        """See RunbookLibrary."""
        held = self._kept.get(tenant_id)
        if held and timedelta(0) <= now - held[0] < KEPT_FOR:
            self._kept.move_to_end(tenant_id)
            return held[1]
        runbooks = await self._read(tenant_id)
        if runbooks:
            # Who has none yet may write the first one now.
            self._kept[tenant_id] = (now, runbooks)
            self._kept.move_to_end(tenant_id)
            self._make_room()
        return runbooks

    def _make_room(self) -> None:
        """The one read longest ago goes first; the last one stays, however large."""
        sizes = {tenant_id: sum(len(one.body) for one in held) for tenant_id, (_, held) in self._kept.items()}
        whole = sum(sizes.values())
        while whole > self._max_chars and len(self._kept) > 1:
            forgotten, _ = self._kept.popitem(last=False)
            whole -= sizes[forgotten]

    async def _read(self, tenant_id: TenantId) -> Sequence[Runbook]:
        found: list[Runbook] = []
        cursor: str | None = None
        while len(found) < MAX_RUNBOOKS:
            page = await self._records.page(tenant_id, Runbook, limit=_PAGE, cursor=cursor)
            found += [one.value for one in page.items if one.value.removed_at is None]
            cursor = page.cursor
            if cursor is None:
                break
        return tuple(found[:MAX_RUNBOOKS])
