"""Connected systems are asked again and again: what fails less often, and no many of them at the cost of others."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.memory import services_in_memory
from shared.errors import KeysUnavailable, SecretUnreadable
from shared.messages import QueueName
from shared.models.base import IntegrationId, TenantId
from shared.models.connections import ConnectionConfig
from shared.models.schedule import DueWork, WorkKind
from shared.models.tenants import Integration, IntegrationType
from shared.pipeline.due import check_of, send_due
from shared.pipeline.health import MAX_AT_ONCE, UNREADABLE, pace
from shared.pipeline.settling import settle
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.connections import Finding, Reason
from shared.ports.services import Services
from tests.builders import ACME, NOON, an_integration
from tests.unit.pipeline.scheduled import sent_to

GOOD = Finding(Reason.REACHED, "Fine.", "3.1")
ILL = Finding(Reason.TIMEOUT, "There was no complete answer in time.")
MINUTE = timedelta(minutes=1)


@dataclass
class Systems:
    """Answers the same each time, when it is let."""

    finding: Finding = GOOD
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def admit(self, url: str) -> None:
        raise AssertionError(f"{url} was saved before")

    async def check(self, tenant_id: TenantId, kind: IntegrationType, config: ConnectionConfig) -> Finding:
        self.asked += 1
        await self.gate.wait()
        return self.finding


async def services_with(systems: Systems, *ids: str, **changes: Any) -> Services:
    services = replace(services_in_memory(), connections=systems)
    for one in ids:
        sealed = await services.secret_box.seal(ACME, IntegrationId(one), '{"url": "https://prom.example.com"}')
        fields = {"integration_type": IntegrationType.PROMETHEUS, "config": sealed, **changes}
        await services.records.create(ACME, an_integration(id=one, **fields))
        await settle(ACME, IntegrationId(one), services, now=NOON)
    return services


async def pass_at(services: Services, now: datetime) -> int:
    """What the timer and the queue do: everything that is due is looked at."""
    await send_due(services, now=now)
    bodies = sent_to(services, QueueName.CHECKS)
    for body in bodies:
        assert await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=now) is Ending.DONE
    return len(bodies)


async def kept(services: Services, integration_id: str = "int-p") -> Integration:
    held = await services.records.read(ACME, Integration, integration_id)
    assert held is not None
    return held.value


async def work_of(services: Services, integration_id: str = "int-p") -> DueWork | None:
    work = DueWork.of(ACME, WorkKind.HEALTH, integration_id, due_at=NOON, now=NOON)
    held = await services.schedule.read(ACME, work.id)
    return held.value if held else None


async def test_a_system_that_answers_is_healthy_since_then() -> None:
    services = await services_with(Systems(), "int-p")
    await pass_at(services, NOON)
    found = await kept(services)
    assert (found.is_healthy, found.last_sync_at, found.last_error, found.version) == (True, NOON, None, 1)


async def test_a_system_that_fails_is_ill_with_the_reason_and_keeps_the_time_it_was_last_well() -> None:
    systems = Systems()
    services = await services_with(systems, "int-p")
    await pass_at(services, NOON)
    systems.finding = ILL
    await pass_at(services, NOON + 5 * MINUTE)
    found = await kept(services)
    assert (found.is_healthy, found.last_sync_at, found.last_error) == (False, NOON, ILL.message)


async def test_what_fails_is_asked_ever_more_rarely_and_what_is_well_every_five_minutes() -> None:
    for finding, expected in ((GOOD, range(85, 100)), (ILL, range(8, 16))):
        systems = Systems(finding)
        services = await services_with(systems, "int-p")
        for minute in range(8 * 60):
            await pass_at(services, NOON + minute * MINUTE)
        assert systems.asked in expected, finding.reason


async def test_a_system_that_flaps_is_asked_no_more_often_than_one_that_is_well() -> None:
    systems = Systems()
    services = await services_with(systems, "int-p")
    for minute in range(8 * 60):
        systems.finding = ILL if systems.asked % 2 else GOOD
        await pass_at(services, NOON + minute * MINUTE)
    assert systems.asked <= 97


def test_the_pace_stays_within_five_minutes_and_an_hour() -> None:
    work = DueWork.of(ACME, WorkKind.HEALTH, "int-p", due_at=NOON, now=NOON)
    for is_good, end in ((False, timedelta(hours=1)), (True, 5 * MINUTE)):
        for _ in range(20):
            work = work.model_copy(update={"every_seconds": pace(work, is_good=is_good).total_seconds()})
        assert work.every_seconds == end.total_seconds()


async def test_many_systems_that_swallow_questions_leave_room_for_other_checks() -> None:
    systems = Systems(ILL)
    systems.gate.clear()
    ids = [f"int-{number}" for number in range(10)]
    services = await services_with(systems, *ids)
    await send_due(services, now=NOON)
    bodies = sent_to(services, QueueName.CHECKS)
    attending = [
        asyncio.create_task(attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=NOON))
        for body in bodies
    ]
    for _ in range(300):
        await asyncio.sleep(0)
    assert sum(task.done() for task in attending) == len(ids) - MAX_AT_ONCE, "the others do not wait"
    systems.gate.set()
    await asyncio.gather(*attending)
    works = [await work_of(services, one) for one in ids]
    put_off = [work for work in works if work and work.due_at == NOON + MINUTE]
    assert (len(put_off), systems.asked) == (len(ids) - MAX_AT_ONCE, MAX_AT_ONCE)
    systems.finding = GOOD
    await pass_at(services, NOON + MINUTE)
    assert systems.asked == len(ids), "one after another is asked a minute later"


async def test_a_fault_of_our_own_is_nobodys_illness() -> None:
    class NoKeys:
        async def open(self, *_: object) -> str:
            raise KeysUnavailable("down")

    services = await services_with(Systems(), "int-p")
    broken = replace(services, secret_box=NoKeys())  # type: ignore[arg-type]  # only what is asked of it
    work = await work_of(services)
    assert work is not None
    ending = await attend_queue(QueueName.CHECKS, check_of(work).encode(), broken, dequeue_count=1, now=NOON)
    assert ending is Ending.SENT_AGAIN
    assert (await kept(services)).is_healthy is None


async def test_a_connection_that_cannot_be_opened_is_ill_in_words() -> None:
    class Altered:
        async def open(self, *_: object) -> str:
            raise SecretUnreadable("altered")

    services = await services_with(Systems(), "int-p")
    await pass_at(replace(services, secret_box=Altered()), NOON)  # type: ignore[arg-type]  # only what is asked
    assert (await kept(services)).last_error == UNREADABLE


async def test_work_on_what_is_gone_or_switched_off_ends() -> None:
    for changes in ({"is_active": False}, {"config": None}):
        systems = Systems()
        services = await services_with(systems, "int-p")
        held = await services.records.read(ACME, Integration, "int-p")
        assert held is not None
        await services.records.replace(ACME, held.value.model_copy(update=changes), held.etag)
        await pass_at(services, NOON)
        assert (await work_of(services), systems.asked) == (None, 0)
    services = await services_with(Systems(), "int-p")
    held = await services.records.read(ACME, Integration, "int-p")
    assert held is not None
    await services.records.delete(ACME, "int-p", held.etag)
    await pass_at(services, NOON)
    assert await work_of(services) is None
