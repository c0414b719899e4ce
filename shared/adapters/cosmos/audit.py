"""The audit trail in Cosmos DB: created and read, never replaced."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shared.adapters.cosmos.client import Container, CosmosDatabase
from shared.adapters.writes import (
    entries_in,
    of_kind,
    require_tenant,
    stored_instant,
    tail_in,
    without_entries,
)
from shared.errors import AlreadyExists
from shared.models.audit import AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, place_of
from shared.models.base import TenantId
from shared.ports.audit import Place, Wanted

_BY_ID = "SELECT * FROM c WHERE c.type = @type AND c.id > @after ORDER BY c.id ASC"
_TAIL = "SELECT * FROM c WHERE c.type = @type ORDER BY c.id DESC"
_SEALED = "SELECT * FROM c WHERE c.type = @type AND c.entry_id = @entry_id"
_PAGE = "SELECT * FROM c WHERE {} ORDER BY c.timestamp DESC, c.id DESC"
_BEHIND = "(c.timestamp < @at OR (c.timestamp = @at AND c.id < @id))"

_LOG = AuditLog.model_fields["type"].default
_INTENT = AuditIntent.model_fields["type"].default


class CosmosAuditTrail:
    """Implements AuditTrail. Session consistency promises that no read is older than the one before it."""

    def __init__(self, database: CosmosDatabase) -> None:
        self._container = Container(database, "audit")
        self._homes = {home: Container(database, home.value) for home in AuditHome}

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, intent)
        with suppress(AlreadyExists):
            await self._container.create((tenant_id, intent.month), intent.to_stored())

    async def intent(self, tenant_id: TenantId, month: str, intent_id: str) -> AuditIntent | None:
        """See AuditTrail."""
        return of_kind(AuditIntent, await self._container.read((tenant_id, month), intent_id))

    async def intents(self, tenant_id: TenantId, month: str, *, after: str, limit: int) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        parameters = {"type": _INTENT, "after": after}
        return [*await self._container.query((tenant_id, month), _BY_ID, parameters, limit=limit)]

    async def pending(self, tenant_id: TenantId, where: AuditWhere) -> list[AuditEntry] | None:
        """See AuditTrail."""
        found = await self._homes[where.home].read(where.key(tenant_id), where.id)
        return entries_in(found) if found else None

    async def settle(self, tenant_id: TenantId, where: AuditWhere, entry_ids: frozenset[str]) -> None:
        """See AuditTrail."""
        container, key = self._homes[where.home], where.key(tenant_id)
        found = await container.read(key, where.id)
        settled = without_entries(found, entry_ids) if found else None
        if found and settled:
            await container.replace(key, settled, str(found["_etag"]))

    async def tail(self, tenant_id: TenantId, month: str) -> AuditLog | None:
        """See AuditTrail."""
        return tail_in(await self._container.query((tenant_id, month), _TAIL, {"type": _LOG}, limit=1))

    async def at(self, tenant_id: TenantId, month: str, sequence: int) -> Mapping[str, Any] | None:
        """See AuditTrail."""
        return await self._container.read((tenant_id, month), place_of(sequence))

    async def sealed(self, tenant_id: TenantId, month: str, entry_id: str) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        parameters = {"type": _LOG, "entry_id": entry_id}
        return [*await self._container.query((tenant_id, month), _SEALED, parameters)]

    async def add(self, tenant_id: TenantId, log: AuditLog) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, log)
        await self._container.create((tenant_id, log.month), log.to_stored())

    async def chain(self, tenant_id: TenantId, month: str, *, after: str, limit: int) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        parameters = {"type": _LOG, "after": after}
        return [*await self._container.query((tenant_id, month), _BY_ID, parameters, limit=limit)]

    async def page(
        self, tenant_id: TenantId, month: str, wanted: Wanted, *, limit: int, behind: Place | None = None
    ) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        equals = wanted.equals()
        conditions = ["c.type = @type", "c.timestamp >= @start", "c.timestamp < @end"]
        conditions += [f"c.{name} = @{name}" for name in equals]  # the names are ours, the values are parameters
        parameters: dict[str, object] = {
            **equals,
            "type": _LOG,
            "start": stored_instant(wanted.start),
            "end": stored_instant(wanted.end),
        }
        if behind:
            conditions.append(_BEHIND)
            parameters |= {"at": behind.timestamp, "id": behind.id}
        text = _PAGE.format(" AND ".join(conditions))
        return [*await self._container.query((tenant_id, month), text, parameters, limit=limit)]
