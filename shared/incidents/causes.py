"""What people say was the cause of an incident, put together, and whether that makes it a regression case."""

from collections.abc import Sequence
from enum import StrEnum

from shared.models.feedback import Feedback, FeedbackVerdict, KnownCause, RegressionCase, Resolution
from shared.models.incidents import Incident, IncidentState

OVER = frozenset({IncidentState.RESOLVED, IncidentState.LEARNED})
"""Where the cause of an incident can be counted on. One that was given up on is closed, but not understood."""


class NoCause(StrEnum):
    """Why the cause of an incident is not known."""

    NOTHING_SAID = "nothing_said"
    NOBODY_KNOWS = "nobody_knows"
    PEOPLE_DISAGREE = "people_disagree"


def cause_of(resolution: Resolution | None, feedback: Sequence[Feedback]) -> KnownCause | NoCause:
    """The cause that people settled on. Who names it has the last word; without that, verdicts that agree count."""
    if resolution is not None:
        return _named(resolution)
    confirmed = [one for one in feedback if one.verdict is FeedbackVerdict.CONFIRMED]
    if not confirmed:
        return NoCause.NOTHING_SAID
    rejected = {_suspect(one) for one in feedback if one.verdict is FeedbackVerdict.WRONG}
    services = {one.suspected_service for one in confirmed}
    if len(services) > 1 or any(_suspect(one) in rejected for one in confirmed):
        return NoCause.PEOPLE_DISAGREE
    last = max(confirmed, key=lambda one: (one.given_at, one.id))
    changes = {one.suspected_change for one in confirmed}
    return KnownCause(
        root_service=last.suspected_service,
        root_change=last.suspected_change if len(changes) == 1 else None,
        snapshot_id=last.snapshot_id,
        named_at=last.given_at,
    )


def _named(resolution: Resolution) -> KnownCause | NoCause:
    if not resolution.is_known or resolution.root_service is None:
        return NoCause.NOBODY_KNOWS
    return KnownCause(
        root_service=resolution.root_service,
        root_change=resolution.root_change,
        snapshot_id=resolution.snapshot_id,
        named_at=resolution.given_at,
    )


def _suspect(one: Feedback) -> tuple[str, str | None]:
    return one.suspected_service, one.suspected_change


def case_of(incident: Incident) -> RegressionCase | None:
    """The case that an incident is: active once it is over. None while no cause is known, or no snapshot shows it."""
    cause = incident.cause
    if cause is None or cause.snapshot_id is None:
        return None
    return RegressionCase(
        id=RegressionCase.id_for(incident.incident_id),
        tenant_id=incident.tenant_id,
        incident_id=incident.incident_id,
        snapshot_id=cause.snapshot_id,
        root_service=cause.root_service,
        root_change=cause.root_change,
        is_active=incident.state in OVER and incident.merged_into is None,
        source_version=incident.version,
        created_at=cause.named_at,
    )


def next_case(incident: Incident, held: RegressionCase | None) -> RegressionCase | None:
    """What is to be kept of the incident's case; None leaves it as it is, as when a newer version made it."""
    wanted = case_of(incident)
    if held is None:
        return wanted
    if held.source_version >= incident.version:
        return None
    if wanted is None:
        wanted = held.model_copy(update={"is_active": False, "source_version": incident.version})
    return wanted.model_copy(
        update={
            "created_at": held.created_at,
            "version": held.version + 1,
            "audit_pending": held.audit_pending,
        }
    )
