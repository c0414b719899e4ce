"""The audit trail: what was done through the API, by whom, and how it was sealed."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field

from shared.errors import StoreUnavailable
from shared.models.base import Document, Instant, TenantId, Value, document_id

MAX_PENDING = 50
"""A document with so many entries that nobody has sealed takes no further change: the trail comes first."""

Facts = Mapping[str, str | int | float | bool | None]
"""What an entry says of a resource: short values by field, secrets never."""


class AuditAction(StrEnum):
    """What was done to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    VIEW = "view"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"


class AuditEntry(Value):
    """Who did what, to what, from where. Its id derives from the request, so that a repeat is the same entry."""

    entry_id: str
    at: Instant
    user_id: str | None
    """The Entra object id; None for what the product or an operator does."""
    user_name: str = ""
    event_type: str
    """The operation of the roles table."""
    action: AuditAction
    resource_type: str
    resource_id: str
    before: Facts = Field(default_factory=dict)
    after: Facts = Field(default_factory=dict)
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str

    @property
    def month(self) -> str:
        """The chain that it belongs to."""
        return month_of(self.at)


def month_of(at: datetime) -> str:
    """`2026-11`: the chain of a moment, in UTC."""
    return f"{at:%Y-%m}"


class AuditedDocument(Document):
    """A document whose changes are audited: each entry is written with its change, and leaves once it is sealed."""

    audit_pending: tuple[AuditEntry, ...] = Field(default=(), max_length=MAX_PENDING)

    def with_audit(self, entry: AuditEntry) -> Self:
        """The document with one more entry to be sealed; raises StoreUnavailable while too many wait for it."""
        if len(self.audit_pending) >= MAX_PENDING:
            raise StoreUnavailable(f"{self.type} {self.id} waits for the audit trail", reason="audit_behind")
        return self.model_copy(update={"audit_pending": (*self.audit_pending, entry)})


class AuditHome(StrEnum):
    """The containers that hold audited documents."""

    DIRECTORY = "directory"
    INCIDENTS = "incidents"
    DEAD_LETTERS = "deadletters"
    CLAIMS = "claims"
    CHANGES = "changes"


class AuditWhere(Value):
    """Where an audited document lies. `part` is the second level of its partition key, where there is one."""

    home: AuditHome
    id: str
    part: str | None = None

    def key(self, tenant_id: TenantId) -> tuple[str, ...]:
        """Its full partition key."""
        return (tenant_id, self.part) if self.part is not None else (tenant_id,)


class AuditIntent(Document):
    """Create-once, before the change itself: a change that was begun and whose entry is not sealed can be named."""

    type: Literal["audit_intent"] = "audit_intent"
    month: str
    entry: AuditEntry
    where: AuditWhere
    ttl: int
    mac: str = ""
    """That it was us who announced it: who can write the database alone cannot have an entry sealed."""

    @staticmethod
    def id_for(entry_id: str) -> str:
        """An entry is announced once."""
        return document_id("intent", entry_id)

    @classmethod
    def of(cls, tenant_id: TenantId, entry: AuditEntry, where: AuditWhere, *, ttl: int) -> "AuditIntent":
        """What is about to be done."""
        return cls(
            id=cls.id_for(entry.entry_id),
            tenant_id=tenant_id,
            month=entry.month,
            entry=entry,
            where=where,
            ttl=ttl,
        )
