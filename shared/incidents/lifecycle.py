"""What alerts do to an incident's state. Alerts resolve and reopen; people do the rest."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from shared.models.incidents import Incident, IncidentState

LOOK_AGAIN_AFTER = timedelta(minutes=1)
"""A new alert in an open incident is a reason to look again, but in a storm not more than once a minute."""


class Transition(StrEnum):
    """Why an incident's state changes, or does not."""

    STAYS = "state_stays"
    ALL_RESOLVED = "all_signals_resolved"
    FIRES_AGAIN = "a_signal_fires_again"


def transition(incident: Incident) -> Transition:
    """Decide from the counts of an incident's signals."""
    if incident.state.is_open and incident.signal_count > 0 and incident.firing_count == 0:
        return Transition.ALL_RESOLVED
    if incident.state is IncidentState.RESOLVED and incident.firing_count > 0:
        return Transition.FIRES_AGAIN
    return Transition.STAYS


def moved(incident: Incident, why: Transition, *, now: datetime) -> Incident:
    """The incident after a transition."""
    match why:
        case Transition.STAYS:
            return incident
        case Transition.ALL_RESOLVED:
            return incident.model_copy(update={"state": IncidentState.RESOLVED, "resolved_at": now})
        case Transition.FIRES_AGAIN:
            reopened = incident.model_copy(update={"state": IncidentState.DETECTED, "resolved_at": None})
            return wanting_context(reopened, f"reopened-{incident.version}", now=now)
        case _:
            assert_never(why)


def wanting_context(incident: Incident, trigger: str, *, now: datetime) -> Incident:
    """The incident with a new reason to look at its context."""
    return incident.model_copy(update={"context_trigger": trigger, "context_wanted_at": now})


def is_stale(incident: Incident, *, now: datetime) -> bool:
    """Whether a new alert makes another look worth its while: the last one was asked for a while ago."""
    return incident.context_wanted_at is None or now - incident.context_wanted_at >= LOOK_AGAIN_AFTER
