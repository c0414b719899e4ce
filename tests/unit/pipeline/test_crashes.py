"""Two workers, duplicate deliveries, a crash after every single step: one of everything, always."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.messages import Ingest, QueueName
from shared.models.base import ReceiptId
from shared.models.incidents import Incident, IncidentState, TimelineEvent
from shared.models.receipts import Outcome
from shared.models.signals import AlertStatus, Source
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, NOON
from tests.crashing import Crash, Steps, stepping

ALERTS = (("payment", "a"), ("payment", "b"), ("checkout", "c"))


def a_body(status: str = "firing") -> bytes:
    alerts = [
        {
            "status": status,
            "labels": {"alertname": f"Alert{name}", "service": service, "severity": "critical"},
            "startsAt": "2026-11-23T11:59:00Z",
            "endsAt": "2026-11-23T12:05:00Z",
            "fingerprint": name,
        }
        for service, name in ALERTS
    ]
    return json.dumps({"version": "4", "groupKey": "g", "alerts": alerts}).encode()


def a_delivery(receipt: str, status: str = "firing") -> bytes:
    message = Ingest(
        tenant_id=ACME,
        receipt_id=ReceiptId(receipt),
        correlation_id=receipt,
        integration_id="int-1",
        source=Source.ALERTMANAGER,
        received_at=NOON,
    )
    return message.with_body(a_body(status)).encode()


async def work(services: Services, queue: QueueName, body: bytes) -> Ending:
    return await attend_queue(queue, body, services, dequeue_count=1, now=NOON + timedelta(seconds=1))


async def work_and_crash(services: Services, queue: QueueName, body: bytes, steps: Steps) -> None:
    with pytest.raises(Crash):
        await work(stepping(services, steps), queue, body)


async def drain(services: Services) -> None:
    """Work off the queues behind `signals`, each message twice: the host may deliver any of them again."""
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    for queue in (QueueName.CONTEXT, QueueName.HYPOTHESES):
        while body := queues.take(queue):
            assert await work(services, queue, body) is Ending.DONE
            assert await work(services, queue, body) is Ending.DONE


async def incidents_of(services: Services) -> dict[str, Incident]:
    page = await services.incident_list.page(ACME, limit=100)
    found = {}
    for summary in page.items:
        held = await services.incidents.read(ACME, summary.id)
        assert held is not None
        assert summary.source_version == held.value.version, "the list has the latest version"
        assert held.value.service_name not in found, "one incident a service"
        found[held.value.service_name] = held.value
    return found


async def assert_one_of_everything(services: Services, *, receipts: tuple[str, ...], resolved: bool = False) -> None:
    incidents = await incidents_of(services)
    assert {name: one.signal_count for name, one in incidents.items()} == {"payment": 2, "checkout": 1}
    for incident in incidents.values():
        await assert_complete(services, incident, resolved=resolved)
    parts = [part for receipt in receipts for part in await services.receipts.parts(ACME, receipt)]
    assert len(parts) == len(receipts)
    assert all(sum(part.outcomes.values()) == len(ALERTS) for part in parts)
    assert sum(part.outcomes.get(Outcome.CREATED, 0) for part in parts) == len(ALERTS)
    for queue in QueueName:
        assert await services.dead_letters.letters(ACME, queue) == []


async def assert_complete(services: Services, incident: Incident, *, resolved: bool) -> None:
    signals = await services.incidents.signals(ACME, incident.incident_id)
    firing = [one for one in signals if one.value.status is AlertStatus.FIRING]
    assert len(signals) == incident.signal_count
    assert len(firing) == incident.firing_count == (0 if resolved else incident.signal_count)
    timeline = await services.incidents.timeline(ACME, incident.incident_id)
    events = [entry.event for entry in timeline]
    assert events.count(TimelineEvent.OPENED) == 1
    assert events.count(TimelineEvent.CONTEXT_FROZEN) == 1
    assert events.count(TimelineEvent.RESOLVED) == int(resolved)
    answers = await services.incidents.all_hypotheses(ACME, incident.incident_id)
    assert sorted(answer.reason for answer in answers) == ["model_not_configured", "ranked"]
    assert incident.latest_hypotheses_id in {answer.id for answer in answers}


async def steps_of(queue: QueueName, body: bytes, services: Services) -> int:
    steps = Steps()
    await work(stepping(services, steps), queue, body)
    return steps.taken


async def steps_of_a_delivery() -> int:
    return await steps_of(QueueName.SIGNALS, a_delivery("rcp-1"), services_in_memory())


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_a_delivery_leaves_one_of_everything(takes_effect: bool) -> None:
    total = await steps_of_a_delivery()
    assert total > 15, "the walk covers the whole story"
    for crash_at in range(1, total + 1):
        services = services_in_memory()
        await work_and_crash(services, QueueName.SIGNALS, a_delivery("rcp-1"), Steps(crash_at, takes_effect))
        await work(services, QueueName.SIGNALS, a_delivery("rcp-2"))
        await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
        await drain(services)
        await assert_one_of_everything(services, receipts=("rcp-1", "rcp-2"))


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_two_crashes_on_copies_of_a_delivery_leave_one_of_everything(takes_effect: bool) -> None:
    total = await steps_of_a_delivery()
    for first in range(1, total + 1, 3):
        for second in range(1, total // 2, 4):
            services = services_in_memory()
            await work_and_crash(services, QueueName.SIGNALS, a_delivery("rcp-1"), Steps(first, takes_effect))
            steps = Steps(second, takes_effect)
            try:
                await work(stepping(services, steps), QueueName.SIGNALS, a_delivery("rcp-2"))
            except Crash:
                await work(services, QueueName.SIGNALS, a_delivery("rcp-2"))
            await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
            await drain(services)
            await assert_one_of_everything(services, receipts=("rcp-1", "rcp-2"))


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_a_resolution_resolves_once(takes_effect: bool) -> None:
    services = services_in_memory()
    await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
    total = await steps_of(QueueName.SIGNALS, a_delivery("rcp-2", "resolved"), services)
    for crash_at in range(1, total + 1):
        services = services_in_memory()
        await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
        await drain(services)
        over = a_delivery("rcp-2", "resolved")
        await work_and_crash(services, QueueName.SIGNALS, over, Steps(crash_at, takes_effect))
        await work(services, QueueName.SIGNALS, over)
        await drain(services)
        await assert_one_of_everything(services, receipts=("rcp-1", "rcp-2"), resolved=True)


@pytest.mark.parametrize("queue", [QueueName.CONTEXT, QueueName.HYPOTHESES])
@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_behind_the_signals_leaves_one_of_everything(
    queue: QueueName,
    takes_effect: bool,
) -> None:
    crash_at = 0
    crashed = True
    while crashed:
        crash_at += 1
        services = services_in_memory()
        await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
        crashed = await crash_one(services, queue, Steps(crash_at, takes_effect))
        await drain(services)
        await assert_one_of_everything(services, receipts=("rcp-1",))
    assert crash_at > 4, "the walk covers the whole stage"


async def crash_one(services: Services, queue: QueueName, steps: Steps) -> bool:
    """Crash on the first message of a queue and put it back; False when the stage ended before the crash."""
    queues = services.queues
    assert isinstance(queues, MemoryQueues)
    if queue is QueueName.HYPOTHESES:
        while body := queues.take(QueueName.CONTEXT):
            await work(services, QueueName.CONTEXT, body)
    body = queues.take(queue)
    assert body is not None
    try:
        await work(stepping(services, steps), queue, body)
    except Crash:
        await queues.send_raw(queue, body)
        return True
    return False


@pytest.mark.parametrize("seed", range(40))
async def test_workers_that_run_at_the_same_time_leave_one_of_everything(seed: int) -> None:
    chance = random.Random(seed)
    services = services_in_memory()
    assert isinstance(services.queues, MemoryQueues)
    receipts = tuple(f"rcp-{number}" for number in range(1, 5))

    async def worker(receipt: str) -> None:
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        steps = Steps(crash_at=chance.randrange(1, 40), takes_effect=chance.random() < 0.5)
        try:
            await work(stepping(services, steps), QueueName.SIGNALS, a_delivery(receipt))
        except Crash:
            await work(stepping(services, Steps()), QueueName.SIGNALS, a_delivery(receipt))

    await asyncio.gather(*(worker(receipt) for receipt in receipts))
    while body := services.queues.take(QueueName.SIGNALS):
        await work(services, QueueName.SIGNALS, body)
    await drain(services)
    await assert_one_of_everything(services, receipts=receipts)


class Meddling(Steps):
    """Somebody gives up on the open incident right before one of the steps."""

    def __init__(self, services: Services, *, at_step: int) -> None:
        super().__init__()
        self._services = services
        self._at_step = at_step

    async def take(self, call: Callable[[], Any]) -> Any:
        if self.taken + 1 == self._at_step:
            await give_up(self._services)
        return await super().take(call)


async def give_up(services: Services) -> None:
    for summary in (await services.incident_list.page(ACME, limit=10)).items:
        held = await services.incidents.read(ACME, summary.id)
        assert held is not None
        given_up = {"state": IncidentState.INCONCLUSIVE, "version": held.value.version + 1}
        await services.incidents.commit(ACME, IncidentChange(held.value.model_copy(update=given_up), held.etag))


def a_second_alert() -> bytes:
    body = json.loads(a_body())
    body["alerts"] = [{**body["alerts"][0], "fingerprint": "later", "startsAt": "2026-11-23T11:59:30Z"}]
    message = Ingest.model_validate_json(a_delivery("rcp-2"))
    return message.with_body(json.dumps(body).encode()).encode()


async def open_states(services: Services, fingerprint: str) -> list[bool]:
    """Whether the incidents that hold an alert are open."""
    found = []
    for summary in (await services.incident_list.page(ACME, limit=10)).items:
        held = await services.incidents.read(ACME, summary.id)
        assert held is not None
        signals = await services.incidents.signals(ACME, summary.id)
        found += [held.value.state.is_open for one in signals if one.value.fingerprint == fingerprint]
    return found


@pytest.mark.parametrize("crash", [True, False], ids=["a worker that stopped", "a worker in between"])
async def test_an_alert_whose_incident_is_closed_before_it_is_recorded_fires_in_another_one(crash: bool) -> None:
    outcomes = []
    for step in range(1, 30):
        services = services_in_memory()
        await work(services, QueueName.SIGNALS, a_delivery("rcp-1"))
        steps = Steps(step) if crash else Meddling(services, at_step=step)
        with contextlib.suppress(Crash):
            await work(stepping(services, steps), QueueName.SIGNALS, a_second_alert())
        was_recorded = bool(await open_states(services, "later"))
        if crash:
            await give_up(services)
        for _ in range(2):
            # The list of incidents may not know of it yet when it is tried again.
            await work(services, QueueName.SIGNALS, a_second_alert())
        where = await open_states(services, "later")
        assert len(where) == 1, f"recorded {len(where)} times at step {step}"
        assert where == [True] or was_recorded, f"recorded where nobody looks, at step {step}"
        outcomes.append((was_recorded, where[0]))
    assert (False, True) in outcomes, "at some step it had to go elsewhere"
