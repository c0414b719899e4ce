"""Timeline entries: every change of an incident in words, with the ids it was about."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.models.base import document_id
from shared.models.incidents import Incident, TimelineEntry, TimelineEvent
from shared.models.signals import Signal

MAX_NAMED = 5
MAX_TEXT_CHARS = 480

_WORDING: Mapping[TimelineEvent, str] = {
    TimelineEvent.OPENED: "Opened by {listed}",
    TimelineEvent.SIGNALS_JOINED: "{count} more: {listed}",
    TimelineEvent.SIGNALS_RESOLVED: "Resolved at the sender: {listed}",
    TimelineEvent.SIGNALS_REFIRED: "Fires again: {listed}",
    TimelineEvent.RESOLVED: "No alert of this incident fires any more",
    TimelineEvent.REOPENED: "An alert of this incident fires again",
}


def entry(
    incident: Incident,
    event: TimelineEvent,
    reason: str,
    signals: Sequence[Signal] = (),
    *,
    now: datetime,
    text: str | None = None,
) -> TimelineEntry:
    """The entry for a change that made `incident` what it is; one event happens once in one version."""
    return TimelineEntry(
        id=document_id("tle", incident.incident_id, str(incident.version), event.value),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        event=event,
        reason=reason,
        text=(text or _words(event, signals))[:MAX_TEXT_CHARS],
        signal_ids=tuple(s.id for s in signals),
        at=now,
        incident_version=incident.version,
    )


def _words(event: TimelineEvent, signals: Sequence[Signal]) -> str:
    names = sorted({s.normalized_data.name for s in signals})
    listed = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
    wording = _WORDING.get(event, event.value.replace("_", " "))
    return wording.format(count=len(signals), listed=listed)
