"""What the context engine asks of a tenant's Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.models.base import TenantId


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
class Answer:
    """What a query gave; warnings stand beside data and are shown."""

    samples: Sequence[Sample] = ()
    series: Sequence[Series] = ()
    warnings: Sequence[str] = ()


class MetricsSource(Protocol):
    """A Prometheus HTTP API. Methods raise SourceUnavailable, or AddressRefused for a URL we do not go to."""

    async def query(self, promql: str, *, at: datetime) -> Answer:
        """An instant vector."""
        ...

    async def query_range(self, promql: str, *, start: datetime, end: datetime, step_seconds: float) -> Answer:
        """A matrix."""
        ...


class MetricsSources(Protocol):
    """Finds the Prometheus of a tenant."""

    async def of_tenant(self, tenant_id: TenantId) -> MetricsSource | None:
        """The tenant's Prometheus, or None when none is connected; raises StoreUnavailable,
        KeysUnavailable, SecretUnreadable, or Malformed when its configuration cannot be read."""
        ...
