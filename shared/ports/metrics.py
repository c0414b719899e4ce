"""What the context engine asks of a tenant's Prometheus.

Times are epoch seconds, as the API gives them; values have the unit of the expression that was asked, and may be NaN
or infinite. The shapes are of the Prometheus HTTP API, version 1: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from shared.models.base import TenantId

MAX_SERIES: Final = 500
"""How many series of an answer are kept where the question says nothing else."""
MOST_SERIES: Final = 10_000
"""More than this no question gets."""
MAX_POINTS_A_SERIES: Final = 11_000
"""Prometheus's own limit on the points of a series: (end - start) / step."""


@dataclass(frozen=True)
class Sample:
    """One instant value with its labels. Values may be NaN or infinite."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True)
class Series:
    """One series over a range: points are (epoch seconds, value); values may be NaN or infinite."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Bucket:
    """So many observations between two values, of which each belongs to the bucket or does not."""

    lower: float
    upper: float
    count: float
    includes_lower: bool
    includes_upper: bool


@dataclass(frozen=True)
class Histogram:
    """A native histogram: how many observations, their sum in the metric's own unit, and its filled buckets.

    Of a rate, all three are per second. Buckets ascend and do not overlap; unlike those of a classic histogram they
    are not cumulative.
    """

    count: float
    sum: float
    buckets: Sequence[Bucket] = ()


@dataclass(frozen=True)
class HistogramSeries:
    """One series of native histograms: points are (epoch seconds, histogram), a single one for an instant query."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, Histogram]]


@dataclass(frozen=True)
class Answer:
    """What a query gave; warnings stand beside data and are shown.

    An instant query fills `samples`, a range query `series`. Native histograms are in `histograms` for both, and a
    warning says so: who reads values alone may ask for `histogram_quantile(…)` or `histogram_count(…)`, which are
    values. What was left out to stay within bounds is a warning too.
    """

    samples: Sequence[Sample] = ()
    series: Sequence[Series] = ()
    warnings: Sequence[str] = ()
    histograms: Sequence[HistogramSeries] = ()
    is_partial: bool = False
    """Whether the source says that it could not read a part of what was asked for: nothing found is not nothing."""


class MetricsSource(Protocol):
    """A Prometheus HTTP API. Methods raise SourceUnavailable, or AddressRefused for a URL we do not go to.

    The reasons of SourceUnavailable: `connect`, `unresolvable`, `tls`, `timeout`, `protocol` and `http_5xx` when it
    could not be reached; `circuit_open` when that happened too often of late for it to be asked now, and `busy` when
    too many questions wait; `unauthorised`, `not_found` and `throttled`; `bad_query`, `execution`, `timeout`,
    `too_many_points`, `too_many_samples`, `unavailable` and `refused` when Prometheus says so itself; `not_json`,
    `unexpected_shape`, `encoding` and `too_large` when what answered is not, or not within bounds, its API;
    `entra_refused` and `entra_unavailable` when there is no token for an Azure Monitor workspace.
    """

    async def query(self, promql: str, *, at: datetime, max_series: int = MAX_SERIES) -> Answer:
        """An instant vector, or a scalar as a sample without labels; the first `max_series` of it."""
        ...

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float, max_series: int = MAX_SERIES
    ) -> Answer:
        """A matrix: a point at `start` and every step after it, where there is a value; both ends are included."""
        ...


class MetricsSources(Protocol):
    """Finds the Prometheus of a tenant."""

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        """The tenant's Prometheus, or None when none is connected; raises StoreUnavailable,
        KeysUnavailable, SecretUnreadable, or Malformed when its configuration cannot be read."""
        ...
