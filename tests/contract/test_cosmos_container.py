"""The adapter's own promises on the real backend: full keys only, errors by name, retries that stay bounded."""

from typing import Any

import httpx
import pytest

from shared.adapters.cosmos.client import Container, CosmosDatabase, cosmos_database
from shared.errors import AlreadyExists, StoreRejected, StoreUnavailable
from tests.contract.conftest import DATABASE, EMULATOR_KEY, free_port

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("container", "key"),
    [(name, key) for name in ("claims", "incidents") for key in ((), ("",), (None,), "ten-a", ("ten-a", ""))]
    + [("incidents", ("ten-a",)), ("claims", ("ten-a", "inc"))],
)
async def test_a_query_without_its_full_partition_key_is_refused(
    database: CosmosDatabase, container: str, key: Any
) -> None:
    with pytest.raises(StoreRejected) as refused:
        await Container(database, container).query(key, "SELECT * FROM c")
    assert refused.value.reason == "partial_key"


async def test_a_passing_fault_is_retried_until_it_is_over(database: CosmosDatabase, cosmos_endpoint: str) -> None:
    fault = {"status": 449, "count": 2, "operation": "create", "container": "claims"}
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(f"{cosmos_endpoint}_faults", json=fault)).raise_for_status()
    assert await Container(database, "claims").create(("ten-retry",), {"id": "a", "tenant_id": "ten-retry"})


async def test_a_store_that_is_down_is_our_own_fault_within_bounded_time() -> None:
    nowhere = cosmos_database(f"http://127.0.0.1:{free_port()}/", EMULATOR_KEY, DATABASE, None)
    with pytest.raises(StoreUnavailable):
        await Container(nowhere, "claims").read(("ten-a",), "x")
    await nowhere.aclose()


async def test_a_second_create_is_named(database: CosmosDatabase) -> None:
    claims = Container(database, "claims")
    await claims.create(("ten-twice",), {"id": "a", "tenant_id": "ten-twice"})
    with pytest.raises(AlreadyExists):
        await claims.create(("ten-twice",), {"id": "a", "tenant_id": "ten-twice"})


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_document_that_is_too_large_is_refused_for_good(database: CosmosDatabase) -> None:
    body = {"id": "big", "tenant_id": "ten-big", "text": "x" * (2 * 1024 * 1024 + 1)}
    with pytest.raises(StoreRejected):
        await Container(database, "claims").create(("ten-big",), body)
