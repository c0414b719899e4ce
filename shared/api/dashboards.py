"""Grafana through the API: which dashboards there are, and links that open them at the right time."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import RedirectResponse
from pydantic import StringConstraints

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.incident_ids import held_incident
from shared.api.problems import PROBLEMS, NotFound
from shared.api.service_names import ServiceName
from shared.api.views_metrics import DashboardPageView, IncidentDashboardsView, ServiceDashboardsView
from shared.context.asking import moment, require_range
from shared.context.dashboards import TimeWindow
from shared.models.tenants import IntegrationType
from shared.pipeline.connected import connected
from shared.pipeline.dashboards import dashboards_of, dashboards_of_incident, search_dashboards

router = APIRouter(tags=["dashboards"], responses=PROBLEMS)

DEFAULT_WINDOW = timedelta(hours=1)

Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]
OptionalMoment = Annotated[str | None, Query(max_length=40, description="RFC 3339, or Unix seconds.")]


@router.get("/integrations/{integration_id}/grafana/dashboards", summary="Search a Grafana's dashboards")
async def list_grafana_dashboards(
    integration_id: str,
    principal: Annotated[Principal, Depends(allowed("list_grafana_dashboards"))],
    services: Wired,
    tag: Annotated[list[Tag], Query(default_factory=list, max_length=10, description="Only with all of these tags.")],
    query: Annotated[str, Query(max_length=200, description="Part of the title.")] = "",
    limit: Annotated[int, Query(ge=1, le=500, description="How many to answer with.")] = 100,
    page: Annotated[int, Query(ge=1, le=1000, description="Which page, from 1.")] = 1,
) -> DashboardPageView:
    """What the integration's service account may see. That Grafana does not answer is told in `source`."""
    integration = await connected(principal.tenant_id, integration_id, IntegrationType.GRAFANA, services)
    if integration is None:
        raise NotFound("There is no such Grafana integration.")
    source, found = await search_dashboards(
        principal.tenant_id, integration, services, query=query, tags=tag, limit=limit, page=page
    )
    return DashboardPageView.model_validate({"source": source, "items": found, "page": page, "limit": limit})


@router.get("/services/{service}/dashboards", summary="Read a service's dashboards")
async def read_service_dashboards(
    service: ServiceName,
    principal: Annotated[Principal, Depends(allowed("read_service_dashboards"))],
    services: Wired,
    start: OptionalMoment = None,
    end: OptionalMoment = None,
) -> ServiceDashboardsView:
    """Links into the tenant's Grafanas, opened at the window: the last hour before `end`, unless `start` is given."""
    until = moment("end", end) if end else datetime.now(UTC)
    since = moment("start", start) if start else until - DEFAULT_WINDOW
    require_range(since.timestamp(), until.timestamp())
    found = await dashboards_of(principal.tenant_id, [service], TimeWindow(since, until), services)
    return ServiceDashboardsView.model_validate(found)


@router.get(
    "/incidents/{incident_id}/dashboards",
    summary="Read an incident's dashboards",
    response_model=IncidentDashboardsView,
    responses={307: {"description": "It was merged; `Location` names the dashboards of the one that took it over."}},
)
async def read_incident_dashboards(
    incident_id: str, principal: Annotated[Principal, Depends(allowed("read_incident_dashboards"))], services: Wired
) -> Any:
    """Those of its services, from an hour before it began until it was resolved or now; and the panels that Grafana's
    own alerts named."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    if incident.merged_into:
        # Relative, so that the address does not come from the Host header, which the caller chooses.
        location = f"../{incident.merged_into}/dashboards"
        return RedirectResponse(location, status_code=HTTPStatus.TEMPORARY_REDIRECT)
    found = await dashboards_of_incident(principal.tenant_id, incident, services, now=datetime.now(UTC))
    return IncidentDashboardsView.model_validate(found)
