"""What every ConventionStore promises."""

import uuid
from typing import Any

import pytest

from shared.adapters.cosmos.conventions import CosmosConventions
from shared.adapters.memory.conventions import MemoryConventions
from shared.errors import StoreRejected
from shared.models.base import IntegrationId, TenantId
from shared.models.conventions import Detected, Gone
from shared.ports.conventions import ConventionStore
from tests.builders import NOON, ONE_SECOND
from tests.contract.conftest import BACKENDS

PROMETHEUS = IntegrationId("int-1")


@pytest.fixture(params=BACKENDS)
def conventions(request: pytest.FixtureRequest) -> ConventionStore:
    if request.param == "memory":
        return MemoryConventions()
    return CosmosConventions(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


def detected(tenant: TenantId, **changes: Any) -> Detected:
    fields: dict[str, Any] = {
        "id": Detected.id_for(PROMETHEUS),
        "tenant_id": tenant,
        "integration_id": PROMETHEUS,
        "found": {"otel_http/job": ("shop/checkout", 'odd"/name')},
        "gone": (Gone(binding="grpc/job", name="search", seen_at=NOON),),
        "updated_at": NOON,
    }
    return Detected(**{**fields, **changes})


async def test_what_was_detected_is_read_back(conventions: ConventionStore, tenant: TenantId) -> None:
    assert await conventions.detected(tenant, PROMETHEUS) is None
    await conventions.keep(tenant, detected(tenant))
    assert await conventions.detected(tenant, PROMETHEUS) == detected(tenant)


async def test_the_later_write_stays(conventions: ConventionStore, tenant: TenantId) -> None:
    await conventions.keep(tenant, detected(tenant))
    later = detected(tenant, found={}, updated_at=NOON + ONE_SECOND)
    await conventions.keep(tenant, later)
    assert await conventions.detected(tenant, PROMETHEUS) == later


async def test_each_prometheus_has_its_own(conventions: ConventionStore, tenant: TenantId) -> None:
    await conventions.keep(tenant, detected(tenant))
    assert await conventions.detected(tenant, IntegrationId("int-2")) is None


async def test_another_tenants_is_not_seen_or_written(conventions: ConventionStore, tenant: TenantId) -> None:
    await conventions.keep(tenant, detected(tenant))
    other = TenantId(f"{tenant}-other")
    assert await conventions.detected(other, PROMETHEUS) is None
    with pytest.raises(StoreRejected):
        await conventions.keep(other, detected(tenant))
