"""The few metrics that say how a service does, over a window, by the conventions that it is instrumented with.

A metric that could not be asked says so: an outage of Prometheus must never read as a quiet service.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.context.conventions import (
    Binding,
    bindings_of,
    bounds,
    bounds_of,
    detection,
    expression,
    latency,
    paces,
    saturation,
)
from shared.context.window import DEFAULT_SCRAPE_SECONDS, scrape_interval, scrape_query
from shared.errors import AddressRefused, SourceUnavailable
from shared.models.measures import Metric
from shared.models.snapshots import SectionStatus
from shared.ports.metrics import Answer, MetricsSource, Series

MAX_POINTS = 300
SCRAPES_IN_RATE, SHORTEST_RATE_SECONDS = 4, 4.0


class KeyMetric(StrEnum):
    """What is shown of a service."""

    REQUEST_RATE = "request_rate"
    ERROR_RATIO = "error_ratio"
    LATENCY_P50 = "latency_p50"
    LATENCY_P95 = "latency_p95"
    LATENCY_P99 = "latency_p99"
    SATURATION = "saturation"


UNITS: Mapping[KeyMetric, str] = {
    KeyMetric.REQUEST_RATE: "requests/s",
    KeyMetric.ERROR_RATIO: "ratio",
    KeyMetric.LATENCY_P50: "s",
    KeyMetric.LATENCY_P95: "s",
    KeyMetric.LATENCY_P99: "s",
    KeyMetric.SATURATION: "ratio",
}
_QUANTILES = {KeyMetric.LATENCY_P50: 0.5, KeyMetric.LATENCY_P95: 0.95, KeyMetric.LATENCY_P99: 0.99}


@dataclass(frozen=True)
class Range:
    """Over what is asked. Start and end lie on multiples of the step, so that repeats ask the same."""

    start: datetime
    end: datetime
    step_seconds: float
    rate_seconds: float


@dataclass(frozen=True)
class Measured:
    """One metric: its points are (epoch seconds, value), with None where the value is not a number."""

    metric: KeyMetric
    unit: str
    status: SectionStatus
    reason: str | None = None
    query: str | None = None
    points: tuple[tuple[float, float | None], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyMetrics:
    """All of them; `convention` says by which row of the table and which label the service is known."""

    service: str
    start: datetime
    end: datetime
    step_seconds: float
    convention: str | None
    metrics: tuple[Measured, ...]
    warnings: tuple[str, ...] = ()
    highest_bound_seconds: float | None = None
    """A latency that is this high means "at least": its histogram has no bucket above. See `is_at_least`."""


@dataclass(frozen=True)
class Found:
    """Where a service is measured and by which name there; nowhere without a binding."""

    binding: Binding | None
    name: str
    warnings: tuple[str, ...] = ()


Finder = Callable[[], Awaitable[Found]]
"""Finds a service; raises SourceUnavailable and AddressRefused."""


def range_of(end: datetime, *, span_seconds: float, scrape_seconds: float) -> Range:
    """The range of so many seconds up to `end`, in at most MAX_POINTS steps."""
    step = float(math.ceil(max(scrape_seconds, span_seconds / MAX_POINTS)))
    last = math.floor(end.timestamp() / step) * step
    first = math.floor((end.timestamp() - span_seconds) / step) * step
    return Range(
        start=datetime.fromtimestamp(first, UTC),
        end=datetime.fromtimestamp(last, UTC),
        step_seconds=step,
        rate_seconds=max(SCRAPES_IN_RATE * scrape_seconds, SHORTEST_RATE_SECONDS, step),
    )


async def key_metrics(
    source: MetricsSource | None,
    service: str,
    *,
    end: datetime,
    span_seconds: float,
    trouble: str | None = None,
    find: Finder | None = None,
) -> KeyMetrics:
    """The key metrics of a service. `trouble` is why a connected source cannot be asked at all; without `find` the
    service is looked for by its own name."""
    unknown = range_of(end, span_seconds=span_seconds, scrape_seconds=DEFAULT_SCRAPE_SECONDS)
    if source is None:
        status = SectionStatus.FAILED if trouble else SectionStatus.NOT_CONFIGURED
        return _all(service, unknown, status, trouble or "no_prometheus")
    try:
        found = await (find() if find else _by_own_name(source, service, end=end, span_seconds=span_seconds))
        pace = await source.query(scrape_query(paces(found.name)), at=end)
    except (SourceUnavailable, AddressRefused) as exc:
        return _all(service, unknown, SectionStatus.FAILED, exc.reason)
    over = range_of(end, span_seconds=span_seconds, scrape_seconds=scrape_interval(pace.samples))
    if found.binding is None:
        return _all(service, over, SectionStatus.EMPTY, "no_known_metrics", found.warnings)
    return await _key_metrics(source, service, found.binding, found, over)


async def _key_metrics(
    source: MetricsSource, service: str, binding: Binding, found: Found, over: Range
) -> KeyMetrics:
    asked = asyncio.gather(*(_measure(source, binding, metric, found.name, over) for metric in KeyMetric))
    measured, bound = await asyncio.gather(asked, _highest_bound(source, binding, found.name, over))
    return KeyMetrics(
        service=service,
        start=over.start,
        end=over.end,
        step_seconds=over.step_seconds,
        convention=binding.name,
        metrics=tuple(measured),
        warnings=found.warnings,
        highest_bound_seconds=bound,
    )


async def _by_own_name(source: MetricsSource, service: str, *, end: datetime, span_seconds: float) -> Found:
    answer = await source.query(detection([service], seconds_ago=span_seconds), at=end)
    binding = next(iter(bindings_of(answer.samples, [service])), None)
    return Found(binding, service, tuple(answer.warnings))


async def _highest_bound(source: MetricsSource, binding: Binding, name: str, over: Range) -> float | None:
    """None where there are no classic buckets, or nobody told: the quantiles are answered all the same."""
    try:
        answer = await source.query(bounds({binding: [name]}), at=over.end)
    except (SourceUnavailable, AddressRefused):
        return None
    return bounds_of(answer.samples).get((binding.name, name))


async def _measure(source: MetricsSource, binding: Binding, metric: KeyMetric, service: str, over: Range) -> Measured:
    query = _query(binding, metric, service, over.rate_seconds)
    if query is None:
        return _without(metric, SectionStatus.NOT_CONFIGURED, "not_in_convention")
    try:
        answer = await source.query_range(query, start=over.start, end=over.end, step_seconds=over.step_seconds)
    except (SourceUnavailable, AddressRefused) as exc:
        return _without(metric, SectionStatus.FAILED, exc.reason, query)
    return _measured(metric, query, answer, _of_service(answer, binding, service))


def _query(binding: Binding, metric: KeyMetric, service: str, rate_seconds: float) -> str | None:
    match metric:
        case KeyMetric.REQUEST_RATE:
            return expression(binding, Metric.REQUEST_RATE, [service], window_seconds=rate_seconds)
        case KeyMetric.ERROR_RATIO:
            return expression(binding, Metric.ERROR_RATIO, [service], window_seconds=rate_seconds)
        case KeyMetric.SATURATION:
            return saturation(binding, [service], window_seconds=rate_seconds)
    return latency(binding, _QUANTILES[metric], [service], window_seconds=rate_seconds)


def _of_service(answer: Answer, binding: Binding, service: str) -> Series | None:
    return next((one for one in answer.series if one.labels.get(binding.label) == service), None)


def _measured(metric: KeyMetric, query: str, answer: Answer, series: Series | None) -> Measured:
    points = tuple((at, value if math.isfinite(value) else None) for at, value in (series.points if series else ()))
    is_there = any(value is not None for _, value in points)
    status = SectionStatus.OK if is_there else SectionStatus.EMPTY
    reason = None if is_there else "no_values" if points else "no_series"
    return Measured(metric, UNITS[metric], status, reason, query, points, tuple(answer.warnings))


def _without(metric: KeyMetric, status: SectionStatus, reason: str, query: str | None = None) -> Measured:
    return Measured(metric, UNITS[metric], status, reason, query)


def _all(service: str, over: Range, status: SectionStatus, reason: str, warnings: tuple[str, ...] = ()) -> KeyMetrics:
    metrics = tuple(_without(metric, status, reason) for metric in KeyMetric)
    return KeyMetrics(service, over.start, over.end, over.step_seconds, None, metrics, warnings)
