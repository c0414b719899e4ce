"""Incidents, what happened in them, and the summaries that lists read."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from shared.models.audit import AuditedDocument
from shared.models.base import Document, IncidentId, Instant, SnapshotId, Value
from shared.models.correlation import Membership, ServiceNode
from shared.models.hypotheses import Receipt
from shared.models.signals import Severity

MAX_NOTE_CHARS = 4000
MAX_TITLE_CHARS = 200


class IncidentState(StrEnum):
    """Where an incident stands."""

    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    LEARNED = "learned"
    INCONCLUSIVE = "inconclusive"

    @property
    def is_open(self) -> bool:
        """Whether new alerts of the service may still join."""
        return self not in {IncidentState.RESOLVED, IncidentState.LEARNED, IncidentState.INCONCLUSIVE}


class Suppressed(StrEnum):
    """Why an incident is kept but not investigated."""

    INACTIVE_TENANT = "inactive_tenant"
    OVER_MAX_SERVICES = "over_max_services"
    IN_MAINTENANCE = "in_maintenance"


class Coverage(StrEnum):
    """Whether alerts of a service are investigated: the tenant's plan covers it, and no maintenance is under way."""

    COVERED = "covered"
    INACTIVE_TENANT = "inactive_tenant"
    OVER_MAX_SERVICES = "over_max_services"
    IN_MAINTENANCE = "in_maintenance"

    @property
    def suppressed(self) -> Suppressed | None:
        """Why alerts of the service are kept but not investigated, or None when they are."""
        return None if self is Coverage.COVERED else Suppressed(self.value)


class Departure(Value):
    """Services on their way from one incident to another."""

    services: tuple[str, ...]
    target: IncidentId
    memberships: Mapping[str, Membership] = Field(default_factory=dict)
    """Why each service belongs there."""
    opens_target: bool = False
    """Whether the target is made by this move."""
    by: str | None = None
    """The person who asked for it; None when correlation did."""
    at: Instant


class Incident(AuditedDocument):
    """One problem with all its alerts; `service_name` is the service it began with, `services` all that are in it.

    Schema 2 counts the signals that still fire in `firing_count`; schema 1 only knew `signal_count`. Schema 3 knows
    its services; an incident of an older schema has only the one it was opened for.
    `version` grows by one with every write, so that the list can tell older from newer.
    """

    current_schema: ClassVar[int] = 3

    type: Literal["incident"] = "incident"
    schema_version: int = 3
    incident_id: IncidentId
    external_id: str | None = None
    title: str = Field(max_length=300)
    service_name: str
    state: IncidentState
    severity: Severity
    detected_at: Instant
    acknowledged_at: Instant | None = None
    mitigated_at: Instant | None = None
    resolved_at: Instant | None = None
    assigned_to: str | None = None
    slack_thread_ts: str | None = None
    slack_channel_id: str | None = None
    services: tuple[ServiceNode, ...] = ()
    earlier_incident_id: IncidentId | None = None
    """The incident before this one of the service that opened it."""
    merged_into: IncidentId | None = None
    """Where all of it went; whoever follows an old link is sent there."""
    departed: Mapping[str, IncidentId] = Field(default_factory=dict)
    """Services that were moved to another incident, and which: what still arrives for them here goes there."""
    departing: Departure | None = None
    """A move that was begun. Whoever meets it half done completes it."""
    told_at: Instant | None = None
    """When the timeline last told of alerts that joined."""
    acknowledged_by: str | None = None
    last_alert_at: Instant | None = None
    """When an alert last said something new."""
    flap_count: int = 0
    """How often it was reopened, or fired again while it was held open for flapping."""
    recent_fires: tuple[Instant, ...] = ()
    """When it last began to fire, at most FIRES_TO_FLAP times; empty until it fires a second time."""
    flapping_until: Instant | None = None
    """Until when it counts as flapping, should it not fire again."""
    held_open: str | None = None
    """Why it stays open although none of its known signals fires (`truncated_alerts`, `flapping`)."""
    cut_groups: tuple[str, ...] = ()
    """The sender's groups whose latest list was cut: alerts of them that we were not told of may fire."""
    followed_at: Instant | None = None
    """When the sender said the newest of what was followed, by its clock."""
    suppressed: Suppressed | None = None
    title_by: str | None = None
    """The person who wrote the title, which no alert changes then."""
    severity_by: str | None = None
    """The same for the severity."""
    note_count: int = 0
    signal_count: int = 0
    firing_count: int = 0
    context_trigger: str = "opened"
    """What last made a look at the context necessary; the id of the snapshot it leads to derives from it."""
    context_wanted_at: Instant | None = None
    """When that was."""
    latest_snapshot_id: SnapshotId | None = None
    latest_hypotheses_id: str | None = None
    model_cost: Receipt | None = None
    """What models cost for all its answers; None while none was asked."""
    symptoms: tuple[str, ...] = ()
    """What the latest look saw move, as `service|metric|direction`: by it the next incident finds this one."""
    version: int = 1
    created_at: Instant
    updated_at: Instant

    @classmethod
    def upcast(cls, stored: dict[str, Any], version: int) -> dict[str, Any]:
        """1 → 2: an incident that is not closed is taken to have all its signals firing. 2 → 3: its one service."""
        if version > 1:
            return {**stored, "services": [_only_service(stored)], "schema_version": version + 1}
        still_open = IncidentState(str(stored["state"])).is_open
        firing = stored.get("signal_count", 0) if still_open else 0
        return {**stored, "firing_count": firing, "schema_version": version + 1}

    @property
    def is_open(self) -> bool:
        """Whether new alerts may still join."""
        return self.state.is_open and self.merged_into is None


