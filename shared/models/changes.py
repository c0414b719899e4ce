"""What was changed in a tenant's systems: deploys, rollbacks, configuration, as their tools report it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.base import Instant, Value, document_id

CHANGE_TTL_SECONDS = 90 * 24 * 3600


class ChangeKind(StrEnum):
    """What sort of change it is."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    CONFIG = "config"
    FEATURE_FLAG = "feature_flag"
    INFRASTRUCTURE = "infrastructure"
    OTHER = "other"


class ChangeStatus(StrEnum):
    """How far it got."""

    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ReportedChange(Value):
    """One change as its sender reported it, in our own terms."""

    source: str
    external_id: str
    """The sender's id of the change; later reports with the same one are about the same change."""
    kind: ChangeKind
    status: ChangeStatus
    service_name: str
    service_key: str | None = None
    version: str | None = None
    title: str
    environment: str | None = None
    author: str | None = None
    url: str | None = None
    at: Instant
    """When it took effect (or began), by the sender's clock."""
    is_dated: bool = True
    """False when the sender told neither an id nor a time: what it says, and when it came, tells it from others."""
    said_at: Instant
    redacted: Mapping[str, int] = Field(default_factory=dict)
    """How many secrets and personal data were masked in it, by kind."""

    @property
    def change_id(self) -> str:
        """The same change always has the same id."""
        return document_id("chg", self.source, self.external_id)


class Change(AuditedDocument):
    """A change as it is kept."""

    type: Literal["change"] = "change"
    service_name: str
    at: Instant
    reported: ReportedChange
    receipt_id: str = Field(max_length=64)
    created_at: Instant
    ttl: int = CHANGE_TTL_SECONDS

    def over(self, held: "Change") -> "Change":
        """This report in the place of an earlier one, whose audit entries still have to be sealed."""
        known = {entry.entry_id for entry in held.audit_pending}
        news = [entry for entry in self.audit_pending if entry.entry_id not in known]
        return self.model_copy(update={"audit_pending": (*held.audit_pending, *news)})
