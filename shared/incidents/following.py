"""Follow what people did to an incident at its sender: acknowledged, merged, noted. Alerts tell the rest."""

from datetime import datetime, timedelta

from shared.incidents.lifecycle import AT_SENDER, apply, decide
from shared.incidents.timeline import MAX_TEXT_CHARS, entry
from shared.incidents.transitions import Occasion
from shared.models.base import document_id
from shared.models.incidents import Incident, TimelineEntry, TimelineEvent
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
    after = before.model_copy(update={"version": before.version + 1, "updated_at": now})
    if update.action in _ACKNOWLEDGEMENTS:
        decision = decide(after, AT_SENDER[update.action], now=now, reopen_within=timedelta(), said_at=update.at)
        after = apply(after, decision, by=update.actor, now=now)
    words = [update.text or update.event_type.replace(".", " ").replace("_", " ")]
    words += [f"by {update.actor}"] if update.actor else []
    told = TimelineEntry(
        id=told_id(before, update),
        tenant_id=before.tenant_id,
        incident_id=before.incident_id,
        event=TimelineEvent.FOLLOWED_SENDER,
        reason=update.action.value,
        text=" ".join(words)[:MAX_TEXT_CHARS],
        at=now,
        incident_version=after.version,
    )
    return IncidentChange(incident=after, etag=current.etag, timeline=[told])


_TOLD_BY_ALERTS = frozenset({ExternalAction.TRIGGERED, ExternalAction.RESOLVED, ExternalAction.REOPENED})
_ACKNOWLEDGEMENTS = frozenset({ExternalAction.ACKNOWLEDGED, ExternalAction.UNACKNOWLEDGED})


def parted_by_merge(current: Versioned[Incident], *, now: datetime) -> IncidentChange | None:
    """The incident whose last alert was merged away at the sender: closed, but nobody fixed anything."""
    before = current.value
    decision = decide(before, Occasion.MERGED_AT_SENDER, now=now, reopen_within=timedelta())
    if not decision.allowed:
        return None
    counted = before.model_copy(update={"version": before.version + 1, "updated_at": now})
    after = apply(counted, decision, by=None, now=now)
    told = entry(after, TimelineEvent.STATE_CHANGED, decision.reason.value, now=now)
    return IncidentChange(incident=after, etag=current.etag, timeline=[told])
