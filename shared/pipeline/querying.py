"""Ask a tenant's Prometheus on somebody's behalf, count how it went, and measure a service by convention."""

from datetime import datetime, timedelta
from functools import partial

from shared.context.finding import conventions_of, prometheus_of
from shared.context.key_metrics import Found, KeyMetrics, key_metrics
from shared.errors import AddressRefused, CopilotError, SecretUnreadable, SourceUnavailable
from shared.models.base import IntegrationId, TenantId
from shared.models.promql import QueryAnswer
from shared.models.tenants import Integration
from shared.ports.metrics import MetricsSource
from shared.ports.queries import QueryNotAnswered, Question
from shared.ports.services import Services
from shared.telemetry import Counter

QUERIES = Counter("prometheus_queries")
KEY_METRICS = Counter("key_metrics")
_CALLERS_FAULT = frozenset(("bad_query", "execution"))


class QueryFailed(CopilotError):
    """No answer came. With `error_type` and `error` the source said why; `is_refusal` when the query is to blame."""

    default_reason = "source_failed"

    def __init__(self, message: str, *, reason: str, error_type: str | None = None, error: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.error_type = error_type
        self.error = error

    @property
    def is_refusal(self) -> bool:
        """Whether another query could be answered."""
        return self.reason in _CALLERS_FAULT


async def ask(tenant_id: TenantId, integration: Integration, question: Question, services: Services) -> QueryAnswer:
    """Prometheus's answer; raises QueryFailed with the reason, and KeysUnavailable."""
    try:
        answer = await services.queries.ask(tenant_id, integration, question)
    except QueryNotAnswered as exc:
        QUERIES.add(reason=exc.reason)
        raise QueryFailed(str(exc), reason=exc.reason, error_type=exc.error_type, error=exc.error) from exc
    except (SourceUnavailable, AddressRefused, SecretUnreadable) as exc:
        QUERIES.add(reason=exc.reason)
        raise QueryFailed(str(exc), reason=exc.reason) from exc
    QUERIES.add(reason="partial" if answer.status == "error" else "ok")
    return answer


async def measure_service(
    tenant_id: TenantId, service: str, services: Services, *, end: datetime, span_seconds: float, now: datetime
) -> KeyMetrics:
    """The key metrics of a service from the tenant's Prometheus; what cannot be asked is told, not raised."""
    source, trouble = None, None
    try:
        source = await services.metrics.of_tenant(tenant_id)
    except SecretUnreadable as exc:
        trouble = exc.reason
    find = None
    if source and (integration_id := await prometheus_of(tenant_id, services)):
        began = end - timedelta(seconds=span_seconds)
        find = partial(_find, tenant_id, integration_id, source, services, service=service, reference=began, now=now)
    found = await key_metrics(source, service, end=end, span_seconds=span_seconds, trouble=trouble, find=find)
    for one in found.metrics:
        KEY_METRICS.add(reason=one.reason or one.status.value)
    return found


async def _find(
    tenant_id: TenantId,
    integration_id: IntegrationId,
    source: MetricsSource,
    services: Services,
    *,
    service: str,
    reference: datetime,
    now: datetime,
) -> Found:
    """By whichever name it has in this Prometheus."""
    known = await conventions_of(
        tenant_id, integration_id, source, services, wanted=[service], reference=reference, now=now
    )
    place = known.resolution.places.get(service)
    if place is None:
        return Found(None, service, known.warnings)
    return Found(place.binding, place.name, known.warnings)
