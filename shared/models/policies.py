"""What a tenant decides of the work on its alerts, beside its settings: by now, when not to investigate."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Instant, TenantId, Value
from shared.models.tenants import Record

# Together they keep the document below the store's two megabytes, whatever their names are written with.
MAX_POLICIES = 50
MAX_SERVICES = 20
LONGEST_WINDOW = timedelta(days=30)


class PolicyKind(StrEnum):
    """What a policy is about."""

    MAINTENANCE = "maintenance"


class MaintenanceWindow(Value):
    """A stretch of time in which new alerts of some services (of all, when none is named) are expected."""

    services: tuple[str, ...] = Field(default=(), max_length=MAX_SERVICES)
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _is_a_stretch(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST_WINDOW:
            raise ValueError(f"a window ends after it starts, within {LONGEST_WINDOW.days} days")
        return self

    def covers(self, service_name: str, at: datetime) -> bool:
        """Whether alerts of this service are expected at this time."""
        return self.starts_at <= at < self.ends_at and (not self.services or service_name in self.services)


class Policy(Value):
    """One decision of a tenant, applied while it is enabled."""

    id: str
    kind: PolicyKind = PolicyKind.MAINTENANCE
    name: str = Field(max_length=200)
    is_enabled: bool = True
    parameters: MaintenanceWindow
    version: int = 1
    created_at: Instant
    updated_at: Instant
    updated_by: str
    """The Entra object id of who wrote this version."""


class Policies(Record):
    """All policies of a tenant in one document, so that ingestion asks for them with one point read."""

    type: Literal["policies"] = "policies"
    policies: tuple[Policy, ...] = Field(default=(), max_length=MAX_POLICIES)

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "policies"

    @classmethod
    def none_yet(cls, tenant_id: TenantId, *, now: datetime) -> "Policies":
        """Before the first is written."""
        return cls(id=cls.id_for(), tenant_id=tenant_id, created_at=now)

    def one(self, policy_id: str) -> Policy | None:
        """The policy with this id."""
        return next((policy for policy in self.policies if policy.id == policy_id), None)

    def with_policy(self, policy: Policy) -> "Policies":
        """These with one that is new or changed, in its place."""
        others = [policy if one.id == policy.id else one for one in self.policies]
        return self._holding(others if self.one(policy.id) else [*others, policy])

    def without(self, policy_id: str) -> "Policies":
        """These but one."""
        return self._holding([one for one in self.policies if one.id != policy_id])

    def in_maintenance(self, service_name: str, at: datetime) -> bool:
        """Whether some enabled window covers this service at this time."""
        return any(one.is_enabled and one.parameters.covers(service_name, at) for one in self.policies)

    def _holding(self, policies: list[Policy]) -> "Policies":
        return self.model_copy(update={"policies": tuple(policies), "version": self.version + 1})
