"""The claims that alerts take, and copies of one alert within a delivery."""

from collections.abc import Sequence
from datetime import datetime

from shared.models.base import IncidentId, SignalId, TenantId
from shared.models.claims import EpisodeClaim
from shared.models.signals import AlertStatus, Arrival


def new_claim(arrival: Arrival, incident_id: IncidentId, *, now: datetime, tenant_id: TenantId) -> EpisodeClaim:
    """The claim of a new episode, with its ids chosen."""
    return EpisodeClaim(
        id=arrival.alert.episode,
        tenant_id=tenant_id,
        incident_id=incident_id,
        signal_id=arrival.alert.signal_id,
        service_name=arrival.alert.service_name,
        receipt_id=arrival.receipt_id,
        created_at=now,
    )


def next_generation(claim: EpisodeClaim, arrival: Arrival, incident_id: IncidentId) -> EpisodeClaim:
    """The claim of an episode that fires again after its incident was closed for good: a new signal elsewhere."""
    generation = claim.generation + 1
    return claim.model_copy(
        update={
            "incident_id": incident_id,
            "signal_id": SignalId(f"{arrival.alert.signal_id}-g{generation}"),
            "service_name": arrival.alert.service_name,
            "receipt_id": arrival.receipt_id,
            "generation": generation,
        }
    )


def as_claimed(arrival: Arrival, claim: EpisodeClaim) -> Arrival:
    """The arrival for the service that its episode was recorded for.

    PagerDuty moves an incident to another service, and a legacy Grafana `ok` names no series: such an alert must
    still be found where its episode is, not looked for where that other service went.
    """
    if claim.service_name in ("", arrival.alert.service_name):
        return arrival
    alert = arrival.alert.model_copy(update={"service_name": claim.service_name})
    return arrival.model_copy(update={"alert": alert})


def without_copies(arrivals: Sequence[Arrival]) -> tuple[list[Arrival], int]:
    """One arrival for each episode (the resolved one where both came), and how many copies were left out."""
    kept: dict[str, Arrival] = {}
    for arrival in arrivals:
        earlier = kept.get(arrival.alert.episode)
        if earlier is None or arrival.alert.status is AlertStatus.RESOLVED:
            kept[arrival.alert.episode] = arrival
    return list(kept.values()), len(arrivals) - len(kept)
