"""PagerDuty's events: an incident there is one alert here, and what is done to it travels."""

import json
from typing import Any

import pytest

from shared.errors import Malformed
from shared.models.signals import AlertStatus, ExternalAction, ParsedDelivery, Severity, Source
from shared.signals.sources import parse
from shared.signals.sources.pagerduty import EVENT_TYPES
from tests.builders import NOON

WHAT_PEOPLE_DO = {
    "incident.triggered": ExternalAction.TRIGGERED,
    "incident.acknowledged": ExternalAction.ACKNOWLEDGED,
    "incident.unacknowledged": ExternalAction.UNACKNOWLEDGED,
    "incident.resolved": ExternalAction.RESOLVED,
    "incident.reopened": ExternalAction.REOPENED,
}
OF_INCIDENTS = sorted(one for one in EVENT_TYPES if one.startswith("incident."))
OF_SERVICES = sorted(EVENT_TYPES - set(OF_INCIDENTS))


def an_incident(**changes: Any) -> dict[str, Any]:
    fields = {
        "id": "Q1PAYMENT",
        "type": "incident",
        "status": "triggered",
        "created_at": "2026-11-23T11:59:00Z",
        "title": "payment fails",
        "service": {"id": "PSVCPAY", "summary": "Payment (prod)"},
        "urgency": "high",
    }
    return {**fields, **changes}


def merged_away() -> dict[str, Any]:
    return an_incident(
        status="resolved", resolve_reason={"type": "merge_resolve_reason", "incident": {"id": "Q0PARENT"}}
    )


def an_event(event_type: str, told: object, **changes: Any) -> bytes:
    event = {"id": "01E", "event_type": event_type, "occurred_at": "2026-11-23T11:59:30Z", "data": told}
    return json.dumps({"event": {**event, **changes}}).encode()


def read(event_type: str, told: object, **changes: Any) -> ParsedDelivery:
    return parse(Source.PAGERDUTY, an_event(event_type, told, **changes), received_at=NOON)


def test_all_documented_event_types_are_known() -> None:
    assert (len(OF_INCIDENTS), len(OF_SERVICES)) == (26, 4)


@pytest.mark.parametrize("event_type", OF_INCIDENTS)
def test_every_event_that_carries_the_incident_opens_or_follows_it_by_its_id(event_type: str) -> None:
    parsed = read(event_type, an_incident())
    (alert,), (update,) = parsed.alerts, parsed.updates
    assert (alert.fingerprint, alert.external_id, alert.service_key) == ("Q1PAYMENT", "Q1PAYMENT", "PSVCPAY")
    assert alert.episode == update.episode
    assert update.action is WHAT_PEOPLE_DO.get(event_type, ExternalAction.NOTED)
    is_over = event_type == "incident.resolved"
    assert alert.status is (AlertStatus.RESOLVED if is_over else AlertStatus.FIRING)
    assert alert.said_at == update.at == alert.starts_at.replace(second=30)


@pytest.mark.parametrize("event_type", OF_INCIDENTS)
def test_an_event_that_refers_to_the_incident_is_noted_and_says_nothing_of_its_status(event_type: str) -> None:
    parsed = read(
        event_type, {"type": "incident_note", "incident": {"id": "Q1PAYMENT", "type": "incident_reference"}}
    )
    assert parsed.alerts == ()
    assert [one.external_id for one in parsed.updates] == ["Q1PAYMENT"]


@pytest.mark.parametrize("event_type", OF_SERVICES)
def test_what_happens_to_services_there_needs_nothing(event_type: str) -> None:
    assert read(event_type, {"id": "PSVCPAY", "type": "service"}) == ParsedDelivery(ignored="not_about_incidents")


def test_the_test_buttons_event_needs_nothing() -> None:
    assert read("pagey.ping", {"type": "ping"}).ignored == "test_event"


