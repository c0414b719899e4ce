"""Baselines by the clock hour against the real Prometheus, on windows of today and of 1, 7 and 14 days ago."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.adapters.guarded_http import GuardedHttp
from shared.adapters.memory.services import services_in_memory
from shared.adapters.prometheus import Connection, PrometheusSource
from shared.context.snapshot import collect
from shared.models.base import SnapshotId
from shared.models.evidence import ExpressionEvidence, SeriesEvidence
from shared.models.measures import Baseline, Direction, Metric, TrafficShift
from shared.models.snapshots import SectionName, Snapshot
from shared.ports.metrics import MAX_SERIES, Answer
from tests.builders import a_signal, an_alert, an_incident
from tests.integration.backfilled import backfilled, needs_prometheus

pytestmark = [pytest.mark.integration, needs_prometheus]

NOW = int(time.time()) // 60 * 60 - 600
SCRAPE, LENGTH = 30, 80 * 60
STARTS = [NOW - days * 86_400 - LENGTH for days in (14, 7, 1, 0)]
DB_BROKE, SHOP_BROKE, FIRED, NIGHTLY = NOW - 9 * 60, NOW - 6 * 60, NOW - 4 * 60, 15 * 60
EXPRESSION = "sum by (service) (rate(http_requests_total[2m])) > 30 # too many"
BUCKETS = (0.1, 0.5, 1.0)


@dataclass
class Counters:
    """Counters by name and labels, kept going over all windows."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)

    def count(self, family: str, suffix: str, labels: str, at: int, per_second: float) -> None:
        series = f"{family}{suffix}{{{labels}}}"
        self.totals[series] = self.totals.get(series, 0.0) + per_second * SCRAPE
        self.lines.setdefault(family, []).append(f"{series} {self.totals[series]:g} {at}")

    def text(self) -> str:
        blocks = []
        for family, lines in self.lines.items():
            kind = "histogram" if family.endswith("seconds") else "counter"
            # OpenMetrics wants the samples of one series together.
            together = sorted(lines, key=lambda line: line.partition(" ")[0])
            blocks.append(f"# TYPE {family} {kind}\n" + "\n".join(together) + "\n")
        return "".join(blocks) + "# EOF\n"


def a_history() -> str:
    """Today a call to the database takes longer than its last bucket, then the shop surges; the batch is nightly."""
    shown = Counters()
    for start in STARTS:
        is_today = start == STARTS[-1]
        for at in range(start, start + LENGTH + 1, SCRAPE):
            is_night = at >= start + LENGTH - NIGHTLY
            shop = 60 if is_today and at >= SHOP_BROKE else 20
            shown.count("http_requests", "_total", 'service="shop",code="200"', at, shop)
            shown.count("http_requests", "_total", 'service="batch",code="200"', at, 50 if is_night else 10)
            shown.count("http_requests", "_total", 'service="batch",code="500"', at, 10 if is_night else 0)
            for client, server, rate in (("shop", "db", shop), ("shop", "batch", 5)):
                edge = f'client="{client}",server="{server}"'
                shown.count("traces_service_graph_request", "_total", edge, at, rate)
                shown.count("traces_service_graph_request_failed", "_total", edge, at, 0)
            is_slow = is_today and at >= DB_BROKE
            for bound in (*BUCKETS, "+Inf"):
                within = shop if bound == "+Inf" or not is_slow else 0
                labels = f'client="shop",server="db",le="{bound}"'
                shown.count("traces_service_graph_request_server_seconds", "_bucket", labels, at, within)
    return shown.text()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(a_history(), tmp_path_factory.mktemp("prometheus")) as found:
        yield found


class Counted(PrometheusSource):
    """Counts the questions about how services do: of the sections that have baselines."""

    asked: list[str]

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = MAX_SERIES
    ) -> Answer:
        self.asked.append(promql)
        return await super().query_range(
            promql, start=start, end=end, step_seconds=step_seconds, max_series=max_series
        )


