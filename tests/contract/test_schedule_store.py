"""What every ScheduleStore promises."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.cosmos.client import Container
from shared.adapters.cosmos.schedule import CosmosSchedule
from shared.adapters.memory import MemorySchedule
from shared.errors import Conflict, StoreRejected
from shared.models.base import TenantId
from shared.models.schedule import SHARDS, DueWork, WorkKind
from shared.ports.schedule import ScheduleStore
from tests.builders import NOON
from tests.contract.conftest import BACKENDS

ONE_MINUTE = timedelta(minutes=1)


@pytest.fixture(params=BACKENDS)
def schedule(request: pytest.FixtureRequest) -> ScheduleStore:
    if request.param == "memory":
        return MemorySchedule()
    return CosmosSchedule(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def work_on(tenant: TenantId, subject: str = "inc-1", *, due_at: datetime = NOON, **changes: Any) -> DueWork:
    work = DueWork.of(tenant, WorkKind.AUTO_RESOLVE, subject, due_at=due_at, now=NOON)
    return work.model_copy(update=changes)


async def due_of(schedule: ScheduleStore, *tenants: TenantId, now: datetime = NOON) -> list[DueWork]:
    found = [held.value for shard in SHARDS for held in await schedule.due(shard, now, limit=1000)]
    return [work for work in found if work.tenant_id in tenants]


async def test_work_is_due_from_its_moment_on(schedule: ScheduleStore, tenant: TenantId) -> None:
    work = work_on(tenant)
    await schedule.put(tenant, work)
    assert await due_of(schedule, tenant, now=NOON - timedelta(microseconds=1)) == []
    assert await due_of(schedule, tenant) == [work]


async def test_work_of_all_tenants_is_found_shard_by_shard(schedule: ScheduleStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    made = [work_on(owner, f"inc-{number}") for owner in (tenant, other) for number in range(20)]
    for work in made:
        await schedule.put(work.tenant_id, work)
    found = await due_of(schedule, tenant, other)
    assert sorted(work.id for work in found) == sorted(work.id for work in made)
    assert len({work.shard for work in found}) > 4, "the work is spread"


async def test_the_longest_due_comes_first_and_no_more_than_asked(schedule: ScheduleStore, tenant: TenantId) -> None:
    shard, age = work_on(tenant).shard, timedelta(days=3650)
    made = [
        work_on(tenant, f"inc-{number}", due_at=NOON - age - number * ONE_MINUTE, shard=shard) for number in (2, 3, 1)
    ]
    for work in made:
        await schedule.put(tenant, work)
    found = await schedule.due(shard, NOON - age, limit=2)
    assert [held.value.subject for held in found] == ["inc-3", "inc-2"]


async def test_work_is_put_once_and_stands_as_it_was(schedule: ScheduleStore, tenant: TenantId) -> None:
    await schedule.put(tenant, work_on(tenant))
    await schedule.put(tenant, work_on(tenant, due_at=NOON + ONE_MINUTE))
    held = await schedule.read(tenant, work_on(tenant).id)
    assert held is not None
    assert held.value == work_on(tenant)


async def test_work_is_read_by_its_own_tenant_only(schedule: ScheduleStore, tenant: TenantId) -> None:
    await schedule.put(tenant, work_on(tenant))
    assert await schedule.read(TenantId(f"{tenant}-other"), work_on(tenant).id) is None
    assert await schedule.read(tenant, "due-none") is None


async def test_moved_work_is_due_later_and_a_stale_etag_is_refused(schedule: ScheduleStore, tenant: TenantId) -> None:
    await schedule.put(tenant, work_on(tenant))
    held = await schedule.read(tenant, work_on(tenant).id)
    assert held is not None
    later = work_on(tenant, due_at=NOON + ONE_MINUTE)
    etag = await schedule.replace(tenant, later, held.etag)
    assert await due_of(schedule, tenant) == []
    assert await due_of(schedule, tenant, now=NOON + ONE_MINUTE) == [later]
    with pytest.raises(Conflict):
        await schedule.replace(tenant, later, held.etag)
    await schedule.replace(tenant, later, etag)


async def test_done_work_is_gone_and_may_be_done_twice(schedule: ScheduleStore, tenant: TenantId) -> None:
    await schedule.put(tenant, work_on(tenant))
    held = await schedule.read(tenant, work_on(tenant).id)
    assert held is not None
    await schedule.done(tenant, held)
    await schedule.done(tenant, held)
    assert await schedule.read(tenant, work_on(tenant).id) is None


async def test_work_that_moved_is_not_removed_by_who_saw_it_before(schedule: ScheduleStore, tenant: TenantId) -> None:
    await schedule.put(tenant, work_on(tenant))
    held = await schedule.read(tenant, work_on(tenant).id)
    assert held is not None
    await schedule.replace(tenant, held.value, held.etag)
    with pytest.raises(Conflict):
        await schedule.done(tenant, held)
    assert await schedule.read(tenant, work_on(tenant).id) is not None


async def test_work_of_another_tenant_is_refused(schedule: ScheduleStore, tenant: TenantId) -> None:
    with pytest.raises(StoreRejected):
        await schedule.put(TenantId(f"{tenant}-other"), work_on(tenant))


async def test_work_of_a_kind_that_a_newer_version_put_is_left_to_it(
    schedule: ScheduleStore, tenant: TenantId
) -> None:
    await schedule.put(tenant, work_on(tenant))
    newer = {**work_on(tenant, "inc-2", shard=work_on(tenant).shard).to_stored(), "kind": "of_tomorrow"}
    if isinstance(schedule, MemorySchedule):
        schedule._documents.create((newer["shard"],), newer)
    else:
        assert isinstance(schedule, CosmosSchedule)
        container: Container = schedule._container
        await container.create((newer["shard"],), newer)
    assert await due_of(schedule, tenant) == [work_on(tenant)]
