"""Earlier incidents that looked like this one: how they ended, and what fixed them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.context.look import Collected, View
from shared.context.symptoms import Likeness, Pattern, most_alike, pattern_of, symptoms_of
from shared.models.base import IncidentId, TenantId
from shared.models.changes import Change, ChangeKind
from shared.models.evidence import PastIncidentEvidence
from shared.models.incidents import IncidentSummary, TimelineEvent
from shared.models.quantities import length
from shared.models.snapshots import SectionName
from shared.ports.listing import IncidentQuery, TimelineOrder
from shared.ports.services import Services
from shared.redaction import safe_text

MAX_PAST = 300
MAX_ALIKE = 5
MAX_TEXT_CHARS = 300
LOOKED_BACK = timedelta(days=180)
_TOLD = 50
_PAGE = 100
_FIXING = (ChangeKind.ROLLBACK, ChangeKind.DEPLOY, ChangeKind.CONFIG, ChangeKind.FEATURE_FLAG)


async def collect_similar(view: View) -> Collected:
    """The past incidents that look most like this one; raises StoreUnavailable."""
    past, measured = await asyncio.gather(
        _past(view), view.evidence_of(SectionName.TRAFFIC, SectionName.DEPENDENCIES)
    )
    alike = most_alike(_pattern(view, symptoms_of(measured)), past, limit=MAX_ALIKE)
    evidence = await asyncio.gather(*(_evidence(view, summary, found) for summary, found in alike))
    return Collected(evidence=tuple(evidence), why_empty="nothing_alike" if past else "no_past_incidents")


async def _past(view: View) -> list[IncidentSummary]:
    """Closed incidents of the last half year, the newest MAX_PAST of them."""
    query = IncidentQuery(is_open=False, detected_from=view.now - LOOKED_BACK)
    found: list[IncidentSummary] = []
    cursor: str | None = None
    while len(found) < MAX_PAST:
        page = await view.services.incident_list.page(view.tenant_id, limit=_PAGE, cursor=cursor, query=query)
        found += [one for one in page.items if one.id != view.incident.incident_id]
        cursor = page.cursor
        if cursor is None:
            break
    return found[:MAX_PAST]


def _pattern(view: View, symptoms: tuple[str, ...]) -> Pattern:
    as_listed = IncidentSummary.of(view.incident)
    return pattern_of(as_listed.model_copy(update={"symptoms": symptoms}))


async def _evidence(view: View, summary: IncidentSummary, found: Likeness) -> PastIncidentEvidence:
    tenant_id, incident_id = view.tenant_id, IncidentId(summary.id)
    said, note, change = await asyncio.gather(
        view.services.incidents.resolution(tenant_id, incident_id),
        _last_note(tenant_id, incident_id, view.services),
        _fixing_change(tenant_id, summary, view.services),
    )
    fixed_by = (said.value.fixed_by if said else "") or note or change
    return PastIncidentEvidence(
        incident_id=summary.id,
        service=summary.service_name,
        title=safe_text(summary.title, MAX_TEXT_CHARS),
        detected_at=summary.detected_at,
        resolved_at=summary.resolved_at,
        similarity=found.similarity,
        because=found.because,
        ended=_ended(summary),
        fixed_by=safe_text(fixed_by, MAX_TEXT_CHARS) if fixed_by else None,
    )


def _ended(summary: IncidentSummary) -> str:
    if summary.resolved_at is None:
        return summary.state.value
    took = (summary.resolved_at - summary.detected_at).total_seconds()
    return f"{summary.state.value} after {length(max(0.0, took))}"


async def _last_note(tenant_id: TenantId, incident_id: IncidentId, services: Services) -> str | None:
    """What people wrote last: who closes an incident says there what helped."""
    page = await services.incidents.timeline_page(tenant_id, incident_id, limit=_TOLD, order=TimelineOrder.NEWEST)
    notes = [one.text for one in page.items if one.event is TimelineEvent.NOTE_ADDED]
    return notes[0] if notes else None


async def _fixing_change(tenant_id: TenantId, summary: IncidentSummary, services: Services) -> str | None:
    """The last change of its service before it was resolved: what was done about it, where nobody wrote it down."""
    if summary.resolved_at is None:
        return None
    changes = await services.changes.between(tenant_id, summary.detected_at, summary.resolved_at)
    return _told(changes, summary.service_name, summary.resolved_at)


def _told(changes: Sequence[Change], service: str, resolved_at: datetime) -> str | None:
    fixing = [one for one in changes if one.service_name == service and one.reported.kind in _FIXING]
    if not fixing:
        return None
    last = max(fixing, key=lambda one: one.at)
    before = length((resolved_at - last.at).total_seconds())
    return f"{last.reported.kind.value.replace('_', ' ')} of {last.reported.title}, {before} before it was resolved"
