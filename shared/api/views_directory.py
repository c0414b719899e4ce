"""What people write of their tenant, as it looks from outside."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from shared.models.base import Instant
from shared.models.changes import Change, ChangeKind, ChangeStatus
from shared.models.correlation import CorrelationPolicy
from shared.models.policies import MaintenanceWindow, Policy, PolicyKind
from shared.models.runbooks import Runbook
from shared.models.tenants import PlanType, Role, Tenant, User

LINE = r"^[^\x00-\x1f\x7f]*$"
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=LINE)]
"""One line: of names, titles, services and names of alerts."""
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=LINE)]


class UserView(BaseModel):
    """A person of the tenant."""

    id: str
    object_id: str = Field(description="Their object id in Entra ID; `assigned_to` of an incident names it.")
    email: str
    full_name: str
    role: Role = Field(
        description="The most they may: what they may is the lower of this and their role in Entra ID."
    )
    is_active: bool = Field(description="False keeps them out, whatever Entra ID says.")
    created_at: Instant
    version: int

    @classmethod
    def of(cls, user: User) -> Self:
        """From the record."""
        return cls.model_validate({**dict(user), "object_id": user.entra_object_id})


class TenantView(BaseModel):
    """The tenant: what it decides itself, and its plan, which the operator of the installation sets."""

    id: str
    name: str
    slug: str
    plan_type: PlanType
    max_services: int = Field(description="How many services are investigated; others are kept and marked.")
    alerts_per_minute: int = Field(description="What comes faster is delayed, never refused.")
    model_daily_budget: float | None = Field(
        description="What models may cost for this tenant in a day (UTC); null for what holds in this installation."
    )
    is_active: bool
    reopen_within_minutes: int
    auto_resolve_after_minutes: int
    correlation: CorrelationPolicy
    created_at: Instant
    updated_at: Instant
    version: int

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        """From the record."""
        return cls.model_validate(dict(tenant))


class PolicyView(BaseModel):
    """One policy."""

    id: str
    kind: PolicyKind
    name: str
    is_enabled: bool
    parameters: MaintenanceWindow
    version: int
    created_at: Instant
    updated_at: Instant
    updated_by: str

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """From the stored policy."""
        return cls.model_validate(policy.model_dump())


class RunbookSummaryView(BaseModel):
    """A runbook in a list, without its text."""

    id: str
    title: str
    tags: list[str]
    services: list[str]
    alert_names: list[str]
    version: int
    created_at: Instant
    updated_at: Instant
    updated_by: str = Field(description="The object id of who wrote this version.")

    @classmethod
    def of(cls, runbook: Runbook) -> Self:
        """From the record."""
        return cls.model_validate(runbook.model_dump())


class RunbookView(RunbookSummaryView):
    """A runbook with its text."""

    body: str = Field(description="Markdown, as it was written. Whoever shows it makes it safe.")


class ChangeView(BaseModel):
    """A deploy or another change of a service."""

    id: str
    source: str = Field(description="Who told us: an integration's kind, or `api`.")
    service_name: str
    kind: ChangeKind
    status: ChangeStatus
    version: str | None
    title: str
    environment: str | None
    author: str | None
    url: str | None
    at: Instant = Field(description="When it took effect, or began.")
    redacted: Mapping[str, int] = Field(description="How many secrets and personal data were masked in it, by kind.")

    @classmethod
    def of(cls, change: Change) -> Self:
        """From the stored change."""
        return cls.model_validate({**change.reported.model_dump(), "id": change.id})
