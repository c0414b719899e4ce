"""Where the audit trail is kept: a container to which the product may only add, and the documents it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.models.audit import AuditAction, AuditEntry, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog
from shared.models.base import TenantId


@dataclass(frozen=True)
class SealingTerms:
    """With what the trail is sealed, and how long a month is kept after its end."""

    key: bytes
    retention: timedelta


class Sealing(Protocol):
    """What an environment decides of sealing; kept by a process once it is known."""

    async def terms(self) -> SealingTerms:
        """The key and the retention; raises KeysUnavailable."""
        ...


@dataclass(frozen=True)
class Wanted:
    """Which entries of the trail are asked for: from `start` on, before `end`, and matching all the rest."""

    start: datetime
    end: datetime
    user_id: str | None = None
    event_type: str | None = None
    action: AuditAction | None = None
    resource_type: str | None = None
    resource_id: str | None = None

    def equals(self) -> Mapping[str, str]:
        """The fields that must have one value."""
        named = {
            "user_id": self.user_id,
            "event_type": self.event_type,
            "action": self.action.value if self.action else None,
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Place:
    """Where a page of the trail ended: the time and id of its last entry, as they are stored."""

    timestamp: str
    id: str


class AuditTrail(Protocol):
    """The trail of one tenant; every method may raise StoreUnavailable.

    What one caller reads is never older than what it read before.
    """

    async def intend(self, tenant_id: TenantId, intent: AuditIntent) -> None:
        """Keep what is about to be done; the same intent again changes nothing."""
        ...

    async def intent(self, tenant_id: TenantId, month: str, intent_id: str) -> AuditIntent | None:
        """What was announced under this id."""
        ...

    async def intents(
        self, tenant_id: TenantId, month: str, *, after: str, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """What was announced in a month as it is stored, by id, beginning behind the id `after`."""
        ...

    async def pending(self, tenant_id: TenantId, where: AuditWhere) -> Sequence[AuditEntry] | None:
        """The entries that a document still carries; None when there is no such document."""
        ...

    async def settle(self, tenant_id: TenantId, where: AuditWhere, entry_ids: frozenset[str]) -> None:
        """Drop entries from a document and change nothing else of it; raises Conflict when it moved meanwhile."""
        ...

    async def tail(self, tenant_id: TenantId, month: str) -> AuditLog | None:
        """The last entry of a month's chain; raises StoreUnavailable when what lies there is no entry."""
        ...

    async def at(self, tenant_id: TenantId, month: str, sequence: int) -> Mapping[str, Any] | None:
        """What lies at a place of the chain, as it is stored."""
        ...

    async def sealed(self, tenant_id: TenantId, month: str, entry_id: str) -> Sequence[Mapping[str, Any]]:
        """What lies in the chain with this entry id, as it is stored, in no particular order."""
        ...

    async def add(self, tenant_id: TenantId, log: AuditLog) -> None:
        """Put an entry at its place in the chain; raises AlreadyExists when the place is taken."""
        ...

    async def chain(self, tenant_id: TenantId, month: str, *, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """A month's entries as they are stored, by id, beginning behind the id `after`."""
        ...

    async def page(
        self, tenant_id: TenantId, month: str, wanted: Wanted, *, limit: int, behind: Place | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """A month's wanted entries as they are stored, newest first, beginning behind a place."""
        ...
