"""What every DirectoryStore and LookupStore promises."""

import uuid
from datetime import timedelta

import pytest

from shared.adapters.cosmos.stores import CosmosDirectory, CosmosLookups
from shared.adapters.memory import MemoryDirectory, MemoryLookups
from shared.errors import StoreRejected
from shared.models.base import IntegrationId, TenantId
from shared.models.tenants import IntegrationType, Role, User
from shared.ports.stores import DirectoryStore, LookupStore
from tests.builders import NOON, a_credential, a_tenant, an_integration
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def directory(request: pytest.FixtureRequest) -> DirectoryStore:
    if request.param == "memory":
        return MemoryDirectory()
    return CosmosDirectory(request.getfixturevalue("database"))


@pytest.fixture(params=BACKENDS)
def lookups(request: pytest.FixtureRequest) -> LookupStore:
    if request.param == "memory":
        return MemoryLookups()
    return CosmosLookups(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def a_user(tenant: TenantId, object_id: str) -> User:
    return User(
        id=User.id_of(object_id),
        tenant_id=tenant,
        email="a@example.com",
        entra_object_id=object_id,
        full_name="A",
        role=Role.ENGINEER,
        created_at=NOON,
    )


async def test_a_tenant_is_read_back_and_can_be_changed(directory: DirectoryStore, tenant: TenantId) -> None:
    assert await directory.tenant(tenant) is None
    await directory.put(tenant, a_tenant(tenant_id=tenant))
    await directory.put(tenant, a_tenant(tenant_id=tenant, is_active=False))
    assert await directory.tenant(tenant) == a_tenant(tenant_id=tenant, is_active=False)


async def test_a_user_is_found_by_object_id_in_the_own_tenant_only(
    directory: DirectoryStore, tenant: TenantId
) -> None:
    await directory.put(tenant, a_user(tenant, "one"))
    await directory.put(tenant, a_user(tenant, "two"))
    assert await directory.user_by_object_id(tenant, "two") == a_user(tenant, "two")
    assert await directory.user_by_object_id(tenant, "three") is None
    assert await directory.user_by_object_id(TenantId(f"{tenant}-other"), "two") is None


async def test_integrations_of_a_kind_are_the_active_ones_oldest_first(
    directory: DirectoryStore, tenant: TenantId
) -> None:
    kinds = [("b", IntegrationType.PROMETHEUS, 2), ("a", IntegrationType.PROMETHEUS, 1), ("c", "alertmanager", 0)]
    for name, kind, age in kinds:
        made = an_integration(
            id=f"int-{name}", tenant_id=tenant, integration_type=kind, created_at=NOON + timedelta(hours=age)
        )
        await directory.put(tenant, made)
    gone = an_integration(
        id="int-gone", tenant_id=tenant, integration_type=IntegrationType.PROMETHEUS, is_active=False
    )
    await directory.put(tenant, gone)
    found = await directory.integrations(tenant, IntegrationType.PROMETHEUS)
    assert [one.id for one in found] == ["int-a", "int-b"]
    assert await directory.integrations(TenantId(f"{tenant}-other"), IntegrationType.PROMETHEUS) == []


async def test_a_record_of_another_tenant_is_refused(directory: DirectoryStore, tenant: TenantId) -> None:
    with pytest.raises(StoreRejected):
        await directory.put(tenant, a_tenant())


async def test_lookups_lead_from_an_outside_id_to_its_tenant(lookups: LookupStore, tenant: TenantId) -> None:
    outside = uuid.uuid4().hex
    assert await lookups.inbound(outside) is None
    assert await lookups.tenant_of_entra(outside) is None
    credential = a_credential(tenant_id=tenant, integration_id=outside, token_hashes=("a" * 64, "b" * 64))
    await lookups.put_inbound(credential)
    await lookups.put_entra(outside, tenant)
    assert await lookups.inbound(outside) == credential
    assert await lookups.tenant_of_entra(outside) == tenant


async def test_the_same_ids_under_two_tenants_are_two_records(directory: DirectoryStore, tenant: TenantId) -> None:
    other = TenantId(f"{tenant}-other")
    for owner, name in ((tenant, "ours"), (other, "theirs")):
        kind = IntegrationType.PROMETHEUS
        await directory.put(owner, an_integration(tenant_id=owner, name=name, integration_type=kind))
        await directory.put(owner, a_user(owner, "one").model_copy(update={"full_name": name}))
    for owner, name in ((tenant, "ours"), (other, "theirs")):
        assert [one.name for one in await directory.integrations(owner, IntegrationType.PROMETHEUS)] == [name]
        user = await directory.user_by_object_id(owner, "one")
        assert user is not None
        assert (user.tenant_id, user.full_name) == (owner, name)


@pytest.mark.parametrize("odd", ["", "../x", "a/b", "a?b", "x" * 2000])
async def test_an_outside_id_that_none_can_have_leads_nowhere(lookups: LookupStore, odd: str) -> None:
    assert await lookups.inbound(odd) is None
    assert await lookups.tenant_of_entra(odd) is None


async def test_a_credential_of_an_older_version_of_its_integration_is_not_kept(
    lookups: LookupStore, tenant: TenantId
) -> None:
    outside = uuid.uuid4().hex
    made_of = {"tenant_id": tenant, "integration_id": outside}
    newer = a_credential(**made_of, source_version=3, is_active=False)
    await lookups.put_inbound(a_credential(**made_of, source_version=2))
    await lookups.put_inbound(newer)
    await lookups.put_inbound(a_credential(**made_of, source_version=2))
    assert await lookups.inbound(outside) == newer
    same_version = newer.model_copy(update={"is_active": True})
    await lookups.put_inbound(same_version)
    assert await lookups.inbound(outside) == same_version


async def test_a_credential_that_is_removed_is_unknown_and_may_be_removed_again(
    lookups: LookupStore, tenant: TenantId
) -> None:
    outside = uuid.uuid4().hex
    await lookups.put_inbound(a_credential(tenant_id=tenant, integration_id=outside))
    for _ in range(2):
        await lookups.remove_inbound(outside)
        assert await lookups.inbound(outside) is None


async def test_a_delivery_is_noted_to_within_five_minutes_and_changes_nothing_else(
    directory: DirectoryStore, tenant: TenantId
) -> None:
    known = an_integration(tenant_id=tenant)
    await directory.put(tenant, known)
    integration_id = IntegrationId(known.id)
    for minutes, noted in ((0, 0), (1, 0), (4.9, 0), (6, 6), (3, 6)):
        await directory.note_delivery(tenant, integration_id, at=NOON + timedelta(minutes=minutes))
        found = await directory.integration(tenant, integration_id)
        assert found == known.model_copy(update={"last_delivery_at": NOON + timedelta(minutes=noted)})


async def test_a_delivery_of_an_unknown_integration_is_noted_nowhere(
    directory: DirectoryStore, tenant: TenantId
) -> None:
    await directory.note_delivery(tenant, IntegrationId("int-gone"), at=NOON)
    assert await directory.integration(tenant, IntegrationId("int-gone")) is None


async def test_a_slug_and_a_directory_belong_to_who_claims_them_first(lookups: LookupStore, tenant: TenantId) -> None:
    name, other = uuid.uuid4().hex, TenantId(f"{tenant}-other")
    assert await lookups.tenant_of_slug(name) is None
    for claimant in (tenant, tenant, other):
        assert await lookups.claim_slug(name, claimant) == tenant
        assert await lookups.claim_entra(name, claimant) == tenant
    assert await lookups.tenant_of_slug(name) == tenant
    assert await lookups.tenant_of_entra(name) == tenant


async def test_a_quota_changes_alone_and_only_for_its_tenant(lookups: LookupStore, tenant: TenantId) -> None:
    outside = uuid.uuid4().hex
    credential = a_credential(tenant_id=tenant, integration_id=outside, token_hashes=("a" * 64,))
    assert not await lookups.set_quota(tenant, outside, 7)
    await lookups.put_inbound(credential)
    assert not await lookups.set_quota(TenantId(f"{tenant}-other"), outside, 7)
    assert await lookups.set_quota(tenant, outside, 7)
    assert await lookups.inbound(outside) == credential.model_copy(update={"alerts_per_minute": 7})
