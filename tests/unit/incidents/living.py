"""What happens to an incident, told in minutes after noon."""

from datetime import datetime, timedelta
from typing import Any

from shared.incidents.lifecycle import (
    Decision,
    Heard,
    apply,
    decide,
    group_id,
    settle,
)
from shared.incidents.transitions import Occasion
from shared.models.incidents import Incident, IncidentState
from tests.builders import NOON, an_incident

WINDOW = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
GROUP, OTHER = group_id('{}:{service="payment"}'), group_id("{}:{}")
OPEN = [state for state in IncidentState if state.is_open]


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def closed(**changes: Any) -> Incident:
    """Resolved at noon."""
    fields = {"state": IncidentState.RESOLVED, "resolved_at": NOON, "firing_count": 0, "version": 4}
    return an_incident(**{**fields, **changes})


def calm(**changes: Any) -> Incident:
    """Open, and none of its alerts fires."""
    return an_incident(**{"firing_count": 0, **changes})


def happens(
    incident: Incident, occasion: Occasion, minutes: float = 1, *, by: str | None = None, said: float | None = None
) -> tuple[Incident, Decision]:
    said_at = None if said is None else at(said)
    decision = decide(incident, occasion, now=at(minutes), reopen_within=WINDOW, said_at=said_at)
    return apply(incident, decision, by=by, now=at(minutes)), decision


def heard(
    incident: Incident, minutes: float = 1, *, firing: int = 0, is_new: bool = False, **said: Any
) -> tuple[Incident, Decision | None]:
    """A delivery whose alerts leave so many of the incident's firing."""
    counted = incident.model_copy(update={"firing_count": firing, "last_alert_at": at(minutes)})
    told = Heard(received_at=at(minutes), **said)
    return settle(counted, told, is_new=is_new, now=at(minutes), reopen_within=WINDOW)
