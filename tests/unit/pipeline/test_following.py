"""PagerDuty's incidents open ours and ours follow them, in whatever order and however often their events come."""

import json
from datetime import timedelta
from typing import Any

from shared.adapters.memory import services_in_memory
from shared.messages import Envelope, Ingest, QueueName
from shared.models.base import IncidentId, ReceiptId
from shared.models.incidents import Departure, Incident, IncidentState, TimelineEvent
from shared.models.signals import Source
from shared.models.tenants import IntegrationType
from shared.pipeline.moving import move
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON, an_integration

CREATED = "2026-11-23T11:59:00Z"


def an_incident_there(incident_id: str = "Q1", **changes: Any) -> dict[str, Any]:
    return {
        "id": incident_id,
        "type": "incident",
        "status": "triggered",
        "title": f"{incident_id} is ill",
        "created_at": CREATED,
        "urgency": "high",
        "service": {"id": "PSVC" + incident_id, "summary": f"Service of {incident_id}"},
        **changes,
    }


def an_event(kind: str, data: dict[str, Any], *, after: float = 0, event_id: str | None = None) -> bytes:
    said_at = NOON + timedelta(minutes=after)
    event = {
        "id": event_id or f"01-{kind}-{after}",
        "event_type": f"incident.{kind}",
        "occurred_at": said_at.isoformat(),
        "agent": {"summary": "Erin Engineer"},
        "data": data,
    }
    receipt_id = ReceiptId(f"rcp-{event['id']}")
    message = Ingest(
        tenant_id=ACME,
        receipt_id=receipt_id,
        correlation_id=receipt_id,
        integration_id="int-pd",
        source=Source.PAGERDUTY,
        received_at=said_at + timedelta(seconds=1),
    )
    return message.with_body(json.dumps({"event": event}).encode()).encode()


async def told(services: Services, *events: bytes) -> None:
    for minute, body in enumerate(events):
        now = NOON + timedelta(minutes=minute, seconds=2)
        assert await attend_queue(QueueName.SIGNALS, body, services, dequeue_count=1, now=now) is Ending.DONE


async def incidents_of(services: Services) -> dict[str, Incident]:
    found = {}
    for one in (await services.incident_list.page(ACME, limit=20)).items:
        held = await services.incidents.read(ACME, one.id)
        assert held is not None
        found[held.value.service_name] = held.value
    return found


async def the_incident(services: Services) -> Incident:
    (incident,) = (await incidents_of(services)).values()
    return incident


def resolved_there(incident_id: str = "Q1", **reason: Any) -> dict[str, Any]:
    return an_incident_there(incident_id, status="resolved", resolve_reason=reason or None)


def merged_into(other: str) -> dict[str, Any]:
    return {"type": "merge_resolve_reason", "incident": {"id": other, "type": "incident_reference"}}


async def test_an_incident_there_is_an_incident_here_that_names_it() -> None:
    services = services_in_memory()
    await told(services, an_event("triggered", an_incident_there()))
    incident = await the_incident(services)
    assert (incident.external_id, incident.state, incident.firing_count) == ("Q1", IncidentState.DETECTED, 1)
    assert len(services.queues.waiting[QueueName.CONTEXT]) == 1  # type: ignore[attr-defined]  # the one in memory


async def test_the_service_there_is_the_service_that_the_integration_maps_it_to() -> None:
    services = services_in_memory()
    integration = an_integration(
        id="int-pd", integration_type=IntegrationType.PAGERDUTY, service_map={"PSVCQ1": "payment"}
    )
    await services.directory.put(ACME, integration)
    await told(services, an_event("triggered", an_incident_there()))
    assert (await the_incident(services)).service_name == "payment"


async def test_an_acknowledgement_travels_and_so_does_taking_it_back() -> None:
    services = services_in_memory()
    acknowledged = an_incident_there(status="acknowledged")
    await told(services, an_event("triggered", an_incident_there()), an_event("acknowledged", acknowledged, after=1))
    incident = await the_incident(services)
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "Erin Engineer")
    assert incident.acknowledged_at == NOON + timedelta(minutes=1)
    await told(services, an_event("unacknowledged", an_incident_there(), after=2))
    assert (await the_incident(services)).state is IncidentState.DETECTED


