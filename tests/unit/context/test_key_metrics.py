"""A service's key metrics: by convention, each with its own status."""

import math
from datetime import timedelta

import pytest

from shared.context.conventions import BINDINGS, latency, saturation
from shared.context.key_metrics import Found, KeyMetric, KeyMetrics, Measured, key_metrics, range_of
from shared.errors import AddressRefused, SourceUnavailable
from shared.models.snapshots import SectionStatus
from tests.builders import NOON
from tests.unit.context.fake_source import FakeSource, Rule, samples, series

HOUR = 3600.0
BOUND: Rule = ("label_replace(count by", samples(({"service": "payment", "binding": "prometheus_client/service"}, 1)))
PACE: Rule = ("count_over_time", samples(({"pace": "0", "over": "120"}, 8)))
ATTACKS = ['"} or vector(1) #', "a\\", 'x",__name__=~".+', "a\nb", "p{}$of", "`", "$window", "ü.ß"]


async def measured(*rules: Rule, service: str = "payment") -> tuple[KeyMetrics, FakeSource]:
    source = FakeSource([*rules, PACE, BOUND])
    return await key_metrics(source, service, end=NOON, span_seconds=HOUR), source


def by_metric(found: KeyMetrics) -> dict[KeyMetric, Measured]:
    return {one.metric: one for one in found.metrics}


async def test_every_metric_has_its_unit_its_query_and_its_points() -> None:
    answer = series([{"service": "payment"}], [1.0, 2.0], float, warnings=["partial"])
    found, source = await measured(("quantile(0.99", answer), ("* 0", answer))
    assert (found.convention, found.step_seconds, found.end) == ("prometheus_client/service", 15.0, NOON)
    p99 = by_metric(found)[KeyMetric.LATENCY_P99]
    assert (p99.status, p99.unit, p99.points) == (SectionStatus.OK, "s", ((1.0, 0.0), (2.0, 1.0)))
    assert p99.warnings == ("partial",)
    assert p99.query in source.asked
    assert by_metric(found)[KeyMetric.ERROR_RATIO].status is SectionStatus.OK


async def test_a_metric_without_series_is_empty_and_one_that_failed_says_why() -> None:
    found, _ = await measured(("quantile(0.5", SourceUnavailable("slow", reason="timeout")))
    metrics = by_metric(found)
    assert (metrics[KeyMetric.LATENCY_P50].status, metrics[KeyMetric.LATENCY_P50].reason) == ("failed", "timeout")
    assert (metrics[KeyMetric.REQUEST_RATE].status, metrics[KeyMetric.REQUEST_RATE].reason) == ("empty", "no_series")


async def test_values_that_are_no_numbers_are_gaps_and_nothing_else_is_empty() -> None:
    nothing = series([{"service": "payment"}], [1.0, 2.0], lambda _: math.nan)
    some = series([{"service": "payment"}], [1.0, 2.0], lambda index: math.inf if index else 3.0)
    found, _ = await measured(("quantile(0.99", nothing), ("quantile(0.95", some))
    metrics = by_metric(found)
    p99, p95 = metrics[KeyMetric.LATENCY_P99], metrics[KeyMetric.LATENCY_P95]
    assert (p99.status, p99.reason, p99.points) == ("empty", "no_values", ((1.0, None), (2.0, None)))
    assert (p95.status, p95.points) == ("ok", ((1.0, 3.0), (2.0, None)))


@pytest.mark.parametrize(
    "failure", [SourceUnavailable("x", reason="connect"), AddressRefused("x", reason="redirect")]
)
async def test_a_source_that_fails_at_once_fails_every_metric(failure: SourceUnavailable | AddressRefused) -> None:
    found, _ = await measured(("label_replace(count by", failure))
    assert {(one.status, one.reason) for one in found.metrics} == {(SectionStatus.FAILED, failure.reason)}


async def test_a_service_nobody_instruments_is_empty() -> None:
    found, _ = await measured(service="unheard-of")
    assert {(one.status, one.reason) for one in found.metrics} == {(SectionStatus.EMPTY, "no_known_metrics")}


async def test_without_a_source_nothing_is_configured_unless_it_cannot_be_opened() -> None:
    none = await key_metrics(None, "payment", end=NOON, span_seconds=HOUR)
    shut = await key_metrics(None, "payment", end=NOON, span_seconds=HOUR, trouble="secret_unreadable")
    assert {(one.status, one.reason) for one in none.metrics} == {(SectionStatus.NOT_CONFIGURED, "no_prometheus")}
    assert {(one.status, one.reason) for one in shut.metrics} == {(SectionStatus.FAILED, "secret_unreadable")}


async def test_a_convention_without_saturation_says_so() -> None:
    graph = samples(({"server": "payment", "binding": "service_graph/server"}, 1))
    found, _ = await measured(("label_replace(count by", graph))
    assert by_metric(found)[KeyMetric.SATURATION].reason == "not_in_convention"


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_services_name_is_only_ever_a_quoted_value(name: str) -> None:
    bound = samples(({"service": name, "binding": "prometheus_client/service"}, 1))
    _, source = await measured(("label_replace(count by", bound), service=name)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert len(source.asked) == 9
    for promql in source.asked:
        assert f'"{escaped}"' in promql
        assert name not in promql.replace(f'"{escaped}"', "")


async def test_a_latency_that_means_at_least_can_be_told_by_the_highest_bound() -> None:
    told = samples(({"service": "payment", "binding": "prometheus_client/service"}, 2.5))
    found, _ = await measured(("histogram_quantile(0.5, group", told))
    assert found.highest_bound_seconds == 2.5
    silent, _ = await measured(("histogram_quantile(0.5, group", SourceUnavailable("slow", reason="timeout")))
    assert silent.highest_bound_seconds is None
    assert {one.status for one in silent.metrics} == {SectionStatus.EMPTY}


async def test_a_service_is_measured_by_the_name_it_was_found_under() -> None:
    binding = next(one for one in BINDINGS if one.name == "otel_http/job")
    answer = series([{"job": "shop/payment"}], [1.0], lambda _: 2.0)
    source = FakeSource([("rate(", answer), PACE])

    async def find() -> Found:
        return Found(binding, "shop/payment", ("careful",))

    found = await key_metrics(source, "payment", end=NOON, span_seconds=HOUR, find=find)
    assert (found.service, found.convention, found.warnings) == ("payment", "otel_http/job", ("careful",))
    assert by_metric(found)[KeyMetric.REQUEST_RATE].points == ((1.0, 2.0),)
    assert all('"shop/payment"' in promql for promql in source.asked)


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda one: one.name)
def test_the_95th_percentile_is_one_of_the_quantiles(binding: object) -> None:
    assert "histogram_quantile(0.5," in latency(binding, 0.5, ["a"], window_seconds=60)
    assert saturation(binding, ["a"], window_seconds=60) is None or "a" in saturation(
        binding, ["a"], window_seconds=60
    )


def test_a_range_lies_on_its_steps_and_has_at_most_300() -> None:
    over = range_of(NOON + timedelta(seconds=7), span_seconds=86_400, scrape_seconds=15)
    assert over.step_seconds == over.rate_seconds == 288
    assert over.end.timestamp() % 288 == over.start.timestamp() % 288 == 0
    assert (over.end - over.start).total_seconds() / 288 <= 300
    assert range_of(NOON, span_seconds=300, scrape_seconds=30).rate_seconds == 120
