"""The context engine against the real Prometheus, on a history that is generated and backfilled."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.snapshot import collect
from shared.errors import SourceUnavailable
from shared.models.base import SnapshotId
from shared.models.evidence import ChangeEvidence, EdgeEvidence, Evidence, SeriesEvidence
from shared.models.measures import Direction, Metric, Relation
from shared.models.snapshots import SectionName, SectionStatus, Snapshot
from tests.builders import a_signal, an_alert, an_incident
from tests.integration.backfilled import a_free_port, backfilled, needs_prometheus

pytestmark = [
    pytest.mark.integration,
    needs_prometheus,
]

TOLD = (
    SectionName.ALERTS,
    SectionName.TRAFFIC,
    SectionName.TOPOLOGY,
    SectionName.DEPENDENCIES,
    SectionName.CHANGES,
)
NOW = datetime.fromtimestamp(int(time.time()) // 60 * 60 - 600, UTC)


@dataclass(frozen=True)
class Story:
    """When what happened. The deploy breaks payment one scrape after it appears."""

    name: str
    scrape_seconds: int
    history: timedelta
    deployed: datetime
    fires_after: timedelta

    @property
    def broken(self) -> datetime:
        return self.deployed + timedelta(seconds=self.scrape_seconds)

    @property
    def fired(self) -> datetime:
        return self.broken + self.fires_after


USUAL = Story("usual", 5, timedelta(minutes=20), NOW - timedelta(minutes=4), timedelta(seconds=60))
SHORT = Story("short", 1, timedelta(seconds=90), NOW - timedelta(seconds=35), timedelta(seconds=20))
SLOW = Story("slow beside a fast one", 30, timedelta(minutes=20), NOW - timedelta(minutes=6), timedelta(seconds=90))
CHECKOUT_PER_SECOND, PAYMENT_PER_SECOND = 20, 10
CALLS = (
    ("frontend", "checkout", 20),
    ("checkout", "payment", 10),
    ("checkout", "cart", 20),
    ("cart", "orders-db", 20),
)


class Exposition:
    """An OpenMetrics text with its samples family by family, as the format demands."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._families: dict[tuple[str, str], list[str]] = {}
        self.times = [
            NOW - story.history + timedelta(seconds=offset)
            for offset in range(0, int(story.history.total_seconds()) + 1, story.scrape_seconds)
        ]

    def add(self, kind: str, family: str, name: str, labels: str, values: list[float | None]) -> None:
        """One series; None leaves a sample out."""
        lines = self._families.setdefault((kind, family), [])
        lines.extend(
            f"{name}{{{labels}}} {value:g} {at.timestamp():.3f}"
            for at, value in zip(self.times, values, strict=True)
            if value is not None
        )

    def counter(self, family: str, labels: str, before: float, after: float | None = None) -> None:
        """A counter that grows by `before` a second, and by `after` once the deploy broke it."""
        total, values = 0.0, list[float | None]()
        for at in self.times:
            values.append(total)
            is_before = after is None or at < self._story.broken
            total += self._story.scrape_seconds * (before if is_before else after)
        self.add("counter", family, f"{family}_total", labels, values)

    def fast_target(self) -> None:
        """A target of somebody else that is scraped every second."""
        lines = self._families.setdefault(("gauge", "up"), [])
        lines.extend(f'up{{job="fast"}} 1 {(NOW - timedelta(seconds=n)).timestamp():.3f}' for n in range(60, -1, -1))

    def text(self) -> str:
        """The whole file."""
        parts = [
            f"# TYPE {name} {kind}\n" + "\n".join(lines) + "\n" for (kind, name), lines in self._families.items()
        ]
        return "".join(parts) + "# EOF\n"


