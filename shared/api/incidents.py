"""Incidents: the list, one with everything, and its parts."""

import asyncio
import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from shared.access.principals import Principal
from shared.api.allowed import Wired, allowed
from shared.api.incident_ids import INCIDENT_ID, held_incident
from shared.api.preconditions import show_version
from shared.api.problems import PROBLEMS, NotFound
from shared.api.times import AskedTime
from shared.api.views import (
    HypothesesView,
    IncidentView,
    SignalView,
    SnapshotLineView,
    SnapshotSummaryView,
    SnapshotView,
    SummaryView,
    TimelineView,
)
from shared.models.base import IncidentId, SnapshotId, TenantId
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Severity
from shared.pipeline.snapshots import whole_snapshot
from shared.ports.listing import IncidentOrder, IncidentQuery, TimelineOrder
from shared.ports.services import Services

router = APIRouter(prefix="/incidents", tags=["incidents"], responses=PROBLEMS)

# As `document_id` makes them; anything else never reaches the store.
_SNAPSHOT_ID = re.compile(r"snap-[0-9a-f]{24}")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
MAX_EMBEDDED = 100
"""Signals, and what happened, that come with an incident; the rest is a page away."""

Limit = Annotated[int, Query(ge=1, le=500, description="How many to answer with.")]
Cursor = Annotated[str | None, Query(max_length=400, description="The cursor of the page before.")]


class IncidentPage(BaseModel):
    """Some incidents; ask again with the cursor for more."""

    items: list[SummaryView]
    cursor: str | None


class SignalPage(BaseModel):
    """Some signals, oldest first; ask again with the cursor for more."""

    items: list[SignalView]
    cursor: str | None


class TimelinePage(BaseModel):
    """Some of what happened; ask again with the cursor for more."""

    items: list[TimelineView]
    cursor: str | None


class SnapshotPage(BaseModel):
    """Every look that was taken, oldest first: all that are kept fit one page."""

    items: list[SnapshotLineView]
    cursor: None = None


class HypothesesPage(BaseModel):
    """Every answer given, oldest first: they fit one page."""

    items: list[HypothesesView]
    cursor: None = None


class ListParameters(BaseModel):
    """What a list is asked for."""

    model_config = ConfigDict(extra="forbid")

    state: list[IncidentState] = Field(default=[], max_length=len(IncidentState), description="In any of these.")
    severity: list[Severity] = Field(default=[], max_length=len(Severity), description="Of any of these.")
    service: str | None = Field(default=None, min_length=1, max_length=200, description="With this service in it.")
    assignee: str | None = Field(
        default=None, pattern=r"^(me|none|[0-9a-fA-F-]{36})$", description="`me`, `none`, or an Entra object id."
    )
    detected_from: AskedTime | None = Field(default=None, alias="from", description="Detected then or later.")
    detected_to: AskedTime | None = Field(default=None, alias="to", description="Detected before.")
    is_open: bool | None = Field(default=None, alias="open", description="Only open ones, or only closed ones.")
    sort: IncidentOrder = Field(default=IncidentOrder.NEWEST, description="`severity` is worst first, then newest.")
    limit: int = Field(default=25, ge=1, le=100, description="How many to answer with.")
    cursor: str | None = Field(default=None, max_length=400, description="The cursor of the page before.")

    def query(self, me: str) -> IncidentQuery:
        """The question, for whoever `me` is."""
        return IncidentQuery(
            order=self.sort,
            states=frozenset(self.state),
            severities=frozenset(self.severity),
            service=self.service,
            assignee=me if self.assignee == "me" else self.assignee,
            detected_from=self.detected_from,
            detected_to=self.detected_to,
            is_open=self.is_open,
        )


@router.get("", summary="List incidents")
async def list_incidents(
    principal: Annotated[Principal, Depends(allowed("list_incidents"))],
    services: Wired,
    asked: Annotated[ListParameters, Query()],
) -> IncidentPage:
    """By default the newest detection first. The list may lag behind an incident by the moment its writing takes."""
    query = asked.query(principal.object_id)
    page = await services.incident_list.page(principal.tenant_id, limit=asked.limit, cursor=asked.cursor, query=query)
    return IncidentPage(items=[SummaryView.of(one) for one in page.items], cursor=page.cursor)


