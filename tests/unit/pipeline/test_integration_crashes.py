"""A worker stops at any step of a change: an integration, its credential and its work agree in the end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.access.principals import Principal, RequestedFrom
from shared.adapters.memory import services_in_memory
from shared.errors import StoreUnavailable
from shared.messages import QueueName
from shared.models.base import document_id
from shared.models.schedule import WorkKind
from shared.models.tenants import Integration, IntegrationType, Role
from shared.models.wanted import InboundWanted, IntegrationWanted
from shared.pipeline import integrations
from shared.pipeline.secrets_of_senders import add_secret, remove_secret
from shared.pipeline.settling import credential_for, work_on, works_of
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.ports.stores import Versioned
from tests.builders import ACME, NOON, a_tenant
from tests.crashing import Crash, Steps, stepping

LATER = NOON + timedelta(minutes=1)


def somebody(request_id: str) -> Principal:
    return Principal(ACME, "oid", "a@acme.example", Role.ADMIN, RequestedFrom(request_id=request_id))


FIRST = somebody("made")
WANTED = IntegrationWanted.model_validate(
    {
        "integration_type": IntegrationType.ALERTMANAGER,
        "name": "n",
        "inbound": InboundWanted(),
        "connection": {"url": "https://am.example.com"},
    }
)
Change = Callable[[Services, Versioned[Integration]], Awaitable[object]]


async def the_one(services: Services) -> Versioned[Integration] | None:
    page = await services.records.page(ACME, Integration, limit=10)
    assert len(page.items) <= 1
    return page.items[0] if page.items else None


@dataclass
class World:
    """A tenant with one integration that has two secrets."""

    services: Services

    @classmethod
    async def made(cls) -> "World":
        services = services_in_memory()
        await services.directory.put(ACME, a_tenant(alerts_per_minute=77))
        await integrations.create(FIRST, WANTED, services, run_id="made", now=NOON)
        await change_of(services, add)
        await cls(services).settled()
        return cls(services)

    async def settled(self) -> None:
        """What was promised is kept, and kept twice: the host may deliver any message again."""
        for body in [one.body for one in self.services.queues.waiting[QueueName.CHECKS]]:  # type: ignore[attr-defined]  # they are in memory
            if b"settle" in body:
                for _ in range(2):
                    await attend_queue(QueueName.CHECKS, body, self.services, dequeue_count=1, now=LATER)

    async def assert_agrees(self) -> None:
        held = await the_one(self.services)
        if held is None:
            assert await self.services.lookups.inbound(integration_id()) is None
            return
        credential = await self.services.lookups.inbound(held.value.id)
        assert credential == await credential_for(held.value, self.services)
        for kind in (WorkKind.RECONCILE, WorkKind.HEALTH):
            work = await self.services.schedule.read(ACME, work_on(held.value, kind, now=NOON).id)
            assert (work is not None) == (kind in works_of(held.value)), kind

    async def assert_accepts_no_more_than_the_record_says(self) -> None:
        held, credential = await the_one(self.services), await self.services.lookups.inbound(integration_id())
        if credential is None or not credential.is_active:
            return
        assert held is not None, "nothing is accepted for an integration that is not there"
        assert held.value.is_active
        known = {one.token_hash for one in held.value.inbound.secrets} if held.value.inbound else set()
        assert set(credential.token_hashes) <= known


def integration_id() -> str:
    return document_id("int", ACME, "made")


async def change_of(services: Services, change: Change) -> None:
    held = await the_one(services)
    assert held is not None
    await change(services, held)


async def add(services: Services, held: Versioned[Integration]) -> None:
    await add_secret(somebody("added"), held, services, given=None, run_id="added", now=NOON)


async def remove(services: Services, held: Versioned[Integration]) -> None:
    assert held.value.inbound
    secret_id = held.value.inbound.secrets[0].secret_id
    await remove_secret(somebody("removed"), held, secret_id, services, now=NOON)


async def switch_off(services: Services, held: Versioned[Integration]) -> None:
    await integrations.set_active(somebody("off"), held, services, is_active=False, now=NOON)


async def delete(services: Services, held: Versioned[Integration]) -> None:
    await integrations.delete(somebody("deleted"), held, services, now=NOON)


async def steps_of(change: Change) -> int:
    world, steps = await World.made(), Steps()
    held = await the_one(world.services)
    assert held is not None
    await change(as_worker(world.services, steps), held)
    return steps.taken


def as_worker(services: Services, steps: Steps) -> Services:
    # What decides about URLs is no I/O and no step.
    return replace(stepping(services, steps), connections=services.connections)


@pytest.mark.parametrize("change", [remove, switch_off, delete])
async def test_whatever_step_a_worker_stops_at_all_agrees_in_the_end(change: Change) -> None:
    for crash_at in range(1, await steps_of(change) + 1):
        for takes_effect in (False, True):
            world = await World.made()
            held = await the_one(world.services)
            assert held is not None
            with pytest.raises(Crash):
                await change(as_worker(world.services, Steps(crash_at, takes_effect)), held)
            await world.assert_accepts_no_more_than_the_record_says()
            await world.settled()
            await world.assert_agrees()
            await assert_a_retry_completes(world, change)


async def assert_a_retry_completes(world: World, change: Change) -> None:
    """The caller saw an error, reads again and asks again."""
    held = await integrations.find(ACME, integration_id(), world.services)
    if held is not None and held.value.is_active and held.value.inbound and len(held.value.inbound.secrets) == 2:
        await change(world.services, held)
    await world.assert_accepts_no_more_than_the_record_says()
    await world.assert_agrees()


async def test_a_creation_that_stops_half_way_is_whole_or_nothing() -> None:
    counting = Steps()
    services = services_in_memory()
    await services.directory.put(ACME, a_tenant(alerts_per_minute=77))
    await integrations.create(FIRST, WANTED, as_worker(services, counting), run_id="made", now=NOON)
    for crash_at in range(1, counting.taken + 1):
        for takes_effect in (False, True):
            world = World(services_in_memory())
            await world.services.directory.put(ACME, a_tenant(alerts_per_minute=77))
            worker = as_worker(world.services, Steps(crash_at, takes_effect))
            with pytest.raises(Crash):
                await integrations.create(FIRST, WANTED, worker, run_id="made", now=NOON)
            await world.assert_accepts_no_more_than_the_record_says()
            await world.settled()
            await world.assert_agrees()


async def test_a_check_that_comes_before_its_change_looks_again() -> None:
    world = World(services_in_memory())
    worker = as_worker(world.services, Steps(await step_of_the_record()))
    with pytest.raises(Crash):
        await integrations.create(FIRST, WANTED, worker, run_id="made", now=NOON)
    queue = world.services.queues.waiting[QueueName.CHECKS]  # type: ignore[attr-defined]  # they are in memory
    (promise,) = [one.body for one in queue if b"settle" in one.body]
    queue.clear()
    looks = 0
    while promise:
        await attend_queue(QueueName.CHECKS, promise, world.services, dequeue_count=1, now=LATER)
        looks += 1
        assert all(one.delay_seconds == 60 for one in queue)
        promise = queue.popleft().body if queue else None
    assert looks == 5


async def step_of_the_record() -> int:
    """The step at which a new integration's record is created."""
    for number in range(1, 30):
        services = services_in_memory()
        worker = as_worker(services, Steps(number, takes_effect=True))
        with pytest.raises(Crash):
            await integrations.create(FIRST, WANTED, worker, run_id="made", now=NOON)
        if await the_one(services):
            return number
    raise AssertionError("the record is never created")


async def test_what_fails_after_the_record_is_left_to_the_check_and_the_secret_is_not_lost() -> None:
    class Down:
        async def put_inbound(self, credential: object) -> None:
            raise StoreUnavailable("down")

    services = services_in_memory()
    broken = replace(services, lookups=Down())  # type: ignore[arg-type]  # only what is asked of it
    made = await integrations.create(FIRST, WANTED, broken, run_id="made", now=NOON)
    assert made.secret is not None
    world = World(services)
    assert await services.lookups.inbound(made.integration.id) is None
    await world.settled()
    await world.assert_agrees()