def a_history(story: Story) -> str:
    shown = Exposition(story)
    for name in ("frontend", "checkout", "payment", "cart"):
        shown.add("gauge", "up", "up", f'job="{name}",instance="{name}:80"', [1.0] * len(shown.times))
    shown.fast_target()
    requests = "http_requests"
    shown.counter(requests, 'service="frontend",code="200"', CHECKOUT_PER_SECOND)
    shown.counter(requests, 'service="checkout",code="200"', CHECKOUT_PER_SECOND, CHECKOUT_PER_SECOND * 0.75)
    shown.counter(requests, 'service="checkout",code="502"', 0, CHECKOUT_PER_SECOND * 0.25)
    shown.counter(requests, 'service="payment",code="200"', PAYMENT_PER_SECOND, PAYMENT_PER_SECOND * 0.5)
    shown.counter(requests, 'service="payment",code="500"', 0, PAYMENT_PER_SECOND * 0.5)
    shown.counter(requests, 'service="cart",code="200"', CHECKOUT_PER_SECOND)
    for client, server, rate in CALLS:
        shown.counter("traces_service_graph_request", f'client="{client}",server="{server}"', rate)
    shown.counter("traces_service_graph_request_failed", 'client="checkout",server="payment"', 0, 5)
    old = [1.0 if at < story.deployed else None for at in shown.times]
    new = [1.0 if at >= story.deployed else None for at in shown.times]
    shown.add("gauge", "payment_build_info", "payment_build_info", 'service="payment",version="1.4.0"', old)
    shown.add("gauge", "payment_build_info", "payment_build_info", 'service="payment",version="1.5.0"', new)
    steady = [1.0] * len(shown.times)
    shown.add("gauge", "cart_build_info", "cart_build_info", 'service="cart",version="1.9.3"', steady)
    go_new = 'service="cart",version="go1.22"'
    shown.add("gauge", "go_build_info", "go_build_info", go_new, new)
    return shown.text()


@dataclass(frozen=True)
class Running:
    """A Prometheus on loopback, and the story its data tells."""

    url: str
    story: Story


@pytest.fixture(scope="module", params=[USUAL, SHORT, SLOW], ids=lambda story: story.name)
def prometheus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    story: Story = request.param
    with backfilled(a_history(story), tmp_path_factory.mktemp("prometheus")) as url:
        yield Running(url, story)


async def look_at(url: str, story: Story = USUAL, service: str = "checkout", *, now: datetime = NOW) -> Snapshot:
    alert = an_alert(service_name=service, starts_at=story.fired)
    incident = an_incident(service_name=service, detected_at=story.fired)
    http = GuardedHttp(allow_private=True)
    try:
        return await collect(
            incident,
            [a_signal(alert)],
            services_in_memory(),
            PrometheusSource(http, Connection(url)),
            snapshot_id=SnapshotId("snap-1"),
            now=now,
        )
    finally:
        await http.aclose()


def undated(snapshot: Snapshot) -> list[Evidence]:
    """Without when each piece was fetched, which is all that may differ."""
    return [piece.model_copy(update={"fetched_at": None}) for piece in snapshot.body.evidence()]


def statuses(snapshot: Snapshot) -> dict[SectionName, tuple[SectionStatus, str | None]]:
    """Of the questions that this history answers."""
    return {one.name: (one.status, one.reason) for one in snapshot.body.sections if one.name in TOLD}


def series_of(snapshot: Snapshot, service: str, metric: Metric) -> SeriesEvidence:
    return next(
        one
        for one in snapshot.body.evidence()
        if isinstance(one, SeriesEvidence) and (one.service, one.metric) == (service, metric)
    )


async def test_a_real_history_gives_every_section(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story)
    assert set(statuses(snapshot).values()) == {(SectionStatus.OK, None)}, statuses(snapshot)
    assert snapshot.is_intact
    # A range of Prometheus 2 holds one sample more than intervals when its ends fall on samples.
    assert snapshot.body.step_seconds == pytest.approx(max(prometheus.story.scrape_seconds, 3), rel=0.2)


async def test_the_onset_is_found_in_the_errors_although_the_alert_fired_later(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story)
    errors = series_of(snapshot, "checkout", Metric.ERROR_RATIO)
    assert errors.movement.direction is Direction.UP
    assert errors.movement.baseline_median == 0
    assert errors.movement.current == pytest.approx(0.25, abs=0.01)
    assert abs((snapshot.body.onset_at - prometheus.story.broken).total_seconds()) <= 2 * snapshot.body.step_seconds


