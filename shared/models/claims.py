"""Claims: create-once documents that decide who records what, and which ids it gets."""

from enum import StrEnum
from typing import Literal

from shared.models.base import Document, IncidentId, Instant, ReceiptId, SignalId, document_id
from shared.models.signals import AlertStatus

NEVER_EXPIRES = -1
EPISODE_TTL_SECONDS = 90 * 24 * 3600


class ClaimState(StrEnum):
    """`claimed`: ids are chosen, the work may be half done. `recorded`: it is done, a repeat may be dropped."""

    CLAIMED = "claimed"
    RECORDED = "recorded"


class EpisodeClaim(Document):
    """One firing of one alert. Its id derives from fingerprint and start; the incident was chosen up front."""

    type: Literal["episode_claim"] = "episode_claim"
    state: ClaimState = ClaimState.CLAIMED
    incident_id: IncidentId
    signal_id: SignalId
    covers: AlertStatus
    """The latest status that has been (or, while claimed, is being) recorded."""
    received_at: Instant
    """When the delivery with that status was received."""
    receipt_id: ReceiptId
    """The receipt that brought that status: the same receipt again is a re-run, another one a duplicate."""
    created_at: Instant
    ttl: int = EPISODE_TTL_SECONDS


class OpenIncidentClaim(Document):
    """The current incident of a service. It outlives the incident and is then pointed at the next one."""

    type: Literal["open_incident_claim"] = "open_incident_claim"
    service_name: str
    incident_id: IncidentId
    created_at: Instant
    ttl: int = NEVER_EXPIRES

    @staticmethod
    def id_for(service_name: str) -> str:
        """The one claim id of a service."""
        return document_id("open", service_name)
