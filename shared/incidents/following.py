"""Follow what people did to an incident at its sender: acknowledged, merged, noted. Alerts tell the rest."""

from collections.abc import Mapping
from datetime import datetime

from shared.incidents.timeline import MAX_TEXT_CHARS
from shared.models.base import document_id
from shared.models.incidents import Incident, IncidentState, TimelineEntry, TimelineEvent
from shared.models.signals import ExternalAction, ExternalUpdate
from shared.ports.stores import IncidentChange, Versioned


def told_id(incident: Incident, update: ExternalUpdate) -> str:
    """The id of the timeline entry of an event at the sender; one event is told once."""
    return document_id("tle", incident.incident_id, update.event_id)


def followed(current: Versioned[Incident], update: ExternalUpdate, *, now: datetime) -> IncidentChange | None:
    """What an event at the sender changes; None when alerts tell all of it."""
    before = current.value
    if update.action in _TOLD_BY_ALERTS:
        return None
    fields = _fields(before, update)
    after = before.model_copy(update={**fields, "version": before.version + 1, "updated_at": now})
    words = [update.text or update.event_type.replace(".", " ").replace("_", " ")]
    words += [f"by {update.actor}"] if update.actor else []
    entry = TimelineEntry(
        id=told_id(before, update),
        tenant_id=before.tenant_id,
        incident_id=before.incident_id,
        event=TimelineEvent.FOLLOWED_SENDER,
        reason=update.action.value,
        text=" ".join(words)[:MAX_TEXT_CHARS],
        at=now,
        incident_version=after.version,
    )
    return IncidentChange(incident=after, etag=current.etag, timeline=[entry])


_TOLD_BY_ALERTS = frozenset({ExternalAction.TRIGGERED, ExternalAction.RESOLVED, ExternalAction.REOPENED})


def _fields(before: Incident, update: ExternalUpdate) -> Mapping[str, object]:
    match update.action, before.state:
        case ExternalAction.ACKNOWLEDGED, IncidentState.DETECTED:
            return {
                "state": IncidentState.ACKNOWLEDGED,
                "acknowledged_at": update.at,
                "acknowledged_by": update.actor,
            }
        case ExternalAction.UNACKNOWLEDGED, IncidentState.ACKNOWLEDGED:
            return {"state": IncidentState.DETECTED, "acknowledged_at": None, "acknowledged_by": None}
        case _:
            return {}


def parted_by_merge(current: Versioned[Incident], *, now: datetime) -> IncidentChange | None:
    """The incident whose last alert was merged away at the sender: closed, but nobody fixed anything."""
    before = current.value
    if before.firing_count or before.state is not IncidentState.RESOLVED:
        return None
    after = before.model_copy(
        update={"state": IncidentState.INCONCLUSIVE, "version": before.version + 1, "updated_at": now}
    )
    return IncidentChange(incident=after, etag=current.etag)
