"""What alerts do to an incident's state. Alerts resolve and reopen; people do the rest."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from shared.models.incidents import Incident, IncidentState


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
            trigger = f"reopened-{incident.version}"
            return incident.model_copy(
                update={"state": IncidentState.DETECTED, "resolved_at": None, "context_trigger": trigger}
            )
        case _:
            assert_never(why)
