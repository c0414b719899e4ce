"""The pieces of evidence that a snapshot holds: what was found, where, by which question, in one plain sentence."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.models.base import Instant, Value
from shared.models.changes import ChangeKind, ChangeStatus
from shared.models.measures import Direction, Metric, Movement, Pressure, Relation
from shared.models.signals import AlertStatus, Severity

Points = tuple[tuple[float, float], ...]
"""(epoch seconds, value), ascending, at the resolution at which they were fetched."""


class Origin(StrEnum):
    """Who told a piece of evidence."""

    PROMETHEUS = "prometheus"
    GRAFANA = "grafana"
    GITHUB = "github"
    ALERTMANAGER = "alertmanager"
    RECORDS = "records"
    """What the product keeps itself: signals, incidents, reported changes, runbooks, declarations."""


class Piece(Value):
    """What every piece says of itself. Collectors leave `id`, `said` and what they do not know to the freezing."""

    names: ClassVar[tuple[str, ...]]
    """The fields that say what a piece is about: equal ones are the same thing, whatever their values."""

    id: str = ""
    """Derives from what the piece is about, not from its values: the next snapshot names the same thing the same."""
    said: str = ""
    """One plain sentence."""
    origin: Origin = Origin.PROMETHEUS
    query: str | None = None
    """The exact question, as its origin understands it."""
    window_start: Instant | None = None
    window_end: Instant | None = None
    fetched_at: Instant | None = None
    unit: str | None = None


class SeriesEvidence(Piece):
    """One measured series of one service, and how it moved."""

    names = ("service", "metric")
    kind: Literal["series"] = "series"
    service: str
    relation: Relation
    hops: int = Field(default=0, ge=0)
    """How many calls away from the service that alerted."""
    metric: Metric
    convention: str | None = None
    points: Points
    movement: Movement
    at_least: bool = False
    """True where a quantile fell beyond the last finite bucket bound: the value is that bound, or more."""

    @property
    def is_worse(self) -> bool:
        """Whether it moved for the worse: requests may be too many or too few, of the rest only more is worse."""
        if self.metric is Metric.REQUEST_RATE:
            return self.movement.direction is not Direction.STEADY
        return self.movement.direction is Direction.UP


class LimitEvidence(Piece):
    """How full something is that a service runs on: at `window_end`, and before the trouble at `window_start`.

    Of several processes, pods or disks it is the worst one's.
    """

    names = ("service", "resource", "subject")
    kind: Literal["limit"] = "limit"
    service: str
    relation: Relation
    hops: int = Field(default=0, ge=0)
    """How many calls away from the service that alerted."""
    resource: str
    """What runs full, and with it what `value` means: a row of the conventions."""
    carrier: str
    """What kind of thing `subject` is: a process, a workload whose pods are meant, a node."""
    subject: str
    """Its own name, which need not be the service's."""
    namespace: str | None = None
    """Of Kubernetes, for what is in one."""
    value: float
    """In `unit`: a `ratio` is a share of the limit; anything else counts from 0, which is good."""
    value_before: float | None = None
    """None where nothing was measured then; of what counts failures alone that may mean that there were none."""
    pressure: Pressure

    @property
    def is_exceeded(self) -> bool:
        """Whether it is at its limit, or fails for it."""
        return self.pressure is Pressure.EXCEEDED


class ExpressionSeries(Value):
    """One series of an alert's own expression."""

    labels: Mapping[str, str]
    points: Points


class ExpressionEvidence(Piece):
    """The alert's own expression, asked again over the window: what it compares, and with what."""

    names = ("service", "alert_name")
    kind: Literal["expression"] = "expression"
    service: str
    alert_name: str
    operator: str | None = None
    threshold: float | None = None
    series: tuple[ExpressionSeries, ...] = ()
    is_true_now: bool | None = None
    """Whether the alert would fire now, were it not for how long it has to hold; None where nobody can tell."""


EVERYWHERE = "*"
"""In the place of a service's name: a change of which nobody said whose it is, so that it may be any service's."""


class ChangedCommit(Value):
    """A commit that came with a change, or was taken back by it."""

    sha: str
    """The first seven digits."""
    title: str
    author: str | None = None
    url: str | None = None


class ChangeEvidence(Piece):
    """Something that was changed: a version that appeared, a deploy or a setting that was reported."""

    names = ("service", "at", "version", "title")
    kind: Literal["change"] = "change"
    service: str
    """Or EVERYWHERE."""
    change: ChangeKind = ChangeKind.DEPLOY
    status: ChangeStatus = ChangeStatus.SUCCEEDED
    version: str | None = None
    previous_version: str | None = None
    title: str = ""
    author: str | None = None
    url: str | None = None
    at: Instant
    """When it took effect, or was first seen to have: it did so at most `uncertain_seconds` before."""
    uncertain_seconds: float = 0.0
    began_at: Instant | None = None
    """When it was first under way, where that was before `at`: symptoms may come from then on."""
    seconds_before_onset: float | None = None
    """From `at`; negative when it came after the first symptom."""
    told_by: tuple[Origin, ...] = ()
    """Everybody who told of it; `origin` is the one who knew most."""
    commits: tuple[ChangedCommit, ...] = ()
    """What came with it, or was taken back by a rollback: newest first, of many the newest."""
    commits_total: int = 0

    @property
    def effective_from(self) -> datetime:
        """From when on it may have had an effect."""
        return self.began_at or self.at