async def taken(url: str) -> tuple[Snapshot, list[str]]:
    fired, now = datetime.fromtimestamp(FIRED, UTC), datetime.fromtimestamp(NOW, UTC)
    alert = an_alert(service_name="shop", starts_at=fired, expression=EXPRESSION, labels={"service": "shop"})
    http = GuardedHttp(allow_private=True)
    source = Counted(http, Connection(url))
    source.asked = []
    try:
        snapshot = await collect(
            an_incident(service_name="shop", detected_at=fired),
            [a_signal(alert)],
            services_in_memory(),
            source,
            snapshot_id=SnapshotId("snap-1"),
            now=now,
        )
    finally:
        await http.aclose()
    return snapshot, source.asked


@pytest.fixture(scope="module")
def look(url: str) -> tuple[Snapshot, list[str]]:
    return asyncio.run(taken(url))


@pytest.fixture(scope="module")
def snapshot(look: tuple[Snapshot, list[str]]) -> Snapshot:
    return look[0]


def series_of(snapshot: Snapshot, service: str, metric: Metric) -> SeriesEvidence:
    return next(
        one
        for one in snapshot.body.evidence()
        if isinstance(one, SeriesEvidence) and (one.service, one.metric) == (service, metric)
    )


def seconds_off(piece: SeriesEvidence, began: int) -> float:
    assert piece.movement.onset_at is not None
    return abs(piece.movement.onset_at.timestamp() - began)


def test_a_surge_is_told_from_the_same_hour_of_three_earlier_days(snapshot: Snapshot) -> None:
    rate = series_of(snapshot, "shop", Metric.REQUEST_RATE)
    assert (rate.movement.baseline, rate.movement.baseline_days) == (Baseline.SAME_HOUR, 3)
    assert rate.movement.shift is TrafficShift.SURGE
    assert rate.movement.baseline_median == pytest.approx(20, rel=0.05)
    assert rate.movement.current == pytest.approx(60, rel=0.05)
    assert seconds_off(rate, SHOP_BROKE) <= 2 * snapshot.body.step_seconds
    assert "surged to 60 requests/s" in rate.said
    assert "where it was 20 requests/s at this hour on 3 earlier days" in rate.said


def test_a_nightly_batch_with_its_nightly_errors_is_steady(snapshot: Snapshot) -> None:
    for metric in (Metric.REQUEST_RATE, Metric.ERROR_RATIO):
        moved = series_of(snapshot, "batch", metric).movement
        assert (moved.direction, moved.baseline, moved.baseline_days) == (Direction.STEADY, Baseline.SAME_HOUR, 3)


def test_a_latency_beyond_the_last_bucket_is_at_least_its_bound_and_moved_first(snapshot: Snapshot) -> None:
    latency = series_of(snapshot, "db", Metric.LATENCY_P95)
    assert (latency.at_least, latency.movement.current) == (True, BUCKETS[-1])
    assert seconds_off(latency, DB_BROKE) <= 2 * snapshot.body.step_seconds
    assert "at least 1 s" in latency.said


def test_the_snapshot_names_who_moved_first(snapshot: Snapshot) -> None:
    by_id = {one.id: one for one in snapshot.body.evidence() if isinstance(one, SeriesEvidence)}
    assert [{by_id[name].service for name in group} for group in snapshot.body.first_movers] == [{"db"}, {"shop"}]


def test_the_alerts_own_expression_is_true_for_the_shop(snapshot: Snapshot) -> None:
    (piece,) = (one for one in snapshot.body.evidence() if isinstance(one, ExpressionEvidence))
    assert (piece.operator, piece.threshold, piece.is_true_now) == (">", 30, True)
    assert piece.series[0].labels == {"service": "shop"}
    assert piece.series[0].points[-1][1] == pytest.approx(60, rel=0.05)


def test_two_sections_of_two_conventions_take_eight_range_queries_at_most(look: tuple[Snapshot, list[str]]) -> None:
    snapshot, asked = look
    measured = [promql for promql in asked if "build_info" not in promql and promql not in EXPRESSION]
    # Beside these, each section asks once which conventions there are, and once for the bounds of buckets.
    assert len(measured) <= 8, measured
    assert snapshot.body.section(SectionName.DEPENDENCIES)
