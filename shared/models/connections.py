"""How we reach a system that a tenant connected; this is what lies sealed in `Integration.config`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from shared.errors import SecretUnreadable
from shared.models.azure_monitor import ServicePrincipal, cloud_of
from shared.models.base import WRITE_ONLY, Value
from shared.models.tenants import IntegrationType

MAX_URL_CHARS = 2048
MAX_SECRET_CHARS = 4096
MAX_GRACE_SECONDS = 24 * 3600
MAX_REPOSITORIES = 200

ASKED = frozenset(
    {IntegrationType.PROMETHEUS, IntegrationType.GRAFANA, IntegrationType.GITHUB, IntegrationType.ALERTMANAGER}
)
"""The kinds with an API that we ask."""
RECONCILED = frozenset({IntegrationType.ALERTMANAGER, IntegrationType.GRAFANA})
"""The kinds whose API tells what fires, beside what their webhook told."""


class Credential(StrEnum):
    """How we prove ourselves to the system."""

    NONE = "none"
    BEARER = "bearer"
    BASIC = "basic"
    SERVICE_PRINCIPAL = "service_principal"


def _sendable(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("only printable ASCII without blanks can be sent")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters cannot be sent")
    return text


def _without_dots(place: str) -> str:
    if {".", ".."} & set(place.split("/")):
        raise ValueError("a repository and its path are given without . and ..")
    return place


ServiceName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
RepositoryPlace = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9._@+-]{1,100}){0,10}$"
    ),
    AfterValidator(_without_dots),
]
"""`owner/repo`, or `owner/repo/path/of/the/service` where several services share a repository."""


class ConnectionConfig(Value):
    """Where a system's API is, and what lets us in."""

    url: str = Field(min_length=1, max_length=MAX_URL_CHARS)
    bearer_token: Annotated[str, AfterValidator(_sendable)] | None = Field(
        default=None, min_length=1, max_length=MAX_SECRET_CHARS, repr=False, json_schema_extra=WRITE_ONLY
    )
    username: Annotated[str, AfterValidator(_printable)] | None = Field(default=None, min_length=1, max_length=200)
    password: Annotated[str, AfterValidator(_printable)] | None = Field(
        default=None, min_length=1, max_length=MAX_SECRET_CHARS, repr=False, json_schema_extra=WRITE_ONLY
    )
    service_principal: ServicePrincipal | None = Field(
        default=None, description="Prometheus: lets us into an Azure Monitor workspace, and is sent nowhere else."
    )
    scope_org_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,512}$")] | None = Field(
        default=None, description="Prometheus: the tenant of a Mimir, Cortex or Thanos, sent as `X-Scope-OrgID`."
    )
    receiver: str | None = Field(default=None, min_length=1, max_length=200)
    """Alertmanager, Grafana: the receiver that leads to us, or `*`."""
    grace_seconds: int | None = Field(default=None, ge=0, le=MAX_GRACE_SECONDS)
    """Alertmanager, Grafana: how long the webhook is given before something counts as missing."""
    repositories: Mapping[ServiceName, RepositoryPlace] = Field(default_factory=dict, max_length=MAX_REPOSITORIES)
    """GitHub: where the code of each service is."""

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.bearer_token and (self.username or self.password):
            raise ValueError("give either a bearer token or a user name and password")
        if self.password and self.username is None:
            raise ValueError("a password needs its user name")
        if self.service_principal and (self.bearer_token or self.username):
            raise ValueError("give either a service principal or another credential")
        if self.service_principal and cloud_of(self.url) is None:
            raise ValueError("a service principal is for the https URL of an Azure Monitor workspace alone")
        return self

    @property
    def credential(self) -> Credential:
        """Which kind of credential there is."""
        if self.service_principal:
            return Credential.SERVICE_PRINCIPAL
        if self.bearer_token:
            return Credential.BEARER
        return Credential.BASIC if self.username else Credential.NONE

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Who gets to see the credential: scheme, host and port."""
        parts = urlsplit(self.url)
        return parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port

    @property
    def shown_url(self) -> str:
        """The URL without what may be secret in it: its query and fragment."""
        return self.url.partition("#")[0].partition("?")[0]

    def as_text(self) -> str:
        """What is sealed: only what was given, so that a version which knows fewer fields can open the rest."""
        return self.model_dump_json(exclude_defaults=True)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What was sealed; raises SecretUnreadable."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as exc:
            raise SecretUnreadable("the integration's config is not one of ours", reason="config_malformed") from exc
