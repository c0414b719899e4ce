"""What comes in: alerts as the sender meant them, and signals as we keep them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, ReceiptId, SignalId, SnapshotId, Value, document_id

REFIRE_AFTER = timedelta(minutes=5)
"""Firing again, for the same start, this long after it was resolved is news; sooner it is a late copy."""


class Severity(StrEnum):
    """How bad, in three steps."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class AlertStatus(StrEnum):
    """Whether the sender says the alert holds now."""

    FIRING = "firing"
    RESOLVED = "resolved"


class SignalType(StrEnum):
    """What kind of observation a signal is."""

    ALERT = "alert"
    METRIC_DEVIATION = "metric_deviation"
    LOG_PATTERN = "log_pattern"
    DEPLOY_EVENT = "deploy_event"


class Source(StrEnum):
    """Who may send to a webhook."""

    ALERTMANAGER = "alertmanager"


class Alert(Value):
    """One alert of one delivery, in our own terms; no vendor field name survives past the parser."""

    source: Source
    fingerprint: str
    name: str
    service_name: str
    service_from: str
    """Which label named the service, or `none`."""
    severity: Severity
    status: AlertStatus
    summary: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Instant
    ends_at: Instant | None
    expression: str | None
    """The PromQL that fired, when the sender tells; untrusted text."""
    generator_url: str | None
    group_key: str

    @property
    def episode(self) -> str:
        """One firing of one alert: a re-fire has a new start, so it is a new episode."""
        return document_id("episode", self.source, self.fingerprint, self.starts_at.isoformat())

    @property
    def signal_id(self) -> SignalId:
        """The id of the signal this episode becomes, wherever it is recorded."""
        return SignalId(self.episode.replace("episode-", "sig-", 1))


class Arrival(Value):
    """An alert as it came: in which delivery, when, and where its raw body lies."""

    alert: Alert
    received_at: Instant
    receipt_id: ReceiptId
    raw_pointer: str | None


def fires_again(*, resolved: datetime, received: datetime) -> bool:
    """Whether firing for the same start is news, from when the resolution and the firing were received."""
    return received - resolved >= REFIRE_AFTER


class Rejected(Value):
    """One alert of a delivery that could not be understood, beside others that could."""

    position: int
    reason: str
    detail: str


class ParsedDelivery(Value):
    """What a body holds: its alerts, those we had to refuse, and whether the sender cut the list."""

    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...] = ()
    truncated_alerts: int = 0
    receiver: str = ""


class Signal(Document):
    """An alert as an incident keeps it; `raw_pointer` names the body it came in."""

    type: Literal["signal"] = "signal"
    incident_id: IncidentId
    signal_type: SignalType = SignalType.ALERT
    source: Source
    severity: Severity
    status: AlertStatus
    raw_pointer: str | None
    normalized_data: Alert
    service_name: str
    context_snapshot_id: SnapshotId | None = None
    fingerprint: str
    timestamp: Instant
    """When the alert started, by the sender's clock."""
    resolved_at: Instant | None = None
    created_at: Instant
    last_received_at: Instant
    receipt_id: str = Field(max_length=64)
