"""From a change to its place in the chain: sealed once, never lost, whoever seals and wherever a worker stops."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.access.audit_verify import Finding
from shared.adapters.memory import MemoryAuditTrail, MemoryQueues, services_in_memory
from shared.errors import Conflict, QueueUnavailable, StoreUnavailable
from shared.messages import Check, Envelope, QueueName
from shared.models.audit import MAX_PENDING, AuditAction, AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.audit_log import AuditLog, AuditOutcome
from shared.models.base import TenantId
from shared.models.tenants import Tenant
from shared.pipeline.audit_reading import Report, read_trail, verify
from shared.pipeline.auditing import announce, append, record_view
from shared.pipeline.sealing import grow
from shared.pipeline.stages import Ending
from shared.pipeline.table import attend_queue
from shared.ports.audit import Wanted
from shared.ports.services import Services
from tests.builders import ACME, GLOBEX, NOON, ONE_SECOND, a_principal, a_tenant
from tests.crashing import Crash, Steps, stepping

WHERE = AuditWhere(home=AuditHome.DIRECTORY, id=ACME)
MONTH = "2026-11"
LATER = NOON + timedelta(hours=1)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def an_entry(name: str = "1", **changes: Any) -> AuditEntry:
    entry = a_principal().entry("update_tenant", AuditAction.UPDATE, "tenant", ACME, after={"name": name}, now=NOON)
    return entry.model_copy(update={"entry_id": f"aud-{name}", **changes})


async def a_served_tenant(*tenants: TenantId) -> Services:
    services = services_in_memory()
    for tenant_id in tenants or (ACME,):
        await services.records.create(tenant_id, a_tenant(tenant_id=tenant_id))
    return services


async def rename(services: Services, entry: AuditEntry, tenant_id: TenantId = ACME) -> None:
    """A change as the API makes it: announced, then written with its entry; again when somebody else was quicker."""
    await announce(tenant_id, entry, AuditWhere(home=AuditHome.DIRECTORY, id=tenant_id), services)
    for _ in range(30):
        held = await services.records.read(tenant_id, Tenant, tenant_id)
        assert held is not None
        renamed = held.value.model_copy(update={"name": str(entry.after["name"]), "version": held.value.version + 1})
        try:
            await services.records.replace(tenant_id, renamed.with_audit(entry), held.etag)
        except Conflict:
            continue
        return
    raise AssertionError("never got to write")


async def check(services: Services, body: bytes, *, now: datetime = LATER) -> Ending:
    return await attend_queue(QueueName.CHECKS, body, services, dequeue_count=1, now=now)


def checks(services: Services) -> MemoryQueues:
    assert isinstance(services.queues, MemoryQueues)
    return services.queues


async def work_off(services: Services, *, start: datetime = NOON + ONE_SECOND) -> None:
    """Attend to the checks, each again a minute later while it asks for it."""
    for minute in range(15):
        waiting = [one.body for one in checks(services).waiting["checks"]]
        checks(services).waiting["checks"].clear()
        for body in waiting:
            await check(services, body, now=start + timedelta(minutes=minute))


async def chain_of(services: Services, tenant_id: TenantId = ACME, month: str = MONTH) -> list[AuditLog]:
    stored = await services.audit.chain(tenant_id, month, after="", limit=1000)
    return [AuditLog.from_stored(one) for one in stored]


async def outcomes_of(services: Services, tenant_id: TenantId = ACME) -> list[tuple[str, AuditOutcome]]:
    return [(one.entry_id, one.outcome) for one in await chain_of(services, tenant_id)]


async def verified(services: Services, tenant_id: TenantId = ACME, month: str = MONTH) -> Report:
    return await verify(tenant_id, month, services, now=LATER)


async def assert_whole(services: Services, tenant_id: TenantId = ACME) -> None:
    report = await verified(services, tenant_id)
    assert (report.findings, report.unsealed) == ([], [])
    assert await services.audit.pending(tenant_id, AuditWhere(home=AuditHome.DIRECTORY, id=tenant_id)) == []


async def tenant_of(services: Services) -> Tenant:
    held = await services.records.read(ACME, Tenant, ACME)
    assert held is not None
    return held.value


async def test_a_change_is_sealed_and_leaves_its_document_otherwise_untouched() -> None:
    services = await a_served_tenant()
    await rename(services, an_entry())
    before = await tenant_of(services)
    await work_off(services)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.DONE)]
    assert await tenant_of(services) == before.model_copy(update={"audit_pending": ()})
    await assert_whole(services)


async def test_announcing_is_one_create_and_one_message() -> None:
    services = await a_served_tenant()
    steps = Steps()
    await announce(ACME, an_entry(), WHERE, stepping(services, steps))
    assert steps.taken == 3, "the terms, which a process keeps, the announcement and the check"
    (sent,) = checks(services).waiting["checks"]
    assert Check.decode(sent.body).subject == MONTH
    assert sent.delay_seconds > 0


async def test_one_check_seals_all_that_its_document_carries() -> None:
    services = await a_served_tenant()
    for name in ("1", "2", "3"):
        await rename(services, an_entry(name))
    first, second, third = checks(services).waiting["checks"]
    assert await check(services, third.body) is Ending.DONE
    assert [one for one, _ in await outcomes_of(services)] == ["aud-1", "aud-2", "aud-3"]
    for again in (first, second, third):
        assert await check(services, again.body) is Ending.DONE
    assert len(await chain_of(services)) == 3
    await assert_whole(services)


async def test_a_change_that_may_still_be_written_is_waited_for_and_then_sealed_as_done() -> None:
    services = await a_served_tenant()
    await announce(ACME, an_entry(), WHERE, services)
    body = checks(services).take("checks")
    assert body is not None
    assert await check(services, body, now=NOON + ONE_SECOND) is Ending.SENT_AGAIN
    assert await chain_of(services) == []
    await rename(services, an_entry())
    await work_off(services)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.DONE)]


async def test_a_change_that_was_refused_is_never_shown_as_done() -> None:
    services = await a_served_tenant()
    await announce(ACME, an_entry(), WHERE, services)
    with pytest.raises(Conflict):
        await services.records.replace(ACME, (await tenant_of(services)).with_audit(an_entry()), '"stale"')
    await work_off(services)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.NOT_CARRIED_OUT)]
    await assert_whole(services)


async def test_a_change_that_is_written_after_it_was_given_up_is_told_as_well() -> None:
    services = await a_served_tenant()
    await announce(ACME, an_entry(), WHERE, services)
    await work_off(services)
    await rename(services, an_entry())
    await work_off(services, start=LATER)
    assert [outcome for _, outcome in await outcomes_of(services)] == [
        AuditOutcome.NOT_CARRIED_OUT,
        AuditOutcome.DONE,
    ]
    await assert_whole(services)


async def test_what_was_deleted_with_its_document_is_said_to_be_gone() -> None:
    services = await a_served_tenant()
    entry = an_entry(action=AuditAction.DELETE)
    await announce(ACME, entry, WHERE, services)
    held = await services.records.read(ACME, Tenant, ACME)
    assert held is not None
    await services.records.delete(ACME, ACME, held.etag)
    body = checks(services).take("checks")
    assert body is not None
    assert await check(services, body, now=NOON + ONE_SECOND) is Ending.DONE
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.GONE)]


async def test_a_change_whose_document_was_deleted_before_it_was_sealed_is_not_lost() -> None:
    services = await a_served_tenant()
    await rename(services, an_entry())
    held = await services.records.read(ACME, Tenant, ACME)
    assert held is not None
    await services.records.delete(ACME, ACME, held.etag)
    await work_off(services)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.NOT_THERE)]


async def test_an_entry_that_somebody_wrote_into_a_document_is_sealed_as_unannounced() -> None:
    services = await a_served_tenant()
    held = await services.records.read(ACME, Tenant, ACME)
    assert held is not None
    forged = an_entry("forged", user_id="victim", at=datetime(9999, 12, 31, tzinfo=UTC))
    await services.records.replace(ACME, held.value.with_audit(forged), held.etag)
    await rename(services, an_entry("2"))
    await work_off(services)
    assert await outcomes_of(services) == [("aud-forged", AuditOutcome.UNANNOUNCED), ("aud-2", AuditOutcome.DONE)]


async def test_an_announcement_that_somebody_forged_does_not_make_an_entry_done() -> None:
    services = await a_served_tenant()
    entry = an_entry("forged", user_id="victim", at=datetime(9999, 12, 31, tzinfo=UTC))
    forged = AuditIntent.of(ACME, entry, WHERE, ttl=60)
    await services.audit.intend(ACME, forged)
    await services.queues.send(
        QueueName.CHECKS,
        Check(
            tenant_id=ACME,
            receipt_id=forged.id,  # type: ignore[arg-type]  # any id will do
            correlation_id="c",
            work_id=forged.id,
            kind="seal_audit",  # type: ignore[arg-type]  # as it travels
            subject=forged.month,
        ),
    )
    await work_off(services)
    assert await outcomes_of(services) == [("aud-forged", AuditOutcome.UNANNOUNCED)]


async def test_a_check_whose_announcement_never_came_is_given_up() -> None:
    services = await a_served_tenant()
    await announce(ACME, an_entry(), WHERE, services)
    emptied = replace(services, audit=services_in_memory().audit)
    body = checks(services).take("checks")
    assert body is not None
    assert await check(emptied, body) is Ending.SENT_AGAIN
    late = Check.decode(body).model_copy(update={"attempt": 6})
    assert await check(emptied, late.encode()) is Ending.DONE


class DeafQueues(MemoryQueues):
    """Takes no message."""

    async def send(self, queue: QueueName, message: Envelope, *, delay_seconds: float = 0) -> None:
        raise QueueUnavailable("down")


async def test_an_announcement_whose_check_could_not_be_sent_is_sealed_once_somebody_verifies() -> None:
    services = await a_served_tenant()
    with pytest.raises(QueueUnavailable):
        await announce(ACME, an_entry(), WHERE, replace(services, queues=DeafQueues()))
    report = await verified(services)
    assert [(one.entry.entry_id, overdue) for one, overdue in report.unsealed] == [("aud-1", True)]
    await work_off(services, start=LATER)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.NOT_CARRIED_OUT)]
    await assert_whole(services)


async def test_a_document_with_too_many_unsealed_entries_takes_no_further_change() -> None:
    tenant = a_tenant()
    for number in range(MAX_PENDING):
        tenant = tenant.with_audit(an_entry(str(number)))
    with pytest.raises(StoreUnavailable):
        tenant.with_audit(an_entry("more"))
    assert Tenant.from_stored(tenant.to_stored()) == tenant


# A worker stops at any step.


@pytest.mark.parametrize("takes_effect", [False, True])
async def test_a_crash_at_any_step_of_a_change_leaves_its_entry_sealed_once_and_true(takes_effect: bool) -> None:
    total = await steps_of(lambda services: rename(services, an_entry()))
    for crash_at in range(1, total + 1):
        services = await a_served_tenant()
        with pytest.raises(Crash):
            await rename(stepping(services, Steps(crash_at, takes_effect)), an_entry())
        await settle_tasks()
        await work_off(services)
        await verified(services)
        await work_off(services, start=LATER)
        is_announced = await services.audit.intent(ACME, MONTH, AuditIntent.id_for("aud-1")) is not None
        is_written = (await tenant_of(services)).name == "1"
        outcome = AuditOutcome.DONE if is_written else AuditOutcome.NOT_CARRIED_OUT
        assert await outcomes_of(services) == ([("aud-1", outcome)] if is_announced else [])
        assert is_announced or not is_written
        await assert_whole(services)


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("is_written", [True, False])
async def test_a_sealer_that_stops_at_any_step_leaves_every_entry_sealed_once(
    takes_effect: bool, is_written: bool
) -> None:
    crash_at, crashed = 0, True
    while crashed:
        crash_at += 1
        services = await a_served_tenant()
        await (rename(services, an_entry()) if is_written else announce(ACME, an_entry(), WHERE, services))
        await rename(services, an_entry("2"))
        first, second = [one.body for one in checks(services).waiting["checks"]]
        try:
            await check(stepping(services, Steps(crash_at, takes_effect)), first)
            crashed = False
        except Crash:
            pass
        # The host gives the message that was worked on back, beside the one that waits.
        for body in (first, second):
            assert await check(services, body) is Ending.DONE
        outcome = AuditOutcome.DONE if is_written else AuditOutcome.NOT_CARRIED_OUT
        assert sorted(await outcomes_of(services)) == [("aud-1", outcome), ("aud-2", AuditOutcome.DONE)]
        await assert_whole(services)
    assert crash_at > 8, "the walk covers the whole story"


async def steps_of(story: Callable[[Services], Awaitable[None]]) -> int:
    steps = Steps()
    await story(stepping(await a_served_tenant(), steps))
    return steps.taken


async def settle_tasks() -> None:
    """Let what was begun beside the step that crashed come to its end, as it would in a process that is stopping."""
    for _ in range(5):
        await asyncio.sleep(0)


# Several at once.


async def test_two_sealers_of_the_same_change_seal_it_once() -> None:
    services = await a_served_tenant()
    await rename(services, an_entry())
    body = checks(services).take("checks")
    assert body is not None
    await asyncio.gather(*(check(stepping(services, Steps()), body) for _ in range(4)))
    await work_off(services, start=LATER)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.DONE)]
    await assert_whole(services)


async def test_processes_that_do_not_know_of_each_other_never_seal_an_entry_twice() -> None:
    services = await a_served_tenant()
    await asyncio.gather(
        *(
            grow(ACME, an_entry(str(name)), AuditOutcome.DONE, stepping(services, Steps()), now=LATER)
            for name in (1, 2, 3, 1, 2, 3)
        )
    )
    assert sorted(one.entry_id for one in await chain_of(services)) == ["aud-1", "aud-2", "aud-3"]
    await assert_whole(services)


@dataclass
class Dawdling(Steps):
    """Each step takes its time, so that those of others come in between in any order."""

    chance: random.Random | None = None

    async def take(self, call: Callable[[], Any]) -> Any:
        for _ in range(self.chance.randrange(4) if self.chance else 0):
            await asyncio.sleep(0)
        return await super().take(call)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), writers=st.integers(1, 4), appenders=st.integers(0, 4), sealers=st.integers(1, 3))
def test_whoever_writes_and_seals_in_whatever_order_the_chain_is_whole(
    seed: int, writers: int, appenders: int, sealers: int
) -> None:
    asyncio.run(everybody_at_once(random.Random(seed), writers, appenders, sealers))


async def everybody_at_once(chance: random.Random, writers: int, appenders: int, sealers: int) -> None:
    services = await a_served_tenant()

    def dawdling() -> Services:
        return stepping(services, Dawdling(chance=chance))

    async def sealer() -> None:
        for _ in range(12):
            body = checks(services).take("checks")
            if body is not None:
                await check(dawdling(), body, now=NOON + ONE_SECOND)
            await asyncio.sleep(0)

    async def appender(name: str) -> None:
        await grow(ACME, an_entry(name), AuditOutcome.DONE, dawdling(), now=NOON)

    await asyncio.gather(
        *(rename(dawdling(), an_entry(f"w{one}")) for one in range(writers)),
        *(appender(f"a{one}") for one in range(appenders)),
        *(sealer() for _ in range(sealers)),
    )
    await work_off(services)
    expected = {f"aud-w{one}" for one in range(writers)} | {f"aud-a{one}" for one in range(appenders)}
    sealed = await outcomes_of(services)
    assert sorted(sealed) == sorted((one, AuditOutcome.DONE) for one in expected)
    await assert_whole(services)


class OvertakenTrail(MemoryAuditTrail):
    """Right after one of its answers, another process seals the same entry."""

    def __init__(self, after: str) -> None:
        super().__init__()
        self.after = after

    async def overtake(self, after: str) -> None:
        if self.after == after:
            self.after = "never again"
            services = replace(services_in_memory(), audit=self)
            await grow(ACME, an_entry(), AuditOutcome.DONE, services, now=LATER)

    async def tail(self, tenant_id: TenantId, month: str) -> AuditLog | None:
        answer = await super().tail(tenant_id, month)
        await self.overtake("tail" if month == MONTH else "tail of an earlier month")
        return answer

    async def sealed(self, tenant_id: TenantId, month: str, entry_id: str) -> list[Mapping[str, Any]]:
        answer = await super().sealed(tenant_id, month, entry_id)
        await self.overtake("sealed")
        return answer


@pytest.mark.parametrize("after", ["tail", "sealed", "tail of an earlier month"])
async def test_who_is_overtaken_at_any_moment_does_not_seal_the_entry_again(after: str) -> None:
    services = replace(services_in_memory(), audit=OvertakenTrail(after))
    await grow(ACME, an_entry(), AuditOutcome.DONE, services, now=LATER)
    assert await outcomes_of(services) == [("aud-1", AuditOutcome.DONE)]


class CrowdedTrail(MemoryAuditTrail):
    """Somebody else always takes the place first."""

    async def add(self, tenant_id: TenantId, log: AuditLog) -> None:
        other = log.model_copy(update={"entry_id": f"aud-other-{log.sequence}"})
        await super().add(tenant_id, other)
        await super().add(tenant_id, log)


async def test_who_is_never_quick_enough_says_so_and_is_asked_again() -> None:
    services = replace(services_in_memory(), audit=CrowdedTrail())
    with pytest.raises(Conflict) as refused:
        await append(ACME, an_entry(), services, NOON)
    assert (refused.value.reason, refused.value.retryable) == ("audit_chain_busy", True)


async def test_an_announcement_that_somebody_touched_is_named_and_breaks_nothing() -> None:
    services = await a_served_tenant()
    for name in ("1", "2"):
        await rename(services, an_entry(name))
    assert isinstance(services.audit, MemoryAuditTrail)
    partition = services.audit.documents._partitions[(ACME, MONTH)]
    first, second = sorted(partition)
    body, etag = partition[first]
    partition[first] = (body.replace("dana", "eve"), etag)
    partition[second] = (f'{{"id": "{second}", "type": "audit_intent"}}', etag)
    report = await verified(services)
    assert [(one.finding, one.place) for one in report.findings] == [
        (Finding.ALTERED, first),
        (Finding.ALTERED, second),
    ]


# Months and tenants.


async def test_a_change_belongs_to_the_month_it_was_made_in_although_it_is_sealed_in_the_next() -> None:
    services = await a_served_tenant()
    last_moment = NEW_YEAR - ONE_SECOND
    await rename(services, an_entry("old", at=last_moment))
    await append(ACME, an_entry("new", at=NEW_YEAR), services, NEW_YEAR)
    await work_off(services, start=NEW_YEAR + ONE_SECOND)
    assert [one.entry_id for one in await chain_of(services, month="2026-12")] == ["aud-old"]
    assert [one.entry_id for one in await chain_of(services, month="2027-01")] == ["aud-new"]
    for month in ("2026-12", "2027-01"):
        report = await verify(ACME, month, services, now=NEW_YEAR)
        assert report.findings == []


async def test_the_first_entry_of_a_month_names_the_end_of_the_latest_before_it_so_that_a_cut_shows() -> None:
    services = await a_served_tenant()
    for name in ("1", "2", "3"):
        await append(ACME, an_entry(name), services, NOON)
    await append(ACME, an_entry("4", at=NEW_YEAR), services, NEW_YEAR)
    third = (await chain_of(services))[-1]
    (first,) = await chain_of(services, month="2027-01")
    assert first.earlier is not None
    assert (first.earlier.month, first.earlier.count, first.earlier.hash) == (MONTH, 3, third.hash)
    report = await verify(ACME, MONTH, services, now=NEW_YEAR)
    assert (report.findings, report.known_end) == ([], first.earlier)
    cut(services, "0000000003")
    forge(services, "2027-01", "0000000000")
    report = await verify(ACME, MONTH, services, now=NEW_YEAR)
    assert [(one.finding, one.sequence) for one in report.findings] == [(Finding.REMOVED, 3)]


def cut(services: Services, place: str) -> None:
    assert isinstance(services.audit, MemoryAuditTrail)
    del services.audit.documents._partitions[(ACME, MONTH)][place]


def forge(services: Services, month: str, place: str) -> None:
    assert isinstance(services.audit, MemoryAuditTrail)
    forged = {"id": place, "type": "audit_log", "tenant_id": ACME, "month": month}
    services.audit.documents.create((ACME, month), forged)


async def test_another_tenants_trail_is_never_seen() -> None:
    services = await a_served_tenant(ACME, GLOBEX)
    await rename(services, an_entry("acme"))
    await rename(services, an_entry("globex"), GLOBEX)
    await work_off(services)
    for tenant_id, name in ((ACME, "aud-acme"), (GLOBEX, "aud-globex")):
        assert [one for one, _ in await outcomes_of(services, tenant_id)] == [name]
        assert (await verified(services, tenant_id)).entries == 1
        wanted = Wanted(start=NOON - timedelta(days=1), end=LATER)
        page = await read_trail(tenant_id, wanted, services, limit=10, behind=None, now=LATER)
        assert [one.log.entry_id for one in page.items] == [name]


async def test_the_trail_is_read_newest_first_across_months_page_by_page() -> None:
    services = services_in_memory()
    moments = [datetime(2026, month, day, tzinfo=UTC) for month in (8, 10, 11) for day in (1, 9, 20)]
    for number, at in enumerate(moments):
        await append(ACME, an_entry(str(number), at=at), services, at)
    wanted = Wanted(start=moments[1], end=moments[-1])
    read, behind = [], None
    for _ in range(10):
        page = await read_trail(ACME, wanted, services, limit=2, behind=behind, now=NEW_YEAR)
        read += [one.log.entry_id for one in page.items]
        behind = page.end
        if behind is None:
            break
    assert read == [f"aud-{number}" for number in range(7, 0, -1)]


async def test_a_view_is_sealed_with_who_asked_for_what() -> None:
    services = services_in_memory()
    await record_view(a_principal(), "download_payload", "payload", "rcp-1", services, now=NOON, asked={"bytes": 3})
    (sealed,) = await chain_of(services)
    assert (sealed.user_id, sealed.action, sealed.outcome) == ("dana", AuditAction.VIEW, AuditOutcome.DONE)
    assert (sealed.resource_id, sealed.after, sealed.request_id) == ("rcp-1", {"bytes": 3}, "req-1")