def _only_service(stored: dict[str, Any]) -> dict[str, Any]:
    return {
        "service_name": stored["service_name"],
        "first_started_at": stored["detected_at"],
        "last_started_at": stored["detected_at"],
        "severity": stored["severity"],
    }


class TimelineEvent(StrEnum):
    """What can happen to an incident."""

    OPENED = "incident_opened"
    SIGNALS_JOINED = "signals_joined"
    SIGNALS_RESOLVED = "signals_resolved"
    SIGNALS_REFIRED = "signals_refired"
    RESOLVED = "incident_resolved"
    REOPENED = "incident_reopened"
    CONTEXT_FROZEN = "context_frozen"
    HYPOTHESES_RANKED = "hypotheses_ranked"
    HYPOTHESES_REFINED = "hypotheses_refined"
    SERVICES_LEFT = "services_left"
    SERVICES_CAME = "services_came"
    MERGED = "incident_merged"
    FOLLOWED_SENDER = "followed_the_sender"
    STATE_CHANGED = "state_changed"
    ASSIGNED = "incident_assigned"
    EDITED = "incident_edited"
    NOTE_ADDED = "note_added"
    LOOK_ASKED_FOR = "investigation_asked_for"
    MAINTENANCE_OVER = "maintenance_over"
    SEVERITY_RAISED = "severity_raised"
    DEVIATIONS_FOUND = "deviations_found"


class TimelineEntry(Document):
    """One change of an incident, in words and ids; never changed after it is written."""

    type: Literal["timeline_entry"] = "timeline_entry"
    incident_id: IncidentId
    event: TimelineEvent
    reason: str
    text: str = Field(max_length=MAX_NOTE_CHARS)
    by: str | None = None
    """The object id of the person who did it; None for what alerts, their sender or time did."""
    signal_ids: tuple[str, ...] = ()
    at: Instant
    incident_version: int


class IncidentSummary(Document):
    """The line of an incident that lists show; `source_version` is the incident's version it was taken from.

    Schema 2 has what lists sort and filter by: the rank of its severity, and its services by name.
    """

    current_schema: ClassVar[int] = 2

    type: Literal["incident_summary"] = "incident_summary"
    schema_version: int = 2
    title: str
    service_name: str
    state: IncidentState
    severity: Severity
    severity_rank: int
    detected_at: Instant
    resolved_at: Instant | None
    assigned_to: str | None
    signal_count: int
    firing_count: int
    is_open: bool = False
    merged_into: IncidentId | None = None
    suppressed: Suppressed | None = None
    flap_count: int = 0
    flapping_until: Instant | None = None
    held_open: str | None = None
    services: tuple[ServiceNode, ...] = ()
    service_names: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    source_version: int
    updated_at: Instant

    @classmethod
    def upcast(cls, stored: dict[str, Any], version: int) -> dict[str, Any]:
        """1 → 2: what can be told from the rest."""
        nodes = stored.get("services") or [{"service_name": stored["service_name"]}]
        return {
            **stored,
            "severity_rank": Severity(stored["severity"]).rank,
            "service_names": [node["service_name"] for node in nodes],
            "schema_version": version + 1,
        }

    @classmethod
    def of(cls, incident: Incident) -> "IncidentSummary":
        """The summary of an incident as it stands."""
        return cls(
            id=incident.incident_id,
            tenant_id=incident.tenant_id,
            title=incident.title,
            service_name=incident.service_name,
            state=incident.state,
            severity=incident.severity,
            severity_rank=incident.severity.rank,
            detected_at=incident.detected_at,
            resolved_at=incident.resolved_at,
            assigned_to=incident.assigned_to,
            signal_count=incident.signal_count,
            firing_count=incident.firing_count,
            is_open=incident.is_open,
            merged_into=incident.merged_into,
            suppressed=incident.suppressed,
            flap_count=incident.flap_count,
            flapping_until=incident.flapping_until,
            held_open=incident.held_open,
            services=incident.services,
            service_names=tuple(node.service_name for node in incident.services) or (incident.service_name,),
            symptoms=incident.symptoms,
            source_version=incident.version,
            updated_at=incident.updated_at,
        )
