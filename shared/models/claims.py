"""Claims: create-once documents that decide which incident records what, before it is recorded."""

from typing import Literal

from pydantic import Field

from shared.models.base import Document, IncidentId, Instant, ReceiptId, SignalId, document_id

NEVER_EXPIRES = -1
EPISODE_TTL_SECONDS = 90 * 24 * 3600


class EpisodeClaim(Document):
    """One firing of one alert. Its id derives from fingerprint and start; the incident was chosen up front.

    Whether the work is done is not told here but by the signal itself: it is in the incident, or it is not yet.
    `generation` grows when the episode fires again after its incident was closed for good: then it is a new signal.
    """

    type: Literal["episode_claim"] = "episode_claim"
    incident_id: IncidentId
    signal_id: SignalId
    service_name: str = ""
    """The service that the alert was first recorded for: its sender may name another one later, or none."""
    receipt_id: ReceiptId
    """The receipt whose delivery took it: that receipt says `created`, every other one `duplicate` or `updated`."""
    generation: int = 1
    created_at: Instant
    ttl: int = EPISODE_TTL_SECONDS


class OpenIncidentClaim(Document):
    """The current incident of a service. It outlives the incident and is then pointed at the next one."""

    type: Literal["open_incident_claim"] = "open_incident_claim"
    service_name: str
    incident_id: IncidentId
    earlier_incident_id: IncidentId | None = None
    """The service's incident before this one, when this one was chosen to be opened for it."""
    created_at: Instant
    ttl: int = NEVER_EXPIRES

    @staticmethod
    def id_for(service_name: str) -> str:
        """The one claim id of a service."""
        return document_id("open", service_name)


class ServiceRoster(Document):
    """The services that a tenant's plan covers: the first `max_services` that ever paged, in that order."""

    type: Literal["service_roster"] = "service_roster"
    services: tuple[str, ...] = Field(default=(), max_length=10_000)
    ttl: int = NEVER_EXPIRES

    @staticmethod
    def id_for() -> str:
        """A tenant has one."""
        return "service-roster"
