"""The audit trail's entry."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from shared.models.base import Document, Instant


class AuditAction(StrEnum):
    """What was done to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    VIEW = "view"


class AuditLog(Document):
    """Who did what, to what, from where."""

    type: Literal["audit_log"] = "audit_log"
    user_id: str | None
    event_type: str
    resource_type: str
    resource_id: str
    action: AuditAction
    ip_address: str | None = None
    user_agent: str | None = None
    details: Mapping[str, str] = {}
    timestamp: Instant
