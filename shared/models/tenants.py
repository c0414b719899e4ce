"""Who is served: tenants, their users, and the systems they connect."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.base import Document, Instant, Value, document_id
from shared.models.correlation import CorrelationPolicy


class Record(AuditedDocument):
    """What people write of a tenant (container `directory`); `version` grows by one with every change of theirs."""

    created_at: Instant
    version: int = 1


class PlanType(StrEnum):
    """What a tenant pays for."""

    STARTER = "starter"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


class Tenant(Record):
    """A customer. `id` equals `tenant_id`; `slug` is unique by a document in `lookups`."""

    type: Literal["tenant"] = "tenant"
    name: str
    slug: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=63)
    plan_type: PlanType = PlanType.STARTER
    max_services: int = 5
    entra_tenant_id: str | None = None
    is_active: bool = True
    alerts_per_minute: int = Field(default=1200, ge=1)
    """The quota: what comes faster is delayed, never refused."""
    model_daily_budget: float | None = Field(default=None, ge=0)
    """What may be spent on models for it in a day (UTC); None is what the installation's settings say."""
    correlation: CorrelationPolicy = CorrelationPolicy()
    reopen_within_minutes: int = Field(default=30, ge=0)
    """A resolved incident whose alert fires again this soon is reopened; later it is a new one."""
    auto_resolve_after_minutes: int = Field(default=24 * 60, ge=5)
    """A firing alert that nobody has repeated for this long is taken to be over."""
    updated_at: Instant

    @property
    def reopen_within(self) -> timedelta:
        """As a length of time."""
        return timedelta(minutes=self.reopen_within_minutes)


class Role(StrEnum):
    """What a user may do; each role may all that the ones after it may."""

    ADMIN = "admin"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class User(Record):
    """A person of a tenant, known by the object id that Entra ID gives them."""

    type: Literal["user"] = "user"
    email: str
    entra_object_id: str
    full_name: str
    role: Role = Role.VIEWER
    slack_user_id: str | None = None
    is_active: bool = True

    @staticmethod
    def id_of(entra_object_id: str) -> str:
        """Derives from the object id, so that finding somebody is a point read and nobody is there twice."""
        return document_id("usr", entra_object_id)


class IntegrationType(StrEnum):
    """A system a tenant connects: it sends to us, or we ask it."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    GRAFANA_LEGACY = "grafana-legacy"
    PAGERDUTY = "pagerduty"
    GENERIC = "generic"
    CHANGES = "changes"
    GITHUB = "github"
    PROMETHEUS = "prometheus"


class Scheme(StrEnum):
    """How a sender may prove itself."""

    BEARER = "bearer"
    BASIC = "basic"
    CODE = "code"
    """`?code=` in the address: for Alertmanagers before 0.28 behind proxies that drop headers; the last resort."""
    GRAFANA_HMAC = "grafana_hmac"
    PAGERDUTY = "pagerduty"
    GITHUB = "github"


MAX_SECRETS = 2
"""Good at the same time, so that one can be replaced without losing a page."""


class InboundSecret(Value):
    """One secret of a sender: the hash of a token, what signatures are made with (sealed), or both."""

    secret_id: str
    created_at: Instant
    token_hash: str | None = None
    sealed: str | None = None


class Inbound(Value):
    """What an integration's webhook accepts; its credential in `lookups` is made from this."""

    schemes: tuple[Scheme, ...]
    secrets: tuple[InboundSecret, ...] = Field(default=(), max_length=MAX_SECRETS)
    signature_header: str | None = None
    timestamp_header: str | None = None


class Integration(Record):
    """A connection to one system of a tenant; `config` is sealed and readable only with the tenant's key."""

    type: Literal["integration"] = "integration"
    integration_type: IntegrationType
    name: str
    service_map: Mapping[str, str] = Field(default_factory=dict)
    """The sender's service ids or names, and the service of ours each stands for."""
    inbound: Inbound | None = None
    """None where nothing is received."""
    config: str | None = None
    is_healthy: bool | None = None
    last_sync_at: Instant | None = None
    last_error: str | None = None
    last_delivery_at: Instant | None = None
    """When something last came through its webhook, to within five minutes."""
    is_active: bool = True
    deleted_at: Instant | None = None
    """Deleted for everybody; the record goes once its audit entries are sealed."""

    def noting_sync(self, *, at: datetime, error: str | None) -> "Integration":
        """The integration after its source was asked; an error leaves the time of the last good answer."""
        last = self.last_sync_at if error else at
        return self.model_copy(update={"is_healthy": error is None, "last_sync_at": last, "last_error": error})


class InboundCredential(Document):
    """What a webhook needs to know of its integration, in one point read (`lookups`, id `integration:<id>`)."""

    type: Literal["inbound_credential"] = "inbound_credential"
    integration_id: str
    integration_type: IntegrationType
    schemes: tuple[Scheme, ...] = (Scheme.BEARER,)
    token_hashes: tuple[str, ...] = Field(default=(), max_length=MAX_SECRETS)
    """Of bearer tokens, passwords and codes; two, so that one can be replaced without losing a page."""
    sealed_secrets: tuple[str, ...] = Field(default=(), max_length=MAX_SECRETS)
    """What signatures are made with, sealed for this tenant and integration; two for the same reason."""
    signature_header: str | None = None
    timestamp_header: str | None = None
    alerts_per_minute: int = Field(default=1200, ge=1)
    """The tenant's quota, as it was when the credential was written."""
    is_active: bool = True
    source_version: int = 0
    """The version of the integration that it was made from."""

    @staticmethod
    def id_for(integration_id: str) -> str:
        """Where the credential of an integration lies."""
        return f"integration:{integration_id}"


class EntraTenantLookup(Document):
    """Which tenant an Entra ID directory belongs to (`lookups`, id `entra:<tid>`)."""

    type: Literal["entra_lookup"] = "entra_lookup"


class SlugLookup(Document):
    """Holds a slug for one tenant (`lookups`, id `slug:<slug>`)."""

    type: Literal["slug_lookup"] = "slug_lookup"