async def test_an_acknowledgement_that_comes_first_opens_the_incident() -> None:
    services = services_in_memory()
    await told(services, an_event("acknowledged", an_incident_there(status="acknowledged")))
    assert (await the_incident(services)).state is IncidentState.ACKNOWLEDGED


async def test_a_resolution_travels() -> None:
    services = services_in_memory()
    await told(services, an_event("triggered", an_incident_there()), an_event("resolved", resolved_there(), after=1))
    assert (await the_incident(services)).state is IncidentState.RESOLVED


async def test_a_replayed_event_changes_nothing_and_is_told_once() -> None:
    services = services_in_memory()
    acknowledged = an_event("acknowledged", an_incident_there(status="acknowledged"), after=1, event_id="01-ACK")
    await told(services, an_event("triggered", an_incident_there()), acknowledged, acknowledged, acknowledged)
    incident = await the_incident(services)
    timeline = await services.incidents.timeline(ACME, incident.incident_id)
    assert [entry.event for entry in timeline].count(TimelineEvent.FOLLOWED_SENDER) == 1
    assert incident.signal_count == 1


async def test_a_note_there_is_a_line_in_our_timeline() -> None:
    services = services_in_memory()
    note = {"type": "incident_note", "content": "rolled back", "incident": {"id": "Q1", "type": "incident_reference"}}
    await told(services, an_event("triggered", an_incident_there()), an_event("annotated", note, after=1))
    incident = await the_incident(services)
    last = (await services.incidents.timeline(ACME, incident.incident_id))[-1]
    assert (last.event, last.text) == (TimelineEvent.FOLLOWED_SENDER, "annotated: rolled back by Erin Engineer")


async def test_a_note_on_an_incident_that_we_do_not_know_is_left_alone() -> None:
    services = services_in_memory()
    note = {"type": "incident_note", "content": "x", "incident": {"id": "Q9", "type": "incident_reference"}}
    await told(services, an_event("annotated", note))
    assert await incidents_of(services) == {}
    assert await services.dead_letters.letters(ACME, QueueName.SIGNALS) == []  # type: ignore[attr-defined]  # memory


async def test_a_merge_there_is_a_merge_here_and_nothing_is_fixed_by_it() -> None:
    services = services_in_memory()
    await told(
        services,
        an_event("triggered", an_incident_there("Q1")),
        an_event("triggered", an_incident_there("Q2")),
        an_event("resolved", resolved_there("Q1", **merged_into("Q2")), after=2),
    )
    incident = await the_incident(services)
    assert (incident.external_id, incident.state) == ("Q2", IncidentState.DETECTED)
    assert (incident.signal_count, incident.firing_count) == (2, 1)
    await told(services, an_event("resolved", resolved_there("Q2"), after=3))
    assert (await the_incident(services)).state is IncidentState.RESOLVED


async def test_a_merge_into_an_incident_that_we_do_not_know_closes_ours_without_calling_it_fixed() -> None:
    services = services_in_memory()
    await told(
        services,
        an_event("triggered", an_incident_there("Q1")),
        an_event("resolved", resolved_there("Q1", **merged_into("Q9")), after=1),
    )
    assert (await the_incident(services)).state is IncidentState.INCONCLUSIVE


async def test_a_resolution_that_names_another_service_resolves_the_alert_where_it_is() -> None:
    services = services_in_memory()
    opened = ("triggered", "Q1"), ("triggered", "Q2")
    await told(services, *(an_event(kind, an_incident_there(name)) for kind, name in opened))
    one, two = "Service of Q1", "Service of Q2"
    found = await incidents_of(services)
    await moved(services, one, found[one].incident_id, found[two].incident_id)
    await moved(services, two, found[two].incident_id, IncidentId("inc-three"))
    elsewhere = resolved_there("Q1") | {"service": {"id": "PSVCQ2", "summary": two}}
    await told(services, an_event("resolved", elsewhere, after=3))
    assert {name: (held.state, held.signal_count) for name, held in (await incidents_of(services)).items()} == {
        one: (IncidentState.RESOLVED, 1),
        two: (IncidentState.DETECTED, 1),
    }


async def moved(services: Services, name: str, source: IncidentId, target: IncidentId) -> None:
    message = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-moves"), correlation_id="rcp-moves")
    wanted = Departure(services=(name,), target=target, memberships={}, opens_target=True, at=NOON)
    await move(message, source, wanted, services, now=NOON + timedelta(minutes=2))
