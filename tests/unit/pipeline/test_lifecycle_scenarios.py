"""The life of incidents from delivery to document: told as timelines, minutes after noon."""

import contextlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.memory import services_in_memory
from shared.errors import NotAllowed
from shared.incidents.flapping import CALM_FOR
from shared.messages import Envelope, Ingest, QueueName
from shared.models.base import IncidentId, ReceiptId
from shared.models.incidents import Incident, IncidentState, TimelineEvent
from shared.models.signals import AlertStatus, Signal, Source
from shared.pipeline.correcting import Correcting, merge_incidents, split_incident
from shared.pipeline.due import send_due
from shared.pipeline.ingest import ingest
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from tests.builders import ACME, NOON, a_principal, a_tenant
from tests.crashing import Crash, Steps, stepping
from tests.unit.pipeline.scheduled import sent_to

MINUTE = timedelta(minutes=1)
GROUP = '{}:{alertname="HighErrorRatio"}'
DETECTED, RESOLVED = IncidentState.DETECTED, IncidentState.RESOLVED


def at(minute: float) -> datetime:
    return NOON + minute * MINUTE


def fires(name: str = "a", *, since: float = 0, service: str = "payment") -> dict[str, Any]:
    """An alert as Alertmanager sends it while it fires."""
    return {
        "status": "firing",
        "labels": {"alertname": "HighErrorRatio", "service": service, "severity": "critical"},
        "startsAt": at(since).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"fp-{service}-{name}",
    }


def over(name: str = "a", *, since: float = 0, ends: float | None = None) -> dict[str, Any]:
    """The same, resolved."""
    return {
        **fires(name, since=since),
        "status": "resolved",
        "endsAt": at(since + 1 if ends is None else ends).isoformat(),
    }


class Timeline:
    """A tenant to whom things are delivered, and what it then has."""

    def __init__(self, services: Services, *, deliveries: int = 0) -> None:
        self.services = services
        self._deliveries = deliveries

    async def deliver(self, minute: float, *alerts: dict[str, Any], truncated: int = 0, group: str = GROUP) -> Ingest:
        """Alertmanager's webhook at this minute, worked off at once."""
        body = {"version": "4", "groupKey": group, "truncatedAlerts": truncated, "alerts": list(alerts)}
        return await self._ingest(minute, Source.ALERTMANAGER, body)

    async def page(self, minute: float, event: str, *, said: float, merged_into: str | None = None) -> Ingest:
        """PagerDuty's event of incident P1, said at one minute and received at another."""
        merge = {"type": "merge_resolve_reason", "incident": {"id": merged_into}} if merged_into else None
        incident = {
            "id": "P1",
            "type": "incident",
            "title": "payment is down",
            "created_at": NOON.isoformat(),
            "status": {"resolved": "resolved", "acknowledged": "acknowledged"}.get(event, "triggered"),
            "service": {"id": "S1", "summary": "payment"},
            "resolve_reason": merge,
        }
        told = {
            "id": f"event-{event}-{said}",
            "event_type": f"incident.{event}",
            "resource_type": "incident",
            "occurred_at": at(said).isoformat(),
            "agent": {"summary": "Ada", "type": "user_reference"},
            "data": incident,
        }
        return await self._ingest(minute, Source.PAGERDUTY, {"event": told})

    async def _ingest(self, minute: float, source: Source, body: dict[str, Any]) -> Ingest:
        self._deliveries += 1
        receipt_id = ReceiptId(f"rcp-{self._deliveries}")
        message = Ingest(
            tenant_id=ACME,
            receipt_id=receipt_id,
            correlation_id=receipt_id,
            integration_id="int-1",
            source=source,
            received_at=at(minute),
        ).with_body(json.dumps(body).encode())
        await ingest(message, self.services, now=at(minute))
        return message

    async def timer(self, minute: float) -> None:
        """The timer's pass at this minute, and the checks it sends."""
        await send_due(self.services, now=at(minute))
        for body in sent_to(self.services, QueueName.CHECKS):
            ending = await attend_queue(QueueName.CHECKS, body, self.services, dequeue_count=1, now=at(minute))
            assert ending is Ending.DONE

    async def incidents(self) -> list[Incident]:
        """All incidents, oldest first."""
        page = await self.services.incident_list.page(ACME, limit=100)
        held = [await self.services.incidents.read(ACME, IncidentId(one.id)) for one in page.items]
        return sorted((one.value for one in held if one), key=lambda incident: incident.detected_at)

    async def incident(self) -> Incident:
        """The only incident."""
        (only,) = await self.incidents()
        return only

    async def states(self) -> list[IncidentState]:
        return [incident.state for incident in await self.incidents()]

    async def signals(self, incident: Incident | None = None) -> list[Signal]:
        home = incident or await self.incident()
        return [held.value for held in await self.services.incidents.signals(ACME, home.incident_id)]

    def looks(self) -> int:
        """How many looks at a context were asked for since the last time we counted."""
        return len(sent_to(self.services, QueueName.CONTEXT))


