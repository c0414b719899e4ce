"""What the API shows of metrics and dashboards."""

from pydantic import BaseModel, ConfigDict, Field

from shared.context.dashboards import MatchedBy
from shared.context.key_metrics import KeyMetric
from shared.models.base import Instant
from shared.models.snapshots import SectionStatus


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="forbid")


class KeyMetricView(_View):
    """One metric; the value of a point is null where it is not a number."""

    metric: KeyMetric
    unit: str
    status: SectionStatus
    reason: str | None
    query: str | None
    points: list[tuple[float, float | None]]
    warnings: list[str]


class ServiceMetricsView(_View):
    """A service's key metrics over a window."""

    service: str
    start: Instant
    end: Instant
    step_seconds: float
    convention: str | None = Field(description="The convention, and the label that carries the service.")
    highest_bound_seconds: float | None = Field(
        description="The highest bound of its latency buckets: a quantile that is this high means at least so much."
    )
    metrics: list[KeyMetricView]
    warnings: list[str]


class GrafanaLookView(_View):
    """How asking one Grafana went."""

    integration_id: str
    name: str
    status: SectionStatus
    reason: str | None
    warnings: list[str]


class ListedDashboardView(_View):
    """A dashboard and its address."""

    uid: str
    title: str
    folder: str | None
    tags: list[str]
    url: str


class DashboardPageView(_View):
    """A page of the search; a page with as many items as `limit` may have another after it."""

    source: GrafanaLookView
    items: list[ListedDashboardView]
    page: int
    limit: int


class WindowView(_View):
    """What the links open at."""

    start: Instant
    end: Instant


class DashboardLinkView(ListedDashboardView):
    """A dashboard of a service, and why it is shown."""

    integration_id: str
    service: str
    matched_by: MatchedBy


class CarriedLinkView(_View):
    """An address that a Grafana alert came with; it may lead anywhere on the web."""

    alert: str
    service: str
    url: str


class ServiceDashboardsView(BaseModel):
    """The dashboards of a service; without a Grafana there are no sources."""

    model_config = ConfigDict(from_attributes=True)

    services: list[str]
    window: WindowView
    sources: list[GrafanaLookView]
    dashboards: list[DashboardLinkView]


class IncidentDashboardsView(ServiceDashboardsView):
    """The dashboards of an incident's services."""

    carried: list[CarriedLinkView]
    services_left_out: int
