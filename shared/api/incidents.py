"""Incidents: the list, one with everything, and its parts."""

import asyncio
import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.problems import PROBLEMS, NotFound
from shared.api.views import (
    HypothesesView,
    IncidentView,
    SignalView,
    SnapshotSummaryView,
    SnapshotView,
    SummaryView,
    TimelineView,
)
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.incidents import Incident
from shared.ports.services import Services

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

# As `document_id` makes them; anything else never reaches the store.
_INCIDENT_ID = re.compile(r"inc-[0-9a-f]{24}")
_SNAPSHOT_ID = re.compile(r"snap-[0-9a-f]{24}")


class IncidentPage(BaseModel):
    """Some incidents, newest first; ask again with the cursor for more."""

    items: list[SummaryView]
    cursor: str | None


@router.get("", summary="List incidents")
async def list_incidents(
    principal: Annotated[Principal, Depends(allowed("list_incidents"))],
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to answer with.")] = 25,
    cursor: Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")] = None,
) -> IncidentPage:
    """Newest detection first. The list may lag behind an incident by the moment its writing takes."""
    page = await services.incident_list.page(principal.tenant_id, limit=limit, cursor=cursor)
    return IncidentPage(items=[SummaryView.of(one) for one in page.items], cursor=page.cursor)


@router.get(
    "/{incident_id}",
    summary="Read an incident with everything known of it",
    response_model=IncidentView,
    responses={307: {"description": "It was merged into the incident that `Location` names."}},
)
async def read_incident(
    incident_id: str, principal: Annotated[Principal, Depends(allowed("read_incident"))], services: Wired
) -> Any:
    """The incident with its signals, timeline, a summary of the latest snapshot, and the latest hypotheses.

    One that was merged into another answers 307 with the address of that; its own parts stay where they are.
    """
    incident = await _incident(principal.tenant_id, incident_id, services)
    if incident.merged_into:
        # Relative, so that the address does not come from the Host header, which the caller chooses.
        return RedirectResponse(incident.merged_into, status_code=HTTPStatus.TEMPORARY_REDIRECT)
    signals, timeline, snapshot, hypotheses = await asyncio.gather(
        _signals(principal.tenant_id, incident, services),
        _timeline(principal.tenant_id, incident, services),
        _latest_snapshot(principal.tenant_id, incident, services),
        _latest_hypotheses(principal.tenant_id, incident, services),
    )
    return IncidentView.of(incident, signals, timeline, snapshot=snapshot, hypotheses=hypotheses)


@router.get("/{incident_id}/signals", summary="Read an incident's signals")
async def read_signals(
    incident_id: str, principal: Annotated[Principal, Depends(allowed("read_signals"))], services: Wired
) -> list[SignalView]:
    """Every alert of the incident, oldest first."""
    incident = await _incident(principal.tenant_id, incident_id, services)
    return await _signals(principal.tenant_id, incident, services)


@router.get("/{incident_id}/timeline", summary="Read what happened")
async def read_timeline(
    incident_id: str, principal: Annotated[Principal, Depends(allowed("read_timeline"))], services: Wired
) -> list[TimelineView]:
    """Every change of the incident, oldest first."""
    incident = await _incident(principal.tenant_id, incident_id, services)
    return await _timeline(principal.tenant_id, incident, services)


@router.get("/{incident_id}/snapshots/{snapshot_id}", summary="Read a snapshot")
async def read_snapshot(
    incident_id: str,
    snapshot_id: str,
    principal: Annotated[Principal, Depends(allowed("read_snapshot"))],
    services: Wired,
) -> SnapshotView:
    """What was looked at: sections with their status and evidence, frozen."""
    if not _INCIDENT_ID.fullmatch(incident_id) or not _SNAPSHOT_ID.fullmatch(snapshot_id):
        raise NotFound("There is no such snapshot.")
    found = await services.incidents.snapshot(principal.tenant_id, IncidentId(incident_id), SnapshotId(snapshot_id))
    if found is None:
        raise NotFound("There is no such snapshot.")
    return SnapshotView.of(found)


@router.get("/{incident_id}/hypotheses", summary="Read every answer given")
async def read_hypotheses(
    incident_id: str, principal: Annotated[Principal, Depends(allowed("read_hypotheses"))], services: Wired
) -> list[HypothesesView]:
    """The ranker's answer and the model's, oldest first."""
    incident = await _incident(principal.tenant_id, incident_id, services)
    answers = await services.incidents.all_hypotheses(principal.tenant_id, incident.incident_id)
    return [HypothesesView.of(answer) for answer in answers]


async def _incident(tenant_id: TenantId, incident_id: str, services: Services) -> Incident:
    """Another tenant's incident is under another key: it is simply not there."""
    found = None
    if _INCIDENT_ID.fullmatch(incident_id):
        found = await services.incidents.read(tenant_id, IncidentId(incident_id))
    if found is None:
        raise NotFound("There is no such incident.")
    return found.value


async def _signals(tenant_id: TenantId, incident: Incident, services: Services) -> list[SignalView]:
    return [SignalView.of(one.value) for one in await services.incidents.signals(tenant_id, incident.incident_id)]


async def _timeline(tenant_id: TenantId, incident: Incident, services: Services) -> list[TimelineView]:
    return [TimelineView.of(one) for one in await services.incidents.timeline(tenant_id, incident.incident_id)]


async def _latest_snapshot(tenant_id: TenantId, incident: Incident, services: Services) -> SnapshotSummaryView | None:
    if incident.latest_snapshot_id is None:
        return None
    found = await services.incidents.snapshot(tenant_id, incident.incident_id, incident.latest_snapshot_id)
    return SnapshotSummaryView.of(found) if found else None


async def _latest_hypotheses(tenant_id: TenantId, incident: Incident, services: Services) -> HypothesesView | None:
    if incident.latest_hypotheses_id is None:
        return None
    found = await services.incidents.hypotheses(tenant_id, incident.incident_id, incident.latest_hypotheses_id)
    return HypothesesView.of(found) if found else None
