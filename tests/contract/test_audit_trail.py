"""What every AuditTrail promises."""

import uuid

import pytest

from shared.adapters.cosmos.audit import CosmosAuditTrail
from shared.adapters.memory import MemoryAuditTrail
from shared.errors import StoreRejected
from shared.models.audit import AuditAction, AuditEntry, AuditHome, AuditIntent, AuditWhere
from shared.models.base import TenantId
from shared.ports.audit import AuditTrail
from tests.builders import NOON
from tests.contract.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def trail(request: pytest.FixtureRequest) -> AuditTrail:
    if request.param == "memory":
        return MemoryAuditTrail()
    return CosmosAuditTrail(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def an_intent(tenant: TenantId) -> AuditIntent:
    entry = AuditEntry(
        entry_id=f"aud-{tenant}",
        at=NOON,
        user_id="oid-1",
        event_type="update_tenant",
        action=AuditAction.UPDATE,
        resource_type="tenant",
        resource_id=tenant,
        request_id="req-1",
    )
    return AuditIntent.of(tenant, entry, AuditWhere(home=AuditHome.DIRECTORY, id=tenant), ttl=60)


async def test_an_intent_may_be_kept_twice_and_only_for_its_own_tenant(trail: AuditTrail, tenant: TenantId) -> None:
    await trail.intend(tenant, an_intent(tenant))
    await trail.intend(tenant, an_intent(tenant))
    with pytest.raises(StoreRejected):
        await trail.intend(tenant, an_intent(TenantId("ten-other")))
