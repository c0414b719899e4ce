"""PagerDuty's V3 webhooks: one event a request, about one of its incidents (developer docs, webhooks/01-Overview)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Malformed
from shared.models.signals import (
    Alert,
    AlertStatus,
    ExternalAction,
    ExternalUpdate,
    ParsedDelivery,
    Severity,
    Source,
    episode_of,
)
from shared.signals.sources.json_body import (
    id_of,
    line_of,
    link_of,
    mapping_of,
    read_object,
    text_of,
    time_of,
    title_of,
)
from shared.signals.sources.sizes import MAX_GROUP_KEY_BYTES, MAX_SUMMARY_BYTES, cut

MAX_SHORT_CHARS = 120
MAX_WORDS_CHARS = 300

_ACTIONS: Mapping[str, ExternalAction] = {
    "incident.triggered": ExternalAction.TRIGGERED,
    "incident.acknowledged": ExternalAction.ACKNOWLEDGED,
    "incident.unacknowledged": ExternalAction.UNACKNOWLEDGED,
    "incident.resolved": ExternalAction.RESOLVED,
    "incident.reopened": ExternalAction.REOPENED,
}
_NOTED = frozenset(
    f"incident.{name}"
    for name in (
        "escalated",
        "reassigned",
        "delegated",
        "priority_updated",
        "annotated",
        "status_update_published",
        "responder.added",
        "responder.replied",
        "conference_bridge.updated",
        "custom_field_values.updated",
        "incident_type.changed",
        "role.assigned",
        "service_updated",
        "task.created",
        "task.updated",
        "task.completed",
        "action_invocation.created",
        "action_invocation.updated",
        "action_invocation.terminated",
        "workflow.started",
        "workflow.completed",
    )
)
_ABOUT_SERVICES = frozenset(
    {"service.created", "service.updated", "service.deleted", "service.custom_field_values.updated"}
)
EVENT_TYPES = frozenset(_ACTIONS) | _NOTED | _ABOUT_SERVICES
"""All that were documented when this was written; more "may be added over time"."""
_TEST = "pagey.ping"
_MERGED = "merge_resolve_reason"
_PRIORITY = re.compile(r"(?:p|sev)[ -]?(\d)(?!\d)", re.IGNORECASE)
_PRIORITIES: Mapping[str, Severity] = {
    **dict.fromkeys("012", Severity.CRITICAL),
    "3": Severity.WARNING,
    **dict.fromkeys("45", Severity.INFO),
}


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alert that the sender's incident is, and what was done to it; raises Malformed without an event."""
    event = read_object(body).get("event")
    if not isinstance(event, Mapping):
        raise Malformed("the body has no event", reason="no_event")
    event_type = text_of(event.get("event_type"), limit=MAX_SHORT_CHARS)
    if event_type == _TEST:
        return ParsedDelivery(ignored="test_event")
    if event_type in _ABOUT_SERVICES:
        return ParsedDelivery(ignored="not_about_incidents")
    if event_type not in EVENT_TYPES:
        return ParsedDelivery(unknown_shape="unknown_event")
    incident = _incident_of(mapping_of(event.get("data")))
    incident_id = id_of(incident.get("id"))
    if not incident_id:
        raise Malformed("the event names no incident", reason="no_incident")
    return _read(event, event_type, incident, incident_id, received_at)


