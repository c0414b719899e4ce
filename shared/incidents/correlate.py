"""Which incident an alert belongs to. For now: the one open incident of its service.

This is the seam where scoring over time, labels, topology and changes will decide instead.
"""

from enum import StrEnum

from shared.models.base import IncidentId, TenantId, document_id
from shared.models.incidents import Incident
from shared.models.signals import Alert


class Correlation(StrEnum):
    """Why an alert joins an incident or opens one."""

    JOINED_OPEN = "service_has_an_open_incident"
    JOINED_UNWRITTEN = "another_worker_is_opening_it"
    OPENED_AFTER_RESOLVED = "last_incident_of_the_service_is_closed"

    @property
    def joins(self) -> bool:
        """Whether the current incident takes the alert."""
        return self is not Correlation.OPENED_AFTER_RESOLVED


def correlate(current: Incident | None) -> Correlation:
    """Decide for a service whose open-incident claim names `current` (None: claimed, but not written yet)."""
    if current is None:
        return Correlation.JOINED_UNWRITTEN
    return Correlation.JOINED_OPEN if current.state.is_open else Correlation.OPENED_AFTER_RESOLVED


def new_incident_id(tenant_id: TenantId, alert: Alert) -> IncidentId:
    """The id of the incident that this alert opens; the same alert always opens the same one."""
    return IncidentId(document_id("inc", tenant_id, alert.service_name, alert.episode))