async def test_the_callee_at_fault_shows_its_errors_and_its_deploy(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story)
    payment = series_of(snapshot, "payment", Metric.ERROR_RATIO)
    assert payment.relation is Relation.CALLEE
    assert payment.movement.current == pytest.approx(0.5, abs=0.01)
    deploys = [one for one in snapshot.body.evidence() if isinstance(one, ChangeEvidence)]
    assert [(one.service, one.version, one.previous_version) for one in deploys] == [("payment", "1.5.0", "1.4.0")]
    step = snapshot.body.step_seconds
    assert abs((deploys[0].at - prometheus.story.deployed).total_seconds()) <= step
    assert deploys[0].seconds_before_onset is not None
    assert 0 <= deploys[0].seconds_before_onset <= 3 * step


async def test_the_graph_reaches_two_hops_and_knows_which_calls_fail(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story)
    edges = {(e.caller, e.callee): e for e in snapshot.body.evidence() if isinstance(e, EdgeEvidence)}
    assert set(edges) == {(client, server) for client, server, _ in CALLS}
    assert edges["checkout", "payment"].calls_per_second == pytest.approx(10, rel=0.1)
    assert edges["checkout", "payment"].failed_ratio == pytest.approx(0.5, abs=0.02)
    assert edges["checkout", "cart"].failed_ratio == 0


async def test_a_callee_without_metrics_of_its_own_is_seen_through_the_service_graph(prometheus: Running) -> None:
    database = series_of(await look_at(prometheus.url, prometheus.story), "orders-db", Metric.REQUEST_RATE)
    assert "traces_service_graph_request_total" in database.query
    assert database.movement.direction is Direction.STEADY


async def test_the_query_of_a_piece_of_evidence_gives_its_points_again(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story)
    piece = series_of(snapshot, "payment", Metric.ERROR_RATIO)
    http = GuardedHttp(allow_private=True)
    last = datetime.fromtimestamp(piece.points[-1][0], UTC)
    answer = await PrometheusSource(http, Connection(prometheus.url)).query(piece.query, at=last)
    await http.aclose()
    assert [one.value for one in answer.samples] == [pytest.approx(piece.points[-1][1], rel=1e-5)]


async def test_looking_again_at_the_same_time_gives_the_same_evidence(prometheus: Running) -> None:
    first, second = await look_at(prometheus.url, prometheus.story), await look_at(prometheus.url, prometheus.story)
    assert undated(first) == undated(second)


async def test_with_a_clock_two_minutes_ahead_of_the_prometheus_nobody_falls_silent(prometheus: Running) -> None:
    snapshot = await look_at(prometheus.url, prometheus.story, now=NOW + timedelta(minutes=2))
    series = [one for one in snapshot.body.evidence() if isinstance(one, SeriesEvidence)]
    assert len(series) > 5
    assert [one.said for one in series if one.movement.current is None] == []


async def test_a_service_nobody_measures_is_empty_and_not_healthy(prometheus: Running) -> None:
    found = statuses(await look_at(prometheus.url, prometheus.story, service='no"such\\service'))
    assert found[SectionName.TRAFFIC] == (SectionStatus.EMPTY, "no_known_metrics")
    assert found[SectionName.TOPOLOGY] == (SectionStatus.EMPTY, "no_service_graph")
    assert found[SectionName.DEPENDENCIES] == (SectionStatus.EMPTY, "no_neighbours")


async def test_a_prometheus_that_is_down_fails_every_section_it_was_to_answer() -> None:
    found = statuses(await look_at(f"http://127.0.0.1:{a_free_port()}"))
    assert found.pop(SectionName.ALERTS)[0] is SectionStatus.OK
    assert found.pop(SectionName.DEPENDENCIES) == (SectionStatus.FAILED, "connect")
    assert set(found.values()) == {(SectionStatus.FAILED, "connect")}


async def test_a_bad_query_is_told_from_an_outage(prometheus: Running) -> None:
    http = GuardedHttp(allow_private=True)
    source = PrometheusSource(http, Connection(prometheus.url))
    with pytest.raises(SourceUnavailable) as refused:
        await source.query("sum(", at=NOW)
    with pytest.raises(SourceUnavailable) as elsewhere:
        await PrometheusSource(http, Connection(prometheus.url + "wrong")).query("up", at=NOW)
    await http.aclose()
    assert (refused.value.reason, elsewhere.value.reason) == ("bad_query", "not_found")