@pytest.fixture
async def acme() -> Timeline:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(auto_resolve_after_minutes=24 * 60))
    return Timeline(services)


async def test_resolved_before_firing_is_recorded_closed_at_once_and_not_looked_at(acme: Timeline) -> None:
    await acme.deliver(1, over())
    incident = await acme.incident()
    assert (incident.state, incident.signal_count, incident.firing_count) == (RESOLVED, 1, 0)
    assert acme.looks() == 0


async def test_the_firing_copy_that_comes_after_its_resolution_opens_nothing(acme: Timeline) -> None:
    await acme.deliver(1, over())
    await acme.deliver(2, fires())
    assert await acme.states() == [RESOLVED]
    assert acme.looks() == 0


async def test_resolved_twice_is_resolved_once(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(10, over())
    once = await acme.incident()
    await acme.deliver(11, over())
    assert await acme.incident() == once


async def test_never_resolved_is_resolved_after_the_silence_that_the_tenant_chose(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.timer(24 * 60 - 1)
    assert await acme.states() == [DETECTED]
    await acme.timer(24 * 60)
    assert await acme.states() == [RESOLVED]
    told = await acme.services.incidents.timeline(ACME, (await acme.incident()).incident_id)
    assert "silence" in {entry.reason for entry in told}


async def test_an_alert_that_was_only_assumed_to_be_over_is_believed_when_it_is_repeated(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.timer(24 * 60)
    await acme.deliver(24 * 60 + 1, fires())
    assert await acme.states() == [DETECTED]


async def test_a_new_firing_inside_the_reopen_window_reopens_and_is_counted(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(10, over(ends=10))
    assert acme.looks() == 1
    await acme.deliver(40, fires(since=40))
    incident = await acme.incident()
    assert (incident.state, incident.resolved_at, incident.flap_count) == (DETECTED, None, 1)
    assert acme.looks() == 1


async def test_the_same_start_firing_again_inside_the_window_reopens_the_same_signal(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(10, over(ends=10))
    await acme.deliver(20, fires())
    (signal,) = await acme.signals()
    assert (signal.status, signal.fired_times) == (AlertStatus.FIRING, 2)
    assert (await acme.incident()).flap_count == 1


@pytest.mark.parametrize("since", [0, 41])
async def test_a_firing_outside_the_window_opens_a_new_incident(acme: Timeline, since: float) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(10, over(ends=10))
    closed = await acme.incident()
    await acme.deliver(41, fires(since=since))
    before, after = await acme.incidents()
    assert before == closed, "a resolved incident never absorbs alerts outside the window"
    assert (after.state, after.signal_count, after.flap_count) == (DETECTED, 1, 0)
    assert (before.earlier_incident_id, after.earlier_incident_id) == (None, before.incident_id)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_new_incident_names_the_earlier_one_wherever_its_worker_stopped(
    acme: Timeline, takes_effect: bool
) -> None:
    for crash_at in range(1, 40):
        acme = Timeline(await a_service_whose_incident_is_closed())
        crashing = Timeline(stepping(acme.services, Steps(crash_at, takes_effect)), deliveries=10)
        with contextlib.suppress(Crash):
            await crashing.deliver(41, fires(since=41))
        again = Timeline(acme.services, deliveries=10)
        await again.deliver(41, fires(since=41))
        before, after = await acme.incidents()
        assert after.earlier_incident_id == before.incident_id, f"the worker stopped at step {crash_at}"


async def a_service_whose_incident_is_closed() -> Services:
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant())
    acme = Timeline(services)
    await acme.deliver(0, fires())
    await acme.deliver(10, over(ends=10))
    return services


async def test_another_alert_of_the_service_reopens_inside_the_window_and_not_outside(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"))
    await acme.deliver(10, over("a", ends=10))
    await acme.deliver(30, fires("b", since=30))
    assert [one.flap_count for one in await acme.incidents()] == [1]
    await acme.deliver(31, over("b", since=30))
    await acme.deliver(62, fires("c", since=62))
    assert await acme.states() == [RESOLVED, DETECTED]


async def test_an_alert_that_waited_in_the_queue_reopens_what_was_open_when_it_was_received(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(10, over(ends=10))
    late = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId("rcp-late"),
        correlation_id="rcp-late",
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=at(30),
    ).with_body(json.dumps({"version": "4", "groupKey": GROUP, "alerts": [fires(since=30)]}).encode())
    await ingest(late, acme.services, now=at(90))
    assert await acme.states() == [DETECTED]


async def flap(acme: Timeline, times: int) -> None:
    """Fire so often, five minutes apart, for two minutes each; the last one goes on."""
    await acme.deliver(0, fires())
    for number in range(1, times):
        await acme.deliver(5 * number - 3, over(since=5 * (number - 1)))
        await acme.deliver(5 * number, fires(since=5 * number))


async def test_a_flapping_incident_is_damped_counted_and_shown(acme: Timeline) -> None:
    await flap(acme, 4)
    await acme.deliver(17, over(since=15))
    incident = await acme.incident()
    assert (incident.state, incident.held_open, incident.flap_count) == (DETECTED, "flapping", 3)
    page = await acme.services.incident_list.page(ACME, limit=1)
    assert page.items[0].flapping_until == at(60)


async def test_a_flapping_incident_asks_for_few_looks(acme: Timeline) -> None:
    await flap(acme, 4)
    assert acme.looks() == 3, "each firing until it flaps"
    for number in range(4, 9):
        await acme.deliver(5 * number - 3, over(since=5 * (number - 1)))
        await acme.deliver(5 * number, fires(since=5 * number))
    assert acme.looks() == 3, "at minute 20, 30 and 40"
    assert (await acme.incident()).flap_count == 8


async def test_a_flapping_incident_that_stays_calm_is_closed_after_the_damping_period(acme: Timeline) -> None:
    await flap(acme, 4)
    await acme.deliver(17, over(since=15))
    await acme.timer(17 + CALM_FOR / MINUTE - 1)
    assert await acme.states() == [DETECTED]
    await acme.timer(17 + CALM_FOR / MINUTE)
    assert await acme.states() == [RESOLVED]


async def test_status_resolved_with_truncated_alerts_closes_nothing(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"), truncated=35)
    await acme.deliver(10, over("a", ends=10), truncated=35)
    incident = await acme.incident()
    assert (incident.state, incident.firing_count, incident.held_open) == (DETECTED, 0, "truncated_alerts")


async def test_a_complete_list_of_the_group_closes_what_was_held_open(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"), truncated=35)
    await acme.deliver(10, over("a", ends=10), truncated=35)
    await acme.deliver(15, fires("b", since=5))
    await acme.deliver(20, over("b", since=5, ends=20))
    incident = await acme.incident()
    assert (incident.state, incident.held_open) == (RESOLVED, None)


async def test_a_complete_list_of_another_group_does_not_vouch_for_the_cut_one(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"), truncated=35)
    await acme.deliver(5, fires("b"), group="another")
    await acme.deliver(10, over("a", ends=10), truncated=35)
    await acme.deliver(20, over("b", ends=20), group="another")
    incident = await acme.incident()
    assert (incident.state, incident.held_open) == (DETECTED, "truncated_alerts")


async def test_silence_closes_what_a_cut_list_held_open(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"), truncated=35)
    await acme.deliver(10, over("a", ends=10), truncated=35)
    for minute in (24 * 60, 24 * 60 + 10):
        await acme.timer(minute)
    assert await acme.states() == [RESOLVED]


async def test_the_same_alert_from_both_alertmanagers_of_a_cluster_is_one_signal(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    before = await acme.incident()
    await acme.deliver(0.1, fires(), group="the other one's group key")
    assert await acme.incident() == before
    assert len(await acme.signals()) == 1


async def test_a_group_sent_again_with_one_new_alert_adds_that_one(acme: Timeline) -> None:
    await acme.deliver(0, fires("a"), fires("b"))
    await acme.deliver(5, fires("a"), fires("b"), fires("c", since=4))
    incident = await acme.incident()
    assert (incident.signal_count, incident.firing_count) == (3, 3)
    told = await acme.services.incidents.timeline(ACME, incident.incident_id)
    assert [len(one.signal_ids) for one in told if one.event is TimelineEvent.SIGNALS_JOINED] == [1]


async def test_a_replay_of_pagerduty_changes_nothing(acme: Timeline) -> None:
    for minute in (0, 1):
        await acme.page(minute, "triggered", said=0)
    for minute in (2, 3):
        await acme.page(minute, "acknowledged", said=2)
    before = await acme.incident()
    await acme.page(9, "triggered", said=0)
    await acme.page(10, "acknowledged", said=2)
    assert await acme.incident() == before
    assert (before.state, before.signal_count) == (IncidentState.ACKNOWLEDGED, 1)


async def test_events_of_pagerduty_in_the_wrong_order_end_with_the_last_word(acme: Timeline) -> None:
    await acme.page(6, "resolved", said=5)
    await acme.page(7, "triggered", said=0)
    assert await acme.states() == [RESOLVED]
    await acme.page(9, "reopened", said=8)
    await acme.page(10, "resolved", said=7)
    assert await acme.states() == [DETECTED]


async def test_a_withdrawn_acknowledgement_of_pagerduty_counts_in_either_order(acme: Timeline) -> None:
    await acme.page(0, "triggered", said=0)
    await acme.page(5, "unacknowledged", said=4)
    await acme.page(6, "acknowledged", said=2)
    assert await acme.states() == [DETECTED]


async def test_a_reopening_at_pagerduty_counts_however_soon_it_comes(acme: Timeline) -> None:
    await acme.page(0, "triggered", said=0)
    await acme.page(3, "resolved", said=3)
    await acme.page(4, "reopened", said=4)
    incident = await acme.incident()
    assert (incident.state, incident.flap_count) == (DETECTED, 1)


async def test_a_merge_at_pagerduty_into_one_we_do_not_know_is_inconclusive(acme: Timeline) -> None:
    await acme.page(0, "triggered", said=0)
    await acme.page(5, "resolved", said=5, merged_into="P-unknown")
    incident = await acme.incident()
    assert (incident.state, incident.resolved_at) == (IncidentState.INCONCLUSIVE, None)


WHO = Correcting(
    Envelope(tenant_id=ACME, receipt_id=ReceiptId("api-1"), correlation_id="api-1"), a_principal(), "merge_incident"
)


async def test_people_merge_what_belongs_together_and_it_stays_so(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(1, fires(service="search"))
    payment, search = await acme.incidents()
    await merge_incidents(WHO, search.incident_id, payment.incident_id, acme.services, now=at(2))
    await acme.deliver(3, fires("b", since=3, service="search"))
    merged = await acme.incident()
    assert (merged.incident_id, merged.signal_count) == (payment.incident_id, 3)


async def test_people_cannot_merge_an_incident_twice(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(1, fires(service="search"))
    payment, search = await acme.incidents()
    await merge_incidents(WHO, search.incident_id, payment.incident_id, acme.services, now=at(2))
    with pytest.raises(NotAllowed) as refused:
        await merge_incidents(WHO, search.incident_id, payment.incident_id, acme.services, now=at(3))
    assert refused.value.reason == "already_merged"


async def test_people_split_what_does_not_belong_together_and_it_stays_so(acme: Timeline) -> None:
    await acme.deliver(0, fires())
    await acme.deliver(1, fires(service="search"))
    payment, search = await acme.incidents()
    await merge_incidents(WHO, search.incident_id, payment.incident_id, acme.services, now=at(2))
    await split_incident(WHO, payment.incident_id, ["search"], acme.services, now=at(3))
    await acme.deliver(4, fires("b", since=4, service="search"))
    homes = {
        signal.service_name: one.incident_id for one in await acme.incidents() for signal in await acme.signals(one)
    }
    assert homes["payment"] == payment.incident_id
    assert homes["search"] not in {payment.incident_id, search.incident_id}
    assert sorted([one.signal_count for one in await acme.incidents()]) == [1, 2]
