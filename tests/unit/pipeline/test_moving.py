"""Services move between incidents: a crash after any step leaves every alert in exactly one place."""

import asyncio
import random
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryQueues, services_in_memory
from shared.incidents.recording import Work
from shared.messages import Envelope, QueueName
from shared.models.base import IncidentId, ReceiptId
from shared.models.claims import EpisodeClaim, OpenIncidentClaim
from shared.models.correlation import Joined, Membership
from shared.models.incidents import Departure, Incident, TimelineEvent
from shared.models.signals import AlertStatus, Arrival
from shared.pipeline.moving import complete, move
from shared.pipeline.recording import record_in_incident
from shared.pipeline.table import attend_queue
from shared.ports.services import Services
from shared.signals.claims import new_claim
from tests.builders import ACME, NOON, ONE_SECOND, an_alert, an_arrival, resolved
from tests.crashing import Crash, Steps, stepping

ONE, TWO = IncidentId("inc-one"), IncidentId("inc-two")
LATER = NOON + timedelta(minutes=2)
MESSAGE = Envelope(tenant_id=ACME, receipt_id=ReceiptId("rcp-1"), correlation_id="rcp-1")


def of(service: str, name: str) -> Arrival:
    return an_arrival(an_alert(service_name=service, fingerprint=f"{service}-{name}"))


PAYMENT = [of("payment", str(number)) for number in range(50)]
CHECKOUT = [of("checkout", "a"), of("checkout", "b")]
SEARCH = [of("search", "a")]


async def recorded(services: Services, incident_id: IncidentId, arrivals: list[Arrival]) -> None:
    """Alerts that are claimed for an incident and recorded there, as ingestion does it."""
    for name in {one.alert.service_name for one in arrivals}:
        claim = OpenIncidentClaim(
            id=OpenIncidentClaim.id_for(name),
            tenant_id=ACME,
            service_name=name,
            incident_id=incident_id,
            created_at=NOON,
        )
        await services.claims.create(ACME, claim)
    await services.claims.take(ACME, [new_claim(one, incident_id, now=NOON, tenant_id=ACME) for one in arrivals])
    work = [Work(one, one.alert.signal_id) for one in arrivals]
    await record_in_incident(MESSAGE, incident_id, work, services, rerun=False, now=NOON)


async def two_incidents() -> Services:
    services = services_in_memory()
    await recorded(services, ONE, [*PAYMENT, *SEARCH])
    await recorded(services, TWO, CHECKOUT)
    return services


def departure(*names: str, target: IncidentId, opens: bool = False) -> Departure:
    why = Membership(reason=Joined.CORRELATED, score=0.8, leans_on="payment", at=LATER)
    return Departure(
        services=names, target=target, memberships=dict.fromkeys(names, why), opens_target=opens, at=LATER
    )


async def read(services: Services, incident_id: IncidentId) -> Incident:
    held = await services.incidents.read(ACME, incident_id)
    assert held is not None
    return held.value


async def signals_of(services: Services, incident_id: IncidentId) -> set[str]:
    held = await services.incidents.signals(ACME, incident_id)
    return {one.value.id for one in held}


def ids(arrivals: list[Arrival]) -> set[str]:
    return {one.alert.signal_id for one in arrivals}


async def assert_merged(services: Services) -> None:
    one, two = await read(services, ONE), await read(services, TWO)
    assert await signals_of(services, ONE) == ids([*PAYMENT, *SEARCH, *CHECKOUT])
    assert await signals_of(services, TWO) == set()
    assert (one.signal_count, one.firing_count) == (53, 53)
    assert (two.signal_count, two.firing_count, two.merged_into) == (0, 0, ONE)
    assert {node.service_name for node in one.services} == {"payment", "search", "checkout"}
    claims = await services.claims.episodes(ACME, [arrival.alert.episode for arrival in CHECKOUT])
    assert {held.value.incident_id for held in claims.values()} == {ONE}
    opened = await services.claims.open_incidents(ACME, ["checkout"])
    assert opened["checkout"].value.incident_id == ONE
    listed = await services.incident_list.page(ACME, limit=10)
    assert [summary.id for summary in listed.items] == [ONE]
    told = await services.incidents.timeline(ACME, TWO)
    assert [entry.event for entry in told].count(TimelineEvent.MERGED) == 1
    came = await services.incidents.timeline(ACME, ONE)
    assert [entry.event for entry in came].count(TimelineEvent.SERVICES_CAME) == 1


