"""What integrations look like from outside: never with a secret, except in the answer that made it."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, Field

from shared.models.base import Instant
from shared.models.connections import ConnectionConfig, Credential
from shared.models.tenants import Inbound, InboundSecret, Integration, IntegrationType, Scheme
from shared.ports.connections import Finding, Reason
from shared.signals.set_up import Snippet, set_up, webhook_url


class IntegrationSummaryView(BaseModel):
    """An integration in a list."""

    id: str
    integration_type: IntegrationType
    name: str
    is_active: bool
    receives: bool = Field(description="Whether it has a webhook.")
    is_asked: bool = Field(description="Whether it has a connection to the system's API.")
    is_healthy: bool | None = Field(description="Whether its API answered when it was asked last; null before that.")
    last_sync_at: Instant | None = Field(description="When its API last answered well.")
    last_error: str | None = Field(description="What was wrong when it was asked last.")
    last_delivery_at: Instant | None = Field(description="When its sender last delivered, to within five minutes.")
    created_at: Instant
    version: int

    @classmethod
    def of(cls, integration: Integration) -> Self:
        """From the record."""
        return cls.model_validate(_summary(integration))


class SecretView(BaseModel):
    """A secret that is good, without anything of the secret itself."""

    id: str
    created_at: Instant

    @classmethod
    def of(cls, secret: InboundSecret) -> Self:
        """From what is kept."""
        return cls(id=secret.secret_id, created_at=secret.created_at)


class WebhookView(BaseModel):
    """How its sender delivers."""

    url: str
    schemes: tuple[Scheme, ...]
    signature_header: str | None
    timestamp_header: str | None
    secrets: list[SecretView] = Field(description="At most two are good at the same time.")


class ConnectionView(BaseModel):
    """How its API is reached."""

    url: str = Field(description="Without its query.")
    credential: Credential
    username: str | None
    directory_id: str | None = Field(description="Of a service principal.")
    client_id: str | None = Field(description="Of a service principal.")
    scope_org_id: str | None
    receiver: str | None
    grace_seconds: int | None
    repositories: Mapping[str, str] = Field(description="GitHub: the repository of each service.")

    @classmethod
    def of(cls, config: ConnectionConfig) -> Self:
        """From the opened config."""
        principal = config.service_principal
        return cls(
            url=config.shown_url,
            credential=config.credential,
            username=config.username,
            directory_id=principal.directory_id if principal else None,
            client_id=principal.client_id if principal else None,
            scope_org_id=config.scope_org_id,
            receiver=config.receiver,
            grace_seconds=config.grace_seconds,
            repositories=config.repositories,
        )


class IntegrationView(IntegrationSummaryView):
    """An integration with how it is reached and how it reaches us."""

    service_map: Mapping[str, str]
    webhook: WebhookView | None
    connection: ConnectionView | None

    @classmethod
    def made_of(cls, integration: Integration, config: ConnectionConfig | None, base_url: str) -> Self:
        """From the record and its opened config."""
        return cls.model_validate(
            {
                **_summary(integration),
                "service_map": integration.service_map,
                "webhook": _webhook(integration, base_url),
                "connection": ConnectionView.of(config) if config else None,
            }
        )


class SnippetView(BaseModel):
    """Something to paste at the sender."""

    title: str
    language: str = Field(description="`yaml`, `json` or `shell`.")
    text: str

    @classmethod
    def of(cls, snippet: Snippet) -> Self:
        """From the snippet."""
        return cls(title=snippet.title, language=snippet.language, text=snippet.text)


class IssuedView(BaseModel):
    """A secret, shown this once and never again."""

    id: str
    created_at: Instant
    secret: str


class IntegrationMade(BaseModel):
    """A new integration, its secret, and what to paste at its sender."""

    integration: IntegrationView
    secret: IssuedView | None = Field(
        description="Shown this once. null where nothing is received, or where the sender makes its own secret."
    )
    set_up: list[SnippetView]


class SecretMade(BaseModel):
    """A new secret, and what to paste at the sender to change over to it."""

    secret: IssuedView
    set_up: list[SnippetView]


class FindingView(BaseModel):
    """What came of trying a connection."""

    is_good: bool
    reason: Reason
    message: str = Field(description="What is wrong and what to do about it, in words.")
    version: str | None = Field(description="Of the system that answered, where it tells.")
    elapsed_seconds: float

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """From the finding."""
        return cls(
            is_good=finding.is_good,
            reason=finding.reason,
            message=finding.message,
            version=finding.version,
            elapsed_seconds=finding.elapsed_seconds,
        )


class WebhookTestView(BaseModel):
    """Whether its sender delivers."""

    last_delivery_at: Instant | None
    message: str
    set_up: list[SnippetView] = Field(description="What to paste at the sender, with a placeholder for the secret.")


class TestedView(BaseModel):
    """What is known of both directions; null for the one that it does not have."""

    connection: FindingView | None
    webhook: WebhookTestView | None


def snippets(integration: Integration, base_url: str, *, secret: str | None = None) -> list[SnippetView]:
    """What to paste at the integration's sender."""
    if integration.inbound is None:
        return []
    url = webhook_url(base_url, integration.integration_type, integration.id)
    made: Sequence[Snippet] = set_up(integration.integration_type, url, integration.inbound, secret=secret)
    return [SnippetView.of(one) for one in made]


def webhook_tested(integration: Integration, base_url: str) -> WebhookTestView | None:
    """What is known of its sender."""
    if integration.inbound is None:
        return None
    return WebhookTestView(
        last_delivery_at=integration.last_delivery_at,
        message=_delivered(integration, integration.inbound),
        set_up=snippets(integration, base_url),
    )


def _delivered(integration: Integration, inbound: Inbound) -> str:
    if not integration.is_active:
        return "The integration is switched off: its sender's deliveries are refused."
    if not inbound.secrets:
        return "It has no secret yet, so every delivery is refused: add the one that the sender shows."
    if integration.last_delivery_at is None:
        return "Nothing has been delivered yet. Set the sender up as shown and let it send a test."
    return "Its sender delivers."


def _webhook(integration: Integration, base_url: str) -> WebhookView | None:
    inbound = integration.inbound
    if inbound is None:
        return None
    return WebhookView(
        url=webhook_url(base_url, integration.integration_type, integration.id),
        schemes=inbound.schemes,
        signature_header=inbound.signature_header,
        timestamp_header=inbound.timestamp_header,
        secrets=[SecretView.of(one) for one in inbound.secrets],
    )


def _summary(integration: Integration) -> dict[str, object]:
    shown = set(IntegrationSummaryView.model_fields) - {"receives", "is_asked"}
    directions = {"receives": integration.inbound is not None, "is_asked": integration.config is not None}
    return {**integration.model_dump(include=shown), **directions}
