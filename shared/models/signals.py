"""What comes in: alerts as the sender meant them, and signals as we keep them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, ReceiptId, SignalId, SnapshotId, Value, document_id
from shared.models.changes import ReportedChange
from shared.models.correlation import Membership

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
    OBSERVED = "observed"
    """Nobody's alert: the product measured it. It does not fire, so nothing opens, resolves or waits for it."""


class SignalType(StrEnum):
    """What kind of observation a signal is."""

    ALERT = "alert"
    METRIC_DEVIATION = "metric_deviation"
    LOG_PATTERN = "log_pattern"
    DEPLOY_EVENT = "deploy_event"


class Source(StrEnum):
    """Who said it: who may send to a webhook, or the product itself."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    GRAFANA_LEGACY = "grafana-legacy"
    PAGERDUTY = "pagerduty"
    GENERIC = "generic"
    CHANGES = "changes"
    GITHUB = "github"
    MEASURED = "measured"
    """Found by measuring; no webhook and no integration has this name."""


class AlertKind(StrEnum):
    """What an alert says: that a service is ill, or that the rule itself could not be evaluated."""

    SERVICE = "service"
    NO_DATA = "no_data"
    EVALUATION_ERROR = "evaluation_error"


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
    signal_type: SignalType = SignalType.ALERT
    kind: AlertKind = AlertKind.SERVICE
    start_known: bool = True
    """False when the sender gave no start and the time of receipt stands in for it."""
    said_at: Instant | None = None
    """When the sender says it said this, where it does: orders two statuses of one episode."""
    external_id: str | None = None
    """The sender's own incident that this alert stands for (PagerDuty)."""
    external_url: str | None = None
    service_key: str | None = None
    """The sender's own id of the service; an integration may map it to a service of ours."""
    values: Mapping[str, float] | None = None
    """What the rule measured, by the sender's names, where it tells."""
    redacted: Mapping[str, int] = Field(default_factory=dict)
    """How many secrets and personal data were masked in it, by kind; empty for nearly all."""

    @property
    def episode(self) -> str:
        """One firing of one alert: a re-fire has a new start, so it is a new episode.

        An incident of the sender is one episode, however often it is reopened there; so is an alert without a start.
        """
        return episode_of(self.source, self.fingerprint, self.starts_at if self._start_matters else None)

    @property
    def _start_matters(self) -> bool:
        return self.start_known and self.external_id is None

    @property
    def signal_id(self) -> SignalId:
        """The id of the signal this episode becomes, wherever it is recorded."""
        return SignalId(self.episode.replace("episode-", "sig-", 1))


class Origin(StrEnum):
    """How we came to know."""

    WEBHOOK = "webhook"
    RECONCILED = "reconciled"
    """The sender was asked, and said what its webhook had not told us."""
    SILENCE = "silence"
    """Nobody said anything for so long that we take the alert to be over."""


class Arrival(Value):
    """An alert as it came: in which delivery, when, how, and where its raw body lies."""

    alert: Alert
    received_at: Instant
    receipt_id: ReceiptId
    raw_pointer: str | None
    origin: Origin = Origin.WEBHOOK
    integration_id: str | None = None


def episode_of(source: Source, fingerprint: str, starts_at: datetime | None) -> str:
    """The id of an episode; without a start all firings of the fingerprint are one.

    Starts are told apart by the millisecond: Alertmanager's API says no more, though its webhook does.
    """
    start = starts_at.isoformat(timespec="milliseconds") if starts_at else ""
    return document_id("episode", source, fingerprint, start)


def fires_again(*, resolved: datetime, received: datetime) -> bool:
    """Whether firing for the same start is news, from when the resolution and the firing were received."""
    return received - resolved >= REFIRE_AFTER


class Rejected(Value):
    """One alert of a delivery that could not be understood, beside others that could."""

    position: int
    reason: str
    detail: str


class ExternalAction(StrEnum):
    """What people or automation did to an incident at the sender."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"
    NOTED = "noted"


class ExternalUpdate(Value):
    """One thing that happened to the sender's incident; it follows our incident through the alert's episode."""

    action: ExternalAction
    event_type: str
    """The sender's own word for it."""
    event_id: str
    episode: str
    external_id: str
    merged_into: str | None = None
    """The sender's incident that this one was merged into, when the action is `merged`."""
    actor: str | None = None
    text: str = ""
    at: Instant


class ParsedDelivery(Value):
    """What a body holds: alerts, changes, what happened at the sender, what we had to refuse.

    `unknown_shape` says that the body was understood as JSON but is none of the sender's known shapes: it is kept.
    """

    alerts: tuple[Alert, ...] = ()
    changes: tuple[ReportedChange, ...] = ()
    updates: tuple[ExternalUpdate, ...] = ()
    unknown_shape: str | None = None
    """Why nothing could be made of a well-formed body (`custom_payload`, `unknown_event`); None when all is known."""
    ignored: str | None = None
    """Why a known body needs no work (`test_event`, `not_about_incidents`)."""
    rejected: tuple[Rejected, ...] = ()
    truncated_alerts: int = 0
    receiver: str = ""


class Signal(Document):
    """An alert as an incident keeps it; `raw_pointer` names the body it came in.

    Or a deviation that a look found, which `context_snapshot_id` names: it is no alert, and nothing counts it as one.
    """

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
    integration_id: str | None = None
    """The integration it came through; None for signals recorded before that was kept."""
    fired_times: int = 1
    """How often this episode has fired: one, and one more for every time it fired again after a resolution."""
    recent_fires: tuple[Instant, ...] = ()
    """When it last began to fire, at most FIRES_TO_FLAP times; empty until it fires a second time."""
    said_at: Instant | None = None
    """When the sender said what `status` says, where it tells."""
    resolved_by: Origin | None = None
    """How we came to know that it is over; None while it fires, and for signals of before that was kept."""
    membership: Membership | None = None
    """Why it is in this incident; None for signals recorded before memberships were kept."""

    @property
    def is_alert(self) -> bool:
        """Whether somebody sent it; else a look found it, and it stays with the incident that was looked at."""
        return self.status is not AlertStatus.OBSERVED
