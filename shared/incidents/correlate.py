"""Which incident new alerts of a service may go to: the service's current one, unless it is closed for good."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.models.base import IncidentId, TenantId, document_id
from shared.models.incidents import Incident, IncidentState
from shared.models.signals import Alert


class Correlation(StrEnum):
    """Why alerts of a service go to its current incident, or do not."""

    JOINED_OPEN = "service_has_an_open_incident"
    JOINED_UNWRITTEN = "another_worker_is_opening_it"
    REOPENS = "closed_within_the_reopen_window"
    SERVICE_LEFT = "service_was_moved_to_another_incident"
    CLOSED = "last_incident_of_the_service_is_closed"

    @property
    def joins(self) -> bool:
        """Whether the current incident takes the alerts."""
        return self in {Correlation.JOINED_OPEN, Correlation.JOINED_UNWRITTEN, Correlation.REOPENS}


def correlate(current: Incident | None, service_name: str, *, reopen_within: timedelta, now: datetime) -> Correlation:
    """Decide for a service whose open-incident claim names `current` (None: claimed, but not written yet)."""
    if current is None:
        return Correlation.JOINED_UNWRITTEN
    if home_after(current, service_name) != current.incident_id:
        return Correlation.SERVICE_LEFT
    if current.is_open:
        return Correlation.JOINED_OPEN
    if current.state is IncidentState.RESOLVED and current.resolved_at is not None:
        return Correlation.REOPENS if now - current.resolved_at <= reopen_within else Correlation.CLOSED
    return Correlation.CLOSED


def home_after(incident: Incident, service_name: str) -> IncidentId:
    """Where what belongs to a service of this incident is to be looked for: here, or where the service went."""
    if incident.departing and service_name in incident.departing.services:
        return incident.departing.target
    if service_name in incident.departed:
        return incident.departed[service_name]
    return incident.merged_into or incident.incident_id


def new_incident_id(tenant_id: TenantId, alert: Alert, *, after: str = "") -> IncidentId:
    """The id of the incident that this alert opens, `after` the earlier one of its service; always the same one."""
    return IncidentId(document_id("inc", tenant_id, alert.service_name, alert.episode, after))


def split_incident_id(tenant_id: TenantId, source: IncidentId, service_name: str, at: datetime) -> IncidentId:
    """The id of the incident that services of another one are moved to when no incident has them yet."""
    return IncidentId(document_id("inc", tenant_id, source, service_name, at.isoformat()))
