"""When an incident's context is looked at, and which snapshot that leads to."""

from datetime import datetime, timedelta

from shared.models.base import IncidentId, SnapshotId, document_id
from shared.models.incidents import Incident

ASKED = "asked"
"""Begins the trigger of a look that a person asked for; it is made whether or not an alert fires."""
GIVEN_UP_AFTER = timedelta(minutes=5)
"""A look that has not led to a snapshot by then counts as lost."""


def snapshot_id_for(incident_id: IncidentId, trigger: str) -> SnapshotId:
    """The snapshot that a trigger leads to; the same trigger always leads to the same one."""
    return SnapshotId(document_id("snap", incident_id, trigger))


def trigger_of(run_id: str) -> str:
    """The trigger of what a person asks for; a request that is run again asks for the same look."""
    return document_id(ASKED, run_id)


def is_asked(trigger: str) -> bool:
    """Whether a person asked for the look."""
    return trigger.startswith(f"{ASKED}-")


def needs_context(incident: Incident) -> bool:
    """Whether the latest reason to look at the context has not led to a snapshot yet."""
    if incident.suppressed or incident.merged_into:
        return False
    expected = snapshot_id_for(incident.incident_id, incident.context_trigger)
    is_wanted = incident.firing_count > 0 or is_asked(incident.context_trigger)
    return is_wanted and incident.latest_snapshot_id != expected


def is_under_way(incident: Incident, *, now: datetime) -> bool:
    """Whether a look was asked for that may still come to its snapshot."""
    wanted_at = incident.context_wanted_at
    return needs_context(incident) and wanted_at is not None and now - wanted_at < GIVEN_UP_AFTER
