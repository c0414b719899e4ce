"""What travels on the queues: versioned envelopes, at most 48 KiB, so that base64 stays under 64 KiB."""

from base64 import b64decode, b64encode
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Malformed
from shared.models.base import IncidentId, Instant, ReceiptId, SnapshotId, TenantId
from shared.models.schedule import WorkKind
from shared.models.signals import Origin, Source

MAX_MESSAGE_BYTES = 48 * 1024


class QueueName(StrEnum):
    """The queues, one a stage."""

    SIGNALS = "signals"
    CONTEXT = "context"
    HYPOTHESES = "hypotheses"
    CHECKS = "checks"

    @property
    def poison(self) -> str:
        """Where the host puts a message that failed too often."""
        return f"{self.value}-poison"


class Envelope(BaseModel):
    """What every message carries. `attempt` counts re-sends for faults of our own, beside the host's dequeues."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    tenant_id: TenantId
    receipt_id: ReceiptId
    correlation_id: str = Field(max_length=64)
    traceparent: str | None = Field(default=None, max_length=64)
    """The span that this message's work goes on from."""
    linked: str | None = Field(default=None, max_length=64)
    """A span that it is only linked to: the attempt before, or the timer that sent it with many others."""
    attempt: int = Field(default=1, ge=1)
    redrives: int = Field(default=0, ge=0)
    """How often it was sent again from its dead letter."""

    def encode(self) -> bytes:
        """The message's bytes, before the queue client makes them base64."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a message; raises Malformed when it is not one of ours."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as exc:
            raise Malformed("not a message of this queue", reason="bad_envelope") from exc

    def next_attempt(self) -> Self:
        """The same message, to be sent once more."""
        return self.model_copy(update={"attempt": self.attempt + 1})


class Ingest(Envelope):
    """Turn one delivery into signals. The body travels inside, or lies in a blob that `pointer` names."""

    integration_id: str
    source: Source
    received_at: Instant
    origin: Origin = Origin.WEBHOOK
    delayed_seconds: float = Field(default=0.0, ge=0.0)
    """How long the tenant's quota held it back."""
    body_text: str | None = None
    body_base64: str | None = None
    pointer: str | None = None

    def with_body(self, body: bytes) -> Self:
        """This message with the body inside: as text where it is UTF-8, which is shorter than base64."""
        try:
            return self.model_copy(update={"body_text": body.decode()})
        except UnicodeDecodeError:
            return self.model_copy(update={"body_base64": b64encode(body).decode()})

    def inline_body(self) -> bytes | None:
        """The body, when it travels inside."""
        if self.body_text is not None:
            return self.body_text.encode()
        return b64decode(self.body_base64) if self.body_base64 is not None else None


class BuildContext(Envelope):
    """Gather what an engineer would look at for this incident. `trigger` makes the snapshot's id."""

    incident_id: IncidentId
    trigger: str = Field(max_length=100)


class Hypothesise(Envelope):
    """Refine the hypotheses of a snapshot with the model."""

    incident_id: IncidentId
    snapshot_id: SnapshotId
    throttled: int = Field(default=0, ge=0)
    """How often the model was too busy to answer it."""
    throttled_seconds: float = Field(default=0.0, ge=0.0)
    """How long it has waited for that, in all."""

    def after_throttling(self, wait_seconds: float) -> "Hypothesise":
        """The same message for another try after this wait."""
        waited = self.throttled_seconds + wait_seconds
        return self.next_attempt().model_copy(update={"throttled": self.throttled + 1, "throttled_seconds": waited})


class Check(Envelope):
    """Look at work that is due: whether an incident has gone silent, or what fires at a source."""

    work_id: str = Field(max_length=255)
    kind: WorkKind
    subject: str = Field(max_length=255)
