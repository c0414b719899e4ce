"""Which alerts of a delivery are repeats, and what a receipt says of each."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from shared.models.base import IncidentId
from shared.models.claims import ClaimState, EpisodeClaim
from shared.models.receipts import Outcome
from shared.models.signals import AlertStatus, Arrival, fires_again


class Repeat(StrEnum):
    """Whether an alert must be worked on, and if not, why not."""

    NEW_EPISODE = "new_episode"
    UNFINISHED = "claimed_but_not_recorded"
    NEW_STATUS = "status_changed"
    REFIRED = "fires_again"
    SAME_DELIVERY = "recorded_by_this_delivery"
    DUPLICATE = "already_recorded"
    STALE = "older_than_what_is_recorded"

    @property
    def needs_work(self) -> bool:
        """Whether recording is still to be done."""
        return self in {Repeat.NEW_EPISODE, Repeat.UNFINISHED, Repeat.NEW_STATUS, Repeat.REFIRED}


def repeat_of(arrival: Arrival, claim: EpisodeClaim | None) -> Repeat:
    """What an episode's claim says of an alert that arrives."""
    if claim is None:
        return Repeat.NEW_EPISODE
    if claim.state is ClaimState.CLAIMED:
        return Repeat.UNFINISHED
    if claim.receipt_id == arrival.receipt_id and claim.covers == arrival.alert.status:
        return Repeat.SAME_DELIVERY
    if claim.covers == arrival.alert.status:
        return Repeat.DUPLICATE
    if arrival.alert.status is AlertStatus.RESOLVED:
        return Repeat.NEW_STATUS
    again = fires_again(resolved=claim.received_at, received=arrival.received_at)
    return Repeat.REFIRED if again else Repeat.STALE


def new_claim(arrival: Arrival, incident_id: IncidentId, *, now: datetime, tenant_id: str) -> EpisodeClaim:
    """The claim of a new episode, with its ids chosen."""
    return EpisodeClaim.model_validate(
        {
            "id": arrival.alert.episode,
            "tenant_id": tenant_id,
            "incident_id": incident_id,
            "signal_id": arrival.alert.signal_id,
            "covers": arrival.alert.status,
            "received_at": arrival.received_at,
            "receipt_id": arrival.receipt_id,
            "created_at": now,
        }
    )


def completed(claim: EpisodeClaim, arrival: Arrival) -> EpisodeClaim:
    """The claim once its work is recorded: from now on a repeat may be dropped.

    A claim met half done may be finished by a copy of the delivery that began it; the first receipt keeps it.
    """
    first_receipt = claim.state is ClaimState.CLAIMED and claim.covers == arrival.alert.status
    return claim.model_copy(
        update={
            "state": ClaimState.RECORDED,
            "covers": arrival.alert.status,
            "received_at": max(claim.received_at, arrival.received_at),
            "receipt_id": claim.receipt_id if first_receipt else arrival.receipt_id,
        }
    )


def outcome_of(repeat: Repeat, arrival: Arrival, claim: EpisodeClaim) -> Outcome:
    """What the receipt says of an alert. The delivery that first claimed an episode created it, re-run or not."""
    claimed_here = claim.receipt_id == arrival.receipt_id
    match repeat:
        case Repeat.NEW_EPISODE:
            return Outcome.CREATED
        case Repeat.UNFINISHED | Repeat.SAME_DELIVERY if claimed_here and claim.covers == arrival.alert.status:
            return Outcome.CREATED
        case Repeat.NEW_STATUS | Repeat.REFIRED:
            return Outcome.UPDATED
        case Repeat.UNFINISHED if claim.covers != arrival.alert.status:
            return Outcome.UPDATED
        case _:
            return Outcome.DUPLICATE


def without_copies(arrivals: Sequence[Arrival]) -> tuple[list[Arrival], int]:
    """One arrival for each episode (the resolved one where both came), and how many copies were left out."""
    kept: dict[str, Arrival] = {}
    for arrival in arrivals:
        earlier = kept.get(arrival.alert.episode)
        if earlier is None or arrival.alert.status is AlertStatus.RESOLVED:
            kept[arrival.alert.episode] = arrival
    return list(kept.values()), len(arrivals) - len(kept)