class NodeKind(StrEnum):
    """What stands at an end of a call."""

    SERVICE = "service"
    DATABASE = "database"
    QUEUE = "queue"
    EXTERNAL = "external"
    CLIENT_VIEW = "client_view"
    """Known only by what its callers see of it."""


class EdgeSource(StrEnum):
    """Who says that one service calls another."""

    SERVICE_GRAPH = "service_graph"
    ISTIO = "istio"
    OTEL_CLIENT = "otel_client"
    ENVOY = "envoy"
    DECLARED = "declared"


class EdgeEvidence(Piece):
    """One service calls another: calls per second and the share that failed, where somebody measures them."""

    names = ("caller", "callee")
    kind: Literal["edge"] = "edge"
    caller: str
    callee: str
    caller_kind: NodeKind = NodeKind.SERVICE
    callee_kind: NodeKind = NodeKind.SERVICE
    calls_per_second: float
    """0 where the call is only declared, or was seen before but not now."""
    failed_ratio: float | None
    told_by: tuple[EdgeSource, ...] = (EdgeSource.SERVICE_GRAPH,)
    seen_at: Instant | None = None
    """When it was last measured; None where it is only declared."""
    is_past: bool = False
    """Whether it is not known to be so now: `calls_per_second` is that of `seen_at`."""

    @property
    def is_silent(self) -> bool:
        """Whether calls were measured before and there are none now; declared ones may well be made."""
        return self.calls_per_second == 0 and self.seen_at is not None


class AlertEvidence(Piece):
    """An alert of the incident."""

    names = ("service", "starts_at", "name", "summary")
    kind: Literal["alert"] = "alert"
    origin: Origin = Origin.RECORDS
    name: str
    service: str
    severity: Severity
    status: AlertStatus
    summary: str
    starts_at: Instant
    expression: str | None


class BurnRate(Value):
    """How fast the error budget goes, over one window: 1 is just used up at the end of the period."""

    window_seconds: int
    rate: float


class SloEvidence(Piece):
    """An objective of a service, how fast its budget burns, and what is left of it."""

    names = ("service", "name")
    kind: Literal["slo"] = "slo"
    service: str
    name: str
    objective: float = Field(gt=0, lt=1)
    period_days: float
    burn_rates: tuple[BurnRate, ...] = ()
    budget_left: float | None = None
    """As a share of the period's budget; below 0 when more than all is gone."""
    exhausted_in_seconds: float | None = None
    """At the pace of the last hour; 0 when it is gone; None when it does not burn or is not known."""
    told_by: Literal["sloth", "pyrra", "declared"]


class RelatedEvidence(Piece):
    """An alert outside the incident, and why it may belong to the same trouble."""

    names = ("service", "name", "starts_at")
    kind: Literal["related"] = "related"
    name: str
    service: str
    severity: Severity | None = None
    status: AlertStatus
    starts_at: Instant
    incident_id: str | None = None
    """Ours, where it is one of ours."""
    score: float = Field(ge=0, le=1)
    factors: Mapping[str, float] = Field(default_factory=dict)
    is_silenced: bool = False


class SilenceEvidence(Piece):
    """A silence that hides something of the services around."""

    names = ("service", "silence_id")
    kind: Literal["silence"] = "silence"
    silence_id: str
    service: str
    matchers: tuple[str, ...]
    created_by: str | None = None
    comment: str = ""
    starts_at: Instant
    ends_at: Instant
    hides: tuple[str, ...] = ()
    """Names of the alerts that it hides now."""


class RunbookEvidence(Piece):
    """A runbook that fits, and the part of it that does so best."""

    names = ("runbook_id",)
    kind: Literal["runbook"] = "runbook"
    origin: Origin = Origin.RECORDS
    runbook_id: str
    service: str
    title: str
    excerpt: str
    score: float = Field(ge=0, le=1)
    because: tuple[str, ...] = ()


class PastIncidentEvidence(Piece):
    """An earlier incident with the same symptoms, how it ended, and what fixed it."""

    names = ("incident_id",)
    kind: Literal["past_incident"] = "past_incident"
    origin: Origin = Origin.RECORDS
    incident_id: str
    service: str
    title: str
    detected_at: Instant
    resolved_at: Instant | None = None
    similarity: float = Field(ge=0, le=1)
    because: tuple[str, ...] = ()
    ended: str | None = None
    fixed_by: str | None = None


Evidence = Annotated[
    SeriesEvidence
    | LimitEvidence
    | ExpressionEvidence
    | ChangeEvidence
    | EdgeEvidence
    | AlertEvidence
    | SloEvidence
    | RelatedEvidence
    | SilenceEvidence
    | RunbookEvidence
    | PastIncidentEvidence,
    Field(discriminator="kind"),
]
