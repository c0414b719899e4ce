"""What people ask of an integration: parsed at the edge, with every size capped."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from shared.models.base import WRITE_ONLY, Value
from shared.models.connections import ConnectionConfig
from shared.models.tenants import IntegrationType, Scheme

MAX_MAPPED = 500
MIN_SECRET_CHARS = 16


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_one_line)
]
ServiceName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
ServiceMap = Annotated[Mapping[ServiceName, ServiceName], Field(max_length=MAX_MAPPED)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
GivenSecret = Annotated[str, StringConstraints(pattern=rf"^[!-~]{{{MIN_SECRET_CHARS},512}}$")]
Schemes = Annotated[tuple[Scheme, ...], Field(min_length=1, max_length=len(Scheme))]


class InboundWanted(Value):
    """How its sender is to prove itself."""

    schemes: Schemes | None = Field(default=None, description="Without it, the usual one of this kind.")
    signature_header: HeaderName | None = Field(default=None, description="Grafana: the header of the signature.")
    timestamp_header: HeaderName | None = Field(
        default=None, description="Grafana: the header of the time, which protects against replays."
    )
    secret: GivenSecret | None = Field(
        default=None,
        repr=False,
        json_schema_extra=WRITE_ONLY,
        description="PagerDuty, GitHub: the sender's secret. Every other one is made here.",
    )


class IntegrationWanted(Value):
    """A new integration. With neither `inbound` nor `connection`, it receives."""

    integration_type: IntegrationType
    name: Name
    service_map: ServiceMap = Field(
        default_factory=dict, description="The sender's service ids or names, and the service each stands for."
    )
    inbound: InboundWanted | None = Field(default=None, description="Receive what this system sends.")
    connection: ConnectionConfig | None = Field(default=None, description="Ask this system's API.")


class IntegrationChanges(Value):
    """What is to be different; what is left out stays as it is."""

    name: Name | None = None
    service_map: ServiceMap | None = None
    schemes: Schemes | None = None
    signature_header: HeaderName | None = Field(default=None, description="null takes it away.")
    timestamp_header: HeaderName | None = Field(default=None, description="null takes it away.")
    connection: ConnectionConfig | None = Field(
        default=None,
        description=(
            "Replaces the whole connection; null takes it away. A credential that is left out is kept only while "
            "the URL leads to the same host and port."
        ),
    )


class SecretWanted(Value):
    """Another secret of the sender."""

    secret: GivenSecret | None = Field(
        default=None,
        repr=False,
        json_schema_extra=WRITE_ONLY,
        description="PagerDuty, GitHub: the sender's secret. Every other one is made here.",
    )
