"""The timer's pass and the checks it sends: nothing due is forgotten, and every check may run twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.memory import MemoryQueues, MemorySchedule, services_in_memory
from shared.errors import QueueUnavailable, SecretUnreadable, SourceUnavailable, StoreUnavailable
from shared.incidents.silence import schedule_auto_resolve
from shared.messages import Check, Envelope, QueueName
from shared.models.base import IncidentId
from shared.models.incidents import Incident, IncidentState, TimelineEvent
from shared.models.schedule import CHECK_AGAIN_AFTER, SHARDS, DueWork, WorkKind, shard_of
from shared.models.signals import Origin, Source
from shared.pipeline.due import check, check_of, send_due
from shared.ports.services import Services
from shared.ports.stores import IncidentChange
from tests.builders import ACME, GLOBEX, NOON, a_signal, an_alert, an_incident, resolved
from tests.crashing import Crash, Steps, stepping
from tests.unit.pipeline.scheduled import (
    INCIDENT,
    LATER,
    WINDOW,
    FakeApi,
    a_firing_signal,
    an_open_incident,
    fires_there,
    sent_to,
    services_with,
    with_alertmanager,
)


def checks_sent(services: Services) -> list[Check]:
    return [Check.decode(body) for body in sent_to(services, QueueName.CHECKS)]


async def put_many(services: Services) -> set[str]:
    made = [
        DueWork.of(tenant, WorkKind.AUTO_RESOLVE, f"inc-{number}", due_at=NOON, now=NOON)
        for tenant in (ACME, GLOBEX)
        for number in range(3)
    ]
    for work in made:
        await services.schedule.put(work.tenant_id, work)
    return {work.id for work in made}


async def test_a_check_is_sent_for_all_that_is_due_and_not_again_before_its_time() -> None:
    services = services_in_memory()
    wanted = await put_many(services)
    assert await send_due(services, now=NOON) == len(wanted)
    assert {one.work_id for one in checks_sent(services)} == wanted
    assert await send_due(services, now=NOON + CHECK_AGAIN_AFTER - timedelta(seconds=1)) == 0
    assert await send_due(services, now=NOON + CHECK_AGAIN_AFTER) == len(wanted), "the checks may have been lost"


async def test_work_that_is_not_due_is_left_alone() -> None:
    services = services_in_memory()
    await put_many(services)
    assert await send_due(services, now=NOON - timedelta(seconds=1)) == 0


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_the_timers_pass_forgets_nothing(takes_effect: bool) -> None:
    steps = Steps()
    counted = services_in_memory()
    await put_many(counted)
    await send_due(stepping(counted, steps), now=NOON)
    assert steps.taken == len(SHARDS) + 2 * 6
    for crash_at in range(1, steps.taken + 1):
        services = services_in_memory()
        wanted = await put_many(services)
        with pytest.raises(Crash):
            await send_due(stepping(services, Steps(crash_at, takes_effect)), now=NOON)
        await send_due(services, now=NOON + timedelta(minutes=1))
        assert {one.work_id for one in checks_sent(services)} == wanted


class OneShardDown(MemorySchedule):
    """One of the shards cannot be read."""

    def __init__(self, broken: str) -> None:
        super().__init__()
        self.broken = broken

    async def due(self, shard: str, now: datetime, *, limit: int) -> Any:
        if shard == self.broken:
            raise StoreUnavailable("down")
        return await super().due(shard, now, limit=limit)


async def test_a_shard_that_cannot_be_read_does_not_keep_the_others_from_being_sent() -> None:
    broken = SHARDS[0]
    services = replace(services_in_memory(), schedule=OneShardDown(broken))
    wanted = await put_many(services)
    await send_due(services, now=NOON)
    assert {one.work_id for one in checks_sent(services)} == {one for one in wanted if shard_of(one) != broken}


class RefusesOne(MemoryQueues):
    """A queue that does not take the messages of one tenant."""

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        if message.tenant_id == GLOBEX:
            raise QueueUnavailable("down")
        await super().send(queue, message, delay_seconds=delay_seconds)


async def test_what_could_not_be_sent_is_still_due() -> None:
    services = replace(services_in_memory(), queues=RefusesOne())
    await put_many(services)
    assert await send_due(services, now=NOON) == 3
    still_due = [held.value for shard in SHARDS for held in await services.schedule.due(shard, NOON, limit=9)]
    assert {work.tenant_id for work in still_due} == {GLOBEX}


async def check_now(services: Services, work: DueWork, now: datetime = LATER) -> None:
    await check(check_of(work), services, now=now)


async def incident_now(services: Services) -> Incident:
    held = await services.incidents.read(ACME, INCIDENT)
    assert held is not None
    return held.value


async def due_at(services: Services, work: DueWork) -> datetime | None:
    held = await services.schedule.read(ACME, work.id)
    return held.value.due_at if held else None


async def assert_resolved_once(services: Services) -> None:
    incident = await incident_now(services)
    assert (incident.state, incident.firing_count) == (IncidentState.RESOLVED, 0)
    events = [told.event for told in await services.incidents.timeline(ACME, INCIDENT)]
    assert events.count(TimelineEvent.RESOLVED) == 1
    (line,) = (await services.incident_list.page(ACME, limit=9)).items
    assert line.source_version == incident.version
    assert line.state is IncidentState.RESOLVED


async def test_an_incident_that_nobody_speaks_of_is_resolved_and_its_work_is_done() -> None:
    services = services_in_memory()
    work = await an_open_incident(services, a_firing_signal("a"), a_firing_signal("b"))
    await check_now(services, work)
    await assert_resolved_once(services)
    await check_now(services, work, LATER + WINDOW)
    assert await due_at(services, work) is None


async def test_the_timeline_says_that_silence_resolved_it_and_not_the_sender() -> None:
    services = services_in_memory()
    work = await an_open_incident(services, a_firing_signal())
    await check_now(services, work)
    timeline = await services.incidents.timeline(ACME, INCIDENT)
    (told,) = [one for one in timeline if one.event is TimelineEvent.SIGNALS_RESOLVED]
    assert Origin.SILENCE.value in told.reason


async def test_an_alert_that_was_heard_of_keeps_its_incident_open_until_it_is_silent_too() -> None:
    services = services_in_memory()
    heard = a_firing_signal("b", last_received_at=NOON + timedelta(minutes=10))
    work = await an_open_incident(services, a_firing_signal("a"), heard)
    await check_now(services, work)
    assert (await incident_now(services)).firing_count == 1
    assert await due_at(services, work) == LATER + timedelta(minutes=10)
    await check_now(services, work, LATER + timedelta(minutes=10))
    await assert_resolved_once(services)


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_after_any_step_of_a_check_resolves_once(takes_effect: bool) -> None:
    async def prepared() -> tuple[Services, DueWork]:
        services = services_in_memory()
        return services, await an_open_incident(services, a_firing_signal("a"), a_firing_signal("b"))

    steps = Steps()
    counted, work = await prepared()
    await check_now(stepping(counted, steps), work)
    assert steps.taken > 8, "the walk covers the whole check"
    for crash_at in range(1, steps.taken + 1):
        services, work = await prepared()
        with pytest.raises(Crash):
            await check_now(stepping(services, Steps(crash_at, takes_effect)), work)
        await check_now(services, work)
        await assert_resolved_once(services)
        await check_now(services, work, LATER + WINDOW)
        assert await due_at(services, work) is None


async def test_an_alert_of_pagerduty_stays_open_however_long_nothing_is_heard() -> None:
    services = services_in_memory()
    work = await an_open_incident(services, a_firing_signal(source=Source.PAGERDUTY))
    await check_now(services, work, LATER + 100 * WINDOW)
    assert (await incident_now(services)).is_open


@pytest.mark.parametrize(
    ("api", "stays_open"),
    [
        (FakeApi([fires_there()]), True),
        (FakeApi([fires_there("other")]), False),
        (FakeApi(down=SourceUnavailable("down")), True),
        (FakeApi(down=SecretUnreadable("odd")), True),
    ],
    ids=["it fires", "it is over", "no answer", "no key"],
)
async def test_a_source_with_an_api_has_the_last_word(api: FakeApi, stays_open: bool) -> None:
    services = services_with(int_1=api)
    await with_alertmanager(services, "int-1")
    work = await an_open_incident(services, a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1"))
    await check_now(services, work)
    assert (await incident_now(services)).is_open is stays_open


async def test_only_the_integration_that_an_alert_came_through_is_asked_about_it() -> None:
    services = services_with(int_1=FakeApi(), int_2=FakeApi([fires_there()]))
    await with_alertmanager(services, "int-1", "int-2")
    work = await an_open_incident(services, a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1"))
    await check_now(services, work)
    await assert_resolved_once(services)


async def test_an_alertmanager_without_an_api_is_judged_by_silence() -> None:
    services = services_in_memory()
    await with_alertmanager(services, "int-1")
    work = await an_open_incident(services, a_firing_signal(source=Source.ALERTMANAGER, integration_id="int-1"))
    await check_now(services, work)
    await assert_resolved_once(services)


async def test_an_incident_held_open_for_a_cut_list_is_closed_after_the_same_silence() -> None:
    services = services_in_memory()
    over = a_signal(resolved(an_alert()))
    work = await an_open_incident(services, over, held_open="truncated_alerts")
    await check_now(services, work, LATER - timedelta(seconds=1))
    assert (await incident_now(services)).is_open
    await check_now(services, work)
    await assert_resolved_once(services)


async def test_work_on_a_closed_incident_is_done() -> None:
    services = services_in_memory()
    work = await an_open_incident(services, a_firing_signal(), state=IncidentState.INCONCLUSIVE)
    await check_now(services, work)
    assert await due_at(services, work) is None
    assert (await incident_now(services)).firing_count == 1


async def test_work_on_a_merged_incident_goes_over_to_where_it_went() -> None:
    services = services_in_memory()
    target = an_incident(incident_id=IncidentId("inc-2"))
    await services.incidents.commit(ACME, IncidentChange(target, None))
    work = await an_open_incident(services, merged_into=IncidentId("inc-2"))
    await check_now(services, work)
    assert await due_at(services, work) is None
    assert await due_at(services, schedule_auto_resolve(None, target, now=NOON)) == LATER + WINDOW


async def test_an_incident_that_was_reopened_is_looked_after_by_the_work_of_that_opening() -> None:
    services = services_in_memory()
    first = await an_open_incident(services, a_firing_signal(), flap_count=1)
    stale = DueWork.of(ACME, WorkKind.AUTO_RESOLVE, INCIDENT, turn=0, due_at=NOON, now=NOON)
    await services.schedule.put(ACME, stale)
    await check_now(services, stale)
    assert await due_at(services, stale) is None
    assert await due_at(services, first) == first.due_at