@router.get(
    "/{incident_id}",
    summary="Read an incident with everything known of it",
    response_model=IncidentView,
    responses={307: {"description": "It was merged into the incident that `Location` names."}},
)
async def read_incident(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_incident"))],
    services: Wired,
) -> Any:
    """The incident with its first signals, its latest timeline, a summary of its latest snapshot, and hypotheses.

    One that was merged into another answers 307 with the address of that; its own parts stay where they are.
    """
    incident = await held_incident(principal.tenant_id, incident_id, services)
    if incident.merged_into:
        # Relative, so that the address does not come from the Host header, which the caller chooses.
        return RedirectResponse(incident.merged_into, status_code=HTTPStatus.TEMPORARY_REDIRECT)
    show_version(response, incident.version)
    key, newest = (principal.tenant_id, incident.incident_id), TimelineOrder.NEWEST
    signals, timeline, snapshot, hypotheses = await asyncio.gather(
        services.incidents.signal_page(*key, limit=MAX_EMBEDDED),
        services.incidents.timeline_page(*key, limit=MAX_EMBEDDED, order=newest),
        _latest_snapshot(principal.tenant_id, incident, services),
        _latest_hypotheses(principal.tenant_id, incident, services),
    )
    return IncidentView.of(incident, signals, timeline, snapshot=snapshot, hypotheses=hypotheses)


@router.get("/{incident_id}/signals", summary="Read an incident's signals")
async def read_signals(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_signals"))],
    services: Wired,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> SignalPage:
    """Every alert of the incident, oldest first."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    show_version(response, incident.version)
    page = await services.incidents.signal_page(principal.tenant_id, incident.incident_id, limit=limit, cursor=cursor)
    return SignalPage(items=[SignalView.of(one) for one in page.items], cursor=page.cursor)


@router.get("/{incident_id}/timeline", summary="Read what happened")
async def read_timeline(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_timeline"))],
    services: Wired,
    order: Annotated[TimelineOrder, Query(description="From which end.")] = TimelineOrder.OLDEST,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> TimelinePage:
    """Every change of the incident, with notes. A page ends with a write: it may be a few longer than its limit."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    show_version(response, incident.version)
    page = await services.incidents.timeline_page(
        principal.tenant_id, incident.incident_id, limit=limit, cursor=cursor, order=order
    )
    return TimelinePage(items=[TimelineView.of(one) for one in page.items], cursor=page.cursor)


@router.get("/{incident_id}/snapshots", summary="List an incident's snapshots")
async def list_snapshots(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("list_snapshots"))],
    services: Wired,
) -> SnapshotPage:
    """Every look that was taken, oldest first, without what it holds; at most 500."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    show_version(response, incident.version)
    lines = await services.incidents.snapshot_lines(principal.tenant_id, incident.incident_id)
    return SnapshotPage(items=[SnapshotLineView.of(number, line) for number, line in enumerate(lines, start=1)])


@router.get("/{incident_id}/snapshots/{snapshot_id}", summary="Read a snapshot")
async def read_snapshot(
    incident_id: str,
    snapshot_id: str,
    principal: Annotated[Principal, Depends(allowed("read_snapshot"))],
    services: Wired,
) -> SnapshotView:
    """What was looked at: sections with their status and evidence, frozen. By its id, or its number in the list."""
    if not INCIDENT_ID.fullmatch(incident_id):
        raise NotFound("There is no such snapshot.")
    known = await _snapshot_id(principal.tenant_id, IncidentId(incident_id), snapshot_id, services)
    found = await whole_snapshot(principal.tenant_id, IncidentId(incident_id), known, services)
    if found is None:
        raise NotFound("There is no such snapshot.")
    return SnapshotView.of(found)


@router.get("/{incident_id}/hypotheses", summary="Read every answer given")
async def read_hypotheses(
    incident_id: str,
    response: Response,
    principal: Annotated[Principal, Depends(allowed("read_hypotheses"))],
    services: Wired,
) -> HypothesesPage:
    """The ranker's answer and the model's, oldest first."""
    incident = await held_incident(principal.tenant_id, incident_id, services)
    show_version(response, incident.version)
    answers = await services.incidents.all_hypotheses(principal.tenant_id, incident.incident_id)
    return HypothesesPage(items=[HypothesesView.of(answer) for answer in answers])


async def _snapshot_id(tenant_id: TenantId, incident_id: IncidentId, named: str, services: Services) -> SnapshotId:
    """The id that was given, or that of the snapshot with the number that was given."""
    if _SNAPSHOT_ID.fullmatch(named):
        return SnapshotId(named)
    if _NUMBER.fullmatch(named):
        lines = await services.incidents.snapshot_lines(tenant_id, incident_id)
        if int(named) <= len(lines):
            return SnapshotId(lines[int(named) - 1].id)
    raise NotFound("There is no such snapshot.")


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