async def test_a_merge_takes_everything_along_and_leaves_a_redirect() -> None:
    services = await two_incidents()
    changed = await move(MESSAGE, TWO, departure("checkout", target=ONE), services, now=LATER)
    assert changed == {ONE, TWO}
    await assert_merged(services)
    moved = await services.incidents.signals(ACME, ONE, [CHECKOUT[0].alert.signal_id])
    assert moved[0].value.membership == departure("checkout", target=ONE).memberships["checkout"]


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_merge_survives_a_crash_after_any_step(takes_effect: bool) -> None:
    counting = Steps()
    wanted = departure("checkout", target=ONE)
    await move(MESSAGE, TWO, wanted, stepping(await two_incidents(), counting), now=LATER)
    assert counting.taken > 15, "the walk covers the whole move"
    for crash_at in range(1, counting.taken + 1):
        services = await two_incidents()
        with pytest.raises(Crash):
            await move(MESSAGE, TWO, wanted, stepping(services, Steps(crash_at, takes_effect)), now=LATER)
        await move(MESSAGE, TWO, wanted, services, now=LATER + ONE_SECOND)
        await complete(MESSAGE, TWO, services, now=LATER + ONE_SECOND)
        await assert_merged(services)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_move_that_nobody_asks_for_again_is_completed_by_its_check(takes_effect: bool) -> None:
    wanted = departure("checkout", target=ONE)
    for crash_at in range(1, 18):
        services = await two_incidents()
        with pytest.raises(Crash):
            await move(MESSAGE, TWO, wanted, stepping(services, Steps(crash_at, takes_effect)), now=LATER)
        queues = services.queues
        assert isinstance(queues, MemoryQueues)
        while body := queues.take(QueueName.CHECKS):
            await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=LATER + ONE_SECOND)
        held = [*await services.incidents.signals(ACME, ONE), *await services.incidents.signals(ACME, TWO)]
        assert len({one.value.id for one in held}) == len(held) == 53
        assert (await read(services, TWO)).departing is None


async def test_two_workers_that_merge_the_same_incidents_do_it_once() -> None:
    for _ in range(10):
        services = await two_incidents()
        wanted = departure("checkout", target=ONE)
        workers = [move(MESSAGE, TWO, wanted, stepping(services, Steps()), now=LATER) for _ in range(3)]
        await asyncio.gather(*workers)
        await assert_merged(services)


async def test_a_split_opens_an_incident_with_the_services_that_left() -> None:
    services = await two_incidents()
    new = IncidentId("inc-new")
    await move(MESSAGE, ONE, departure("payment", target=new, opens=True), services, now=LATER)
    kept, split = await read(services, ONE), await read(services, new)
    assert await signals_of(services, new) == ids(PAYMENT)
    assert await signals_of(services, ONE) == ids(SEARCH)
    assert (split.signal_count, split.firing_count, split.detected_at) == (50, 50, NOON)
    assert (kept.signal_count, kept.merged_into, kept.departed) == (1, None, {"payment": new})


async def test_services_that_went_and_came_back_are_where_they_began() -> None:
    services = await two_incidents()
    new = IncidentId("inc-new")
    await move(MESSAGE, ONE, departure("payment", target=new, opens=True), services, now=LATER)
    await move(MESSAGE, new, departure("payment", target=ONE), services, now=LATER + ONE_SECOND)
    one = await read(services, ONE)
    assert await signals_of(services, ONE) == ids([*PAYMENT, *SEARCH])
    assert (one.signal_count, one.departed) == (51, {})
    assert (await read(services, new)).merged_into == ONE


async def test_an_alert_recorded_under_an_old_claim_follows_its_service() -> None:
    services = await two_incidents()
    late = of("checkout", "late")
    await move(MESSAGE, TWO, departure("checkout", target=ONE), services, now=LATER)
    work = [Work(late, late.alert.signal_id)]
    recorded_in = await record_in_incident(MESSAGE, TWO, work, services, rerun=False, now=LATER)
    assert recorded_in.incident_ids == {ONE}
    assert late.alert.signal_id in await signals_of(services, ONE)
    assert await signals_of(services, TWO) == set()


async def test_alerts_that_arrive_during_a_merge_end_up_in_the_target_once() -> None:
    for seed in range(20):
        services = await two_incidents()
        order = random.Random(seed)
        late, over = of("checkout", "late"), resolved(CHECKOUT[0].alert)
        steps = Steps()

        async def arriving(services: Services = services, steps: Steps = steps, late: Arrival = late) -> None:
            for _ in range(order.randrange(12)):  # noqa: B023 -- awaited inside this round
                await asyncio.sleep(0)
            claim: EpisodeClaim = new_claim(late, TWO, now=NOON, tenant_id=ACME)
            await services.claims.take(ACME, [claim])
            works = [Work(late, late.alert.signal_id), Work(an_arrival(over), over.signal_id)]  # noqa: B023 -- as above
            await record_in_incident(MESSAGE, TWO, works, stepping(services, steps), rerun=False, now=LATER)

        moving = move(MESSAGE, TWO, departure("checkout", target=ONE), stepping(services, steps), now=LATER)
        await asyncio.gather(moving, arriving())
        one = await read(services, ONE)
        assert await signals_of(services, ONE) == ids([*PAYMENT, *SEARCH, *CHECKOUT, late])
        assert await signals_of(services, TWO) == set()
        assert (one.signal_count, one.firing_count) == (54, 53)
        held = await services.incidents.signals(ACME, ONE, [over.signal_id])
        assert held[0].value.status is AlertStatus.RESOLVED


async def test_a_move_into_an_incident_that_is_closed_is_not_begun() -> None:
    services = await two_incidents()
    ends = [Work(an_arrival(resolved(one.alert)), one.alert.signal_id) for one in CHECKOUT]
    await record_in_incident(MESSAGE, TWO, ends, services, rerun=False, now=LATER)
    assert await move(MESSAGE, ONE, departure("search", target=TWO), services, now=LATER) == frozenset()
    assert (await read(services, ONE)).departing is None
