"""What people decide of incidents: what they may merge and split, and what is kept of their word."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, product

from shared.incidents.lifecycle import decide
from shared.incidents.transitions import Occasion, Refusal
from shared.models.base import IncidentId, document_id
from shared.models.correlation import Correction, Joined, Membership, Verdict
from shared.models.incidents import Departure, Incident
from shared.models.signals import Signal

MAX_PAIRS = 100
"""A correction of large incidents is kept for so many pairs of services."""


class Objection(StrEnum):
    """Why incidents are not merged or split as asked."""

    UNKNOWN_INCIDENT = "unknown_incident"
    SAME_INCIDENT = "same_incident"
    ALREADY_MERGED = "already_merged"
    MOVE_UNDER_WAY = "move_under_way"
    CLOSED_FOR_TOO_LONG = "closed_for_too_long"
    TARGET_NOT_OPEN = "target_not_open"
    NOT_OPEN = "incident_not_open"
    UNKNOWN_SERVICE = "unknown_service"
    UNKNOWN_SIGNAL = "unknown_signal"
    SERVICE_DIVIDED = "service_divided"
    NOTHING_STAYS = "nothing_stays"

    @property
    def words(self) -> str:
        """The same for the person who asked."""
        return _WORDS[self]


_WORDS = {
    Objection.UNKNOWN_INCIDENT: "There is no such incident.",
    Objection.SAME_INCIDENT: "An incident cannot be merged into itself.",
    Objection.ALREADY_MERGED: "The incident was merged into another one already.",
    Objection.MOVE_UNDER_WAY: "Services of the incident are being moved right now; try again in a moment.",
    Objection.CLOSED_FOR_TOO_LONG: "The incident was closed before the reopen window.",
    Objection.TARGET_NOT_OPEN: "The incident that is to take it over is closed; reopen it first.",
    Objection.NOT_OPEN: "The incident is closed.",
    Objection.UNKNOWN_SERVICE: "The incident has no such service.",
    Objection.UNKNOWN_SIGNAL: "The incident has no such alert.",
    Objection.SERVICE_DIVIDED: "Alerts of one service stay together: split off the whole service, or none of it.",
    Objection.NOTHING_STAYS: "At least one service must stay.",
}


@dataclass(frozen=True)
class Plan:
    """What a person's word leads to: services move, and the corrections are kept first, so that nothing undoes it."""

    source: IncidentId
    departure: Departure
    corrections: Sequence[Correction]


def merge(
    source: Incident, target: Incident, *, by: str, now: datetime, reopen_within: timedelta
) -> Plan | Objection:
    """Move all of an incident into another. The services that move belong with the one the target began with."""
    if source.tenant_id != target.tenant_id:
        # Another tenant's incident does not exist, so that nothing is learned from asking.
        return Objection.UNKNOWN_INCIDENT
    if source.incident_id == target.incident_id:
        return Objection.SAME_INCIDENT
    if target.merged_into or source.merged_into:
        return Objection.ALREADY_MERGED
    if source.departing or target.departing:
        return Objection.MOVE_UNDER_WAY
    if objection := _closed(source, target, now=now, reopen_within=reopen_within):
        return objection
    moving = sorted(node.service_name for node in source.services)
    pairs = ((name, target.service_name) for name in moving)
    return _plan(source, target.incident_id, moving, _corrections(pairs, Verdict.TOGETHER, by, now), by=by, now=now)


def _closed(source: Incident, target: Incident, *, now: datetime, reopen_within: timedelta) -> Objection | None:
    if not target.is_open:
        return Objection.TARGET_NOT_OPEN
    decision = decide(source, Occasion.MERGE, now=now, reopen_within=reopen_within)
    if decision.allowed:
        return None
    is_late = decision.reason is Refusal.OUTSIDE_REOPEN_WINDOW
    return Objection.CLOSED_FOR_TOO_LONG if is_late else Objection.NOT_OPEN


def split(source: Incident, services: Iterable[str], *, by: str, now: datetime) -> Plan | Objection:
    """Move some services to an incident of their own; none of them belongs with any that stays."""
    if source.merged_into:
        return Objection.ALREADY_MERGED
    if not source.is_open:
        return Objection.NOT_OPEN
    if source.departing:
        return Objection.MOVE_UNDER_WAY
    leaving = sorted(set(services))
    present = {node.service_name for node in source.services}
    if not leaving or not present.issuperset(leaving):
        return Objection.UNKNOWN_SERVICE
    staying = sorted(present.difference(leaving), key=lambda name: (name != source.service_name, name))
    if not staying:
        return Objection.NOTHING_STAYS
    # The version is part of it: what is split off, merged back and split off again is another incident.
    target = document_id("inc", source.tenant_id, source.incident_id, *leaving, str(source.version))
    # Those that stay vary slowest, so that a cap keeps every service apart from the one the incident began with.
    pairs = ((name, other) for other, name in product(staying, leaving))
    kept = _corrections(pairs, Verdict.APART, by, now)
    return _plan(source, IncidentId(target), leaving, kept, by=by, now=now, opens_target=True)


def services_of(signal_ids: Iterable[str], signals: Sequence[Signal]) -> frozenset[str] | Objection:
    """The services whose alerts these are all of; a new alert of a service must have one incident to go to."""
    chosen = set(signal_ids)
    if not chosen or not chosen.issubset(signal.id for signal in signals):
        return Objection.UNKNOWN_SIGNAL
    names = frozenset(signal.service_name for signal in signals if signal.id in chosen)
    is_divided = any(signal.service_name in names and signal.id not in chosen for signal in signals)
    return Objection.SERVICE_DIVIDED if is_divided else names


def _corrections(pairs: Iterable[tuple[str, str]], verdict: Verdict, by: str, now: datetime) -> list[Correction]:
    different = (pair for pair in pairs if pair[0] != pair[1])
    return [
        Correction(services=(min(pair), max(pair)), verdict=verdict, by=by, at=now)
        for pair in islice(different, MAX_PAIRS)
    ]


def _plan(
    source: Incident,
    target: IncidentId,
    moving: Sequence[str],
    corrections: Sequence[Correction],
    *,
    by: str,
    now: datetime,
    opens_target: bool = False,
) -> Plan:
    departure = Departure(
        services=tuple(moving),
        target=target,
        memberships=dict.fromkeys(moving, Membership(reason=Joined.BY_PERSON, at=now)),
        opens_target=opens_target,
        by=by,
        at=now,
    )
    return Plan(source.incident_id, departure, corrections)