def _incident_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The incident that an event is about: its data, or what its data refers to."""
    if told.get("type") == "incident":
        return told
    assignments = told.get("incident_role_assignments")
    # Roles alone come in a list; all of one event are of one incident.
    if isinstance(assignments, list) and assignments:
        return mapping_of(mapping_of(assignments[0]).get("incident"))
    return mapping_of(told.get("incident"))


def _read(
    event: Mapping[str, Any], event_type: str, incident: Mapping[str, Any], incident_id: str, received_at: datetime
) -> ParsedDelivery:
    said_at = time_of(event.get("occurred_at")) or received_at
    reason = mapping_of(incident.get("resolve_reason"))
    is_merged = reason.get("type") == _MERGED and _is_over(incident, event_type)
    is_merge = is_merged and event_type == "incident.resolved"
    update = ExternalUpdate(
        action=ExternalAction.MERGED if is_merge else _ACTIONS.get(event_type, ExternalAction.NOTED),
        event_type=event_type,
        event_id=id_of(event.get("id")) or f"{event_type}-{said_at.isoformat()}",
        episode=episode_of(Source.PAGERDUTY, incident_id, None),
        external_id=incident_id,
        merged_into=id_of(mapping_of(reason.get("incident")).get("id")) or None if is_merge else None,
        actor=_summary(event.get("agent")) or None,
        text=_words(event_type, mapping_of(event.get("data"))),
        at=said_at,
    )
    # A reference has no status, and a merge is not a fix: neither says that the alert is over.
    if incident.get("type") != "incident" or is_merged:
        return ParsedDelivery(updates=(update,))
    return ParsedDelivery(
        alerts=(_alert(incident, incident_id, event_type, said_at, received_at),), updates=(update,)
    )


def _alert(
    incident: Mapping[str, Any], incident_id: str, event_type: str, said_at: datetime, received_at: datetime
) -> Alert:
    service = mapping_of(incident.get("service"))
    status = AlertStatus.RESOLVED if _is_over(incident, event_type) else AlertStatus.FIRING
    created_at = time_of(incident.get("created_at"))
    service_name = _summary(service)
    title = text_of(incident.get("title")).strip() or text_of(incident.get("summary")).strip() or "untitled incident"
    url = link_of(incident.get("html_url"))
    return Alert(
        source=Source.PAGERDUTY,
        fingerprint=incident_id,
        name=title_of(title),
        service_name=service_name or "unknown",
        service_from="service" if service_name else "none",
        severity=_severity(incident),
        status=status,
        summary=cut(title, MAX_SUMMARY_BYTES),
        labels=_labels(incident),
        annotations={},
        starts_at=created_at or received_at,
        start_known=created_at is not None,
        ends_at=said_at if status is AlertStatus.RESOLVED else None,
        expression=None,
        generator_url=url,
        group_key=cut(text_of(incident.get("incident_key")), MAX_GROUP_KEY_BYTES),
        said_at=said_at,
        external_id=incident_id,
        external_url=url,
        service_key=id_of(service.get("id")) or None,
    )


def _is_over(incident: Mapping[str, Any], event_type: str) -> bool:
    if event_type in _ACTIONS:
        return event_type == "incident.resolved"
    return incident.get("status") == "resolved"


def _severity(incident: Mapping[str, Any]) -> Severity:
    """By the priority where it reads like one, else by the urgency: high pages somebody, low does not."""
    read = _PRIORITY.match(_summary(incident.get("priority")))
    if read and read[1] in _PRIORITIES:
        return _PRIORITIES[read[1]]
    return Severity.WARNING if incident.get("urgency") == "low" else Severity.CRITICAL


def _labels(incident: Mapping[str, Any]) -> dict[str, str]:
    teams = incident.get("teams")
    found = {
        "urgency": line_of(incident.get("urgency"), limit=32),
        "priority": _summary(incident.get("priority")),
        "incident_number": id_of(incident.get("number")),
        "team": _summary(teams[0]) if isinstance(teams, list) and teams else "",
    }
    return {name: value for name, value in found.items() if value}


def _words(event_type: str, told: Mapping[str, Any]) -> str:
    """What happened, and what a note, a reply, a task or a workflow says, where it says something."""
    what = event_type.removeprefix("incident.").replace(".", " ").replace("_", " ")
    said = told.get("content") or told.get("message") or told.get("summary")
    if told.get("type") == "incident":
        said = _summary(told.get("priority")) if event_type == "incident.priority_updated" else None
    return f"{what}: {words}" if (words := line_of(said, limit=MAX_WORDS_CHARS)) else what


def _summary(value: object) -> str:
    return line_of(mapping_of(value).get("summary"), limit=MAX_SHORT_CHARS)
