"""The audit trail in memory."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared.adapters.memory.documents import Body, MemoryDocuments
from shared.adapters.writes import entries_in, of_kind, require_tenant, stored_instant, tail_in, without_entries
from shared.errors import AlreadyExists
from shared.models.audit import AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, place_of
from shared.models.base import TenantId
from shared.ports.audit import Place, SealingTerms, Wanted


class FixedSealing:
    """Implements Sealing with a key that everybody knows."""

    async def terms(self) -> SealingTerms:
        """See Sealing."""
        return SealingTerms(key=bytes(32), retention=timedelta(days=400))


class MemoryAuditTrail:
    """Implements AuditTrail over the documents of the stores that hold audited ones."""

    def __init__(self, homes: Mapping[AuditHome, MemoryDocuments] | None = None) -> None:
        self.documents = MemoryDocuments()
        self._homes = homes or {}

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, intent)
        with suppress(AlreadyExists):
            self.documents.create((tenant_id, intent.month), intent.to_stored())

    async def intent(self, tenant_id: TenantId, month: str, intent_id: str) -> AuditIntent | None:
        """See AuditTrail."""
        held = self.documents.read((tenant_id, month), intent_id)
        return of_kind(AuditIntent, held[0] if held else None)

    async def intents(self, tenant_id: TenantId, month: str, *, after: str, limit: int) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        return [*self._of_type(tenant_id, month, "audit_intent", lambda body: body["id"] > after)[:limit]]

    async def pending(self, tenant_id: TenantId, where: AuditWhere) -> list[AuditEntry] | None:
        """See AuditTrail."""
        held = self._homes[where.home].read(where.key(tenant_id), where.id)
        return entries_in(held[0]) if held else None

    async def settle(self, tenant_id: TenantId, where: AuditWhere, entry_ids: frozenset[str]) -> None:
        """See AuditTrail."""
        documents, key = self._homes[where.home], where.key(tenant_id)
        held = documents.read(key, where.id)
        settled = without_entries(held[0], entry_ids) if held else None
        if held and settled:
            documents.replace(key, settled, held[1])

    async def tail(self, tenant_id: TenantId, month: str) -> AuditLog | None:
        """See AuditTrail."""
        return tail_in(self._chain(tenant_id, month)[-1:])

    async def at(self, tenant_id: TenantId, month: str, sequence: int) -> Mapping[str, Any] | None:
        """See AuditTrail."""
        held = self.documents.read((tenant_id, month), place_of(sequence))
        return held[0] if held else None

    async def sealed(self, tenant_id: TenantId, month: str, entry_id: str) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        return [*self._chain(tenant_id, month, lambda body: body["entry_id"] == entry_id)]

    async def add(self, tenant_id: TenantId, log: AuditLog) -> None:
        """See AuditTrail."""
        require_tenant(tenant_id, log)
        self.documents.create((tenant_id, log.month), log.to_stored())

    async def chain(self, tenant_id: TenantId, month: str, *, after: str, limit: int) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        return [*self._chain(tenant_id, month, lambda body: body["id"] > after)[:limit]]

    async def page(
        self, tenant_id: TenantId, month: str, wanted: Wanted, *, limit: int, behind: Place | None = None
    ) -> list[Mapping[str, Any]]:
        """See AuditTrail."""
        start, before = stored_instant(wanted.start), stored_instant(wanted.end)
        end = (behind.timestamp, behind.id) if behind else None
        found = self._chain(
            tenant_id,
            month,
            lambda body: (
                start <= body["timestamp"] < before
                and all(body[name] == value for name, value in wanted.equals().items())
                and (end is None or (body["timestamp"], body["id"]) < end)
            ),
        )
        newest = sorted(found, key=lambda body: (body["timestamp"], body["id"]), reverse=True)
        return [*newest[:limit]]

    def _chain(self, tenant_id: TenantId, month: str, test: Callable[[Body], bool] = bool) -> list[Body]:
        return self._of_type(tenant_id, month, "audit_log", test)

    def _of_type(self, tenant_id: TenantId, month: str, kind: str, test: Callable[[Body], bool]) -> list[Body]:
        bodies = [body for body, _ in self.documents.partition((tenant_id, month)) if body["type"] == kind]
        return sorted((body for body in bodies if test(body)), key=lambda body: str(body["id"]))