def test_a_role_is_assigned_in_a_list_that_names_the_incident() -> None:
    assignment = {"incident": {"id": "Q1PAYMENT"}, "role": {"summary": "Commander"}}
    told = {"type": "incident_role_assignment", "incident_role_assignments": [assignment]}
    assert read("incident.role.assigned", told).updates[0].external_id == "Q1PAYMENT"


@pytest.mark.parametrize("event_type", ["incident.teleported", "workflow.rebooted", "", None, 7])
def test_an_event_type_of_tomorrow_is_kept_and_not_refused(event_type: Any) -> None:
    assert read(event_type, an_incident()) == ParsedDelivery(unknown_shape="unknown_event")


def test_a_merge_is_no_fix_and_says_into_what() -> None:
    parsed = read("incident.resolved", merged_away())
    assert parsed.alerts == ()
    assert [(one.action, one.merged_into) for one in parsed.updates] == [(ExternalAction.MERGED, "Q0PARENT")]


def test_a_later_event_of_a_merged_incident_is_no_fix_either() -> None:
    parsed = read("incident.priority_updated", merged_away())
    assert parsed.alerts == ()
    assert [(one.action, one.merged_into) for one in parsed.updates] == [(ExternalAction.NOTED, None)]


def test_a_merged_incident_that_is_reopened_fires() -> None:
    assert read("incident.reopened", merged_away()).alerts[0].status is AlertStatus.FIRING


def test_a_late_note_on_a_resolved_incident_does_not_make_it_fire() -> None:
    assert read("incident.escalated", an_incident(status="resolved")).alerts[0].status is AlertStatus.RESOLVED


def test_all_events_of_an_incident_are_one_episode_whatever_start_they_tell() -> None:
    starts = ["2026-11-23T11:59:00Z", None, "2026-11-23T10:00:00Z"]
    told = [read("incident.triggered", an_incident(created_at=one)).alerts[0] for one in starts]
    assert len({one.episode for one in told}) == 1
    assert [one.start_known for one in told] == [True, False, True]


@pytest.mark.parametrize(
    ("priority", "urgency", "severity"),
    [
        ("P1", "low", Severity.CRITICAL),
        ("P2 - degraded", "low", Severity.CRITICAL),
        ("p3", "high", Severity.WARNING),
        ("SEV-1", "low", Severity.CRITICAL),
        ("sev 4", "high", Severity.INFO),
        ("P5", "high", Severity.INFO),
        ("P10", "low", Severity.WARNING),
        ("urgent!", "high", Severity.CRITICAL),
        ("", "low", Severity.WARNING),
        ("", None, Severity.CRITICAL),
    ],
)
def test_the_priority_tells_how_bad_it_is_and_else_the_urgency(
    priority: str, urgency: str | None, severity: Severity
) -> None:
    incident = an_incident(priority={"summary": priority}, urgency=urgency)
    assert read("incident.triggered", incident).alerts[0].severity is severity


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"type": "incident_note", "content": "rolled\nback"}, "annotated: rolled back"),
        ({"type": "incident_task", "summary": "Restart it"}, "annotated: Restart it"),
        ({"type": "incident_note", "content": None}, "annotated"),
        ({"type": "incident_note", "content": "x" * 9000}, "annotated: " + "x" * 300),
    ],
)
def test_a_note_says_in_one_short_line_what_was_said(told: dict[str, Any], text: str) -> None:
    assert read("incident.annotated", {**told, "incident": {"id": "Q1"}}).updates[0].text == text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"messages": [{"event": "incident.trigger", "incident": {"id": "Q1"}}]}', "no_event"),
        (b'{"event": null}', "no_event"),
        (b"{}", "no_event"),
        (an_event("incident.triggered", None), "no_incident"),
        (an_event("incident.triggered", {"type": "incident"}), "no_incident"),
        (an_event("incident.triggered", {"type": "incident", "id": {"a": 1}}), "no_incident"),
        (an_event("incident.role.assigned", {"incident_role_assignments": [7]}), "no_incident"),
    ],
)
def test_what_is_no_v3_event_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(Source.PAGERDUTY, body, received_at=NOON)
    assert refused.value.reason == reason
