"""What a look says of an incident's severity: a burning error budget raises it, and nothing lowers it."""

from datetime import datetime

from shared.context.burning import worst_of
from shared.incidents.timeline import entry
from shared.models.evidence import SloEvidence
from shared.models.incidents import Incident, TimelineEntry, TimelineEvent
from shared.models.snapshots import SnapshotBody


def raised(incident: Incident, body: SnapshotBody, *, now: datetime) -> tuple[Incident, list[TimelineEntry]]:
    """The incident at the severity of its service's worst burning objective, and the entry that says so.

    Unchanged when it is as severe already, or when a person decided how severe it is.
    """
    found = worst_of((one for one in body.evidence() if isinstance(one, SloEvidence)), incident.service_name)
    if found is None or incident.severity_by is not None or found[0].rank >= incident.severity.rank:
        return incident, []
    severity, slo = found
    after = incident.model_copy(update={"severity": severity})
    text = f"Raised from {incident.severity.value} to {severity.value}: {slo.said}"
    return after, [entry(after, TimelineEvent.SEVERITY_RAISED, severity.value, now=now, text=text)]
