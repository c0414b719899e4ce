"""What every RecordStore promises."""

import uuid
from datetime import timedelta

import pytest

from shared.adapters.cosmos.records import CosmosRecords
from shared.adapters.memory import MemoryRecords
from shared.errors import AlreadyExists, Conflict, Malformed, StoreRejected
from shared.models.base import TenantId
from shared.models.tenants import Integration, Tenant, User
from shared.ports.records import RecordStore
from shared.ports.stores import Versioned
from tests.builders import NOON, a_tenant, an_entry, an_integration
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def records(request: pytest.FixtureRequest) -> RecordStore:
    if request.param == "memory":
        return MemoryRecords()
    return CosmosRecords(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


async def test_a_record_is_created_once_and_replaced_under_its_etag(records: RecordStore, tenant: TenantId) -> None:
    made = a_tenant(tenant_id=tenant)
    etag = await records.create(tenant, made)
    with pytest.raises(AlreadyExists):
        await records.create(tenant, made)
    changed = made.model_copy(update={"max_services": 10, "version": 2}).with_audit(an_entry())
    newer = await records.replace(tenant, changed, etag)
    held = await records.read(tenant, Tenant, tenant)
    assert held is not None
    assert (held.value, held.etag) == (changed, newer)
    with pytest.raises(Conflict):
        await records.replace(tenant, made, etag)


async def test_a_record_of_another_kind_or_tenant_is_not_found(records: RecordStore, tenant: TenantId) -> None:
    await records.create(tenant, a_tenant(tenant_id=tenant))
    assert await records.read(tenant, User, tenant) is None
    assert await records.read(TenantId(f"{tenant}-other"), Tenant, tenant) is None
    with pytest.raises(StoreRejected):
        await records.create(tenant, a_tenant())


async def test_a_removed_record_is_gone_and_can_be_removed_once(records: RecordStore, tenant: TenantId) -> None:
    made = an_integration(id="int-gone", tenant_id=tenant)
    etag = await records.create(tenant, made)
    with pytest.raises(Conflict):
        await records.delete(tenant, made.id, '"stale"')
    await records.delete(tenant, made.id, etag)
    assert await records.read(tenant, Integration, made.id) is None
    with pytest.raises(Conflict):
        await records.delete(tenant, made.id, etag)


async def test_pages_are_oldest_first_and_hold_every_record_of_the_kind_once(
    records: RecordStore, tenant: TenantId
) -> None:
    await records.create(tenant, a_tenant(tenant_id=tenant))
    for number in (3, 1, 2, 0):
        at = NOON + timedelta(seconds=number // 2)
        await records.create(tenant, an_integration(id=f"int-{number}", tenant_id=tenant, created_at=at))
    first = await records.page(tenant, Integration, limit=3)
    rest = await records.page(tenant, Integration, limit=3, cursor=first.cursor)
    assert [held.value.id for held in (*first.items, *rest.items)] == ["int-0", "int-1", "int-2", "int-3"]
    assert rest.cursor is None
    assert (await records.page(TenantId(f"{tenant}-other"), Integration, limit=3)).items == []
    with pytest.raises(Malformed):
        await records.page(tenant, Integration, limit=3, cursor="somebody's")


async def test_records_replaced_together_change_all_or_none(records: RecordStore, tenant: TenantId) -> None:
    first, second = a_tenant(tenant_id=tenant), an_integration(id="int-2", tenant_id=tenant)
    etags = [await records.create(tenant, one) for one in (first, second)]
    renamed = [one.model_copy(update={"name": "other"}) for one in (first, second)]
    with pytest.raises(Conflict):
        await records.replace_together(tenant, [Versioned(renamed[0], etags[0]), Versioned(renamed[1], '"stale"')])
    held = await records.read(tenant, Tenant, tenant)
    assert held is not None
    assert held.value == first
    await records.replace_together(tenant, [Versioned(*pair) for pair in zip(renamed, etags, strict=True)])
    with pytest.raises(Conflict):
        await records.replace_together(tenant, [Versioned(*pair) for pair in zip(renamed, etags, strict=True)])
    with pytest.raises(StoreRejected):
        await records.replace_together(tenant, [Versioned(a_tenant(), etags[0])])
