"""PagerDuty's V3 webhooks: one event a request, about one of its incidents (developer docs, webhooks/01-Overview)."""

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
from shared.signals.sources.json_body import read_object, text_of, time_of

MAX_ID_CHARS = 128

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


def parse(body: bytes, received_at: datetime) -> ParsedDelivery:
    """The alert that the sender's incident is, and what was done to it; raises Malformed without an event."""
    event = read_object(body).get("event")
    if not isinstance(event, Mapping):
        raise Malformed("the body has no event", reason="no_event")
    event_type = text_of(event.get("event_type"), limit=MAX_ID_CHARS)
    if event_type == _TEST:
        return ParsedDelivery(ignored="test_event")
    if event_type in _ABOUT_SERVICES:
        return ParsedDelivery(ignored="not_about_incidents")
    if event_type not in EVENT_TYPES:
        return ParsedDelivery(unknown_shape="unknown_event")
    incident = _incident_of(event.get("data"))
    incident_id = text_of(incident.get("id"), limit=MAX_ID_CHARS)
    if not incident_id:
        raise Malformed("the event names no incident", reason="no_incident")
    return _read(event, event_type, incident, incident_id, received_at)


def _incident_of(data: object) -> Mapping[str, Any]:
    """The incident that an event is about: its data, or what its data refers to."""
    if not isinstance(data, Mapping):
        return {}
    if data.get("type") == "incident":
        return data
    inner = data.get("incident")
    return inner if isinstance(inner, Mapping) else {}


def _read(
    event: Mapping[str, Any], event_type: str, incident: Mapping[str, Any], incident_id: str, received_at: datetime
) -> ParsedDelivery:
    said_at = time_of(event.get("occurred_at")) or received_at
    reason = _mapping(incident.get("resolve_reason"))
    is_merge = event_type == "incident.resolved" and reason.get("type") == _MERGED
    action = ExternalAction.MERGED if is_merge else _ACTIONS.get(event_type, ExternalAction.NOTED)
    update = ExternalUpdate(
        action=action,
        event_type=event_type,
        event_id=text_of(event.get("id"), limit=MAX_ID_CHARS) or f"{event_type}-{said_at.isoformat()}",
        episode=episode_of(Source.PAGERDUTY, incident_id, None),
        external_id=incident_id,
        merged_into=text_of(_mapping(reason.get("incident")).get("id"), limit=MAX_ID_CHARS) or None,
        actor=_summary(event.get("agent")) or None,
        text=_words(event_type, _mapping(event.get("data"))),
        at=said_at,
    )
    # A reference has no status, and a merge is not a fix: neither says that the alert is over.
    is_whole = incident.get("type") == "incident" and not is_merge
    alerts = (_alert(incident, incident_id, event_type, said_at, received_at),) if is_whole else ()
    return ParsedDelivery(alerts=alerts, updates=(update,))


def _alert(
    incident: Mapping[str, Any], incident_id: str, event_type: str, said_at: datetime, received_at: datetime
) -> Alert:
    service = _mapping(incident.get("service"))
    status = AlertStatus.RESOLVED if _is_over(incident, event_type) else AlertStatus.FIRING
    created_at = time_of(incident.get("created_at"))
    service_name = text_of(service.get("summary"), limit=120).strip()
    title = text_of(incident.get("title")) or text_of(incident.get("summary")) or "untitled incident"
    url = text_of(incident.get("html_url")) or None
    return Alert(
        source=Source.PAGERDUTY,
        fingerprint=incident_id,
        name=title[:200],
        service_name=service_name or "unknown",
        service_from="service" if service_name else "none",
        severity=_severity(incident),
        status=status,
        summary=title,
        labels=_labels(incident),
        annotations={},
        starts_at=created_at or received_at,
        start_known=created_at is not None,
        ends_at=said_at if status is AlertStatus.RESOLVED else None,
        expression=None,
        generator_url=url,
        group_key=text_of(incident.get("incident_key"), limit=256),
        said_at=said_at,
        external_id=incident_id,
        external_url=url,
        service_key=text_of(service.get("id"), limit=MAX_ID_CHARS) or None,
    )


def _is_over(incident: Mapping[str, Any], event_type: str) -> bool:
    if event_type in _ACTIONS:
        return event_type == "incident.resolved"
    return incident.get("status") == "resolved"


def _severity(incident: Mapping[str, Any]) -> Severity:
    """By the priority where it reads like one, else by the urgency: high pages somebody, low does not."""
    priority = _summary(incident.get("priority")).upper()
    if priority[:2] in {"P1", "P2"} or priority[:4] in {"SEV1", "SEV2", "SEV0"}:
        return Severity.CRITICAL
    if priority[:2] in {"P4", "P5"}:
        return Severity.INFO
    return Severity.WARNING if incident.get("urgency") == "low" or priority[:2] == "P3" else Severity.CRITICAL


def _labels(incident: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "urgency": text_of(incident.get("urgency"), limit=32),
        "priority": _summary(incident.get("priority")),
        "incident_number": text_of(incident.get("number"), limit=32),
    }
    teams = incident.get("teams")
    if isinstance(teams, list) and teams:
        found["team"] = _summary(teams[0])
    return {name: value for name, value in found.items() if value}


def _words(event_type: str, data: Mapping[str, Any]) -> str:
    """What a note says, where it says something."""
    said = data.get("content") or data.get("message")
    what = event_type.removeprefix("incident.").replace(".", " ").replace("_", " ")
    return f"{what}: {text_of(said, limit=300)}" if isinstance(said, str) and said.strip() else what


def _summary(value: object) -> str:
    return text_of(_mapping(value).get("summary"), limit=120)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
