"""How asking an integration's source went is noted beside what its operator wrote."""

import uuid
from datetime import timedelta

import pytest

from shared.adapters.cosmos.stores import CosmosDirectory
from shared.adapters.memory import MemoryDirectory
from shared.models.base import IntegrationId, TenantId
from shared.ports.stores import DirectoryStore
from tests.builders import NOON, an_integration
from tests.contract.conftest import BACKENDS

INTEGRATION = IntegrationId("int-1")


@pytest.fixture(params=BACKENDS)
def directory(request: pytest.FixtureRequest) -> DirectoryStore:
    if request.param == "memory":
        return MemoryDirectory()
    return CosmosDirectory(request.getfixturevalue("database"))


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"ten-{uuid.uuid4().hex[:12]}")


async def test_an_error_keeps_the_time_of_the_last_good_answer(directory: DirectoryStore, tenant: TenantId) -> None:
    made = an_integration(tenant_id=tenant, config="sealed")
    await directory.put(tenant, made)
    await directory.note_sync(tenant, INTEGRATION, at=NOON, error=None)
    good = made.model_copy(update={"is_healthy": True, "last_sync_at": NOON})
    assert await directory.integration(tenant, INTEGRATION) == good
    await directory.note_sync(tenant, INTEGRATION, at=NOON + timedelta(minutes=5), error="down")
    bad = good.model_copy(update={"is_healthy": False, "last_error": "down"})
    assert await directory.integration(tenant, INTEGRATION) == bad
    await directory.note_sync(tenant, INTEGRATION, at=NOON + timedelta(minutes=9), error=None)
    again = made.model_copy(update={"is_healthy": True, "last_sync_at": NOON + timedelta(minutes=9)})
    assert await directory.integration(tenant, INTEGRATION) == again


async def test_nothing_is_noted_of_an_integration_that_is_gone(directory: DirectoryStore, tenant: TenantId) -> None:
    await directory.note_sync(tenant, INTEGRATION, at=NOON, error=None)
    assert await directory.integration(tenant, INTEGRATION) is None
