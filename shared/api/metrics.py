"""Prometheus through the API: any query of an engineer's, and a service's key metrics."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.api.service_names import ServiceName
from shared.api.source_problems import SOURCE_PROBLEMS
from shared.api.views_metrics import ServiceMetricsView
from shared.context.asking import MAX_QUERY_CHARS, instant, length_seconds, moment, over_range
from shared.errors import Malformed
from shared.models.base import TenantId
from shared.models.promql import QueryAnswer
from shared.models.tenants import Integration, IntegrationType
from shared.pipeline.connected import connected
from shared.pipeline.querying import ask, measure_service
from shared.ports.services import Services

router = APIRouter(tags=["metrics"])

SHORTEST_WINDOW_SECONDS, LONGEST_WINDOW_SECONDS = 300, 7 * 86_400
_MAX_TEXT = 40

Promql = Annotated[str, Query(description=f"PromQL, at most {MAX_QUERY_CHARS} characters.", examples=["up"])]
Moment = Annotated[
    str,
    Query(max_length=_MAX_TEXT, description="RFC 3339, or Unix seconds.", examples=["2026-11-23T12:00:00Z"]),
]
OptionalMoment = Annotated[
    str | None, Query(max_length=_MAX_TEXT, description="RFC 3339, or Unix seconds; else now.")
]
Length = Annotated[
    str, Query(max_length=_MAX_TEXT, description="A length of time like `1h30m`, or seconds.", examples=["15s"])
]
Timeout = Annotated[
    str | None, Query(max_length=_MAX_TEXT, description="How long the query may take: 10 s, and at most 30 s.")
]


@router.get("/integrations/{integration_id}/prometheus/query", summary="Ask Prometheus", responses=SOURCE_PROBLEMS)
async def query_prometheus(
    integration_id: str,
    principal: Annotated[Principal, Depends(allowed("query_prometheus"))],
    services: Wired,
    query: Promql,
    time: OptionalMoment = None,
    timeout: Timeout = None,
) -> QueryAnswer:
    """An instant query of the tenant's own Prometheus. Its envelope is passed on: values, warnings and infos as they
    are. A query that it refuses is a 400 with its `error_type` and `error`; when no answer comes, a 424."""
    question = instant(query, time=time, timeout=timeout, now=datetime.now(UTC))
    integration = await _prometheus(principal.tenant_id, integration_id, services)
    return await ask(principal.tenant_id, integration, question, services)


@router.get(
    "/integrations/{integration_id}/prometheus/query_range",
    summary="Ask Prometheus over a range",
    responses=SOURCE_PROBLEMS,
)
async def query_prometheus_range(
    integration_id: str,
    principal: Annotated[Principal, Depends(allowed("query_prometheus_range"))],
    services: Wired,
    query: Promql,
    start: Moment,
    end: Moment,
    step: Length,
    timeout: Timeout = None,
) -> QueryAnswer:
    """The same over at most 32 days and 11,000 points a series."""
    question = over_range(query, start=start, end=end, step=step, timeout=timeout)
    integration = await _prometheus(principal.tenant_id, integration_id, services)
    return await ask(principal.tenant_id, integration, question, services)


@router.get("/services/{service}/metrics", summary="Read a service's key metrics", responses=PROBLEMS)
async def read_service_metrics(
    service: ServiceName,
    principal: Annotated[Principal, Depends(allowed("read_service_metrics"))],
    services: Wired,
    window: Annotated[str, Query(max_length=_MAX_TEXT, description="How far back, from 5m to 7d.")] = "1h",
    end: OptionalMoment = None,
) -> ServiceMetricsView:
    """Request rate, error ratio, latency and saturation by convention, each with the query that was asked and its
    own status: a metric that could not be asked is `failed`, never empty."""
    span = length_seconds("window", window)
    if not SHORTEST_WINDOW_SECONDS <= span <= LONGEST_WINDOW_SECONDS:
        raise Malformed("window: from 5m to 7d", reason="window")
    now = datetime.now(UTC)
    until = moment("end", end) if end else now
    found = await measure_service(principal.tenant_id, service, services, end=until, span_seconds=span, now=now)
    return ServiceMetricsView.model_validate(found)


async def _prometheus(tenant_id: TenantId, integration_id: str, services: Services) -> Integration:
    found = await connected(tenant_id, integration_id, IntegrationType.PROMETHEUS, services)
    if found is None:
        raise NotFound("There is no such Prometheus integration.")
    return found
